"""`retry`, `release`, `refuse` and `migrate`: what people have the journal do, beside a running daemon."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from watcher.bootstrap.journals import migrate_journal, secrets_of
from watcher.cli.reading import journal_of
from watcher.config.load import load
from watcher.config.sections import Configuration
from watcher.decisions import (
    Follows,
    Release,
    in_place_stores,
    is_held_for_sender,
    let_go,
    require_refusable,
    require_releasable,
    what_follows,
)
from watcher.headers import clean
from watcher.logs import conceal_tracebacks
from watcher.model import Submission
from watcher.ports import Journal


def retry(path: Path, identifiers: Sequence[str], *, new: bool) -> None:
    """Each submission by itself; all names are looked up before anything is changed."""
    with _chosen(path, identifiers) as (configuration, journal, submissions):
        for submission in submissions:
            count = journal.retry(submission.id, new=new, in_place=in_place_stores(configuration))
            told = _told(what_follows(count, submission.state), count)
            print(f"{submission.id}: {told}{_unless_left(submission, configuration)}")  # noqa: T201


def release(path: Path, identifiers: Sequence[str], *, user_code: str | None) -> None:
    """Take in what is held for its sender, post again what is in doubt (by its old bizId), or send what was skipped."""
    with _chosen(path, identifiers) as (configuration, journal, submissions):
        kinds = [require_releasable(submission, user_code) for submission in submissions]
        for submission, kind in zip(submissions, kinds, strict=True):
            if kind is Release.SENDER:
                code = journal.let_in(submission.id, user_code)
                told = f"taken in from the mailbox, for the employee {clean(code)}, and answered"
            else:
                told = _told(*let_go(journal, submission, kind, in_place=in_place_stores(configuration)))
            print(f"{submission.id}: {told}{_unless_left(submission, configuration)}")  # noqa: T201


def refuse(path: Path, identifiers: Sequence[str]) -> None:
    """Leave what is held unposted, and answer it."""
    with _chosen(path, identifiers) as (configuration, journal, submissions):
        for submission in submissions:
            require_refusable(submission)
        for submission in submissions:
            journal.refuse(submission.id)
            told = _what_refusal_does(submission)
            print(f"{submission.id}: {told}{_unless_left(submission, configuration)}")  # noqa: T201


@contextmanager
def _chosen(path: Path, identifiers: Sequence[str]) -> Iterator[tuple[Configuration, Journal, list[Submission]]]:
    """The submissions that are meant, each once, and the journal that has them."""
    with journal_of(path) as (configuration, journal):
        found = [journal.submission(identifier) for identifier in identifiers]
        yield configuration, journal, list({each.id: each for each in found}.values())


def _unless_left(submission: Submission, configuration: Configuration) -> str:
    """What keeps it from being done. On PostgreSQL it may be another node's source."""
    if submission.source in {section.name for section in configuration.sources}:
        return ""
    return f"; but {clean(submission.source, 60)} is no source of this node's configuration: give it back its name"


def _what_refusal_does(submission: Submission) -> str:
    if submission.released or is_held_for_sender(submission):
        return "not taken in; it is moved to where what failed goes, unanswered"
    return "not posted; it is answered"


def _told(follows: Follows, count: int) -> str:
    documents = "1 document is" if count == 1 else f"{count} documents are"
    return {
        Follows.POSTED: f"{documents} posted again, then it is answered again",
        Follows.ANSWERED: "no document is posted again; it is answered again",
        Follows.STILL_HELD: "held for a decision; nothing to repeat",
        Follows.STILL_AT_WORK: "still at work; nothing to repeat",
    }[follows]


def migrate(path: Path) -> None:
    """Bring the journal to this version."""
    configuration = load(path, secrets=False)
    conceal_tracebacks(secrets_of(configuration))
    migrate_journal(configuration)
    print("The journal is of this version.")  # noqa: T201
