"""Connections that read from SQLite: as many as there are readers at once, and a few are kept."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import Engine

from watcher.journal.connection import Connection
from watcher.journal.prepared import Statements

_KEPT = 4


class Readers:
    """Lends connections, each to one at a time. Safe for threads."""

    def __init__(self, engine: Engine, statements: Statements) -> None:
        """`engine` gives a new connection each time, which begins no transaction by itself."""
        self._engine = engine
        self._statements = statements
        self._lock = threading.Lock()
        self._idle: list[Connection] = []
        self._closed = False

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """In a transaction, which sees one state."""
        with self.lent() as connection:
            connection.exec_driver_sql("BEGIN")
            try:
                yield connection
            finally:
                connection.exec_driver_sql("ROLLBACK")

    @contextmanager
    def lent(self) -> Iterator[Connection]:
        """In no transaction. Where something fails it is not lent again."""
        connection = self._taken()
        sound = False
        try:
            yield connection
            sound = True
        finally:
            self._give_back(connection, sound=sound)

    def close(self) -> None:
        """Those that are lent are closed when they come back."""
        with self._lock:
            self._closed = True
            idle, self._idle = self._idle, []
        for connection in idle:
            connection.plain.close()

    def _taken(self) -> Connection:
        with self._lock:
            if self._idle:
                return self._idle.pop()
        return Connection(self._engine.connect(), self._statements)

    def _give_back(self, connection: Connection, *, sound: bool) -> None:
        with self._lock:
            keep = sound and not self._closed and len(self._idle) < _KEPT
            if keep:
                self._idle.append(connection)
        if not keep:
            connection.plain.close()
