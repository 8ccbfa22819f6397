"""Folders of answers within the watched folder, by whatever name."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.folders import PDF, Memory, folder_source, next_arrival, submission_of
from tests.support.tmpfs import disk_without_attributes
from watcher.sources.folder import FolderSource
from watcher.sources.folder.mark import has_attribute, mark
from watcher.sources.folder.names import MARK


@pytest.fixture(params=["attributes", "files"])
def root(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Path]:
    """On a drive whose folders have attributes, and on one where a mark is a file."""
    if request.param == "attributes":
        yield tmp_path
        return
    with disk_without_attributes(tmp_path / "plain"):
        yield tmp_path / "plain"


@pytest.fixture
def inbox(root: Path) -> Path:
    return root / "inbox"


def inside(root: Path, done: str = "done") -> FolderSource:
    """A source whose answers lie in the watched folder; it is looked at when a test asks for it."""
    inbox = root / "inbox"
    return folder_source(root, network=True, settle="1ms", done=str(inbox / done), error=str(inbox / "error"))


def found(source: FolderSource) -> list[str | None]:
    return [each.path for each in source.arrivals(lambda _keys: {})]


@pytest.fixture
def source(root: Path) -> Iterator[FolderSource]:
    made = inside(root)
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


def mark_path(folder: Path) -> None:
    opened = os.open(folder, os.O_RDONLY)
    mark(opened)
    os.close(opened)


def marked(root: Path) -> list[str]:
    """The folders that have a mark of either kind."""
    names = []
    for folder in (root, *filter(Path.is_dir, root.rglob("*"))):
        opened = os.open(folder, os.O_RDONLY)
        if has_attribute(opened) or (folder / MARK).exists():
            names.append(folder.name)
        os.close(opened)
    return names


def unmark(folder: Path) -> None:
    if (folder / MARK).exists():
        (folder / MARK).unlink()
    else:
        os.removexattr(folder, "user.invoice-watcher.answered")


def settled(source: FolderSource) -> list[str | None]:
    """What is there once all has stood still."""
    found(source)
    source.wait(0.01)
    return found(source)


def test_a_folder_that_was_there_before_there_were_marks_gets_one_at_the_start(
    root: Path, inbox: Path, source: FolderSource
) -> None:
    put(inbox / "done" / "old.pdf")
    found(source)
    (inbox / "done").rename(inbox / "done-2025")

    assert settled(source) == []
    assert settled(inside(root)) == []


def test_a_folder_that_is_made_in_the_place_of_a_renamed_one_is_marked_as_well(
    root: Path, inbox: Path, source: FolderSource
) -> None:
    answer(source, inbox, "a.pdf")
    (inbox / "done").rename(inbox / "done 1")
    (inbox / "done").mkdir()  # by the administrator
    answer(source, inbox, "b.pdf")
    (inbox / "done").rename(inbox / "done 2")

    assert settled(inside(root)) == []


def test_what_is_taken_out_of_a_renamed_folder_or_loses_its_mark_is_taken_in(inbox: Path, source: FolderSource) -> None:
    answer(source, inbox, "a.pdf")
    answer(source, inbox, "b.pdf")
    (inbox / "done").rename(inbox / "done 1")
    assert settled(source) == []

    (inbox / "done 1" / "903851" / "a.pdf").rename(inbox / "903851" / "a.pdf")
    assert settled(source) == ["903851/a.pdf"]
    unmark(inbox / "done 1")
    assert sorted(map(str, settled(source))) == ["903851/a.pdf", "done 1/903851/b.pdf"]


def test_a_folder_of_answers_that_lies_elsewhere_needs_no_mark(root: Path, inbox: Path) -> None:
    source = folder_source(root, network=True, settle="1ms")
    answer(source, inbox, "a.pdf")

    assert marked(root) == []


def test_a_folder_of_answers_that_is_to_be_watched_now_is_looked_at(root: Path, inbox: Path) -> None:
    put(inbox / "903851" / "a.pdf")
    mark_path(inbox)

    assert settled(folder_source(root, network=True, settle="1ms")) == ["903851/a.pdf"]


def test_only_the_folders_of_days_are_marked_where_they_lie_beside_those_of_employees(root: Path, inbox: Path) -> None:
    source = inside(root, done="{yyyy}-{mm}")
    answer(source, inbox, "a.pdf")
    found(source)

    assert marked(inbox) == ["2026-12"]


def test_where_folders_have_attributes_a_mark_shows_in_no_listing(tmp_path: Path) -> None:
    source = inside(tmp_path)
    answer(source, tmp_path / "inbox", "a.pdf")

    assert [path.name for path in (tmp_path / "inbox" / "done").iterdir()] == ["903851"]


def test_our_own_folder_of_answers_under_another_path_is_not_said_to_be_renamed(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    inbox = tmp_path / "inbox"
    answer(inside(tmp_path), inbox, "a.pdf")
    other = inbox / "same"
    other.mkdir()
    if subprocess.run(["mount", "--bind", inbox / "done", other], check=False, stderr=subprocess.DEVNULL).returncode:
        pytest.skip("nothing can be mounted here")
    try:
        assert settled(inside(tmp_path)) == []
    finally:
        subprocess.run(["umount", "--lazy", other], check=True)
    assert "another name" not in caplog.text


def test_where_no_mark_can_be_made_files_are_answered_all_the_same(inbox: Path, source: FolderSource) -> None:
    (inbox / "done" / MARK).mkdir(parents=True)

    answer(source, inbox, "a.pdf")

    assert (inbox / "done" / "903851" / "a.pdf").read_bytes() == PDF


def test_what_was_moved_out_of_done_by_its_month_is_not_taken_in_for_another_employee(tmp_path: Path) -> None:
    made = folder_source(tmp_path, network=True, settle="1ms", done=str(tmp_path / "inbox/done/{yyyy}-{mm}"))
    (tmp_path / "inbox/1001").mkdir()
    (tmp_path / "inbox/1001/a.pdf").write_bytes(PDF)
    submission = submission_of(next_arrival(made, Memory()), made)
    made.move(submission, made.plan(submission, booked=True), None, first=True)
    (tmp_path / "inbox/1002").mkdir()

    (tmp_path / "inbox/done/2026-12").rename(tmp_path / "inbox/1002/2026-12")

    with pytest.raises(AssertionError, match="nothing arrived"):
        next_arrival(made, Memory(), 0.5)
    made.close()
