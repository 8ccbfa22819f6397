"""Every statement that a journal says to its database, heard before or after it is carried out."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from unittest import mock

from watcher.journal.connection import Connection
from watcher.journal.journal import SqlJournal

Hears = Callable[[Connection, str, Any], None]  # the statement, and what it is given: one or many


def _nobody(_connection: Connection, _statement: str, _values: Any) -> None: ...


@contextmanager
def heard(*, before: Hears = _nobody, after: Hears = _nobody, of: SqlJournal | None = None) -> Iterator[None]:
    """Of one journal, or of all."""
    run = Connection._run

    def listened(connection: Connection, sql: str, *values: Any, **how: bool) -> Any:
        if of is not None and connection._statements is not of._database._statements:  # type: ignore[attr-defined]
            return run(connection, sql, *values, **how)
        given = values[0] if values else ()
        before(connection, sql, given)
        found = run(connection, sql, *values, **how)
        after(connection, sql, given)
        return found

    with mock.patch.object(Connection, "_run", listened):
        yield
