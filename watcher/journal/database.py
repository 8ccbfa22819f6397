"""What the parts of the journal need of a database, and the translation of its errors."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Mapping
from typing import Any, Protocol, TypeVar

from sqlalchemy.exc import DataError, DBAPIError, TimeoutError  # noqa: A004 - the pool's, when no connection comes free

from watcher.errors import JournalRefused, JournalUnavailable, JournalUnusable
from watcher.journal.connection import Connection, Found
from watcher.journal.prepared import Statement
from watcher.model import NOTHING_NEW, News

T = TypeVar("T")
Work = Callable[[Connection], T]
Telling = News | Callable[[T], News]
Listener = Callable[[News], None]

log = logging.getLogger(__name__)

# How SQLSTATE begins where it is of the values and not of the database: of a kind that it does not take, nothing where
# something has to be, against a condition, and beyond a limit (of an index's row, say). What another node may have
# written or deleted meanwhile (a key that is there already, a row that is gone) is none of these.
_OF_THE_VALUES = ("22", "23502", "23514", "54")

FULL = "the journal's disk is full: nothing is taken in or posted until there is room"


class Database(Protocol):
    """Runs functions of a connection, each in a transaction of its own; called by many threads."""

    def read(self, work: Work[T]) -> T:
        """Run it on one consistent state. Raises JournalUnavailable, JournalUnusable."""

    def ask(self, statement: Statement, values: Mapping[str, Any] | None = None) -> Found:
        """Run one statement that reads: it sees one consistent state by itself. Raises as `read`."""

    def write(self, work: Work[T], *, news: Telling[T] = NOTHING_NEW, repeatable: bool = True) -> T:
        """Run it, and return when what it wrote is durable; what it raises undoes it alone.

        It may be run more than once. `repeatable` says that it may also be run again where it is not
        known whether its commit took: it recognises what it did. `news`: what it may have made due, or how
        to tell from what it returned.
        Raises JournalUnavailable (then nothing is known to be written), JournalRefused, JournalUnusable.
        """

    def takes_over(self) -> bool:
        """Whether what is claimed may be taken over now where its time is over; else nobody need look for that."""

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

    def __init__(self, *, of_a_write: bool) -> None:
        self._of_a_write = of_a_write

    def __enter__(self) -> None: ...

    def __exit__(self, _kind: object, error: BaseException | None, _trace: object) -> None:
        if self._of_a_write and isinstance(error, DBAPIError) and _is_of_the_values(error):
            raise JournalRefused(f"the journal's database does not take this: {_without_values(error)}") from error
        if isinstance(error, (DBAPIError, TimeoutError)):
            raise as_journal_error(error) from error


_TRANSLATION, _TRANSLATION_OF_WRITES = _Translation(of_a_write=False), _Translation(of_a_write=True)


def translated() -> _Translation:
    """Turns a database's errors into the journal's; statements that are wrong in themselves stay what they are."""
    return _TRANSLATION


def translated_write() -> _Translation:
    """The same of a write, whose values may be refused."""
    return _TRANSLATION_OF_WRITES


def as_journal_error(error: DBAPIError | TimeoutError) -> JournalUnavailable | JournalUnusable:
    """What an SQL error means to the caller: try later, or have a person look."""
    said = " ".join(str(error.orig if isinstance(error, DBAPIError) else error).split())
    if "malformed" in said or "not a database" in said:
        return JournalUnusable(f"the journal's database is damaged ({said}): restore it from a backup")
    if "is full" in said:
        return JournalUnavailable(FULL)
    return JournalUnavailable(f"the journal's database cannot be used now: {said}")


def _is_of_the_values(error: DBAPIError) -> bool:
    """Whether they would be refused again, whenever they come."""
    state = getattr(error.orig, "sqlstate", None)
    return isinstance(error, DataError) if state is None else str(state).startswith(_OF_THE_VALUES)


def _without_values(error: DBAPIError) -> str:
    """What the server says, but for the details, where it repeats the values: they are of people."""
    diagnosis = getattr(error.orig, "diag", None)
    return " ".join(str(getattr(diagnosis, "message_primary", None) or error.orig).split())
