"""Folders of answers within the watched folder, by whatever name."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.folders import PDF, Memory, folder_source, next_arrival, submission_of
from watcher.sources.folder import FolderSource
from watcher.sources.folder.names import MARK


@pytest.fixture
def inbox(tmp_path: Path) -> Path:
    return tmp_path / "inbox"


def inside(root: Path, done: str = "done") -> FolderSource:
    """A source whose answers lie in the watched folder; it is looked at when a test asks for it."""
    inbox = root / "inbox"
    return folder_source(root, network=True, settle="1ms", done=str(inbox / done), error=str(inbox / "error"))


def found(source: FolderSource) -> list[str | None]:
    return [each.path for each in source.arrivals(lambda _keys: {})]


@pytest.fixture
def source(tmp_path: Path) -> Iterator[FolderSource]:
    made = inside(tmp_path)
    yield made
    made.close()


def put(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(PDF)
    os.utime(path, (1, 1))


def answer(source: FolderSource, inbox: Path, name: str) -> None:
    put(inbox / "903851" / name)
    submission = submission_of(next_arrival(source, Memory()), source)
    source.move(submission, source.plan(submission, booked=True), None)


def settled(source: FolderSource) -> list[str | None]:
    """What is there once all has stood still."""
    found(source)
    source.wait(0.01)
    return found(source)


def test_a_folder_that_was_there_before_there_were_marks_gets_one_at_the_start(
    tmp_path: Path, inbox: Path, source: FolderSource
) -> None:
    put(inbox / "done" / "old.pdf")
    found(source)
    (inbox / "done").rename(inbox / "done-2025")

    assert settled(source) == []
    assert settled(inside(tmp_path)) == []


def test_a_folder_that_is_made_in_the_place_of_a_renamed_one_is_marked_as_well(
    tmp_path: Path, inbox: Path, source: FolderSource
) -> None:
    answer(source, inbox, "a.pdf")
    (inbox / "done").rename(inbox / "done 1")
    (inbox / "done").mkdir()  # by the administrator
    answer(source, inbox, "b.pdf")
    (inbox / "done").rename(inbox / "done 2")

    assert settled(inside(tmp_path)) == []


def test_what_is_taken_out_of_a_renamed_folder_or_loses_its_mark_is_taken_in(inbox: Path, source: FolderSource) -> None:
    answer(source, inbox, "a.pdf")
    answer(source, inbox, "b.pdf")
    (inbox / "done").rename(inbox / "done 1")
    assert settled(source) == []

    (inbox / "done 1" / "903851" / "a.pdf").rename(inbox / "903851" / "a.pdf")
    assert settled(source) == ["903851/a.pdf"]
    (inbox / "done 1" / MARK).unlink()
    assert sorted(map(str, settled(source))) == ["903851/a.pdf", "done 1/903851/b.pdf"]


def test_a_folder_of_answers_that_lies_elsewhere_needs_no_mark(tmp_path: Path, inbox: Path) -> None:
    source = folder_source(tmp_path, network=True, settle="1ms")
    answer(source, inbox, "a.pdf")

    assert list(tmp_path.rglob(MARK)) == []


def test_a_folder_of_answers_that_is_to_be_watched_now_is_looked_at(tmp_path: Path, inbox: Path) -> None:
    put(inbox / "903851" / "a.pdf")
    (inbox / MARK).touch()

    assert settled(folder_source(tmp_path, network=True, settle="1ms")) == ["903851/a.pdf"]


def test_only_the_folders_of_days_are_marked_where_they_lie_beside_those_of_employees(
    tmp_path: Path, inbox: Path
) -> None:
    source = inside(tmp_path, done="{yyyy}-{mm}")
    answer(source, inbox, "a.pdf")
    found(source)

    assert [path.parent.name for path in inbox.rglob(MARK)] == ["2026-12"]


def test_where_no_mark_can_be_made_files_are_answered_all_the_same(inbox: Path, source: FolderSource) -> None:
    (inbox / "done" / MARK).mkdir(parents=True)

    answer(source, inbox, "a.pdf")

    assert (inbox / "done" / "903851" / "a.pdf").read_bytes() == PDF
