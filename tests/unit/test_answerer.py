"""When the thread that answers goes round, before answers that cost nothing."""

from __future__ import annotations

import itertools
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, cast

import pytest

from tests.support.waiting import wait_for
from watcher.answer import Answer
from watcher.answering import Hindered
from watcher.service import answerer as module
from watcher.service.answerer import Answerer

DEADLINE_SECONDS = 30.0


class Answers:
    """Numbers that are due, given at once."""

    source = "shared"
    is_quick = True
    looks_within: float | None = None

    def __init__(self) -> None:
        self.due: list[int] = []
        self.given: list[int] = []
        self.rounds = 0
        self.looked_for_returns = 0
        self.asked = 0
        self.due_in: float | None = None
        self.changed = threading.Condition()

    def put_back(self, _limit: int) -> None:
        self.looked_for_returns += 1

    def send_notices(self, _limit: int) -> None:
        self.rounds += 1

    def next_in(self) -> float | None:
        self.asked += 1
        return self.due_in

    def claim(self, limit: int) -> list[Any]:
        with self.changed:
            claimed, self.due = self.due[:limit], self.due[limit:]
        return claimed

    def give_together(self, claims: list[Any], *, begin_by: float) -> Hindered:
        with self.changed:
            self.given += claims
            self.changed.notify_all()
        return Hindered()

    def wait_for(self, count: int) -> bool:
        with self.changed:
            return self.changed.wait_for(lambda: len(self.given) >= count, DEADLINE_SECONDS)


@contextmanager
def running(answers: Answers, *, at_once: int = 1) -> Iterator[Answerer]:
    answerer = Answerer(answer=cast("Answer", answers), at_once=at_once)
    thread = threading.Thread(target=answerer.run)
    thread.start()
    try:
        yield answerer
    finally:
        answerer.stop()
        thread.join(DEADLINE_SECONDS)
    assert not thread.is_alive()


def test_answers_that_become_due_one_by_one_and_fast_are_gathered_and_none_is_left() -> None:
    answers = Answers()
    count = 300

    with running(answers) as answerer:
        for number in range(count):
            with answers.changed:
                answers.due.append(number)
            answerer.wake()
            time.sleep(0.001)  # so many a second, and not a wait for anything
        assert answers.wait_for(count)

    assert answers.given == list(range(count))
    assert answers.rounds <= count // 5


def test_who_gathers_is_stopped_at_once_and_gives_what_is_due_before(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_DISTANCE_SECONDS_EACH", 3600.0)
    monkeypatch.setattr(module, "_LONGEST_DISTANCE_SECONDS", 3600.0)
    answers = Answers()
    answers.due = [1]

    with running(answers) as answerer:
        assert answers.wait_for(1)
        answers.due = [2]
        answerer.wake()

    assert answers.given == [1, 2]


def test_what_has_to_be_put_back_is_looked_for_also_while_calls_never_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_PUT_BACK_EACH_SECONDS", 0.05)
    answers = Answers()

    with running(answers) as answerer:

        def called() -> bool:
            answerer.wake()
            return answers.looked_for_returns > 1

        wait_for(called, DEADLINE_SECONDS, "looks for what has to be put back")


def test_who_is_to_look_goes_round_only_where_something_is_due() -> None:
    answers = Answers()

    with running(answers) as answerer:
        wait_for(lambda: answers.asked == 1, DEADLINE_SECONDS, "the first round")
        answerer.look()
        wait_for(lambda: answers.asked == 2, DEADLINE_SECONDS, "the look")
        assert answers.rounds == 1
        answers.due, answers.due_in = [1], 0.0
        answerer.look()
        assert answers.wait_for(1)
        answers.due_in = None


def test_answers_wait_for_the_threads_that_there_are_where_no_other_can_be_had(monkeypatch: pytest.MonkeyPatch) -> None:
    start, given = threading.Thread.start, itertools.count()

    def start_or_fail(thread: threading.Thread) -> None:
        if thread.name.startswith("answer") and next(given):
            raise RuntimeError("can't start new thread")
        start(thread)

    monkeypatch.setattr(threading.Thread, "start", start_or_fail)
    answers = Answers()
    answers.is_quick = False
    answers.due = list(range(10))

    with running(answers, at_once=4):
        assert answers.wait_for(10)

    assert sorted(answers.given) == list(range(10))
