"""`retry` and `migrate`: what people have the journal do, beside a running daemon."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from watcher.bootstrap import migrate_journal, open_for_reading
from watcher.config.load import load


def retry(path: Path, identifiers: Sequence[str], *, new: bool) -> None:
    """Each submission by itself; all names are looked up before anything is changed."""
    journal = open_for_reading(load(path, secrets=False))
    try:
        chosen = [journal.submission(identifier).id for identifier in identifiers]
        for identifier in chosen:
            count = journal.retry(identifier, new=new)
            print(f"{identifier}: {count} documents are posted again")  # noqa: T201
    finally:
        journal.close()


def migrate(path: Path) -> None:
    """Bring the journal to this version."""
    migrate_journal(load(path, secrets=False))
    print("The journal is of this version.")  # noqa: T201
