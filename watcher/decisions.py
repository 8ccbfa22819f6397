"""What people may decide about a submission, by command or on the page: one set of rules for both."""

from __future__ import annotations

from collections.abc import Collection
from enum import StrEnum

from watcher.config.sections import Configuration, ResolveStore
from watcher.errors import UsageError
from watcher.headers import clean
from watcher.model import Outcome, Reason, Submission, SubmissionState
from watcher.ports import IntakeJournal

LONGEST_CODE = 64  # characters


class Release(StrEnum):
    """What the release of a submission would do."""

    SENDER = "sender"  # it is held for its sender: it is taken in all the same
    DOUBT = "doubt"  # what is in doubt is posted again, by its old bizId
    SKIPPED = "skipped"  # what was skipped is posted after all


class Follows(StrEnum):
    """What followed a decision."""

    POSTED = "posted"  # documents are posted again, then it is answered again
    ANSWERED = "answered"  # nothing is posted; it is answered again
    STILL_HELD = "still_held"  # nothing: it waits for another decision
    STILL_AT_WORK = "still_at_work"  # nothing: its documents are pending already


def in_place_stores(configuration: Configuration) -> frozenset[str]:
    """The stores whose URLs lead to where a file lies."""
    return frozenset(n for n, store in configuration.stores.items() if isinstance(store, ResolveStore))


# ------------------------------------------------------------------------------------------- rules


def is_held_for_sender(submission: Submission) -> bool:
    return submission.state is SubmissionState.HELD and submission.reason != Reason.IN_DOUBT


def may_be_refused(submission: Submission) -> bool:
    """Whether it is held, or was released and has not been taken in yet."""
    return submission.state is SubmissionState.HELD or submission.released


def releasing(submission: Submission) -> Release | None:
    """What its release would do; None: there is nothing to release."""
    if is_held_for_sender(submission):
        return Release.SENDER
    if submission.state is SubmissionState.HELD:
        return Release.DOUBT
    return Release.SKIPPED if any(each.outcome is Outcome.SKIPPED for each in submission.documents) else None


def failed(submission: Submission) -> int:
    """How many of its documents a retry would have tried again."""
    if submission.state is SubmissionState.HELD:
        return 0
    return sum(
        each.outcome is Outcome.ERROR
        or (
            each.outcome is Outcome.ATTENTION
            and each.code == Reason.IN_DOUBT
            and not any(invoice.expense_id for invoice in each.invoices)
        )
        for each in submission.documents
        if each.booking is not None
    )


def in_doubt(submission: Submission) -> bool:
    """Whether a try of one of its documents may have been carried out, so that a new bizId may book twice."""
    return any(each.in_doubt for document in submission.documents for each in document.tries)


def is_code(text: str) -> bool:
    """Whether it may be an employee number: one visible word."""
    return 0 < len(text) <= LONGEST_CODE and text == clean(text, LONGEST_CODE) and " " not in text


def require_releasable(submission: Submission, user_code: str | None) -> Release:
    """Raises UsageError where it cannot be released, or not so."""
    kind = releasing(submission)
    if kind is Release.SENDER:
        _require_code(submission, user_code)
        return kind
    if user_code is not None:
        raise UsageError(f"{submission.id} is not held for its sender, so --user-code has no meaning for it")
    if kind is None:
        raise UsageError(f"{submission.id} is not held, it is {submission.state}, and nothing in it was skipped")
    return kind


def _require_code(submission: Submission, user_code: str | None) -> None:
    if user_code is not None and not is_code(user_code):
        raise UsageError(
            "what --user-code gives cannot be an employee number: "
            f"write one word of visible characters, at most {LONGEST_CODE}"
        )
    if user_code is None and submission.user_code is None:
        raise UsageError(
            f"{submission.id} is held and nobody knows whose it is ({submission.reason}): "
            "say for whom it is to be booked, with --user-code CODE"
        )


def require_refusable(submission: Submission) -> None:
    """Raises UsageError where it cannot be refused."""
    if not may_be_refused(submission):
        raise UsageError(f"{submission.id} is not held, it is {submission.state}")


# -------------------------------------------------------------------------------------- the deciding


def let_go(
    journal: IntakeJournal, submission: Submission, kind: Release, *, in_place: Collection[str]
) -> tuple[Follows, int]:
    """Release what is in doubt or was skipped; what follows, and how many documents are posted for that."""
    act = journal.release if kind is Release.SKIPPED else journal.retry
    count = act(submission.id, in_place=in_place)
    return what_follows(count, submission.state), count


def what_follows(count: int, state: SubmissionState) -> Follows:
    """Of a decision after which so many documents are pending; `state` was the submission's before it."""
    if count:
        return Follows.POSTED
    if state is SubmissionState.HELD:
        return Follows.STILL_HELD
    return Follows.STILL_AT_WORK if state is SubmissionState.OPEN else Follows.ANSWERED
