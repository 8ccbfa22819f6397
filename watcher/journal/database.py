"""What the parts of the journal need of a database, and the translation of its errors."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Mapping
from typing import Any, Protocol, TypeVar

from sqlalchemy.exc import DBAPIError, TimeoutError  # noqa: A004 - the pool's, when no connection comes free

from watcher.errors import JournalUnavailable, JournalUnusable
from watcher.journal.connection import Connection, Result
from watcher.journal.prepared import Statement
from watcher.model import NOTHING_NEW, News

T = TypeVar("T")
Work = Callable[[Connection], T]
Telling = News | Callable[[T], News]
Listener = Callable[[News], None]

log = logging.getLogger(__name__)

FULL = "the journal's disk is full: nothing is taken in or posted until there is room"


class Database(Protocol):
    """Runs functions of a connection, each in a transaction of its own; called by many threads."""

    def read(self, work: Work[T]) -> T:
        """Run it on one consistent state. Raises JournalUnavailable, JournalUnusable."""

    def ask(self, statement: Statement, values: Mapping[str, Any] | None = None) -> Result:
        """Run one statement that reads: it sees one consistent state by itself. Raises as `read`."""

    def write(self, work: Work[T], *, news: Telling[T] = NOTHING_NEW, repeatable: bool = True) -> T:
        """Run it, and return when what it wrote is durable; what it raises undoes it alone.

        It may be run more than once. `repeatable` says that it may also be run again where it is not
        known whether its commit took: it recognises what it did. `news`: what it may have made due, or how
        to tell from what it returned.
        Raises JournalUnavailable (then nothing is known to be written), JournalUnusable.
        """

    def subscribe(self, listener: Listener) -> None:
        """Call it after writes that have news, of this process and others, from any thread."""

    def close(self) -> None: ...


class Part:
    """One side of the journal: methods over a database."""

    def __init__(self, database: Database) -> None:
        self._database = database


class Listeners:
    """Whom to tell of new work."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._listeners: tuple[Listener, ...] = ()

    def add(self, listener: Listener) -> bool:
        """Whether it is the first."""
        with self._lock:
            self._listeners = (*self._listeners, listener)
            return len(self._listeners) == 1

    def tell(self, news: News) -> None:
        if not news:
            return
        for listener in self._listeners:
            try:
                listener(news)
            except Exception:  # a listener's fault must not look like a failed write
                log.exception("A listener of the journal failed.")


def news_of(told: Telling[T], value: T) -> News:
    return told if isinstance(told, News) else told(value)


class _Translation:
    """A class, because each call of the journal passes here, and a generator costs three times as much."""

    def __enter__(self) -> None: ...

    def __exit__(self, _kind: object, error: BaseException | None, _trace: object) -> None:
        if isinstance(error, (DBAPIError, TimeoutError)):
            raise as_journal_error(error) from error


_TRANSLATION = _Translation()


def translated() -> _Translation:
    """Turns a database's errors into the journal's; statements that are wrong in themselves stay what they are."""
    return _TRANSLATION


def as_journal_error(error: DBAPIError | TimeoutError) -> JournalUnavailable | JournalUnusable:
    """What an SQL error means to the caller: try later, or have a person look."""
    said = " ".join(str(error.orig if isinstance(error, DBAPIError) else error).split())
    if "malformed" in said or "not a database" in said:
        return JournalUnusable(f"the journal's database is damaged ({said}): restore it from a backup")
    if "is full" in said:
        return JournalUnavailable(FULL)
    return JournalUnavailable(f"the journal's database cannot be used now: {said}")
