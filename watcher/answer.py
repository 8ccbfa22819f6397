"""Step 3: settled submissions are answered: the reply is sent, the mail or file is moved.

What is about to be done is recorded first, so that a crash between any two of these lines is made
good by doing the rest again: a reply sent twice has one Message-ID, and a move that was made is seen.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta

from watcher.answer_failures import AnswerFailures
from watcher.answering import Giving, Hindered, Late, Steps, give_together
from watcher.clock import boot_seconds
from watcher.config.sections import ReplyChoice
from watcher.errors import (
    ClaimLost,
    MailerUnavailable,
    SourceUnavailable,
    TargetTaken,
    Unavailable,
    Vanished,
)
from watcher.headers import clean
from watcher.model import AnswerStep, ClaimedAnswer, Closed, Outcome, Planned, Stage, Submission
from watcher.notices import Notices
from watcher.policy.answer import Verdict, verdict
from watcher.ports import UNMEASURED, AnswerJournal, Carrier, Mailer, Meter, Move, PlannedMoves, Shelf, Source, Writer
from watcher.replying import MANY_REPLIES, Replies

log = logging.getLogger(__name__)

HOLD = timedelta(seconds=60)
_STUMBLED_AGAIN_IN = timedelta(minutes=10)
_TOO_LATE = "it could not be begun in time"
_OUTCOMES = tuple(Outcome)
_PLANS = 20  # how often a planned name may be taken by others before it waits


class Answer:
    """Answers the submissions of one source."""

    def __init__(
        self,
        *,
        source: Source,
        writer: Writer,
        mailer: Mailer | None,
        journal: AnswerJournal,
        replies: ReplyChoice,
        shelf: Shelf | None = None,
        carrier: Carrier | None = None,
        beat: Callable[[], None] = lambda: None,
        meter: Meter = UNMEASURED,
    ) -> None:
        """`shelf`: the source, where what is to be tried again may have to be put back first, also when its store is
        another one by now; `carrier`: the source, where it moves several at once.

        `beat` hears again and again that it goes on, from whatever thread.
        """
        self._source = source
        self._writer = writer
        self._journal = journal
        self._wanted = replies
        self._shelf = shelf
        self._carrier = carrier
        self._beat = beat
        self._meter = meter
        self._replies = Replies(writer=writer, mailer=mailer, journal=journal)
        self._notices = Notices(
            source=source.name, writer=writer, mailer=mailer, journal=journal, replies=replies, beat=beat
        )
        self._failures = AnswerFailures()

    @property
    def source(self) -> str:
        return self._source.name

    @property
    def is_quick(self) -> bool:
        """Whether several answers are given sooner together than side by side."""
        return self._carrier is not None and self._carrier.is_near

    def claim(self, limit: int) -> list[ClaimedAnswer]:
        """Answers that are due, ours for HOLD."""
        return self._journal.claim_answers(self._source.name, limit=limit, hold=HOLD)

    def put_back(self, limit: int) -> None:
        """Put back what is to be tried again and is posted by where it lies; a few at a time."""
        if self._shelf is None:
            return
        for claimed in self._journal.claim_returns(self._source.name, limit=limit, hold=HOLD):
            self._beat()
            try:
                with self._excused(claimed):
                    self._put_back(claimed, self._shelf)
            except SourceUnavailable as error:
                self._journal.postpone_answer(claimed, self._failures.next_pause(claimed.submission.id), str(error))

    def _put_back(self, claimed: ClaimedAnswer, shelf: Shelf) -> None:
        try:
            returned = shelf.put_back(claimed.submission)
        except Vanished as error:
            self._journal.give_up_return(claimed, str(error))
            log.warning("A file cannot be put back.", extra={"submission": claimed.submission.id})
        else:
            self._journal.note_return(claimed, returned.key, returned.fingerprint)
            log.info("A file is put back, to be tried again.", extra={"submission": claimed.submission.id})

    @property
    def looks_within(self) -> float | None:
        """Seconds: who looks that often sends every acknowledgement in time, without being told of the mails.

        A mail that is taken in after a look is not to be acknowledged before so many seconds are over. None: none is.
        """
        after = self._notices.acknowledge_after
        return None if after is None else after.total_seconds()

    def next_in(self) -> float | None:
        """Seconds until the next answer or notice is due."""
        return self._journal.next_answer_in(self._source.name, acknowledge_after=self._notices.acknowledge_after)

    def give_back(self, claimed: ClaimedAnswer, *, due_in: float = 0.0, why: str = _TOO_LATE) -> None:
        """It was not begun; it is due again in so many seconds."""
        self._journal.postpone_answer(claimed, timedelta(seconds=due_in), why)

    def hasten(self) -> None:
        """What was postponed is due now."""
        self._journal.hasten_answers(self._source.name)

    def give_together(self, claims: Sequence[ClaimedAnswer], *, begin_by: float = float("inf")) -> Hindered:
        """Give several, step by step: what they are about to do is recorded in one transaction, and what was done.

        In between they are moved one after the other or at once, and are on the disk before it is recorded; each reply
        is recorded by itself. What cannot be done now is tried again for ever; what stands in the way of all is told.
        Those that it hindered, and those that were not begun by then (of `boot_seconds`), are the caller's to give
        back. Raises JournalUnavailable.
        """
        answers = [Giving(claimed, self._steps(claimed)) for claimed in claims]
        return give_together(answers, self._journal, self._moving, begin_by=begin_by)

    @contextmanager
    def _moving(self, planned: PlannedMoves) -> Iterator[Move]:
        if self._carrier is None:
            yield self._source.move
        else:
            with self._carrier.together(planned) as move:
                yield move

    def _steps(self, claimed: ClaimedAnswer) -> Steps:
        self._beat()
        with self._excused(claimed):
            yield from self._give(claimed)

    @contextmanager
    def _excused(self, claimed: ClaimedAnswer) -> Iterator[None]:
        name = claimed.submission.id
        try:
            yield
        except ClaimLost:
            self._replies.forget(claimed)
            log.warning("An answer was another node's.", extra={"submission": name})
        except (Unavailable, TargetTaken) as error:
            log.warning("An answer has to wait.", extra={"submission": name, "detail": str(error)})
            if isinstance(error, Unavailable) and self._failures.concern_all(error, name):
                raise
            self._journal.postpone_answer(claimed, self._failures.next_pause(name), str(error))
            return
        except Exception as error:  # one submission that we stumble over must not hold up the others
            log.exception("An answer could not be given.", extra={"submission": name})
            self._journal.postpone_answer(claimed, _STUMBLED_AGAIN_IN, f"an error of ours: {type(error).__name__}")
        self._failures.end(name)

    def _give(self, claimed: ClaimedAnswer) -> Steps:
        submission = claimed.submission
        decided = verdict(submission, self._wanted)
        began = boot_seconds()
        remark: str | None = None
        if decided.reply and not claimed.replied:
            if (pause := self._replies.pause(submission)) is not None:
                self._journal.postpone_answer(claimed, pause, MANY_REPLIES)
                return
            remark = self._replies.send(claimed)
            self._failures.went_well(MailerUnavailable)
        target: str | None = None
        try:
            target = yield from self._move(claimed, decided)
            moved = target is not None
        except Late:  # it took long to reply, or others did; the next claim has time
            self._journal.postpone_answer(claimed, timedelta(0), _TOO_LATE)
            return
        except Vanished as error:
            yield Planned(target=None)  # wherever it is, we have not moved it there
            moved, remark = True, "; ".join(said for said in (remark, str(error)) if said)
        yield Closed(moved=moved, remark=remark)
        self._meter.took(Stage.ANSWER, boot_seconds() - began)
        self._meter.answered(submission)
        log.info("A submission is answered.", extra=_told(submission, target, remark))

    def send_notices(self, limit: int) -> None:
        """Tell submitters what they have to know before there is an answer. Raises JournalUnavailable."""
        self._notices.send(limit)

    def _move(self, claimed: ClaimedAnswer, decided: Verdict) -> Generator[AnswerStep, Move, str | None]:
        """Where it was moved; None: the configuration leaves it where it is."""
        note = self._writer.note(claimed.submission) if decided.note else None
        target, first = claimed.target, False
        for _ in range(_PLANS):
            if target is None:
                first = True
                target = self._source.plan(claimed.submission, booked=decided.booked)
            move = yield Planned(target=target, replied=self._replies.is_unrecorded(claimed))
            self._replies.forget(claimed)
            self._beat()
            try:
                move(claimed.submission, target, note, first=first)
            except TargetTaken:
                target = None
                continue
            self._failures.went_well(SourceUnavailable)
            return target
        raise TargetTaken("every planned name was taken")


def _told(submission: Submission, target: str | None, remark: str | None) -> dict[str, object]:
    """What the log says of an answer that was given."""
    outcomes = [document.outcome for document in submission.documents]
    counted = [f"{outcomes.count(outcome)} {outcome}" for outcome in _OUTCOMES if outcome in outcomes]
    return {
        "submission": submission.id,
        "source": submission.source,
        "outcomes": ", ".join(counted) or "no documents",
        "moved_to": clean(target, 300) or None,
        "remark": clean(remark, 300) or None,
    }
