"""What the submitter gets: where it goes, whether a note stands beside it, whether a reply is sent."""

from __future__ import annotations

from msgspec import Struct

from watcher.config.sections import ReplyChoice
from watcher.model import Kind, Outcome, Reason, Submission, SubmissionState


class Verdict(Struct, frozen=True, kw_only=True):
    """How a settled submission is answered."""

    booked: bool  # to done, else to error
    note: bool  # NAME.txt beside the file
    reply: bool


def verdict(submission: Submission, choice: ReplyChoice) -> Verdict:
    """Decide on a submission whose documents are all settled."""
    outcomes = [document.outcome for document in submission.documents if document.outcome is not None]
    booked = any(outcome.counts_as_booked for outcome in outcomes)
    is_missed = bool(outcomes) and any(each.missed for each in submission.left_out)
    plainly_done = bool(outcomes) and all(outcome is Outcome.DONE for outcome in outcomes) and not is_missed
    return Verdict(
        booked=booked,
        note=submission.kind is Kind.FILE and not plainly_done,
        reply=_is_answered(submission)
        and (not outcomes or any(_is_wanted(o, choice) for o in outcomes) or (is_missed and choice.attention)),
    )


def acknowledged(submission: Submission) -> bool:
    """Whether its sender is told that it takes long: not where an answer is about to leave, or none ever will.

    What is held because it is in doubt has a proven sender; what is held for its sender never had its documents taken.
    """
    pending = any(document.outcome is None for document in submission.documents)
    waits = submission.state is SubmissionState.OPEN or (
        submission.state is SubmissionState.HELD and submission.reason == Reason.IN_DOUBT
    )
    return pending and waits and _is_answered(submission)


def answered_anyway(choice: ReplyChoice) -> bool:
    """Whether a reply follows whatever becomes of the documents."""
    return all(_is_wanted(outcome, choice) for outcome in Outcome)


def _is_answered(submission: Submission) -> bool:
    return submission.kind is Kind.MAIL and submission.answer and submission.reply_to is not None


def _is_wanted(outcome: Outcome, choice: ReplyChoice) -> bool:
    wanted = {
        Outcome.DONE: choice.done,
        Outcome.ATTENTION: choice.attention,
        Outcome.DUPLICATE: choice.duplicate,
        Outcome.ERROR: choice.error,
    }
    return wanted.get(outcome, True)
