"""`retry` and `migrate`: what people have the journal do, beside a running daemon."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from watcher.bootstrap import migrate_journal, open_for_reading
from watcher.config.load import load
from watcher.model import SubmissionState


def retry(path: Path, identifiers: Sequence[str], *, new: bool) -> None:
    """Each submission by itself; all names are looked up before anything is changed."""
    journal = open_for_reading(load(path, secrets=False))
    try:
        found = [journal.submission(identifier) for identifier in identifiers]
        for submission in {each.id: each for each in found}.values():
            count = journal.retry(submission.id, new=new)
            print(f"{submission.id}: {_what_follows(count, submission.state)}")  # noqa: T201
    finally:
        journal.close()


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
    migrate_journal(load(path, secrets=False))
    print("The journal is of this version.")  # noqa: T201
