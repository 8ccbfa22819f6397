"""Answers that are given together: each is a row of steps, and each step is recorded before the next is made."""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from contextlib import AbstractContextManager

from msgspec import Struct, field

from watcher.errors import ClaimLost, JournalUnavailable, Unavailable
from watcher.model import AnswerStep, ClaimedAnswer, Closed
from watcher.ports import AnswerJournal, Move

# Yields what is to be recorded now, and is sent the way to move files once it is.
Steps = Generator[AnswerStep, Move, None]


class Hindered(Struct):
    """What stands in the way of all answers, and those that were not given for it."""

    error: Unavailable | None = None
    left: list[ClaimedAnswer] = field(default_factory=list)


class Giving(Struct):
    """One answer on its way."""

    claimed: ClaimedAnswer
    steps: Steps
    step: AnswerStep | None = None  # what it has last asked to be recorded

    def lost(self) -> ClaimLost:
        claim = self.claimed.claim
        return ClaimLost(f"submission {self.claimed.submission.id} is no longer held by claim {claim.number}")


def give_together(
    answers: Sequence[Giving], journal: AnswerJournal, moving: Callable[[], AbstractContextManager[Move]]
) -> Hindered:
    """Take all to their ends, step by step. Raises JournalUnavailable."""
    hindered = Hindered()
    going = [each for each in answers if _goes_on(each, hindered, lambda each: next(each.steps))]
    while going:
        wrong = _record(journal, going)
        with moving() as move:
            going = [
                each for each, what in zip(going, wrong, strict=True) if _goes_on(each, hindered, _next(move, what))
            ]
    return hindered


def _next(move: Move, wrong: Exception | None) -> Callable[[Giving], AnswerStep]:
    return lambda each: each.steps.send(move) if wrong is None else each.steps.throw(wrong)


def _goes_on(giving: Giving, hindered: Hindered, go_on: Callable[[Giving], AnswerStep]) -> bool:
    """Take it to its next step; whether there is one. What is not moved waits, where something is in the way of all."""
    if hindered.error is not None and not isinstance(giving.step, Closed):
        giving.steps.close()
        hindered.left.append(giving.claimed)
        return False
    try:
        giving.step = go_on(giving)
    except StopIteration:
        return False
    except JournalUnavailable:
        raise
    except Unavailable as error:
        hindered.error = error
        hindered.left.append(giving.claimed)
        return False
    return True


def _record(journal: AnswerJournal, going: Sequence[Giving]) -> list[Exception | None]:
    """Have the step of each recorded; of each what is wrong with it. Raises Unavailable."""
    steps = [(each.claimed, each.step) for each in going if each.step is not None]
    try:
        held = journal.note_answers(steps)
    except Unavailable:
        raise
    except Exception as error:  # noqa: BLE001 - it is raised in the answer that it belongs to
        if len(going) == 1:
            return [error]
        return [wrong for each in going for wrong in _record(journal, [each])]
    return [None if mine else each.lost() for each, mine in zip(going, held, strict=True)]
