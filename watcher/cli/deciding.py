"""`retry`, `release`, `refuse` and `migrate`: what people have the journal do, beside a running daemon."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from watcher.bootstrap import in_place_stores, migrate_journal, open_for_reading, secrets_of
from watcher.config.load import load
from watcher.config.sections import Configuration
from watcher.errors import UsageError
from watcher.logs import conceal_tracebacks
from watcher.model import Outcome, Reason, Submission, SubmissionState
from watcher.ports import Journal


def retry(path: Path, identifiers: Sequence[str], *, new: bool) -> None:
    """Each submission by itself; all names are looked up before anything is changed."""
    with _chosen(path, identifiers) as (configuration, journal, submissions):
        for submission in submissions:
            count = journal.retry(submission.id, new=new, in_place=in_place_stores(configuration))
            print(f"{submission.id}: {_what_follows(count, submission.state)}")  # noqa: T201


def release(path: Path, identifiers: Sequence[str]) -> None:
    """Post what is held because it is in doubt again, under its old bizId, and what was skipped after all."""
    with _chosen(path, identifiers) as (configuration, journal, submissions):
        for submission in submissions:
            _require_releasable(submission)
        for submission in submissions:
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
            print(f"{submission.id}: not posted; it is answered")  # noqa: T201


@contextmanager
def _chosen(path: Path, identifiers: Sequence[str]) -> Iterator[tuple[Configuration, Journal, list[Submission]]]:
    """The submissions that are meant, each once, and the journal that has them."""
    configuration = load(path, secrets=False)
    conceal_tracebacks(secrets_of(configuration))
    journal = open_for_reading(configuration)
    try:
        found = [journal.submission(identifier) for identifier in identifiers]
        yield configuration, journal, list({each.id: each for each in found}.values())
    finally:
        journal.close()


def _require_held(submission: Submission) -> None:
    if submission.state is not SubmissionState.HELD:
        raise UsageError(f"{submission.id} is not held, it is {submission.state}")


def _require_releasable(submission: Submission) -> None:
    if submission.state is not SubmissionState.HELD:
        if any(document.outcome is Outcome.SKIPPED for document in submission.documents):
            return
        raise UsageError(f"{submission.id} is not held, it is {submission.state}, and nothing in it was skipped")
    if submission.reason != Reason.IN_DOUBT:
        raise UsageError(
            f"{submission.id} is held for its sender ({submission.reason}), which this version cannot release: "
            "make the sender known or proven, `refuse` it, and move the mail back from the folder for errors"
        )


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
