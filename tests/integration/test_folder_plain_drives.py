"""Drives that know neither links nor a rename that overwrites nothing: a name is taken there by an empty file."""

from __future__ import annotations

import contextlib
import errno
import os
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.folders import PDF, Memory, folder_source, next_arrival, submission_of
from watcher.errors import SourceUnavailable, TargetTaken
from watcher.model import Submission
from watcher.sources.folder import FolderSource, atomic
from watcher.sources.folder.hidden import hidden_name
from watcher.sources.folder.identity import Fingerprint
from watcher.sources.folder.note import note_bytes

NOTE = "没有找到发票。\n"
ANSWERED = {"a.pdf": PDF, "a.pdf.txt": note_bytes(NOTE)}

real_rename = os.rename


@pytest.fixture(autouse=True)
def plain_drive(monkeypatch: pytest.MonkeyPatch) -> None:
    def cannot(*_: Any, **__: Any) -> None:
        raise OSError(errno.EINVAL, "Invalid argument")

    monkeypatch.setattr(atomic, "_renameat2", cannot)
    monkeypatch.setattr(os, "link", cannot)


@pytest.fixture(params=["same", "other"])
def error(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Path]:
    if request.param == "same":
        yield tmp_path / "error"
        return
    with tempfile.TemporaryDirectory(dir="/dev/shm") as name:
        yield Path(name) / "error"


@pytest.fixture
def source(tmp_path: Path, error: Path) -> FolderSource:
    return folder_source(tmp_path, network=True, settle="1ms", error=str(error))


def taken_in(source: FolderSource, root: Path) -> tuple[Submission, str]:
    (root / "inbox" / "a.pdf").write_bytes(PDF)
    submission = submission_of(next_arrival(source, Memory()), source)
    return submission, str(source.plan(submission, booked=False))


def there(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


class Renames:
    """Counts renames; at the n-th it does something else."""

    def __init__(self, number: int, instead: Callable[..., None]) -> None:
        self._left, self._instead = number, instead

    def __call__(self, *arguments: Any, **keys: Any) -> None:
        self._left -= 1
        (self._instead if self._left == 0 else real_rename)(*arguments, **keys)


def dies(number: int, instead: Callable[..., None], work: Callable[[], object]) -> bool:
    """Do the work in a child that dies at its n-th rename; whether it came to that."""
    child = os.fork()
    if child == 0:
        with contextlib.suppress(BaseException):
            os.rename = Renames(number, instead)
            work()
            os._exit(0)
        os._exit(1)
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    assert code in (0, 9), "the move failed by itself"
    return code == 9


def before(*_: Any, **__: Any) -> None:
    os._exit(9)


def after(*arguments: Any, **keys: Any) -> None:
    real_rename(*arguments, **keys)
    os._exit(9)


def unheard(*arguments: Any, **keys: Any) -> None:
    real_rename(*arguments, **keys)
    raise OSError(errno.EIO, "Input/output error")


@pytest.mark.parametrize("when", [before, after])
def test_a_kill_before_or_after_any_rename_leaves_no_empty_file(
    tmp_path: Path, source: FolderSource, error: Path, when: Callable[..., None]
) -> None:
    number, goes_on = 0, True
    while goes_on:
        number += 1
        submission, target = taken_in(source, tmp_path)
        goes_on = dies(number, when, lambda: source.move(submission, target, NOTE, first=True))  # noqa: B023 - done at once

        source.move(submission, target, NOTE)

        assert there(error) == ANSWERED, f"killed at rename {number}"
        assert there(tmp_path / "inbox") == {}
        for path in error.iterdir():
            path.unlink()
    assert number > 3


def test_a_rename_whose_answer_was_lost_loses_no_file(
    tmp_path: Path, source: FolderSource, error: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(1, 5):
        submission, target = taken_in(source, tmp_path)
        monkeypatch.setattr(os, "rename", Renames(number, unheard))
        try:
            source.move(submission, target, NOTE, first=True)
        except SourceUnavailable:
            assert PDF in [*there(error).values(), *there(tmp_path / "inbox").values()], f"lost at rename {number}"
            source.move(submission, target, NOTE)

        assert there(error) == ANSWERED, f"at rename {number}"
        assert there(tmp_path / "inbox") == {}
        for path in error.iterdir():
            path.unlink()


@pytest.mark.parametrize("content", [b"", b"somebody else's"])
def test_what_somebody_has_put_there_stays(tmp_path: Path, source: FolderSource, error: Path, content: bytes) -> None:
    submission, target = taken_in(source, tmp_path)
    error.mkdir()
    (error / "a.pdf").write_bytes(content)

    with pytest.raises(TargetTaken):
        source.move(submission, target, NOTE)

    assert there(error) == {"a.pdf": content}
    assert there(tmp_path / "inbox") == {"a.pdf": PDF}


def test_an_empty_file_that_somebody_has_put_there_stays_on_any_other_drive(
    tmp_path: Path, source: FolderSource, error: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Given a move that died after it had hidden the file
    submission, target = taken_in(source, tmp_path)
    monkeypatch.undo()
    inbox = tmp_path / "inbox"
    (inbox / "a.pdf").rename(inbox / hidden_name("a.pdf", Fingerprint.parse(submission.fingerprint)))
    error.mkdir()
    (error / "a.pdf").touch()

    with pytest.raises(TargetTaken):
        source.move(submission, target, NOTE)

    assert there(error) == {"a.pdf": b""}
    assert there(inbox) == {"a.pdf": PDF}


def test_a_file_is_moved_to_a_share_that_keeps_its_times_to_another_user(
    tmp_path: Path, source: FolderSource, error: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    submission, target = taken_in(source, tmp_path)

    def forbidden(*_: Any, **__: Any) -> None:
        raise PermissionError(errno.EPERM, "Operation not permitted")

    monkeypatch.setattr(os, "utime", forbidden)
    source.move(submission, target, NOTE, first=True)

    assert there(error) == ANSWERED
    assert there(tmp_path / "inbox") == {}
