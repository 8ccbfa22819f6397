"""Times in the journal: milliseconds since the epoch, told by the database's clock and never by a node's."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import BigInteger
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)
FOREVER_MS = 2**62  # later than any clock shows


class now_ms(FunctionElement[int]):  # noqa: N801 - it reads as the SQL function that it is
    """The database's clock, in milliseconds since the epoch; one value within a statement."""

    type = BigInteger()
    inherit_cache = True
    name = "now_ms"


@compiles(now_ms, "sqlite")
def _on_sqlite(_element: now_ms, _compiler: SQLCompiler, **_options: Any) -> str:
    # SQLite counts whole milliseconds inside; rounding undoes what the days in a float add to them.
    return "CAST(ROUND((julianday('now') - 2440587.5) * 86400000.0) AS INTEGER)"


@compiles(now_ms, "postgresql")
def _on_postgresql(_element: now_ms, _compiler: SQLCompiler, **_options: Any) -> str:
    # now() stands still in a transaction. The sub-select is computed once, without which a volatile
    # function keeps the planner from using an index on what it is compared with.
    return "(SELECT CAST(EXTRACT(EPOCH FROM clock_timestamp()) * 1000 AS BIGINT))"


def to_ms(moment: datetime) -> int:
    """Milliseconds since the epoch of an aware time."""
    return (moment - _EPOCH) // _MILLISECOND


def span_ms(span: timedelta) -> int:
    """A duration in milliseconds."""
    return span // _MILLISECOND


def from_ms(value: int) -> datetime:
    """The aware UTC time of milliseconds since the epoch."""
    return _EPOCH + value * _MILLISECOND


def maybe_from_ms(value: int | None) -> datetime | None:
    return None if value is None else from_ms(value)
