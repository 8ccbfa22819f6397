"""Files that were copied to a drive where times cannot be set are known again by their content."""

from __future__ import annotations

import errno
import hashlib
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from tests.support.folders import PDF, contents, folder_source, next_arrival, submission_of
from tests.support.folders import Memory as Journal
from tests.support.submissions import document
from watcher.errors import Vanished
from watcher.model import Submission
from watcher.sources.folder import FolderSource
from watcher.sources.folder.note import note_bytes

NOTE = "没有找到发票。\n"
LONG_AGO = 1_700_000_000.0


@pytest.fixture(autouse=True)
def another_users_share(monkeypatch: pytest.MonkeyPatch) -> None:
    real = os.utime

    def forbidden(file: Any, *arguments: Any, **keys: Any) -> None:
        if isinstance(file, int):  # as the product sets them
            raise PermissionError(errno.EPERM, "Operation not permitted")
        real(file, *arguments, **keys)

    monkeypatch.setattr(os, "utime", forbidden)


@pytest.fixture
def error() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(dir="/dev/shm") as name:
        yield Path(name) / "error"


@pytest.fixture
def source(tmp_path: Path, error: Path) -> Iterator[FolderSource]:
    made = folder_source(tmp_path, network=True, settle="1ms", error=str(error))
    yield made
    made.close()


@pytest.fixture
def submission(tmp_path: Path, source: FolderSource) -> Submission:
    file = tmp_path / "inbox" / "a.pdf"
    file.write_bytes(PDF)
    os.utime(file, (LONG_AGO, LONG_AGO))
    found = submission_of(next_arrival(source, Journal()), source)
    return replace(found, documents=(document(size=len(PDF), sha256=hashlib.sha256(PDF).hexdigest()),))


@pytest.fixture
def in_error(source: FolderSource, submission: Submission) -> Submission:
    target = source.plan(submission, booked=False)
    source.move(submission, target, NOTE, first=True)
    return replace(submission, moved_to=target)


def tried_again(submission: Submission) -> Submission:
    """As the journal has what is to be answered again where it lies."""
    assert submission.moved_to is not None
    return replace(submission, place=submission.moved_to)


def test_what_is_booked_at_last_goes_from_error_to_done(
    tmp_path: Path, source: FolderSource, in_error: Submission, error: Path
) -> None:
    again = tried_again(in_error)

    source.move(again, source.plan(again, booked=True), None, first=True)

    assert contents(error) == {}
    assert contents(tmp_path / "done") == {"2026-12/a.pdf": PDF}


def test_what_is_put_back_to_be_posted_by_its_place_lies_there_again(
    tmp_path: Path, source: FolderSource, in_error: Submission, error: Path
) -> None:
    source.put_back(in_error)

    assert contents(error) == {}
    assert contents(tmp_path / "inbox") == {"a.pdf": PDF}


def test_another_file_of_the_same_length_stays(source: FolderSource, in_error: Submission, error: Path) -> None:
    again, other = tried_again(in_error), PDF.swapcase()
    (error / "a.pdf").write_bytes(other)

    with pytest.raises(Vanished):
        source.move(again, source.plan(again, booked=True), None, first=True)

    assert contents(error)["a.pdf"] == other


def test_a_move_that_was_not_recorded_is_known_to_have_been_made(
    source: FolderSource, in_error: Submission, submission: Submission, error: Path
) -> None:
    source.move(submission, in_error.moved_to, NOTE)

    assert contents(error) == {"a.pdf": PDF, "a.pdf.txt": note_bytes(NOTE)}


def test_of_a_copy_whose_move_died_no_second_one_is_made(
    tmp_path: Path, source: FolderSource, submission: Submission, error: Path
) -> None:
    target = source.plan(submission, booked=False)
    error.mkdir()
    (error / "a.pdf").write_bytes(PDF)

    source.move(submission, target, NOTE)

    assert contents(error) == {"a.pdf": PDF, "a.pdf.txt": note_bytes(NOTE)}
    assert contents(tmp_path / "inbox") == {}


def test_what_was_put_back_by_who_died_before_it_was_recorded_lies_contents(
    tmp_path: Path, source: FolderSource, in_error: Submission
) -> None:
    before = source.put_back(in_error)

    assert source.put_back(in_error) == before
    assert contents(tmp_path / "inbox") == {"a.pdf": PDF}
