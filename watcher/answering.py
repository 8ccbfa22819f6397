"""Answers that are given together: each is a row of steps, and each step is recorded before the next is made."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Generator, Sequence
from contextlib import AbstractContextManager

from msgspec import Struct, field

from watcher.clock import boot_seconds
from watcher.errors import ClaimLost, JournalUnavailable, Unavailable
from watcher.model import AnswerStep, ClaimedAnswer, Closed, Planned, Submission
from watcher.ports import AnswerJournal, Move, PlannedMoves

MOVE_WITHIN_SECONDS = 20.0  # of the answer's begin: its claim might end in the middle of the move
_GATHERED_WITHIN_SECONDS = 1.0  # so long are replies sent, at most, before those who have theirs are moved

# Yields what is to be recorded now, and is sent the way to move files once it is.
Steps = Generator[AnswerStep, Move, None]
# Around the moves of several answers, of which it is told beforehand where they are planned to go.
Moving = Callable[[PlannedMoves], AbstractContextManager[Move]]


class Late(Exception):
    """Raised by a move that may not be begun any more."""


class Hindered(Struct):
    """What stands in the way of all answers, and those that were not given for it, or could not be begun in time."""

    error: Unavailable | None = None
    left: list[ClaimedAnswer] = field(default_factory=list)


class Giving(Struct):
    """One answer on its way."""

    claimed: ClaimedAnswer
    steps: Steps
    step: AnswerStep | None = None  # what it has last asked to be recorded
    is_recorded: bool = False
    wrong: Exception | None = None  # why it could not be
    began: float = 0.0  # by the clock of `boot_seconds`

    @property
    def is_late(self) -> bool:
        return boot_seconds() - self.began > MOVE_WITHIN_SECONDS

    def go_on(self, move: Move | None) -> AnswerStep:
        """Its next step; with None it begins."""
        if move is None:
            return next(self.steps)
        if self.wrong is not None:
            return self.steps.throw(self.wrong)
        late = isinstance(self.step, Planned) and self.is_late
        return self.steps.send(_too_late if late else move)

    def lost(self) -> ClaimLost:
        claim = self.claimed.claim
        return ClaimLost(f"submission {self.claimed.submission.id} is no longer held by claim {claim.number}")


def give_together(
    answers: Sequence[Giving], journal: AnswerJournal, moving: Moving, *, begin_by: float = float("inf")
) -> Hindered:
    """Take all to their ends, step by step; what is not begun by then is left. Raises JournalUnavailable."""
    hindered = Hindered()
    waiting = deque(answers)
    while waiting:
        begun = _begun(waiting, hindered, journal, begin_by)
        ended = _ended(begun, journal, moving)  # also where no more are begun: the mail server may be away alone
        hindered.error = hindered.error or ended.error
        hindered.left += ended.left
    return hindered


def _begun(waiting: deque[Giving], hindered: Hindered, journal: AnswerJournal, begin_by: float) -> list[Giving]:
    """Begin as many as can be in a moment. A reply is recorded before the next one is sent: no crash repeats two."""
    begun = []
    now = boot_seconds()
    until = now + _GATHERED_WITHIN_SECONDS
    while waiting and now <= until:
        each = waiting.popleft()
        each.began = now
        if now > begin_by:
            _leave(each, hindered)
        elif _goes_on(each, hindered, None):
            if isinstance(each.step, Planned) and each.step.replied:
                _record(journal, [each])
            begun.append(each)
        now = boot_seconds()
    return begun


def _ended(begun: list[Giving], journal: AnswerJournal, moving: Moving) -> Hindered:
    hindered = Hindered()
    going, planned = begun, True
    while going:
        _record(journal, [each for each in going if not each.is_recorded])
        with moving(_moves(going) if planned else []) as move:
            going = [each for each in going if _goes_on(each, hindered, move)]
        planned = False  # what is planned anew is moved by itself, or was not to be found
    return hindered


def _moves(going: Sequence[Giving]) -> PlannedMoves:
    return [
        (each.claimed.submission, each.step.target)
        for each in going
        if isinstance(each.step, Planned) and each.wrong is None and not each.is_late
    ]


def _too_late(submission: Submission, target: str | None, note: str | None, *, first: bool = False) -> None:  # noqa: ARG001 - as a move has them
    raise Late


def _goes_on(giving: Giving, hindered: Hindered, move: Move | None) -> bool:
    """Take it to its next step; whether there is one. What is not moved waits, where something is in the way of all."""
    if hindered.error is not None and not isinstance(giving.step, Closed):
        _leave(giving, hindered)
        return False
    try:
        giving.step, giving.is_recorded = giving.go_on(move), False
    except StopIteration:
        return False
    except JournalUnavailable:
        raise
    except Unavailable as error:
        hindered.error = error
        hindered.left.append(giving.claimed)
        return False
    return True


def _leave(giving: Giving, hindered: Hindered) -> None:
    giving.steps.close()
    hindered.left.append(giving.claimed)


def _record(journal: AnswerJournal, going: Sequence[Giving]) -> None:
    """Have the step of each recorded, and of each what is wrong with it. Raises Unavailable."""
    steps = [(each.claimed, each.step) for each in going if each.step is not None]
    if not steps:
        return
    try:
        held = journal.note_answers(steps)
    except Unavailable:
        raise
    except Exception as error:  # noqa: BLE001 - it is raised in the answer that it belongs to
        if len(going) > 1:
            for each in going:
                _record(journal, [each])
            return
        going[0].is_recorded, going[0].wrong = True, error
        return
    for each, mine in zip(going, held, strict=True):
        each.is_recorded, each.wrong = True, None if mine else each.lost()
