"""Answers on a drive that refuses names which the watched folder has, as FAT and Windows shares do."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.folders import PDF, Memory, contents, folder_source, next_arrival, submission_of
from watcher.sources.folder import FolderSource, atomic
from watcher.sources.folder.note import note_bytes

NOTE = "没有找到发票。\n"


@pytest.fixture
def source(tmp_path: Path) -> Iterator[FolderSource]:
    made = folder_source(tmp_path, network=True, settle="1ms")
    yield made
    made.close()


@pytest.fixture(params=[errno.EINVAL, errno.ENOENT])
def refusing(monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> None:
    """What is made below error may have no ":" in its name."""
    real_open, real_rename, real_mkdir = os.open, atomic._renameat2, os.mkdir

    def refuse(name: Any) -> None:
        if ":" in os.fsdecode(name):
            raise OSError(request.param, os.strerror(request.param))

    def opened(path: Any, flags: int, *arguments: Any, **keys: Any) -> int:
        if flags & os.O_CREAT:
            refuse(path)
        return real_open(path, flags, *arguments, **keys)

    def renamed(source: int, name: str, target: int, new_name: str) -> None:
        if not new_name.startswith("."):  # within the inbox it is hidden under its own
            refuse(new_name)
        real_rename(source, name, target, new_name)

    def made(path: Any, *arguments: Any, **keys: Any) -> None:
        refuse(path)
        real_mkdir(path, *arguments, **keys)

    monkeypatch.setattr(os, "open", opened)
    monkeypatch.setattr(atomic, "_renameat2", renamed)
    monkeypatch.setattr(os, "mkdir", made)


@pytest.fixture
def dropped(tmp_path: Path, source: FolderSource) -> str:
    folder = tmp_path / "inbox" / "taxi: May"
    folder.mkdir()
    (folder / "10:30.pdf").write_bytes(PDF)
    return "taxi: May/10:30.pdf"


def answered(source: FolderSource) -> None:
    submission = submission_of(next_arrival(source, Memory()), source)
    source.move(submission, source.plan(submission, booked=False), NOTE, first=True)


@pytest.mark.usefixtures("dropped", "refusing")
def test_a_file_whose_name_the_drive_refuses_is_answered_under_another(tmp_path: Path, source: FolderSource) -> None:
    answered(source)

    assert contents(tmp_path / "error") == {"taxi_ May/10_30.pdf": PDF, "taxi_ May/10_30.pdf.txt": note_bytes(NOTE)}
    assert contents(tmp_path / "inbox") == {}


def test_a_drive_that_takes_such_a_name_keeps_it(tmp_path: Path, source: FolderSource, dropped: str) -> None:
    answered(source)

    assert contents(tmp_path / "error") == {dropped: PDF, f"{dropped}.txt": note_bytes(NOTE)}
