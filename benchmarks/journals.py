"""What a daemon that is measured has written so far. No measurement by itself."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass

from tests.support.waiting import wait_for
from tests.support.workplace import Workplace

LONG_SECONDS = 300.0


@dataclass(frozen=True, slots=True)
class Watched:
    """A journal on SQLite beside the daemon that writes it."""

    _connection: sqlite3.Connection

    def submissions(self) -> int:
        (count,) = self._connection.execute("SELECT count(*) FROM submissions").fetchone()
        return int(count)

    def closed(self) -> int:
        (count,) = self._connection.execute("SELECT count(*) FROM submissions WHERE state = 'closed'").fetchone()
        return int(count)

    def wait_for(self, count: int, timeout: float = LONG_SECONDS) -> None:
        """Until so many submissions were taken in."""
        wait_for(lambda: self.submissions() >= count, timeout, f"{count} submissions")

    def wait_for_closed(self, count: int, timeout: float = LONG_SECONDS) -> None:
        wait_for(lambda: self.closed() >= count, timeout, f"{count} closed submissions")


@contextmanager
def journal_of(workplace: Workplace) -> Iterator[Watched]:
    """To read in only; the daemon must have made it."""
    path = workplace.root / "journal.db"
    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=60)) as connection:
        yield Watched(connection)
