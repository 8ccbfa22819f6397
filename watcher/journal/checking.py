"""What `check` says of the journal; it is neither made nor changed."""

from __future__ import annotations

import os
from pathlib import Path

from sqlalchemy import make_url

from watcher.errors import JournalMissing, JournalUnavailable, JournalUnusable
from watcher.journal.database import FULL
from watcher.journal.opening import open_journal
from watcher.journal.sqlite_file import has_no_room
from watcher.model import Finding

_MEND = (
    "let the daemon's user read and write it; `invoice-watcher migrate` brings an old one up to date; "
    "for what is no journal, name another place in `journal`"
)


def check_journal(url: str) -> list[Finding]:
    """One finding: whether the journal can be opened, or could be made."""
    try:
        journal = open_journal(url, exclusive=False)
    except JournalMissing:
        return [_to_be_made(url)]
    except JournalUnavailable as error:
        if str(error) == FULL:
            return [_finding(FULL, mend="make room on the disk that it is on; nothing is lost meanwhile")]
        return [_finding(str(error), mend="see whether the database runs, and its host, name and user in `journal`")]
    except JournalUnusable as error:
        return [_finding(str(error), mend=_MEND)]
    try:
        return [_finding(f"{sum(journal.counts().submissions.values())} submissions")]
    finally:
        journal.close()


def journal_trouble(url: str) -> str | None:
    """Why nothing can be written to it now, as far as that is seen from outside the daemon; None: nothing is seen."""
    parsed = make_url(url)
    if parsed.get_backend_name() != "sqlite" or not has_no_room(Path(parsed.database or "").resolve()):
        return None
    return FULL


def _to_be_made(url: str) -> Finding:
    parsed = make_url(url)
    if parsed.get_backend_name() != "sqlite":
        return _finding("the database is empty; the journal will be made by the first run")
    path = Path(parsed.database or "").resolve()
    directory = path.parent
    if not directory.is_dir():
        return _finding(f"the directory {directory} does not exist", mend=f"make it: install -d -m 0700 {directory}")
    if not os.access(directory, os.W_OK | os.X_OK):
        return _finding(f"the directory {directory} cannot be written", mend="let the daemon's user write there")
    return _finding(f"{path} will be made by the first run")


def _finding(message: str, mend: str | None = None) -> Finding:
    return Finding(subject="journal", ok=mend is None, message=message, mend=mend)
