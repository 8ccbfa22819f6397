"""What several tests of the steps stand on."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from watcher.journal.journal import SqlJournal
from watcher.journal.opening import open_journal


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[SqlJournal]:
    """An empty journal in a file."""
    opened = open_journal(f"sqlite:///{tmp_path}/journal.db", exclusive=True)
    yield opened
    opened.close()
