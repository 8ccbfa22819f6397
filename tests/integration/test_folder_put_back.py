"""Files that somebody puts back from error/ by hand: what is left of their first answer."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.folders import PDF, contents, folder_source, next_arrival, submission_of
from tests.support.folders import Memory as Journal
from watcher.sources.folder import FolderSource
from watcher.sources.folder.note import note_bytes

NOTE = "不知道这份文件是哪位员工的。\n"


@pytest.fixture
def source(tmp_path: Path) -> Iterator[FolderSource]:
    made = folder_source(tmp_path, network=True, settle="1ms")
    yield made
    made.close()


@pytest.fixture
def error(tmp_path: Path, source: FolderSource) -> Path:
    """With a file that was answered there."""
    (tmp_path / "inbox" / "a.pdf").write_bytes(PDF)
    answer(source, booked=False, note=NOTE)
    return tmp_path / "error"


def answer(source: FolderSource, *, booked: bool, note: str | None) -> None:
    submission = submission_of(next_arrival(source, Journal()), source)
    source.move(submission, source.plan(submission, booked=booked), note, first=True)


@pytest.mark.parametrize("place", ["a.pdf", "903851/a.pdf"])
def test_the_note_of_the_first_answer_goes_when_the_file_is_answered_anew(
    tmp_path: Path, source: FolderSource, error: Path, place: str
) -> None:
    put_back(error / "a.pdf", tmp_path / "inbox" / place)

    answer(source, booked=True, note=None)

    assert contents(error) == {}
    assert contents(tmp_path / "done") == {f"2026-12/{place}": PDF}


def test_so_it_does_where_the_second_answer_has_a_note_elsewhere(
    tmp_path: Path, source: FolderSource, error: Path
) -> None:
    put_back(error / "a.pdf", tmp_path / "inbox" / "903851" / "a.pdf")

    answer(source, booked=False, note="没有找到发票。\n")

    assert contents(error) == {"903851/a.pdf": PDF, "903851/a.pdf.txt": note_bytes("没有找到发票。\n")}


def test_a_note_in_which_somebody_has_written_stays(tmp_path: Path, source: FolderSource, error: Path) -> None:
    written = note_bytes(NOTE) + "张三的".encode()
    (error / "a.pdf.txt").write_bytes(written)
    put_back(error / "a.pdf", tmp_path / "inbox" / "a.pdf")

    answer(source, booked=True, note=None)

    assert contents(error) == {"a.pdf.txt": written}


@pytest.mark.parametrize("there", ["a copy of the same file", "another file"])
def test_a_note_beside_a_file_stays(tmp_path: Path, source: FolderSource, error: Path, there: str) -> None:
    put_back(error / "a.pdf", tmp_path / "inbox" / "903851" / "a.pdf")
    content = PDF if there == "a copy of the same file" else b"another file"
    (error / "a.pdf").write_bytes(content)

    answer(source, booked=True, note=None)

    assert contents(error) == {"a.pdf": content, "a.pdf.txt": note_bytes(NOTE)}


def test_the_note_of_another_file_that_somebody_took_away_stays(
    tmp_path: Path, source: FolderSource, error: Path
) -> None:
    (error / "a.pdf").unlink()
    (tmp_path / "inbox" / "a.pdf").write_bytes(PDF)

    answer(source, booked=True, note=None)

    assert contents(error) == {"a.pdf.txt": note_bytes(NOTE)}


def put_back(file: Path, place: Path) -> None:
    place.parent.mkdir(exist_ok=True)
    file.rename(place)
