"""Threads that work on what they are handed: no more than are needed, the warmest first."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from queue import SimpleQueue

import pytest

from tests.support.waiting import wait_for
from watcher.service import crew as crew_module
from watcher.service.crew import Crew

PATIENCE_S = 30


class Work:
    """What a crew is handed: it lasts until it is let go, and knows who did it."""

    def __init__(self) -> None:
        self.done_by: SimpleQueue[int] = SimpleQueue()
        self.crew: Crew[threading.Event] = Crew("test", self._wait)

    def begin(self) -> threading.Event:
        """Something that a thread is kept at work by."""
        ends = threading.Event()
        self.crew.hand(ends)
        return ends

    def end(self, task: threading.Event) -> int:
        """The thread that did it, free again."""
        idle = len(self.crew._idle)
        task.set()
        done_by = self.done_by.get(timeout=PATIENCE_S)
        wait_for(lambda: len(self.crew._idle) != idle or not self.crew._threads)
        return done_by

    def _wait(self, task: threading.Event) -> None:
        task.wait(PATIENCE_S)
        self.done_by.put(threading.get_ident())


@pytest.fixture
def work() -> Iterator[Work]:
    made = Work()
    yield made
    made.crew.close()


def _threads() -> int:
    return sum(thread.name == "test" for thread in threading.enumerate())


def test_who_came_free_last_works_next(work: Work) -> None:
    # Given three threads that were at work together, and came free one after the other
    tasks = [work.begin() for _ in range(3)]
    threads = [work.end(task) for task in tasks]
    assert len(set(threads)) == 3
    # When one thing after the other is handed to them
    later = [work.end(work.begin()) for _ in range(5)]
    # Then the last one does it all, and no further thread was started
    assert set(later) == {threads[-1]}
    assert _threads() == 3


def test_who_has_had_nothing_to_do_for_long_ends_and_another_is_started_when_there_is_more(
    work: Work, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Given threads that do not wait long
    monkeypatch.setattr(crew_module, "IDLE_SECONDS", 0.01)
    for task in [work.begin() for _ in range(3)]:
        work.end(task)
    # When they are handed nothing
    wait_for(lambda: _threads() == 0)
    # Then they are gone, and what comes then is done all the same
    assert work.end(work.begin())


def test_nothing_is_lost_where_a_thread_is_handed_something_as_it_is_about_to_end(
    work: Work, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(crew_module, "IDLE_SECONDS", 0.0)
    assert all(work.end(work.begin()) for _ in range(500))


def test_closing_waits_for_what_is_under_way(work: Work) -> None:
    # Given a thread at work, and an idle one
    idle, task = work.begin(), work.begin()
    work.end(idle)
    # When the crew is closed
    closing = threading.Thread(target=work.crew.close)
    closing.start()
    wait_for(lambda: _threads() == 1)
    assert closing.is_alive()
    task.set()
    closing.join(PATIENCE_S)
    # Then nobody is left
    assert not closing.is_alive()
    assert _threads() == 0


def test_a_thread_that_cannot_be_had_is_told_and_the_next_one_is_tried(
    work: Work, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(_thread: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    with monkeypatch.context() as machine:
        machine.setattr(threading.Thread, "start", fail)
        with pytest.raises(OSError, match="no thread"):
            work.begin()
    assert work.end(work.begin())
