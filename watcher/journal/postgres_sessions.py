"""Connections to PostgreSQL, and what bounds them where a line, a node or a box between them goes dumb."""

from __future__ import annotations

import contextlib
import os
import socket
import threading
from collections.abc import Iterator
from typing import Any

from sqlalchemy import URL, Connection, Engine, NullPool, create_engine

from watcher.clock import boot_seconds
from watcher.errors import JournalUnusable

DAEMON = "invoice-watcher run"
_OTHER = "invoice-watcher"

# A black hole must be noticed: what is sent has to be acknowledged, and an idle connection answers.
NETWORK = {
    "connect_timeout": 10,
    "keepalives": 1,
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 20_000,  # ms
}
LONGEST_TRANSACTION_SECONDS = 20.0
_LOOK_SECONDS = 1.0

# The server rolls back what a stopped or cut-off node has left open: by itself it would notice after two
# hours, and until then nobody else could touch the rows that are locked. For the transaction alone, because a pooler
# may give every transaction another session; and said along with BEGIN, so that it costs no round trip.
_NOT_IDLE_FOR_LONG = "set_config('idle_in_transaction_session_timeout', '10s', true)"
# Nothing that is read walks a table. But where a bound is the server's own clock, it expects a third of all rows, and
# would start other processes for the few that there are: in a large journal, ten times as long as the reading takes.
_ALONE = "set_config('max_parallel_workers_per_gather', '0', true)"
_DURABLE = "set_config('synchronous_commit', 'on', true)"
# What the clock shows by which claims are over.
_SHOWN_MS = "CAST(EXTRACT(EPOCH FROM clock_timestamp()) * 1000 AS BIGINT)"

BEGIN_READING = (
    "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY",
    f"SELECT {_NOT_IDLE_FOR_LONG}, {_ALONE}",
)
# Whatever the database, the role or the server has as its default: claims look again at a row that
# was changed while they waited for it, and what is committed is on the disk.
_BEGIN = "BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE"
BEGIN_WRITING = (_BEGIN, f"SELECT {_NOT_IDLE_FOR_LONG}, {_DURABLE}")
BEGIN_CLAIMING = (_BEGIN, f"SELECT {_SHOWN_MS}, {_NOT_IDLE_FOR_LONG}, {_DURABLE}")


def working_engine(url: URL, *, daemon: bool) -> Engine:
    """Pooled connections that begin no transaction by themselves. Raises JournalUnusable without the driver."""
    pool = {"pool_size": 8, "max_overflow": 8, "pool_timeout": 30}
    return _engine(url, daemon=daemon, isolation_level="AUTOCOMMIT", **pool)


def plain_engine(url: URL) -> Engine:
    """One connection at a time, with ordinary transactions. Raises JournalUnusable without the driver."""
    return _engine(url, daemon=False, poolclass=NullPool)


def _engine(url: URL, *, daemon: bool, **more: Any) -> Engine:
    arguments: dict[str, Any] = {
        **NETWORK,
        "application_name": DAEMON if daemon else _OTHER,
        "prepare_threshold": None,  # a pooler may give every transaction another session
    }
    try:
        return create_engine(
            url.set(drivername="postgresql+psycopg"), connect_args=arguments, hide_parameters=True, **more
        )
    except ModuleNotFoundError as error:
        raise JournalUnusable(
            "the journal is on PostgreSQL, whose driver is missing: pip install 'invoice-watcher[postgres]'"
        ) from error


class Patience:
    """Ends transactions that take too long, by shutting their sockets: the waiting thread sees a lost connection.

    TCP tells nothing where a pooler, a proxy or a firewall acknowledges what it does not pass on.
    """

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._lock = threading.Lock()
        self._under_way: dict[int, tuple[float, Any]] = {}  # when it ends, and psycopg's connection
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="journal-patience", daemon=True)
        self._thread.start()

    @contextlib.contextmanager
    def bounded(self, connection: Connection) -> Iterator[None]:
        """For one transaction."""
        session = connection.connection.dbapi_connection
        with self._lock:
            self._under_way[id(session)] = (boot_seconds() + self._seconds, session)
        try:
            yield
        finally:
            with self._lock:
                del self._under_way[id(session)]

    def stop(self) -> None:
        self._stopping.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._stopping.wait(_LOOK_SECONDS):
            now = boot_seconds()
            with self._lock:
                for ends, session in self._under_way.values():
                    if ends <= now:
                        _shut(session)


def _shut(session: Any) -> None:
    with contextlib.suppress(OSError, session.Error):  # closed meanwhile
        mirror = socket.socket(fileno=os.dup(session.pgconn.socket))
        with mirror:
            mirror.shutdown(socket.SHUT_RDWR)
