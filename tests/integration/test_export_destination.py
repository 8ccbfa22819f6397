"""A file that a command writes is there whole or not at all, and only for whom it is meant."""

from __future__ import annotations

import os
import stat
import tempfile
from pathlib import Path

import pytest

from watcher.cli.destination import FileNotWritten, to_file, to_standard_output


def write(made: Path) -> int:
    made.write_text("new")
    return 3


def half(made: Path) -> int:
    made.write_text("half")
    raise KeyboardInterrupt


@pytest.fixture
def target(tmp_path: Path) -> Path:
    return tmp_path / ("发票" * 40)  # as long as a name can be


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_a_new_file_is_for_its_owner_alone(target: Path) -> None:
    assert to_file(target, write) == 3
    assert (target.read_text(), mode(target)) == ("new", 0o600)


def test_whoever_breaks_off_finds_what_was_there_and_nothing_else(target: Path) -> None:
    target.write_text("old")

    with pytest.raises(KeyboardInterrupt):
        to_file(target, half)

    assert target.read_text() == "old"
    assert list(target.parent.iterdir()) == [target]


def test_a_file_that_is_replaced_hands_on_its_mode_and_group(target: Path) -> None:
    target.write_text("old")
    target.chmod(0o664)
    group = target.stat().st_gid

    to_file(target, write)

    assert (target.read_text(), mode(target), target.stat().st_gid) == ("new", 0o664, group)


def test_a_group_that_cannot_be_handed_on_gives_no_other_one_its_rights(
    target: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise PermissionError

    target.write_text("old")
    target.chmod(0o664)
    monkeypatch.setattr(os, "fchown", refuse)

    to_file(target, write)

    assert mode(target) == 0o604


def test_where_nothing_temporary_can_be_written_that_is_told(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "missing"))
    with pytest.raises(FileNotWritten, match="TMPDIR: No such file"):
        to_standard_output(write)
