"""`retry`, `release`, `refuse` and `migrate`: what people have the journal do, beside a running daemon."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from watcher.bootstrap.journals import in_place_stores, migrate_journal, secrets_of
from watcher.cli.reading import journal_of
from watcher.config.load import load
from watcher.config.sections import Configuration
from watcher.errors import UsageError
from watcher.headers import clean
from watcher.logs import conceal_tracebacks
from watcher.model import Outcome, Reason, Submission, SubmissionState
from watcher.ports import Journal


def retry(path: Path, identifiers: Sequence[str], *, new: bool) -> None:
    """Each submission by itself; all names are looked up before anything is changed."""
    with _chosen(path, identifiers) as (configuration, journal, submissions):
        for submission in submissions:
            count = journal.retry(submission.id, new=new, in_place=in_place_stores(configuration))
            print(f"{submission.id}: {_what_follows(count, submission.state)}")  # noqa: T201


def release(path: Path, identifiers: Sequence[str], *, user_code: str | None) -> None:
    """Take in what is held for its sender, post again what is in doubt (by its old bizId), or send what was skipped."""
    with _chosen(path, identifiers) as (configuration, journal, submissions):
        for submission in submissions:
            _require_releasable(submission, user_code)
        for submission in submissions:
            if _is_held_for_sender(submission):
                code = journal.let_in(submission.id, user_code)
                print(f"{submission.id}: taken in from the mailbox, for the employee {clean(code)}, and answered")  # noqa: T201
                continue
            let_go = journal.retry if submission.state is SubmissionState.HELD else journal.release
            count = let_go(submission.id, in_place=in_place_stores(configuration))
            print(f"{submission.id}: {_what_follows(count, submission.state)}")  # noqa: T201


def refuse(path: Path, identifiers: Sequence[str]) -> None:
    """Leave what is held unposted, and answer it."""
    with _chosen(path, identifiers) as (_, journal, submissions):
        for submission in submissions:
            _require_held(submission)
        for submission in submissions:
            journal.refuse(submission.id)
            print(f"{submission.id}: {_what_refusal_does(submission)}")  # noqa: T201


@contextmanager
def _chosen(path: Path, identifiers: Sequence[str]) -> Iterator[tuple[Configuration, Journal, list[Submission]]]:
    """The submissions that are meant, each once, and the journal that has them."""
    with journal_of(path) as (configuration, journal):
        found = [journal.submission(identifier) for identifier in identifiers]
        yield configuration, journal, list({each.id: each for each in found}.values())


def _is_held_for_sender(submission: Submission) -> bool:
    return submission.state is SubmissionState.HELD and submission.reason != Reason.IN_DOUBT


def _what_refusal_does(submission: Submission) -> str:
    if submission.released or _is_held_for_sender(submission):
        return "not taken in; it is moved to where what failed goes, unanswered"
    return "not posted; it is answered"


def _require_held(submission: Submission) -> None:
    if submission.state is not SubmissionState.HELD and not submission.released:
        raise UsageError(f"{submission.id} is not held, it is {submission.state}")


def _require_releasable(submission: Submission, user_code: str | None) -> None:
    if _is_held_for_sender(submission):
        if user_code is None and submission.user_code is None:
            raise UsageError(
                f"{submission.id} is held and nobody knows whose it is ({submission.reason}): "
                "say for whom it is to be booked, with --user-code CODE"
            )
        return
    if user_code is not None:
        raise UsageError(f"{submission.id} is not held for its sender, so --user-code has no meaning for it")
    if submission.state is not SubmissionState.HELD:
        if any(document.outcome is Outcome.SKIPPED for document in submission.documents):
            return
        raise UsageError(f"{submission.id} is not held, it is {submission.state}, and nothing in it was skipped")


def _what_follows(count: int, state: SubmissionState) -> str:
    if count:
        documents = "1 document is" if count == 1 else f"{count} documents are"
        return f"{documents} posted again, then it is answered again"
    if state is SubmissionState.HELD:
        return "held for a decision; nothing to repeat"
    if state is SubmissionState.OPEN:
        return "still at work; nothing to repeat"
    return "no document is posted again; it is answered again"


def migrate(path: Path) -> None:
    """Bring the journal to this version."""
    configuration = load(path, secrets=False)
    conceal_tracebacks(secrets_of(configuration))
    migrate_journal(configuration)
    print("The journal is of this version.")  # noqa: T201
