"""Step 3: settled submissions are answered: the reply is sent, the mail or file is moved.

What is about to be done is recorded first, so that a crash between any two of these lines is made
good by doing the rest again: a reply sent twice has one Message-ID, and a move that was made is seen.
"""

from __future__ import annotations

import logging
import random
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta

from watcher.answering import Giving, Hindered, Steps, give_together
from watcher.clock import boot_seconds
from watcher.config.sections import ReplyChoice
from watcher.errors import (
    ClaimLost,
    MailRefused,
    SourceUnavailable,
    TargetTaken,
    Unavailable,
    Vanished,
)
from watcher.headers import clean
from watcher.model import AnswerStep, ClaimedAnswer, Closed, Outcome, Planned, Stage, Submission
from watcher.notices import Notices
from watcher.policy.allowance import MOST_REPLIES, WINDOW
from watcher.policy.answer import Verdict, verdict
from watcher.policy.pauses import growing
from watcher.ports import UNMEASURED, AnswerJournal, Carrier, Mailer, Meter, Move, Shelf, Source, Writer

log = logging.getLogger(__name__)

HOLD = timedelta(seconds=60)
_FIRST_PAUSE_SECONDS, _LONGEST_PAUSE_SECONDS = 2.0, 600.0  # of one answer that cannot be given
_STUMBLED_AGAIN_IN = timedelta(minutes=10)
_MOVE_WITHIN_SECONDS = 20.0  # of the answer's begin
_TOO_LATE = "it could not be begun in time"
_MANY_REPLIES = f"its recipient got {MOST_REPLIES} replies within an hour"
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
        """`shelf`: the source, where what is to be tried again has to be put back first; `carrier`: the source, where
        it moves several at once.

        `beat` hears again and again that it goes on, from whatever thread.
        """
        self._source = source
        self._writer = writer
        self._mailer = mailer
        self._journal = journal
        self._replies = replies
        self._shelf = shelf
        self._carrier = carrier
        self._beat = beat
        self._meter = meter
        self._notices = Notices(
            source=source.name, writer=writer, mailer=mailer, journal=journal, replies=replies, beat=beat
        )
        # Of submissions that wait; losing it costs a few tries, or a reply twice, as a crash does.
        self._failures: dict[str, int] = {}  # in a row
        self._broke_at: str | None = None  # the last answer, where the connection was lost over it
        self._unnoted: set[tuple[str, int]] = set()  # replies that were sent, and are not recorded yet

    @property
    def source(self) -> str:
        return self._source.name

    @property
    def is_quick(self) -> bool:
        """Whether several answers are given sooner one after the other than side by side."""
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
                self._journal.postpone_answer(claimed, self._next_pause(claimed.submission.id), str(error))

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

    def give_together(self, claims: Sequence[ClaimedAnswer]) -> Hindered:
        """Give several, step by step: what they are about to do is recorded in one transaction, and what was done.

        In between they are moved one after the other, and are on the disk before it is recorded. What cannot be done
        now is tried again for ever; what stands in the way of all is told, and those it hindered are the caller's to
        give back. Raises JournalUnavailable.
        """
        return give_together([Giving(claimed, self._steps(claimed)) for claimed in claims], self._journal, self._moving)

    @contextmanager
    def _moving(self) -> Iterator[Move]:
        if self._carrier is None:
            yield self._source.move
        else:
            with self._carrier.together() as move:
                yield move

    def _steps(self, claimed: ClaimedAnswer) -> Steps:
        self._beat()
        with self._excused(claimed):
            yield from self._give(claimed)
        self._beat()

    @contextmanager
    def _excused(self, claimed: ClaimedAnswer) -> Iterator[None]:
        name = claimed.submission.id
        try:
            yield
        except ClaimLost:
            log.warning("An answer was another node's.", extra={"submission": name})
        except (Unavailable, TargetTaken) as error:
            log.warning("An answer has to wait.", extra={"submission": name, "detail": str(error)})
            if isinstance(error, Unavailable) and self._concerns_all(error, name):
                raise
            self._journal.postpone_answer(claimed, self._next_pause(name), str(error))
            return
        except Exception as error:  # one submission that we stumble over must not hold up the others
            log.exception("An answer could not be given.", extra={"submission": name})
            self._journal.postpone_answer(claimed, _STUMBLED_AGAIN_IN, f"an error of ours: {type(error).__name__}")
        self._failures.pop(name, None)
        self._broke_at = None

    def _concerns_all(self, error: Unavailable, name: str) -> bool:
        """A connection that is lost over two answers in a row is no fault of theirs."""
        if error.broke:
            again, self._broke_at = self._broke_at not in (None, name), name
            return again or error.altogether
        return error.altogether

    def _next_pause(self, name: str) -> timedelta:
        self._failures[name] = self._failures.get(name, 0) + 1
        return timedelta(
            seconds=growing(
                self._failures[name],
                first=_FIRST_PAUSE_SECONDS,
                longest=_LONGEST_PAUSE_SECONDS,
                fraction=random.random(),  # noqa: S311 - jitter is no secret
            )
        )

    def _give(self, claimed: ClaimedAnswer) -> Steps:
        submission = claimed.submission
        decided = verdict(submission, self._replies)
        if decided.reply and not claimed.replied and (pause := self._reply_pause(submission)) is not None:
            self._journal.postpone_answer(claimed, pause, _MANY_REPLIES)
            return
        began = boot_seconds()
        remark = self._reply(claimed, decided)
        if remark is None and boot_seconds() - began > _MOVE_WITHIN_SECONDS:
            # Under a claim of its own, because this one's hold might end in the middle of the move.
            self._note_reply(claimed)
            self._journal.postpone_answer(claimed, timedelta(0), "its reply is sent; it took long")
            return
        target: str | None = None
        try:
            target = yield from self._move(claimed, decided, began)
            moved = target is not None
        except _Late:
            self._journal.postpone_answer(claimed, timedelta(0), _TOO_LATE)
            return
        except Vanished as error:
            yield Planned(target=None)  # wherever it is, we have not moved it there
            moved, remark = True, "; ".join(said for said in (remark, str(error)) if said)
        yield Closed(moved=moved, remark=remark)
        self._meter.took(Stage.ANSWER, boot_seconds() - began)
        self._meter.answered(submission)
        log.info("A submission is answered.", extra=_told(submission, target, remark))

    def _reply_pause(self, submission: Submission) -> timedelta | None:
        """How long its reply waits, because its recipient got so many of late; None: it does not."""
        recipient = submission.thread.reply_to if submission.thread else None
        if self._mailer is None or recipient is None:
            return None
        sent = self._journal.sent_to(recipient, WINDOW)
        return None if sent.count < MOST_REPLIES or sent.ago is None else WINDOW - sent.ago

    def send_notices(self, limit: int) -> None:
        """Tell submitters what they have to know before there is an answer. Raises JournalUnavailable."""
        self._notices.send(limit)

    def _reply(self, claimed: ClaimedAnswer, decided: Verdict) -> str | None:
        """Send what is to be sent; what there is to say of it in the end. It is recorded with what comes next."""
        if not decided.reply or claimed.replied or self._mailer is None:
            return None
        if not self._is_unnoted(claimed):
            try:
                message = self._writer.reply(claimed.submission, claimed.number)
                self._mailer.send(message)
            except MailRefused as error:
                # Not noted: should the move have to wait, the refusal would be forgotten.
                log.warning("A reply was refused for good.", extra={"submission": claimed.submission.id})
                return f"the reply was refused: {error}"
            log.info("A reply is sent.", extra={"submission": claimed.submission.id, "reply_id": message["Message-ID"]})
            self._unnoted.add((claimed.submission.id, claimed.number))
        return None

    def _is_unnoted(self, claimed: ClaimedAnswer) -> bool:
        """Whether its reply is sent, and only we know it."""
        return (claimed.submission.id, claimed.number) in self._unnoted

    def _note_reply(self, claimed: ClaimedAnswer) -> None:
        if self._is_unnoted(claimed):
            self._journal.note_reply(claimed)
            self._unnoted.discard((claimed.submission.id, claimed.number))

    def _move(self, claimed: ClaimedAnswer, decided: Verdict, began: float) -> Generator[AnswerStep, Move, str | None]:
        """Where it was moved; None: the configuration leaves it where it is."""
        note = self._writer.note(claimed.submission) if decided.note else None
        target = claimed.target
        for _ in range(_PLANS):
            if target is None:
                target = self._source.plan(claimed.submission, booked=decided.booked)
            move = yield Planned(target=target, replied=self._is_unnoted(claimed))
            self._unnoted.discard((claimed.submission.id, claimed.number))
            self._beat()
            if boot_seconds() - began > _MOVE_WITHIN_SECONDS:
                raise _Late  # those before it took so long
            try:
                move(claimed.submission, target, note)
            except TargetTaken:
                target = None
                continue
            return target
        raise TargetTaken("every planned name was taken")


class _Late(Exception):
    """Its claim might end in the middle of its move."""


def _told(submission: Submission, target: str | None, remark: str | None) -> dict[str, object]:
    """What the log says of an answer that was given."""
    outcomes = [document.outcome for document in submission.documents]
    counted = [f"{outcomes.count(outcome)} {outcome}" for outcome in Outcome if outcome in outcomes]
    return {
        "submission": submission.id,
        "source": submission.source,
        "outcomes": ", ".join(counted) or "no documents",
        "moved_to": clean(target, 300) or None,
        "remark": clean(remark, 300) or None,
    }
