"""The journal on every database, for the suites of what every journal promises."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from watcher.journal.opening import open_journal
from watcher.ports import Journal


@pytest.fixture(params=["sqlite", "postgres"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/journal.db"
    return str(request.getfixturevalue("postgres").database())


@pytest.fixture
def journal(url: str) -> Iterator[Journal]:
    opened: Journal = open_journal(url, exclusive=True)
    yield opened
    opened.close()
