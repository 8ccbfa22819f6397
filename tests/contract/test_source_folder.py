"""A watched folder is a source."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.contract.source_suite import SourceSuite
from tests.support.folders import PDF, folder_source, submission_of
from watcher.errors import Vanished
from watcher.model import Submission
from watcher.ports import Arrival, Source
from watcher.sources.folder import FolderSource


class TestFolder(SourceSuite):
    @pytest.fixture
    def source(self, tmp_path: Path) -> Iterator[FolderSource]:
        self.root = tmp_path
        source = folder_source(tmp_path)
        yield source
        source.close()

    def drop(self, source: Source, number: int) -> None:
        path = self.root / "inbox" / f"{number}.pdf"
        path.write_bytes(PDF)
        os.utime(path, (1_700_000_000 + number, 1_700_000_000 + number))

    def lose(self, source: Source) -> None:
        for path in (self.root / "inbox").iterdir():
            path.unlink()

    def take_away(self, source: Source) -> None:
        (self.root / "inbox").rename(self.root / "elsewhere")

    def submission(self, source: Source, arrival: Arrival) -> Submission:
        assert isinstance(source, FolderSource)
        return submission_of(arrival, source)

    def test_what_was_moved_to_done_is_not_there_to_be_moved_to_error(self, source: Source) -> None:
        self.drop(source, 1)
        submission = self.submission(source, self.only(source))
        source.move(submission, source.plan(submission, booked=True), None)

        with pytest.raises(Vanished):
            source.move(submission, source.plan(submission, booked=False), None)
