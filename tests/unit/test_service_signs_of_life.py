"""The threads of the service say for how long they will be silent, whatever keeps them from their work."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import timedelta
from typing import Any, cast

import pytest

from watcher.answer import Answer
from watcher.errors import JournalUnavailable
from watcher.intake import Intake
from watcher.policy.pace import Pace
from watcher.ports import RecognitionJournal, Source, TendingJournal
from watcher.recognise import Recognise
from watcher.service.answerer import Answerer
from watcher.service.heartbeats import JOURNAL_SECONDS, MARGIN_SECONDS, Heartbeats, Worker
from watcher.service.poster import Poster
from watcher.service.tender import Tender

STEP_S = 1000.0
PATIENCE_S = 30


class Notes(Heartbeats):
    """Heartbeats that are written down: who, and how long it may be silent."""

    def __init__(self) -> None:
        super().__init__()
        self.taken: list[tuple[str, float]] = []
        self._more = threading.Condition()

    def note(self, worker: Worker, silence_seconds: float) -> None:
        super().note(worker, silence_seconds)
        with self._more:
            self.taken.append((worker.name, silence_seconds))
            self._more.notify_all()

    def wait_for(self, number: int) -> None:
        with self._more:
            assert self._more.wait_for(lambda: len(self.taken) >= number, PATIENCE_S)


class Away:
    """A journal, and whatever else asks it, of which everything fails because its disk is full."""

    name = "shared"
    unfinished = 0
    hold = timedelta(seconds=10)

    def __getattr__(self, _name: str) -> Callable[..., Any]:
        def fail(*_arguments: object, **_keys: object) -> Any:
            raise JournalUnavailable("the disk is full")

        return fail

    def wake(self) -> None: ...

    def close(self) -> None: ...

    def hurry(self) -> None: ...


def _tender(notes: Notes) -> tuple[Tender, str]:
    away = Away()
    made = Tender(
        source=cast("Source", away),
        intake=cast("Intake", away),
        journal=cast("TendingJournal", away),
        poll=timedelta(minutes=5),
        worker=notes.worker("look-shared", silence_seconds=STEP_S),
    )
    return made, "look-shared"


def _answerer(notes: Notes) -> tuple[Answerer, str]:
    worker = notes.worker("answer-shared", silence_seconds=STEP_S)
    return Answerer(answer=cast("Answer", Away()), at_once=1, worker=worker), "answer-shared"


def _poster(notes: Notes) -> tuple[Poster, str]:
    made = Poster(
        recognise=cast("Recognise", Away()),
        journal=cast("RecognitionJournal", Away()),
        endpoint="https://openapi.example.com/",
        sources=["shared"],
        concurrency=2,
        pace=Pace(None),
        heartbeats=notes,
    )
    return made, "claim"


@pytest.mark.parametrize(
    ("made", "at_work", "pause"),
    [(_tender, STEP_S, 5.0), (_answerer, STEP_S, 5.0), (_poster, JOURNAL_SECONDS, 2.0)],
    ids=["look", "answer", "claim"],
)
def test_a_thread_whose_journal_is_away_is_late_only_when_it_does_not_ask_again(
    made: Callable[[Notes], tuple[Any, str]], at_work: float, pause: float
) -> None:
    # Given a thread of the service, and a journal that cannot be used
    notes = Notes()
    worker, name = made(notes)
    thread = threading.Thread(target=worker.run)
    # When it runs
    thread.start()
    notes.wait_for(2)
    worker.stop()
    thread.join(PATIENCE_S)
    # Then it said first that it is at work, and then for how long it will wait
    assert notes.taken[:2] == [(name, at_work), (name, pause + MARGIN_SECONDS)]
    # and who has ended is not missed
    assert not thread.is_alive()
    assert notes.late() == []
    assert not notes._beats
