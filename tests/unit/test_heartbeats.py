"""Who is late, and who is not: heartbeats by a clock that the test turns."""

from __future__ import annotations

import pytest

from watcher.service.heartbeats import MARGIN_SECONDS, WATCH, Heartbeats


class Clock:
    """Turned by the test."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


class Process:
    """Heartbeats in a process whose time passes when the test says so."""

    def __init__(self) -> None:
        self.clock = Clock()
        self.heartbeats = Heartbeats(self.clock)

    def runs(self, seconds: float) -> None:
        for _ in range(int(seconds)):
            self.clock.now += 1
            self.heartbeats.look()

    def is_stopped_for(self, seconds: float) -> None:
        self.clock.now += seconds
        self.heartbeats.look()


@pytest.fixture
def process() -> Process:
    return Process()


def test_a_worker_is_late_once_it_is_silent_for_longer_than_it_said(process: Process) -> None:
    worker = process.heartbeats.worker("claim", silence_seconds=100)
    worker.beat()
    process.runs(100)
    assert process.heartbeats.late() == []
    process.runs(1)
    assert process.heartbeats.late() == ["claim"]
    (late,) = process.heartbeats.look()
    assert process.heartbeats.silence_of(late) == 101


def test_a_worker_that_goes_round_is_never_late(process: Process) -> None:
    worker = process.heartbeats.worker("claim", silence_seconds=3)
    for _ in range(50):
        worker.beat()
        process.runs(3)
    assert process.heartbeats.late() == []


def test_who_waits_may_be_silent_for_as_long_as_it_waits(process: Process) -> None:
    worker = process.heartbeats.worker("look-shared", silence_seconds=3)
    worker.waits(60)
    process.runs(60 + MARGIN_SECONDS)
    assert process.heartbeats.late() == []
    process.runs(1)
    assert process.heartbeats.late() == ["look-shared"]


def test_a_late_worker_that_goes_on_is_forgiven(process: Process) -> None:
    worker = process.heartbeats.worker("claim", silence_seconds=3)
    worker.beat()
    process.runs(10)
    worker.beat()
    assert process.heartbeats.late() == []


def test_who_has_not_begun_or_has_ended_is_not_watched(process: Process) -> None:
    process.heartbeats.worker("let-in", silence_seconds=3)
    with process.heartbeats.worker("post", silence_seconds=3):
        pass
    process.runs(10)
    assert process.heartbeats.late() == []


def test_work_that_hangs_is_late_beside_work_of_the_same_name_that_does_not(process: Process) -> None:
    with (
        process.heartbeats.worker("post", silence_seconds=3),
        process.heartbeats.worker("post", silence_seconds=3),
        process.heartbeats.worker("post", silence_seconds=300),
    ):
        process.runs(10)
        assert process.heartbeats.late() == ["post"]
        assert len(process.heartbeats.look()) == 2


def test_the_one_that_has_been_late_for_longest_is_named_first(process: Process) -> None:
    process.heartbeats.worker("claim", silence_seconds=5).beat()
    process.heartbeats.worker("look-shared", silence_seconds=3).beat()
    process.runs(10)
    assert process.heartbeats.late() == ["look-shared", "claim"]


def test_nobody_is_late_for_the_time_that_the_machine_slept(process: Process) -> None:
    process.heartbeats.worker("claim", silence_seconds=60).beat()
    process.runs(20)
    process.is_stopped_for(8 * 3600)
    assert process.heartbeats.late() == []
    process.runs(60)
    assert process.heartbeats.late() == ["claim"]


def test_where_nobody_looks_any_more_that_is_told(process: Process) -> None:
    process.heartbeats.worker("claim", silence_seconds=600).beat()
    process.clock.now += 120
    assert process.heartbeats.late() == [WATCH]
    process.heartbeats.look()
    assert process.heartbeats.late() == []


def test_those_left_behind_by_a_reload_are_watched_no_more_whatever_they_say(process: Process) -> None:
    left_behind = process.heartbeats.worker("look-shared", silence_seconds=3)
    left_behind.beat()
    process.heartbeats.clear()
    left_behind.beat()
    process.runs(10)
    assert process.heartbeats.late() == []
    process.heartbeats.worker("look-shared", silence_seconds=3).beat()
    process.runs(10)
    assert process.heartbeats.late() == ["look-shared"]
