"""The journal in PostgreSQL: many nodes, one database; a pooler in front of it does no harm."""

from __future__ import annotations

import os
import random
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any, TypeVar

import sqlalchemy
from sqlalchemy import URL, text
from sqlalchemy.exc import DBAPIError, IntegrityError

from watcher.clock import boot_seconds
from watcher.errors import JournalUnavailable, JournalUnusable
from watcher.journal.connection import Connection, Found
from watcher.journal.database import Listener, Listeners, Telling, Work, news_of, translated, translated_write
from watcher.journal.migrate import bring_up, needs_migration, require_current, stored_revision
from watcher.journal.postgres_clock import ServerClock
from watcher.journal.postgres_pipeline import PipelinedConnection, pipelined
from watcher.journal.postgres_sessions import (
    BEGIN_CLAIMING,
    BEGIN_READING,
    BEGIN_WRITING,
    DAEMON,
    LONGEST_TRANSACTION_SECONDS,
    NETWORK,
    Patience,
    plain_engine,
    working_engine,
)
from watcher.journal.postgres_wakeups import Wakeups
from watcher.journal.prepared import Statement, Statements
from watcher.model import NOTHING_NEW

T = TypeVar("T")

GOES = 12  # of one write, where other nodes are in its way
_IN_THE_WAY = ("40001", "40P01")  # serialization failure, deadlock
_MIGRATING = 0x696E766F  # the advisory lock of migrations
_OTHER_NODES = text(
    "SELECT count(*) FROM pg_stat_activity"
    " WHERE datname = current_database() AND application_name = :daemon AND pid <> pg_backend_pid()"
)


def require(url: URL) -> None:
    """Raises JournalUnusable unless the database has a journal of this version."""
    _with_connection(url, lambda connection: require_current(stored_revision(connection, _name(url)), _name(url)))


def prepare(url: URL, *, alone: bool) -> None:
    """Make the journal, or bring it to this version; with `alone` an older one only where no daemon runs."""

    def work(connection: sqlalchemy.Connection) -> None:
        connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_MIGRATING})")
        revision = stored_revision(connection, _name(url))
        if not needs_migration(revision, _name(url)):
            return
        if alone and revision is not None and connection.execute(_OTHER_NODES, {"daemon": DAEMON}).scalar_one():
            raise JournalUnusable(
                f"{_name(url)} is of an older version and another node runs with it: "
                "stop all nodes, then run `invoice-watcher migrate`"
            )
        bring_up(connection, revision)
        connection.commit()

    _with_connection(url, work)


def _with_connection(url: URL, work: Callable[[sqlalchemy.Connection], None]) -> None:
    engine = plain_engine(url)
    try:
        with translated(), engine.connect() as connection:
            work(connection)
    finally:
        engine.dispose()


def _name(url: URL) -> str:
    return f"the database {url.database} on {url.host or 'this machine'}"


