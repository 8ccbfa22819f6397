"""Files that were copied to a drive where times cannot be set are known again by their content."""

from __future__ import annotations

import errno
import hashlib
import os
import tempfile
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any
from zipfile import ZIP_STORED

import pytest
from msgspec.structs import replace

from tests.support.archives import pdf, zipped
from tests.support.folders import PDF, contents, folder_source, next_arrival, submission_of
from tests.support.folders import Memory as Journal
from tests.support.submissions import document
from watcher.bootstrap.adapters import contents_of
from watcher.config.sections import Limits
from watcher.errors import TargetTaken, Vanished
from watcher.model import Submission
from watcher.sources.folder import FolderSource, Likeness
from watcher.sources.folder.note import note_bytes

NOTE = "没有找到发票。\n"
LONG_AGO = 1_700_000_000.0
INNER = zipped(("b.pdf", pdf(2)))
ARCHIVE = zipped(("a.pdf", pdf(1)), ("inner.zip", INNER), ("readme.txt", b"hello"), method=ZIP_STORED)
CONTENTS = {"a.pdf": PDF, "a.zip": ARCHIVE}


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
    likeness = Likeness(partial(contents_of, ["pdf", "ofd"], Limits()))
    made = folder_source(tmp_path, network=True, settle="1ms", error=str(error), likeness=likeness)
    yield made
    made.close()


def taken_in(source: FolderSource, file: Path, content: bytes, *documents: bytes) -> Submission:
    file.write_bytes(content)
    os.utime(file, (LONG_AGO, LONG_AGO))
    found = submission_of(next_arrival(source, Journal()), source)
    recorded = [document(size=len(each), sha256=hashlib.sha256(each).hexdigest()) for each in documents]
    return replace(found, documents=tuple(recorded))


def moved_to_error(source: FolderSource, submission: Submission) -> Submission:
    target = source.plan(submission, booked=False)
    source.move(submission, target, NOTE, first=True)
    return replace(submission, moved_to=target)


@pytest.fixture
def submission(tmp_path: Path, source: FolderSource) -> Submission:
    return taken_in(source, tmp_path / "inbox" / "a.pdf", PDF, PDF)


@pytest.fixture
def in_error(source: FolderSource, submission: Submission) -> Submission:
    return moved_to_error(source, submission)


def tried_again(submission: Submission) -> Submission:
    """As the journal has what is to be answered again where it lies."""
    assert submission.moved_to is not None
    return replace(submission, place=submission.moved_to)


@pytest.fixture(params=["a.pdf", "a.zip"])
def each_in_error(request: pytest.FixtureRequest) -> Submission:
    """A file by itself, and an archive, of which only what is in it was recorded."""
    found: Submission = request.getfixturevalue("in_error" if request.param == "a.pdf" else "archive_in_error")
    return found


def test_what_is_booked_at_last_goes_from_error_to_done(
    tmp_path: Path, source: FolderSource, each_in_error: Submission, error: Path
) -> None:
    again = tried_again(each_in_error)

    source.move(again, source.plan(again, booked=True), None, first=True)

    assert contents(error) == {}
    assert contents(tmp_path / "done") == {f"2026-12/{each_in_error.place}": CONTENTS[each_in_error.place]}


def test_what_is_put_back_to_be_posted_by_its_place_lies_there_again(
    tmp_path: Path, source: FolderSource, each_in_error: Submission, error: Path
) -> None:
    source.put_back(each_in_error)

    assert contents(error) == {}
    assert contents(tmp_path / "inbox") == {each_in_error.place: CONTENTS[each_in_error.place]}


def test_another_file_of_the_same_length_stays(source: FolderSource, in_error: Submission, error: Path) -> None:
    again, other = tried_again(in_error), PDF.swapcase()
    (error / "a.pdf").write_bytes(other)

    with pytest.raises(Vanished):
        source.move(again, source.plan(again, booked=True), None, first=True)

    assert contents(error)["a.pdf"] == other


@pytest.fixture
def archive_in_error(tmp_path: Path, source: FolderSource) -> Submission:
    return moved_to_error(source, taken_in(source, tmp_path / "inbox" / "a.zip", ARCHIVE, pdf(1), pdf(2)))


@pytest.mark.parametrize(
    "other",
    [
        zipped(("a.pdf", pdf(3)), ("inner.zip", INNER), ("readme.txt", b"hello"), method=ZIP_STORED),
        PDF.ljust(len(ARCHIVE)),
        b"PK".ljust(len(ARCHIVE)),
    ],
)
def test_another_archive_of_the_same_length_stays(
    source: FolderSource, archive_in_error: Submission, error: Path, other: bytes
) -> None:
    again = tried_again(archive_in_error)
    (error / "a.zip").write_bytes(other)

    with pytest.raises(Vanished):
        source.move(again, source.plan(again, booked=True), None, first=True)

    assert contents(error)["a.zip"] == other


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
    (error / "a.pdf.txt").write_bytes(note_bytes(NOTE))

    source.move(submission, target, NOTE)

    assert contents(error) == {"a.pdf": PDF, "a.pdf.txt": note_bytes(NOTE)}
    assert contents(tmp_path / "inbox") == {}


@pytest.mark.parametrize("note", [NOTE, None])
def test_a_file_with_the_same_bytes_that_was_brought_there_for_another_submission_stays_that_ones(
    tmp_path: Path, source: FolderSource, submission: Submission, error: Path, note: str | None
) -> None:
    """Folders that share `error` may plan one name, and the one whose move died comes second."""
    target = source.plan(submission, booked=False)
    theirs = {"a.pdf": PDF, "a.pdf.txt": note_bytes("of another")}
    error.mkdir()
    for name, content in theirs.items():
        (error / name).write_bytes(content)

    with pytest.raises(TargetTaken):
        source.move(submission, target, note)

    assert contents(error) == theirs
    assert contents(tmp_path / "inbox") == {"a.pdf": PDF}


def test_what_was_put_back_by_who_died_before_it_was_recorded_lies_contents(
    tmp_path: Path, source: FolderSource, in_error: Submission
) -> None:
    before = source.put_back(in_error)

    assert source.put_back(in_error) == before
    assert contents(tmp_path / "inbox") == {"a.pdf": PDF}
