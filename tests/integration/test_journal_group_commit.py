"""Group commit on SQLite: one fsync for all who wait, and a fault in one is nobody else's."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.support.waiting import wait_for
from watcher.errors import JournalUnavailable
from watcher.journal import sqlite_writer
from watcher.journal.connection import Connection
from watcher.journal.prepared import Statements
from watcher.journal.sqlite_database import writing_engine
from watcher.journal.sqlite_writer import GroupWriter

PIECES = 12


class Desk:
    """A writer on a table of numbers, and how often it committed."""

    def __init__(self, path: Path) -> None:
        self._engine = writing_engine(path)
        self.connection = Connection(self._engine.connect(), Statements(self._engine.dialect))
        self.connection.exec_driver_sql("CREATE TABLE numbers (number INTEGER UNIQUE)")
        self.commits = self.savepoints = 0
        self.connection.driver.set_trace_callback(self._count)
        self.writer = GroupWriter(self.connection)

    def _count(self, statement: str) -> None:
        self.commits += statement == "COMMIT"
        self.savepoints += statement.startswith("SAVEPOINT")

    def add(self, number: int) -> int:
        def work(connection: Connection) -> int:
            connection.exec_driver_sql(f"INSERT INTO numbers VALUES ({number})")
            if number < 0:
                raise ValueError(number)
            return number

        return self.writer.run(work)

    def numbers(self) -> list[int]:
        return self.writer.run(lambda connection: connection.exec_driver_sql("SELECT * FROM numbers").scalars())

    def close(self) -> None:
        self.writer.close()
        self._engine.dispose()


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    desk = Desk(tmp_path / "numbers.db")
    yield desk
    desk.close()


class Held:
    """A piece of work that lasts until it may go on."""

    def __init__(self) -> None:
        self.begun, self.go_on = threading.Event(), threading.Event()

    def __call__(self, _connection: Connection) -> None:
        self.begun.set()
        assert self.go_on.wait(20)


def _while_one_is_at_work(desk: Desk, numbers: list[int]) -> list[int | Exception]:
    """Queue all of them behind one that is under way; what came of each."""
    hold = Held()

    def outcome(number: int) -> int | Exception:
        try:
            return desk.add(number)
        except (ValueError, JournalUnavailable) as error:
            return error

    with ThreadPoolExecutor(len(numbers) + 1) as pool:
        pool.submit(desk.writer.run, hold)
        assert hold.begun.wait(10)
        waiting = [pool.submit(outcome, number) for number in numbers]
        wait_for(lambda: len(desk.writer._waiting) == len(numbers))
        hold.go_on.set()
        return [each.result(10) for each in waiting]


def test_all_who_wait_are_committed_together(desk: Desk) -> None:
    results = _while_one_is_at_work(desk, list(range(PIECES)))

    assert results == list(range(PIECES))
    assert (desk.commits, desk.savepoints) == (2, 0)
    assert sorted(desk.numbers()) == results


def test_more_are_waited_for_only_where_the_last_were_several(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    # Given pieces that come one by one: nothing is waited for
    waits: list[float] = []
    monkeypatch.setattr(sqlite_writer, "pause", waits.append)
    desk.add(100)
    desk.add(101)
    assert not waits

    # When two have come together, then the next waits for more, and the one after that no longer
    _while_one_is_at_work(desk, [102, 103])
    assert not waits
    desk.add(104)
    assert len(waits) == 1
    desk.add(105)
    assert len(waits) == 1


def test_who_is_done_goes_on_while_the_next_group_is_at_work(desk: Desk) -> None:
    first, second = Held(), Held()
    with ThreadPoolExecutor(3) as pool:
        # Given two who queue up behind one that is at work, the former with more to do afterwards
        pool.submit(desk.writer.run, first)
        assert first.begun.wait(10)
        pool.submit(lambda: (desk.add(1), desk.writer.run(second)))
        wait_for(lambda: len(desk.writer._waiting) == 1)
        other = pool.submit(desk.add, 2)
        wait_for(lambda: len(desk.writer._waiting) == 2)
        try:
            # When they are done, and what comes next is at work
            first.go_on.set()
            assert second.begun.wait(10)
            # Then the latter is not kept waiting
            assert other.result(10) == 2
        finally:
            second.go_on.set()


def test_a_piece_that_fails_is_undone_alone(desk: Desk) -> None:
    results = _while_one_is_at_work(desk, [1, -2, 3, -4, 5, 5])

    assert sorted(desk.numbers()) == [1, 3, 5]
    assert [type(each) for each in results[:4]] == [int, ValueError, int, ValueError]
    assert {type(each) for each in results[4:]} == {int, JournalUnavailable}  # one of the fives broke the constraint


def test_a_commit_that_fails_is_told_to_all_whom_it_was_for(desk: Desk) -> None:
    """Given a constraint that only COMMIT checks, when one piece breaks it, then none of its group is written."""
    desk.connection.exec_driver_sql(
        "CREATE TABLE child (of INTEGER REFERENCES numbers(number) DEFERRABLE INITIALLY DEFERRED)"
    )

    def orphan(connection: Connection) -> None:
        connection.exec_driver_sql("INSERT INTO child VALUES (99)")

    with pytest.raises(JournalUnavailable, match="FOREIGN KEY"):
        desk.writer.run(orphan)

    assert desk.add(7) == 7
    assert desk.numbers() == [7]


def test_a_closed_writer_says_so(desk: Desk) -> None:
    desk.writer.close()

    with pytest.raises(JournalUnavailable, match="closed"):
        desk.add(1)