class PostgresDatabase:
    """See Database. `url` is of a journal of this version; `daemon` shows other nodes that one is at work."""

    def __init__(self, url: URL, *, daemon: bool) -> None:
        self._engine = working_engine(url, daemon=daemon)
        self._statements = Statements(self._engine.dialect)
        self._clock = ServerClock()
        self._process = os.getpid()
        self._listeners = Listeners()
        self._wakeups = Wakeups(url.set(drivername="postgresql"), NETWORK, self._listeners.tell)
        self._patience = (
            Patience(LONGEST_TRANSACTION_SECONDS) if daemon else None
        )  # who reads a long list may take their time
        self._closed = threading.Event()

    def read(self, work: Work[T]) -> T:
        self._check()
        with translated():
            return self._again(lambda: self._read(work))

    def ask(self, statement: Statement, values: Mapping[str, Any] | None = None) -> Found:
        self._check()
        with translated():
            return self._again(lambda: self._ask(statement, values))

    def write(self, work: Work[T], *, news: Telling[T] = NOTHING_NEW, repeatable: bool = True) -> T:
        self._check()
        with translated_write():
            value = self._again(lambda: self._write(work, news, repeatable=repeatable))
        self._listeners.tell(news_of(news, value))
        return value

    def takes_over(self) -> bool:
        return self._clock.is_believed()

    def subscribe(self, listener: Listener) -> None:
        if self._listeners.add(listener):
            self._wakeups.start()

    def close(self) -> None:
        self._closed.set()
        self._wakeups.stop()
        if self._patience is not None:
            self._patience.stop()
        # In a forked child the sockets are the parent's: forget them, and say nothing over them.
        self._engine.dispose(close=os.getpid() == self._process)

    def _check(self) -> None:
        if os.getpid() != self._process:
            raise JournalUnusable("the journal was opened before this process was forked: open it anew")
        if self._closed.is_set():
            raise JournalUnavailable("the journal is closed")

    def _again(self, go: Callable[[], T]) -> T:
        """Where another node was in the way, and once where a pooled connection turned out to be dead."""
        reconnected = False
        for left in reversed(range(GOES)):
            try:
                return go()
            except _CommitLostError as lost:
                if reconnected or not lost.repeatable:
                    raise lost.cause from lost
                reconnected = True
            except DBAPIError as error:
                if not left or not (_in_the_way(error) or (error.connection_invalidated and not reconnected)):
                    raise
                reconnected = reconnected or error.connection_invalidated
            time.sleep(random.uniform(0.001, 0.02))  # noqa: S311 - only to part those who met
        raise AssertionError("the last go returns or raises")

    def _ask(self, statement: Statement, values: Mapping[str, Any] | None) -> Found:
        """In no transaction but the statement's own: nothing that the server would have to bound."""
        with self._engine.connect() as plain, self._bounded(plain):
            return Connection(plain, self._statements).execute(statement, values)

    def _read(self, work: Work[T]) -> T:
        with self._session() as plain:
            connection = Connection(plain, self._statements, self._clock.take_over_until)
            connection.begin("; ".join(BEGIN_READING))
            return work(connection)

    def _write(self, work: Work[T], news: Telling[T], *, repeatable: bool) -> T:
        is_committing = False
        with self._session() as plain:
            try:
                with pipelined(plain, self._statements, self._clock.take_over_until) as connection:
                    self._begin(connection, claims=not repeatable)  # what may not be repeated are claims
                    value = work(connection)
                    is_committing = True
                    connection.say(*self._wakeups.notifying(news_of(news, value)), "COMMIT")
            except DBAPIError as error:
                if is_committing and error.connection_invalidated:
                    raise _CommitLostError(error, repeatable=repeatable) from error
                raise
            return value

    @contextmanager
    def _session(self) -> Iterator[sqlalchemy.Connection]:
        """What is open at the end is undone."""
        with self._engine.connect() as plain, self._bounded(plain):
            try:
                yield plain
            finally:
                if not plain.invalidated:  # here, where it is bounded; after a commit there is nothing to undo
                    Connection(plain, self._statements).roll_back()

    def _begin(self, connection: PipelinedConnection, *, claims: bool) -> None:
        if not claims:
            connection.say(*BEGIN_WRITING)
            return
        asked_at = boot_seconds()
        shown = connection.say(*BEGIN_CLAIMING).scalar_one()
        self._clock.looked(shown, asked_at=asked_at, heard_at=boot_seconds())

    def _bounded(self, plain: sqlalchemy.Connection) -> AbstractContextManager[None]:
        return nullcontext() if self._patience is None else self._patience.bounded(plain)


class _CommitLostError(Exception):
    """The connection broke in COMMIT: whether it took is not known."""

    def __init__(self, cause: DBAPIError, *, repeatable: bool) -> None:
        super().__init__(str(cause))
        self.cause = cause
        self.repeatable = repeatable


def _in_the_way(error: DBAPIError) -> bool:
    return isinstance(error, IntegrityError) or getattr(error.orig, "sqlstate", None) in _IN_THE_WAY
