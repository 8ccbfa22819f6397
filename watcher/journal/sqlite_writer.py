"""The one writing connection to SQLite, and group commit: one fsync for all who wait.

Whoever gets the lock runs everything that is queued in one transaction, and commits once. While it waits for the
disk, the next group gathers: then all whose pieces are done go on at once, and the first of those that gathered
runs the next group. Nobody waits for the lock itself, where those who are done would stand behind the next group.
Hardly ever does a piece fail: then the group is undone and run once more, each piece in a savepoint of its own.
"""

from __future__ import annotations

import threading
from collections import deque
from contextlib import suppress
from queue import Empty, SimpleQueue
from time import sleep as pause
from typing import Any, Generic, TypeVar, cast

from sqlalchemy.exc import SQLAlchemyError

from watcher.errors import JournalUnavailable
from watcher.journal.connection import Connection
from watcher.journal.database import Work, translated_write

T = TypeVar("T")

# Where the last group was one of several pieces, more are in the making: to wait for them halves the commits, and
# costs a quiet process nothing.
_GATHERING_SECONDS = 0.001
_LOOK_SECONDS = 1.0  # who was to be the next may have been interrupted: then another one looks by itself


class _Ticket(Generic[T]):
    """One piece of work, and what came of it."""

    def __init__(self, work: Work[T]) -> None:
        self.work = work
        self.done = False
        self.value: T | None = None
        self.error: Exception | None = None
        self._woken: SimpleQueue[None] = SimpleQueue()

    def wake(self) -> None:
        """It is done, or the next group is its thread's to run."""
        self._woken.put(None)

    def wait(self) -> None:
        with suppress(Empty):
            self._woken.get(timeout=_LOOK_SECONDS)

    def fail(self, error: Exception) -> None:
        self.error, self.done = error, True

    def result(self) -> T:
        if self.error is not None:
            with translated_write():
                raise self.error
        return cast("T", self.value)  # it is done, and without an error


class GroupWriter:
    """Runs pieces of work from many threads on one connection, which is nobody else's."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._lock = threading.Lock()
        self._waiting: deque[_Ticket[Any]] = deque()
        self._closed = False
        self._are_many = False  # pieces in the last group

    def run(self, work: Work[T]) -> T:
        """Its value, once it is on disk; its exception, with nothing of it written."""
        ticket = _Ticket(work)
        self._waiting.append(ticket)
        while not ticket.done:
            if not self._lock.acquire(blocking=False):
                ticket.wait()
                continue
            try:
                if not ticket.done:
                    self._run_group()
            finally:
                self._let_go()
        return ticket.result()

    def data_version(self) -> int:
        """Changes when another connection has committed, and never by what is written here."""
        self._lock.acquire()
        try:
            self._check_open()
            return int(self._connection.exec_driver_sql("PRAGMA data_version").scalar_one())
        finally:
            self._let_go()

    def close(self) -> None:
        """Wait for the group that is under way; what comes later fails."""
        self._lock.acquire()
        try:
            self._closed = True
            self._connection.plain.close()
        finally:
            self._let_go()

    def _let_go(self) -> None:
        """Of the lock; who has queued up meanwhile is told, because it does not wait for that."""
        self._lock.release()
        with suppress(IndexError):  # nobody has
            self._waiting[0].wake()

    def _check_open(self) -> None:
        if self._closed:
            raise JournalUnavailable("the journal is closed")

    def _run_group(self) -> None:
        if self._are_many:
            pause(_GATHERING_SECONDS)
        group = [self._waiting.popleft() for _ in range(len(self._waiting))]
        self._are_many = len(group) > 1
        try:
            self._check_open()
            self._say("BEGIN IMMEDIATE")
            if not self._ran_together(group):
                self._roll_back()
                self._say("BEGIN IMMEDIATE")
                for ticket in group:
                    self._run_apart(ticket)
            self._say("COMMIT")
        except BaseException as error:
            self._roll_back()
            _fail_all(group, error)
            if not isinstance(error, Exception):
                raise
        finally:
            for ticket in group:
                ticket.done = True
                ticket.wake()

    def _ran_together(self, group: list[_Ticket[Any]]) -> bool:
        """False where one has failed among others. Raises what it raised where it is alone: all is undone then."""
        try:
            for ticket in group:
                ticket.value = ticket.work(self._connection)
        except Exception:
            if len(group) == 1:
                raise
            return False
        return True

    def _run_apart(self, ticket: _Ticket[Any]) -> None:
        self._say("SAVEPOINT piece")
        try:
            ticket.value = ticket.work(self._connection)
        except Exception as error:
            if not self._in_transaction():  # a full or broken disk makes SQLite undo the whole group
                raise
            self._say("ROLLBACK TO piece")
            ticket.fail(error)
        self._say("RELEASE piece")

    def _say(self, statement: str) -> None:
        self._connection.exec_driver_sql(statement)

    def _in_transaction(self) -> bool:
        return bool(self._connection.driver.in_transaction)

    def _roll_back(self) -> None:
        with suppress(SQLAlchemyError):
            if not self._closed and self._in_transaction():
                self._say("ROLLBACK")


def _fail_all(group: list[_Ticket[Any]], error: BaseException) -> None:
    """Nothing of the group is written; an interrupt of the thread that ran it is no fault of the others."""
    for ticket in group:
        if ticket.error is None:
            ticket.fail(error if isinstance(error, Exception) else JournalUnavailable("the write was interrupted"))
