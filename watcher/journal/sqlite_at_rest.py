"""A journal's file that nobody works on, read as it lies.

Who reads beside others shares 32 KiB with them in a file that SQLite makes for it: on a full disk nobody could look.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeVar

from watcher.errors import JournalUnavailable
from watcher.journal.connection import Found
from watcher.journal.database import FULL, Listener, Telling, Work, translated
from watcher.journal.lock import holder_of
from watcher.journal.prepared import Statement, Statements
from watcher.journal.sqlite_database import engine_at_rest
from watcher.journal.sqlite_file import has_no_room, is_complete
from watcher.journal.sqlite_readers import Readers
from watcher.model import NOTHING_NEW

T = TypeVar("T")


def is_at_rest(path: Path) -> bool:
    """Whether its disk is full, and its file all that there is of it: no daemon has it, and no log lies beside it."""
    return has_no_room(path) and is_complete(path) and holder_of(path) is None


class DatabaseAtRest:
    """See Database. Nothing can be written."""

    def __init__(self, path: Path) -> None:
        self._engine = engine_at_rest(path)
        self._readers = Readers(self._engine, Statements(self._engine.dialect))

    def read(self, work: Work[T]) -> T:
        with translated(), self._readers.reading() as connection:
            return work(connection)

    def ask(self, statement: Statement, values: Mapping[str, Any] | None = None) -> Found:
        with translated(), self._readers.lent() as connection:
            return connection.execute(statement, values)

    def write(self, work: Work[T], *, news: Telling[T] = NOTHING_NEW, repeatable: bool = True) -> T:  # noqa: ARG002 - as Database has it
        raise JournalUnavailable(FULL)

    def takes_over(self) -> bool:
        return True

    def subscribe(self, listener: Listener) -> None:
        """Nothing will be new."""

    def close(self) -> None:
        self._readers.close()
        self._engine.dispose()
