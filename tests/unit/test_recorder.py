"""The thread that records outcomes: whatever goes wrong with one, the others are recorded."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import cast

import pytest

from tests.support.waiting import wait_for
from tests.unit.test_poster import DONE, booking
from watcher.errors import JournalUnavailable
from watcher.model import SettledTry, TryEnding
from watcher.outstanding import Outcomes
from watcher.recognise import Recognise
from watcher.service.heartbeats import Heartbeats
from watcher.service.recorder import Recorder


def outcomes(*numbers: int) -> list[SettledTry]:
    return [SettledTry(claimed=booking(number), settlement=DONE, ending=TryEnding(result="done")) for number in numbers]


class Journal:
    """Refuses what it is told to refuse."""

    def __init__(self, refuses: Callable[[Sequence[int]], Exception | None] = lambda _: None) -> None:
        self._refuses = refuses
        self.calls: list[tuple[list[int], float]] = []
        self.recorded: list[int] = []
        self.freed: list[int] = []  # how many places, each time
        self.threads: set[str] = set()

    def settle(self, outcomes: Outcomes, beat: Callable[[], None]) -> None:
        beat()
        numbers = [each.claimed.booking for each in outcomes.tried]
        self.calls.append((numbers, outcomes.claimed_at))
        self.threads.add(threading.current_thread().name)
        if (error := self._refuses(numbers)) is not None:
            raise error
        self.recorded += numbers


def recorder_on(journal: Journal) -> Recorder:
    return Recorder(cast("Recognise", journal), Heartbeats(), journal.freed.append)


def test_all_that_was_taken_is_recorded_when_it_is_closed() -> None:
    journal = Journal()
    recorder = recorder_on(journal)
    for number in range(500):
        recorder.take(outcomes(number), 1.0)
    recorder.close()
    assert journal.recorded == [*range(500)]
    assert len(journal.calls) < 100
    assert sum(journal.freed) == 500


@contextmanager
def writing() -> Iterator[tuple[Journal, Recorder]]:
    """While the block runs, the journal is writing an outcome that was claimed at 1.0; at its end all is recorded."""
    begun, goes_on = threading.Event(), threading.Event()

    def wait(numbers: Sequence[int]) -> None:
        if numbers == [0]:
            begun.set()
            goes_on.wait(30)

    journal = Journal(wait)
    recorder = recorder_on(journal)
    recorder.take(outcomes(0), 1.0)
    assert begun.wait(10)
    yield journal, recorder
    goes_on.set()
    recorder.close()


def test_of_several_the_last_claim_tells_how_long_the_journal_is_waited_for() -> None:
    with writing() as (journal, recorder):
        recorder.take(outcomes(1, 2), 3.0)
        recorder.take(outcomes(3), 2.0)
    assert journal.calls == [([0], 1.0), ([1, 2, 3], 3.0)]


def test_of_many_that_come_meanwhile_the_first_do_not_wait_for_the_last() -> None:
    # When two hundred outcomes come while the journal is writing
    with writing() as (journal, recorder):
        for number in range(1, 201):
            recorder.take(outcomes(number), 1.0)
    # Then their places come free by and by
    assert journal.recorded == [*range(201)]
    assert len(journal.freed) > 5
    assert max(journal.freed) < 50


def test_one_that_cannot_be_recorded_holds_up_no_other(caplog: pytest.LogCaptureFixture) -> None:
    journal = Journal(lambda numbers: ValueError("a number too large") if 2 in numbers else None)
    recorder = recorder_on(journal)
    with caplog.at_level(logging.ERROR):
        recorder.take(outcomes(1, 2, 3), 1.0)
        wait_for(lambda: journal.freed == [3])
    assert journal.recorded == [1, 3]
    assert [getattr(record, "booking", None) for record in caplog.records] == [2]
    recorder.take(outcomes(4), 1.0)
    recorder.close()
    assert journal.recorded == [1, 3, 4]


def test_what_is_given_up_at_the_end_is_told_of_each(caplog: pytest.LogCaptureFixture) -> None:
    journal = Journal(lambda _: JournalUnavailable("the disk is full"))
    recorder = recorder_on(journal)
    with caplog.at_level(logging.WARNING):
        recorder.take(outcomes(1, 2), 1.0)
        recorder.close()
    assert [(record.getMessage(), getattr(record, "booking", None)) for record in caplog.records] == [
        ("An outcome could not be recorded.", 1),
        ("An outcome could not be recorded.", 2),
    ]
    assert journal.freed == [2]


def test_where_no_thread_can_be_had_whoever_brings_outcomes_records_them(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_thread: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    journal = Journal()
    recorder = recorder_on(journal)
    with monkeypatch.context() as machine:
        machine.setattr(threading.Thread, "start", fail)
        recorder.take(outcomes(1), 1.0)
        assert (journal.recorded, journal.freed) == ([1], [1])
    recorder.take(outcomes(2), 1.0)
    recorder.close()
    assert journal.recorded == [1, 2]
    assert journal.threads == {threading.current_thread().name, "record"}


def test_a_recorder_that_had_nothing_to_record_has_nothing_to_close() -> None:
    recorder_on(Journal()).close()


def test_while_the_journal_is_away_what_comes_is_recorded_with_what_waits() -> None:
    # Given a journal that is away
    journal, asked, is_back = Journal(), threading.Event(), threading.Event()

    def settle(outcomes: Outcomes, beat: Callable[[], None]) -> None:
        while not is_back.wait(0.001):
            beat()
            journal.calls.append(([each.claimed.booking for each in outcomes.tried], outcomes.claimed_at))
            asked.set()
        journal.recorded += [each.claimed.booking for each in outcomes.tried]

    journal.settle = settle  # type: ignore[method-assign]
    recorder = recorder_on(journal)
    recorder.take(outcomes(0), 1.0)
    assert asked.wait(10)
    # When more outcomes come meanwhile
    for number in range(1, 101):
        recorder.take(outcomes(number), 5.0)
    # Then each of them is known to wait
    wait_for(lambda: journal.calls[-1] == ([*range(101)], 5.0))
    is_back.set()
    recorder.close()
    assert (journal.recorded, journal.freed) == ([*range(101)], [101])
