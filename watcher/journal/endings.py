"""How a try ended, kept with it whether or not its claim still holds."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from sqlalchemy import bindparam, select, update

from watcher.journal.clock import now_ms
from watcher.journal.connection import Connection
from watcher.journal.deferred import Deferred
from watcher.journal.tables import tries
from watcher.model import ClaimedBooking, TryEnding

RAW_BYTES = 64 * 1024  # of the endpoint's own words

_OF = Deferred(lambda: (tries.c.booking == bindparam("of"), tries.c.number == bindparam("nth")))
_END = Deferred(
    lambda: (
        update(tries)
        .where(*_OF(), tries.c.ended_at.is_(None))
        .values(
            ended_at=now_ms(),
            result=bindparam("ended_as"),
            in_doubt=bindparam("doubt"),
            code=bindparam("said_code"),
            message=bindparam("said"),
            raw=bindparam("answer"),
        )
    )
)
_ENDED = Deferred(lambda: select(tries.c.ended_at).where(*_OF()))


def end_try(connection: Connection, claimed: ClaimedBooking, ending: TryEnding) -> None:
    """Write the end of a try that has none yet."""
    end_tries(connection, [(claimed, ending)])


def end_tries(connection: Connection, ended: Iterable[tuple[ClaimedBooking, TryEnding]]) -> None:
    """The same for many."""
    connection.execute(_END, [_values(claimed, ending) for claimed, ending in ended])


def _values(claimed: ClaimedBooking, ending: TryEnding) -> dict[str, Any]:
    return {
        "of": claimed.booking,
        "nth": claimed.try_number,
        "ended_as": ending.result,
        "doubt": ending.in_doubt,
        "said_code": ending.code,
        "said": ending.message,
        "answer": _shortened(ending.raw),
    }


def try_has_ended(connection: Connection, claimed: ClaimedBooking) -> bool:
    """Whether its end is stored already, by an earlier go at the same write."""
    found = connection.execute(_ENDED, {"of": claimed.booking, "nth": claimed.try_number}).scalar_one_or_none()
    return found is not None


def _shortened(raw: str | None) -> str | None:
    if raw is None or len(raw) * 4 <= RAW_BYTES:
        return raw
    return raw.encode("utf-8", "replace")[:RAW_BYTES].decode("utf-8", "ignore")
