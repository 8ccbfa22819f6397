"""Two nodes that move files at the same time: one file, when its copy takes long, or two to one name."""

from __future__ import annotations

import contextlib
import os
import signal
import tempfile
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.folders import Memory, folder_source, next_arrival, submission_of
from tests.support.workplace import pdf
from watcher.errors import TargetTaken
from watcher.model import Submission
from watcher.sources.folder import FolderSource, atomic, move
from watcher.sources.folder.note import note_bytes

NOTE = "没有找到发票。\n"
CONTENT = pdf("slow", size=200_000)


@pytest.fixture
def error(tmp_path: Path) -> Iterator[Path]:
    with tempfile.TemporaryDirectory(dir="/dev/shm") as name:
        if Path(name).stat().st_dev == tmp_path.stat().st_dev:
            pytest.skip("/dev/shm is no other drive here")
        yield Path(name)


@pytest.fixture
def source(tmp_path: Path, error: Path) -> FolderSource:
    """Without event threads, so that a test may fork."""
    return folder_source(tmp_path, network=True, settle="1ms", error=str(error))


@pytest.fixture
def planned(tmp_path: Path, source: FolderSource) -> tuple[Submission, str]:
    (tmp_path / "inbox" / "a.pdf").write_bytes(CONTENT)
    submission = submission_of(next_arrival(source, Memory()), source)
    target = source.plan(submission, booked=False)
    assert target is not None
    return submission, target


class Node:
    """A process that has begun to copy, and stands still in the middle of it."""

    def __init__(self, work: Callable[[], object]) -> None:
        self._child = os.fork()
        if self._child == 0:
            with contextlib.suppress(BaseException):
                _stand_still_in_the_middle()
                move.LATE_SECONDS = 0.0
                work()
                os._exit(0)
            os._exit(1)
        assert os.WIFSTOPPED(os.waitpid(self._child, os.WUNTRACED)[1])

    def goes_on(self) -> bool:
        """To its end; whether that is a good one."""
        os.kill(self._child, signal.SIGCONT)
        return os.waitstatus_to_exitcode(os.waitpid(self._child, 0)[1]) == 0

    def dies(self) -> None:
        os.kill(self._child, signal.SIGKILL)
        os.waitpid(self._child, 0)


def _stand_still_in_the_middle() -> None:
    write_all = atomic._write_all

    def half(file: int, content: bytes) -> None:
        if len(content) < len(CONTENT):  # a note
            write_all(file, content)
            return
        write_all(file, content[:1000])
        os.kill(os.getpid(), signal.SIGSTOP)
        write_all(file, content[1000:])

    atomic._write_all = half


def there(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


ANSWERED = {"a.pdf": CONTENT, "a.pdf.txt": note_bytes(NOTE)}


def test_of_two_that_copy_one_file_neither_gives_its_name_to_what_the_other_has_half_written(
    tmp_path: Path, source: FolderSource, planned: tuple[Submission, str], error: Path
) -> None:
    submission, target = planned
    first = Node(lambda: source.move(submission, target, NOTE, first=True))
    second = Node(lambda: source.move(submission, target, NOTE))

    assert first.goes_on()
    second.dies()

    assert there(error) == ANSWERED
    assert there(tmp_path / "inbox") == {}


def test_who_is_too_late_with_its_copy_leaves_the_note_of_who_was_not(
    source: FolderSource, planned: tuple[Submission, str], error: Path
) -> None:
    submission, target = planned
    first = Node(lambda: source.move(submission, target, NOTE, first=True))
    source.move(submission, target, NOTE)

    assert first.goes_on()

    assert there(error) == ANSWERED


@pytest.mark.parametrize("began_first", [False, True])
def test_what_a_killed_node_has_half_copied_is_removed_by_the_one_that_ends_it(
    source: FolderSource, planned: tuple[Submission, str], error: Path, began_first: bool
) -> None:
    submission, target = planned
    if began_first:
        Node(lambda: source.move(submission, target, NOTE, first=True)).dies()
        source.move(submission, target, NOTE)
    else:
        first = Node(lambda: source.move(submission, target, NOTE, first=True))
        Node(lambda: source.move(submission, target, NOTE)).dies()
        assert first.goes_on()

    assert there(error) == ANSWERED


def test_what_was_half_copied_is_removed_too_where_its_name_is_taken_by_then(
    source: FolderSource, planned: tuple[Submission, str], error: Path
) -> None:
    submission, target = planned
    Node(lambda: source.move(submission, target, NOTE, first=True)).dies()
    (error / "a.pdf.txt").unlink()
    (error / "a.pdf").write_bytes(b"somebody else's")

    with pytest.raises(TargetTaken):
        source.move(submission, target, NOTE)
    source.move(submission, source.plan(submission, booked=False), NOTE, first=True)

    assert there(error) == {
        "a.pdf": b"somebody else's",
        "a (2).pdf": CONTENT,
        "a (2).pdf.txt": note_bytes(NOTE),
    }


@pytest.fixture
def others(tmp_path: Path, error: Path) -> tuple[FolderSource, Submission]:
    """Another node, for another folder with the same `error`, and a file there that has the same name."""
    source = folder_source(tmp_path / "other", network=True, settle="1ms", error=str(error))
    (tmp_path / "other" / "inbox" / "a.pdf").write_bytes(pdf("another"))
    return source, submission_of(next_arrival(source, Memory()), source)


@pytest.mark.parametrize("its_note", ["before", "after"])
def test_who_comes_second_to_a_name_leaves_the_note_of_who_came_first(
    source: FolderSource,
    planned: tuple[Submission, str],
    others: tuple[FolderSource, Submission],
    monkeypatch: pytest.MonkeyPatch,
    its_note: str,
) -> None:
    """Its note comes before or after that of the second one, which is about to give its file the name."""
    (submission, target), (other, theirs) = planned, others
    is_noted, may_go_on, rename = threading.Event(), threading.Event(), atomic.rename_new

    def renamed(*arguments: Any, **keys: Any) -> None:
        if threading.current_thread() is second:
            is_noted.set()
            may_go_on.wait(60)
        elif its_note == "before":
            second.start()
            is_noted.wait(60)
        rename(*arguments, **keys)

    monkeypatch.setattr(move, "rename_new", renamed)
    refused: list[Exception] = []

    def come_second() -> None:
        try:
            other.move(theirs, target, "of the second", first=True)
        except TargetTaken as taken:
            refused.append(taken)

    second = threading.Thread(target=come_second)
    if its_note == "after":
        second.start()
        is_noted.wait(60)
    source.move(submission, target, NOTE, first=True)
    may_go_on.set()
    second.join(60)

    assert len(refused) == 1
    assert there(Path(target).parent) == ANSWERED
