"""The journal in PostgreSQL: many nodes, one database; a pooler in front of it does no harm."""

from __future__ import annotations

import os
import random
import threading
import time
from collections.abc import Callable
from typing import Any, TypeVar

from sqlalchemy import URL, Connection, Engine, NullPool, create_engine, text
from sqlalchemy.exc import DBAPIError, IntegrityError

from watcher.errors import JournalUnavailable, JournalUnusable
from watcher.journal.database import Listeners, Work, translated
from watcher.journal.migrate import bring_up, needs_migration, require_current, stored_revision
from watcher.journal.postgres_wakeups import CHANNEL, Wakeups

T = TypeVar("T")

# A black hole must be noticed: what is sent has to be acknowledged, and an idle connection answers.
_NETWORK = {
    "connect_timeout": 10,
    "keepalives": 1,
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 20_000,  # ms
}
_DAEMON = "invoice-watcher run"
_OTHER = "invoice-watcher"
GOES = 12  # of one write, where other nodes are in its way
_IN_THE_WAY = ("40001", "40P01")  # serialization failure, deadlock
_MIGRATING = 0x696E766F  # the advisory lock of migrations
_OTHER_NODES = text(
    "SELECT count(*) FROM pg_stat_activity"
    " WHERE datname = current_database() AND application_name = :daemon AND pid <> pg_backend_pid()"
)


def postgres_engine(url: URL, *, daemon: bool, pooled: bool = True) -> Engine:
    """Raises JournalUnusable where the driver is not installed."""
    arguments: dict[str, Any] = {
        **_NETWORK,
        "application_name": _DAEMON if daemon else _OTHER,
        "prepare_threshold": None,  # a pooler may give every transaction another session
    }
    pool: dict[str, Any] = (
        {"pool_size": 8, "max_overflow": 8, "pool_timeout": 30} if pooled else {"poolclass": NullPool}
    )
    try:
        return create_engine(url.set(drivername="postgresql+psycopg"), connect_args=arguments, **pool)
    except ModuleNotFoundError as error:
        raise JournalUnusable(
            "the journal is on PostgreSQL, whose driver is missing: pip install 'invoice-watcher[postgres]'"
        ) from error


def require(url: URL) -> None:
    """Raises JournalUnusable unless the database has a journal of this version."""
    _with_connection(url, lambda connection: require_current(stored_revision(connection, _name(url)), _name(url)))


def prepare(url: URL, *, alone: bool) -> None:
    """Make the journal, or bring it to this version; with `alone` an older one only where no daemon runs."""

    def work(connection: Connection) -> None:
        connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_MIGRATING})")
        revision = stored_revision(connection, _name(url))
        if not needs_migration(revision, _name(url)):
            return
        if alone and revision is not None and connection.execute(_OTHER_NODES, {"daemon": _DAEMON}).scalar_one():
            raise JournalUnusable(
                f"{_name(url)} is of an older version and another node runs with it: "
                "stop all nodes, then run `invoice-watcher migrate`"
            )
        bring_up(connection, revision)
        connection.commit()

    _with_connection(url, work)


def _with_connection(url: URL, work: Callable[[Connection], None]) -> None:
    engine = postgres_engine(url, daemon=False, pooled=False)
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
        self._engine = postgres_engine(url, daemon=daemon)
        self._process = os.getpid()
        self._listeners = Listeners()
        self._wakeups = Wakeups(url.set(drivername="postgresql"), _NETWORK, self._listeners.tell)
        self._closed = threading.Event()

    def read(self, work: Work[T]) -> T:
        self._check()
        with translated():
            return self._again(lambda: self._read(work))

    def write(self, work: Work[T], *, wakes: bool = False, repeatable: bool = True) -> T:
        self._check()
        with translated():
            value = self._again(lambda: self._write(work, wakes=wakes, repeatable=repeatable))
        if wakes:
            self._listeners.tell()
        return value

    def subscribe(self, listener: Callable[[], None]) -> None:
        if self._listeners.add(listener):
            self._wakeups.start()

    def close(self) -> None:
        self._closed.set()
        self._wakeups.stop()
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

    def _read(self, work: Work[T]) -> T:
        with self._engine.connect() as connection:
            connection.exec_driver_sql("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
            return work(connection)

    def _write(self, work: Work[T], *, wakes: bool, repeatable: bool) -> T:
        with self._engine.connect() as connection:
            value = work(connection)
            if wakes:
                connection.exec_driver_sql(f"SELECT pg_notify('{CHANNEL}', '{self._wakeups.name}')")
            try:
                connection.commit()
            except DBAPIError as error:
                if error.connection_invalidated:
                    raise _CommitLostError(error, repeatable=repeatable) from error
                raise
            return value


class _CommitLostError(Exception):
    """The connection broke in COMMIT: whether it took is not known."""

    def __init__(self, cause: DBAPIError, *, repeatable: bool) -> None:
        super().__init__(str(cause))
        self.cause = cause
        self.repeatable = repeatable


def _in_the_way(error: DBAPIError) -> bool:
    return isinstance(error, IntegrityError) or getattr(error.orig, "sqlstate", None) in _IN_THE_WAY
