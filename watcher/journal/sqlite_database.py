"""The journal in one SQLite file: one writer, many readers, no server."""

from __future__ import annotations

import itertools
import os
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import quote

from sqlalchemy import Engine, NullPool, create_engine, event
from sqlalchemy.engine import URL
from sqlalchemy.exc import SQLAlchemyError

from watcher.errors import JournalUnavailable, JournalUnusable, WatcherError
from watcher.journal.connection import Connection, Found
from watcher.journal.database import Listener, Listeners, Telling, Work, news_of, translated
from watcher.journal.prepared import Statement, Statements
from watcher.journal.sqlite_readers import Readers
from watcher.journal.sqlite_writer import GroupWriter
from watcher.model import ANYTHING, NOTHING_NEW

T = TypeVar("T")

BUSY_TIMEOUT_SECONDS = 20.0  # how long another process may hold the write lock
POLL_SECONDS = 0.25  # how soon the decision of another process is seen
_KEPT_STATEMENTS = 512  # that SQLite has compiled, on each connection: all that the journal has, and their variants
_ASK_EACH = 20  # of these times the database itself is asked at least once, whatever the log's stamp says
_STAMP_NS = 100_000_000  # a stamp so young may still stand for a later write: the kernel's clock goes in steps

_WRITING = (
    "journal_mode=WAL",
    "synchronous=FULL",
    "foreign_keys=ON",
    "journal_size_limit=67108864",
    "temp_store=MEMORY",  # what undoes a savepoint is small; in /var/tmp it costs calls, and fails where that is full
)
_READING = ("query_only=ON",)


def bare_engine(path: Path, *pragmas: str, query: Mapping[str, str] | None = None, **pool: Any) -> Engine:
    """Connections that begin no transaction by themselves, and change nothing but what `pragmas` say.

    `query` is of SQLite's own URI, such as ``mode=ro`` (with ``uri=true``).
    """
    database = "file:" + quote(str(path)) if query else str(path)
    engine = create_engine(
        URL.create("sqlite", database=database, query=query or {}),
        hide_parameters=True,  # an error that is logged tells of the statement, not of people
        connect_args={
            "isolation_level": None,
            "check_same_thread": False,
            "timeout": BUSY_TIMEOUT_SECONDS,
            "cached_statements": _KEPT_STATEMENTS,
        },
        **pool,
    )
    event.listen(engine, "connect", _pragmas(pragmas))
    return engine


def writing_engine(path: Path) -> Engine:
    return bare_engine(path, *_WRITING, poolclass=NullPool)


def reading_engine(path: Path) -> Engine:
    """Connections that cannot write."""
    return bare_engine(path, *_READING, poolclass=NullPool)


def engine_at_rest(path: Path) -> Engine:
    """Connections that believe that nobody writes to the file, nor has written what is not in it yet."""
    return bare_engine(path, *_READING, query={"immutable": "1", "uri": "true"}, poolclass=NullPool)


def _pragmas(pragmas: tuple[str, ...]) -> Callable[[Any, Any], None]:
    def apply(connection: Any, _record: Any) -> None:
        for pragma in pragmas:
            connection.execute(f"PRAGMA {pragma}").close()

    return apply


class SqliteDatabase:
    """See Database. `path` is a journal of this version; `release` lets go of its lock at the end."""

    def __init__(self, path: Path, *, release: Callable[[], None] = lambda: None) -> None:
        self._release = release
        self._process = os.getpid()
        self._listeners = Listeners()
        self._closing = threading.Event()
        self._log = path.with_name(path.name + "-wal")
        self._watcher: threading.Thread | None = None
        self._engines = (reading_engine(path), writing_engine(path))
        reading, writing = self._engines
        self._statements = Statements(writing.dialect)
        self._readers = Readers(reading, self._statements)
        with translated():
            self._writer = GroupWriter(Connection(writing.connect(), self._statements))

    def read(self, work: Work[T]) -> T:
        self._check_process()
        with translated(), self._readers.reading() as connection:
            return work(connection)

    def ask(self, statement: Statement, values: Mapping[str, Any] | None = None) -> Found:
        self._check_process()
        with translated(), self._readers.lent() as connection:
            return connection.execute(statement, values)

    def write(self, work: Work[T], *, news: Telling[T] = NOTHING_NEW, repeatable: bool = True) -> T:  # noqa: ARG002 - commits are known here
        self._check_process()
        value = self._writer.run(work)
        self._listeners.tell(news_of(news, value))
        return value

    def takes_over(self) -> bool:
        return True

    def subscribe(self, listener: Listener) -> None:
        if self._listeners.add(listener):
            with translated():
                seen = self._writer.data_version()
            self._watcher = threading.Thread(target=self._watch, args=(seen,), name="journal-watch", daemon=True)
            self._watcher.start()

    def close(self) -> None:
        self._closing.set()
        if self._watcher is not None and self._watcher is not threading.current_thread():
            self._watcher.join()
        if os.getpid() == self._process:
            self._writer.close()
            self._readers.close()
            for engine in self._engines:
                engine.dispose()
        self._release()

    def _check_process(self) -> None:
        if os.getpid() != self._process:  # SQLite's connections and locks do not survive a fork
            raise JournalUnusable("the journal was opened before this process was forked: open it anew")
        if self._closing.is_set():
            raise JournalUnavailable("the journal is closed")

    def _watch(self, seen: int) -> None:
        """Whoever commits writes to the log: while its stamp stays, the writer is not asked, who may be at work."""
        stamp: object = None
        for look in itertools.count():
            if self._closing.wait(POLL_SECONDS):
                return
            before, stamp = stamp, _stamp(self._log)
            if stamp == before is not None and look % _ASK_EACH:
                continue
            try:
                version = self._writer.data_version()
            except (SQLAlchemyError, WatcherError):
                continue  # whoever writes next will say what is wrong
            if version != seen:
                seen = version
                self._listeners.tell(ANYTHING)


def _stamp(log: Path) -> tuple[int, int] | None:
    """What every write to the file changes; None: that cannot be told."""
    try:
        status = log.stat()
    except OSError:
        return None
    is_old = abs(time.time_ns() - status.st_mtime_ns) > _STAMP_NS
    return (status.st_mtime_ns, status.st_size) if is_old else None
