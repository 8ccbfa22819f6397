"""The journal on every database, and the reader, for the suites of what they promise."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.files import BytesLeaf
from tests.support.reading import Read, read_leaves
from watcher.journal.opening import open_journal
from watcher.ports import FoundDocument, Journal


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


@pytest.fixture
def read() -> Iterator[Read]:
    """Reads leaves (bytes, or leaves), and closes what was found after the test."""
    found: list[FoundDocument] = []

    def reading(*leaves: bytes | BytesLeaf, **options: Any) -> list[FoundDocument]:
        documents = read_leaves(*leaves, **options)
        found.extend(documents)
        return documents

    yield reading
    for one in found:
        if one.content is not None:
            one.content.close()
