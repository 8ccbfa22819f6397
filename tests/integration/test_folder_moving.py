"""Real moves on real drives: never over another file, never lost, whenever the program dies."""

from __future__ import annotations

import errno
import os
import shutil
import stat
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from tests.support.dying import dies_at_line
from tests.support.folders import PDF, Memory, contents, folder_source, submission_of
from tests.support.tmpfs import SmallDisk, small_disk
from tests.support.workplace import pdf
from watcher.errors import SourceUnavailable, TargetTaken, Vanished
from watcher.model import Submission
from watcher.sources.folder import Arriving, FolderSource, leftovers
from watcher.sources.folder.hidden import hidden_name
from watcher.sources.folder.identity import Fingerprint
from watcher.sources.folder.names import note_name
from watcher.sources.folder.note import note_bytes

NOTE = "没有找到发票。\nNo invoice was found.\n"
NOTE_BYTES = note_bytes(NOTE)
MONTH = "2026-12"


class Folder:
    """A folder that is polled, by the test."""

    def __init__(self, root: Path, **settings: Any) -> None:
        self.root = root
        self.inbox, self.done, self.error = root / "inbox", root / "done" / MONTH, root / "error"
        self._settings: dict[str, Any] = {"network": True, "settle": "1ms", **settings}
        self.source: FolderSource = folder_source(root, **self._settings)

    def dies_at_line(self, number: int, work: str, *arguments: Any) -> bool:
        """A program that does such work there is gone at its n-th line in the folder's modules; or did it end?"""
        return dies_at_line(number, self.root, self._settings, work, *arguments)

    def drop(self, path: str = "a.pdf", content: bytes = PDF) -> Path:
        target = self.inbox / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content)
        return target

    def taken_in(self, path: str = "a.pdf") -> Submission:
        """The submission of a file that lies there."""
        memory = Memory()
        while True:
            for arrival in self.source.arrivals(memory):
                if arrival.path == path:
                    return submission_of(arrival, self.source)
            self.source.wait(0.01)

    def files(self) -> dict[str, bytes]:
        return contents(self.root)


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    return Folder(tmp_path)


@pytest.fixture
def other_drive(tmp_path: Path) -> Iterator[Path]:
    import tempfile

    with tempfile.TemporaryDirectory(dir="/dev/shm") as name:
        if Path(name).stat().st_dev == tmp_path.stat().st_dev:
            pytest.skip("/dev/shm is no other drive here")
        yield Path(name)


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[SmallDisk]:
    with small_disk(tmp_path / "disk", "1m") as mounted:
        yield mounted


# -------------------------------------------------------------------------------------------- plans


def test_a_booked_file_goes_to_done_of_the_local_month_and_keeps_its_subfolders(folder: Folder) -> None:
    folder.drop("903851/taxi/a.pdf")
    submission = folder.taken_in("903851/taxi/a.pdf")

    folder.source.move(submission, folder.source.plan(submission, booked=True), None)

    assert folder.files() == {f"done/{MONTH}/903851/taxi/a.pdf": PDF}


def test_no_file_is_ever_overwritten(folder: Folder) -> None:
    for number in range(3):
        folder.drop("a.pdf", PDF + bytes([number]))
        submission = folder.taken_in()
        folder.source.move(submission, folder.source.plan(submission, booked=False), NOTE)

    assert folder.files() == {
        "error/a.pdf": PDF + b"\0",
        "error/a.pdf.txt": NOTE_BYTES,
        "error/a (2).pdf": PDF + b"\1",
        "error/a (2).pdf.txt": NOTE_BYTES,
        "error/a (3).pdf": PDF + b"\2",
        "error/a (3).pdf.txt": NOTE_BYTES,
    }


def test_a_name_taken_after_the_plan_is_not_overwritten(folder: Folder) -> None:
    folder.drop()
    submission = folder.taken_in()
    target = folder.source.plan(submission, booked=False)
    folder.error.mkdir(parents=True)
    (folder.error / "a.pdf").write_bytes(b"somebody else's")

    with pytest.raises(TargetTaken):
        folder.source.move(submission, target, NOTE)

    assert folder.files() == {"inbox/a.pdf": PDF, "error/a.pdf": b"somebody else's"}


def test_somebody_elses_file_with_the_name_of_the_note_is_not_overwritten(folder: Folder) -> None:
    folder.drop()
    submission = folder.taken_in()
    folder.error.mkdir(parents=True)
    (folder.error / "a.pdf.txt").write_bytes(b"my own remarks")

    folder.source.move(submission, folder.source.plan(submission, booked=False), NOTE)

    assert folder.files() == {
        "error/a (2).pdf": PDF,
        "error/a (2).pdf.txt": NOTE_BYTES,
        "error/a.pdf.txt": b"my own remarks",
    }


def test_names_of_255_bytes_that_begin_alike_are_moved_with_a_note_each(folder: Folder) -> None:
    names = ["发" * 83 + "ab.pdf", "发" * 83 + "cd.pdf"]
    for name in names:
        folder.drop(name)
        submission = folder.taken_in(name)
        folder.source.move(submission, folder.source.plan(submission, booked=False), f"about {name}")

    assert [len(name.encode()) for name in names] == [255, 255]
    assert folder.files() == {f"error/{name}": PDF for name in names} | {
        f"error/{note_name(name)}": note_bytes(f"about {name}") for name in names
    }


def test_a_name_too_long_for_the_drive_of_answers_is_shortened(folder: Folder, monkeypatch: pytest.MonkeyPatch) -> None:
    # Given an encrypted share, which takes names of 143 bytes
    lstat = os.lstat

    def short(path: str) -> os.stat_result:
        if len(os.fsencode(path.rpartition("/")[2])) > 143:
            raise OSError(errno.ENAMETOOLONG, "File name too long")
        return lstat(path)

    name = "票" * 60 + ".pdf"
    folder.drop(name)
    submission = folder.taken_in(name)
    monkeypatch.setattr(os, "lstat", short)
    folder.source.move(submission, folder.source.plan(submission, booked=False), NOTE, first=True)
    names = sorted(path.name for path in folder.error.iterdir())
    assert names == ["票" * 43 + ".pdf", "票" * 43 + ".pdf.txt"]


def test_files_of_two_folders_that_are_moved_at_once_get_a_name_and_a_note_each(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from watcher.sources.folder import move, note

    shared = {"error": str(tmp_path / "error"), "arriving": Arriving()}
    one, other = Folder(tmp_path / "one", **shared), Folder(tmp_path / "other", **shared)
    for number, folder in enumerate((one, other)):
        folder.drop("a.pdf", PDF + bytes([number]))
    first, second = one.taken_in(), other.taken_in()
    target = one.source.plan(first, booked=False)
    plans: list[str | None] = []

    def in_the_middle(*arguments: Any) -> None:
        keep_note(*arguments)
        with pytest.raises(TargetTaken):
            other.source.move(second, target, "of the second")
        plans.append(other.source.plan(second, booked=False))

    keep_note = note.keep_note
    with monkeypatch.context() as patched:
        patched.setattr(move, "keep_note", in_the_middle)
        one.source.move(first, target, "of the first")
    other.source.move(second, plans[0], "of the second")

    assert {path.name: path.read_bytes() for path in (tmp_path / "error").iterdir()} == {
        "a.pdf": PDF + b"\0",
        "a.pdf.txt": note_bytes("of the first"),
        "a (2).pdf": PDF + b"\1",
        "a (2).pdf.txt": note_bytes("of the second"),
    }


@pytest.mark.parametrize("drive", ["same", "other"])
def test_equal_files_of_two_folders_that_are_planned_together_are_both_kept(
    tmp_path: Path, other_drive: Path, drive: str
) -> None:
    # Given the same file in two folders that share error, each on its way to the same name
    error = (other_drive if drive == "other" else tmp_path) / "error"
    one, other = (Folder(tmp_path / name, error=str(error), arriving=Arriving()) for name in ("one", "other"))
    for folder in (one, other):
        os.utime(folder.drop(), ns=(10**18, 10**18))
    first, second = one.taken_in(), other.taken_in()
    target = one.source.plan(first, booked=False)
    assert other.source.plan(second, booked=False) == target
    # When both are moved
    one.source.move(first, target, NOTE, first=True)
    with pytest.raises(TargetTaken):
        other.source.move(second, target, NOTE, first=True)
    other.source.move(second, other.source.plan(second, booked=False), NOTE, first=True)
    # Then each lies there under a name of its own
    assert sorted(path.name for path in error.glob("*.pdf")) == ["a (2).pdf", "a.pdf"]


def test_a_file_that_is_gone_is_not_said_to_be_where_an_equal_one_lies(folder: Folder) -> None:
    path = folder.drop()
    submission = folder.taken_in()
    target = folder.source.plan(submission, booked=False)
    folder.error.mkdir(parents=True)
    shutil.copy2(path, folder.error / "a.pdf")
    path.unlink()

    with pytest.raises(Vanished):
        folder.source.move(submission, target, NOTE, first=True)

    assert folder.files() == {"error/a.pdf": PDF}


@pytest.mark.parametrize(
    "theirs",
    ["\ufeffmy own remarks\r\n".encode(), note_bytes("what we said") + b"and what I say\r\n"],
    ids=["by Notepad", "our note, gone on with"],
)
def test_what_a_person_has_written_is_no_note_of_ours_whoever_owns_it(folder: Folder, theirs: bytes) -> None:
    # Given somebody's file with the name of the note, with Notepad's byte order mark, and of our own user (a share)
    folder.drop()
    submission = folder.taken_in()
    folder.error.mkdir(parents=True)
    (folder.error / "a.pdf.txt").write_bytes(theirs)
    # When ours is to come there, and when the note of a file that lay there is to go
    folder.source.move(submission, folder.source.plan(submission, booked=False), NOTE, first=True)
    (folder.error / "a.pdf").write_bytes(PDF)
    put = replace(submission, place=str(folder.error / "a.pdf"))
    os.utime(folder.error / "a.pdf", ns=((folder.error / "a (2).pdf").stat().st_mtime_ns,) * 2)
    folder.source.move(put, folder.source.plan(put, booked=True), None, first=True)
    # Then it is still there
    assert folder.files() == {
        f"done/{MONTH}/a.pdf": PDF,
        "error/a (2).pdf": PDF,
        "error/a (2).pdf.txt": NOTE_BYTES,
        "error/a.pdf.txt": theirs,
    }


def test_where_done_is_null_the_file_stays_and_its_note_comes_beside_it(tmp_path: Path) -> None:
    folder = Folder(tmp_path, done=None, error=None)
    folder.drop()
    submission = folder.taken_in()

    assert folder.source.plan(submission, booked=False) is None
    folder.source.move(submission, None, NOTE)
    folder.source.move(submission, None, NOTE)

    assert folder.files() == {"inbox/a.pdf": PDF, "inbox/a.pdf.txt": NOTE_BYTES}
    list(folder.source.arrivals(lambda keys: {}))
    assert folder.source.left_alone == 0

    folder.source.move(submission, None, None)  # a later answer has nothing to say
    assert folder.files() == {"inbox/a.pdf": PDF}


# ------------------------------------------------------------------------------------------- rights


def test_files_notes_and_folders_keep_mode_group_and_time(folder: Folder) -> None:
    path = folder.drop("903851/a.pdf")
    path.parent.chmod(0o2770)
    path.chmod(0o640)
    if os.geteuid() == 0:
        os.chown(path, 0, 4242)
        os.chown(path.parent, 0, 4243)
    before, parent = path.stat(), path.parent.stat()
    submission = folder.taken_in("903851/a.pdf")

    folder.source.move(submission, folder.source.plan(submission, booked=False), NOTE)

    moved = (folder.error / "903851" / "a.pdf").stat()
    note = (folder.error / "903851" / "a.pdf.txt").stat()
    made = (folder.error / "903851").stat()
    assert (moved.st_mode, moved.st_gid, moved.st_mtime_ns) == (before.st_mode, before.st_gid, before.st_mtime_ns)
    assert (note.st_mode, note.st_gid) == (before.st_mode, before.st_gid)
    assert (made.st_mode, made.st_gid) == (parent.st_mode, parent.st_gid)
    assert stat.S_IMODE(folder.error.stat().st_mode) == stat.S_IMODE(folder.inbox.stat().st_mode)


def test_another_drive_keeps_mode_group_and_time_as_well(tmp_path: Path, other_drive: Path) -> None:
    folder = Folder(tmp_path, error=str(other_drive / "error"))
    path = folder.drop(content=PDF * 100_000)
    path.chmod(0o640)
    if os.geteuid() == 0:
        os.chown(path, 0, 4242)
    before = path.stat()
    submission = folder.taken_in()
    target = folder.source.plan(submission, booked=False)

    for _ in range(2):
        folder.source.move(submission, target, NOTE)

    moved = (other_drive / "error" / "a.pdf").stat()
    assert (moved.st_mode, moved.st_gid, moved.st_mtime_ns) == (before.st_mode, before.st_gid, before.st_mtime_ns)
    assert sorted(path.name for path in (other_drive / "error").iterdir()) == ["a.pdf", "a.pdf.txt"]
    assert (other_drive / "error" / "a.pdf").read_bytes() == PDF * 100_000
    assert folder.files() == {}


def test_what_runs_as_its_owner_does_not_run_as_the_daemon_once_it_is_copied(tmp_path: Path, other_drive: Path) -> None:
    folder = Folder(tmp_path, error=str(other_drive / "error"))
    folder.drop().chmod(0o6755)
    submission = folder.taken_in()
    target = folder.source.plan(submission, booked=False)
    assert target is not None

    folder.source.move(submission, target, NOTE)

    made = [Path(target), Path(f"{target}.txt")]
    assert [stat.S_IMODE(path.stat().st_mode) for path in made] == [0o755, 0o755]


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_target_that_may_not_be_written_is_named(folder: Folder) -> None:
    folder.drop()
    submission = folder.taken_in()
    folder.error.mkdir(parents=True)
    folder.error.chmod(0o500)

    with pytest.raises(SourceUnavailable, match=r"error/a\.pdf may not be"):
        folder.source.move(submission, folder.source.plan(submission, booked=False), NOTE)
    folder.error.chmod(0o700)

    assert folder.files() == {"inbox/a.pdf": PDF}


# ------------------------------------------------------------------------------------------ changes


@pytest.mark.parametrize("way", ["rewritten", "replaced"])
def test_a_file_that_changed_stays_and_gets_no_note(folder: Folder, way: str) -> None:
    path = folder.drop()
    submission = folder.taken_in()
    target = folder.source.plan(submission, booked=False)
    new = path if way == "rewritten" else folder.inbox / "new"
    new.write_bytes(PDF + b"% changed")
    new.rename(path)

    with pytest.raises(Vanished):
        folder.source.move(submission, target, NOTE)

    assert folder.files() == {"inbox/a.pdf": PDF + b"% changed"}


def test_a_file_replaced_in_the_middle_of_its_move_stays(folder: Folder, monkeypatch: pytest.MonkeyPatch) -> None:
    path = folder.drop()
    submission = folder.taken_in()
    from watcher.sources.folder import atomic, move

    def replaced_first(where: int, name: str, own_name: str) -> None:
        path.unlink()
        path.write_bytes(PDF + b"% replaced")
        atomic.rename_aside(where, name, own_name)

    monkeypatch.setattr(move, "rename_aside", replaced_first)
    with pytest.raises(Vanished):
        folder.source.move(submission, folder.source.plan(submission, booked=False), NOTE)

    assert folder.files() == {"inbox/a.pdf": PDF + b"% replaced"}


def test_a_file_replaced_in_the_middle_of_its_move_stays_on_a_drive_that_renames_by_linking(
    folder: Folder, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Given a drive such as NFS, and somebody who saves a new state just when the file goes out of their way
    from watcher.sources.folder import atomic

    path = folder.drop()
    submission = folder.taken_in()
    new = folder.root / "new"
    new.write_bytes(PDF + b"% replaced")

    def cannot(*_: Any) -> None:
        raise OSError(errno.EINVAL, "Invalid argument")

    def at_the_worst_moment(step: Callable[..., None]) -> Callable[..., None]:
        def followed(name: str, *rest: Any, **options: Any) -> None:
            step(name, *rest, **options)
            if name == "a.pdf" and new.exists():
                new.replace(path)

        return followed

    monkeypatch.setattr(atomic, "_renameat2", cannot)
    for step in ("link", "rename"):
        monkeypatch.setattr(os, step, at_the_worst_moment(getattr(os, step)))
    folder.source.move(submission, folder.source.plan(submission, booked=False), NOTE)

    assert folder.files() == {"inbox/a.pdf": PDF + b"% replaced", "error/a.pdf": PDF, "error/a.pdf.txt": NOTE_BYTES}


def test_nothing_is_moved_to_any_other_place_than_done_and_error(folder: Folder) -> None:
    folder.drop()
    submission = folder.taken_in()

    for target in (str(folder.root / "elsewhere" / "a.pdf"), str(folder.error / ".." / "a.pdf")):
        with pytest.raises((SourceUnavailable, TargetTaken, Vanished)):
            folder.source.move(submission, target, None)

    assert folder.files() == {"inbox/a.pdf": PDF}


def test_what_was_to_go_to_a_folder_of_an_older_configuration_is_planned_anew_unless_it_is_there(
    folder: Folder,
) -> None:
    # Given two files of which one was brought to error/, and nobody noted that; and then another error/
    folder.drop("a.pdf")
    folder.drop("b.pdf", PDF + b"b")
    first, second = folder.taken_in("a.pdf"), folder.taken_in("b.pdf")
    plans = [folder.source.plan(each, booked=False) for each in (first, second)]
    folder.source.move(first, plans[0], NOTE)
    later = Folder(folder.root, error=str(folder.root / "error2"))
    # When both moves are repeated
    later.source.move(first, plans[0], NOTE)
    with pytest.raises(TargetTaken, match="no place of the present configuration"):
        later.source.move(second, plans[1], NOTE)
    later.source.move(second, later.source.plan(second, booked=False), NOTE, first=True)
    # Then the one stays where it lies, and the other goes where it belongs now
    assert set(folder.files()) == {"error/a.pdf", "error/a.pdf.txt", "error2/b.pdf", "error2/b.pdf.txt"}


def test_a_file_in_a_folder_of_an_older_configuration_is_left_there(folder: Folder) -> None:
    folder.drop()
    submission = folder.taken_in()
    target = folder.source.plan(submission, booked=False)
    assert target is not None
    folder.source.move(submission, target, NOTE)
    moved = replace(submission, place=target)
    later = Folder(folder.root, error=str(folder.root / "error2"))

    with pytest.raises(Vanished, match="stays there"):
        later.source.move(moved, later.source.plan(moved, booked=True), None, first=True)

    assert set(folder.files()) == {"error/a.pdf", "error/a.pdf.txt"}


@pytest.mark.parametrize("drive", ["same", "other"])
def test_a_file_whose_move_was_made_and_never_noted_is_found_where_it_was_to_go(
    tmp_path: Path, other_drive: Path, drive: str
) -> None:
    # Given a file that was moved to error/, and then was let be tried again before anybody noted the move
    base = other_drive if drive == "other" else tmp_path
    folder = Folder(tmp_path, error=str(base / "error"), done=str(base / "done"))
    folder.drop()
    submission = folder.taken_in()
    failed = folder.source.plan(submission, booked=False)
    folder.source.move(submission, failed, NOTE)
    again = replace(submission, moved_to=failed)
    # When it is answered again
    target = folder.source.plan(again, booked=True)
    for _ in range(2):
        folder.source.move(again, target, None)
    # Then it goes on from there, and its note is gone
    assert [path.name for path in (base / "done").iterdir()] == ["a.pdf"]
    assert list((base / "error").iterdir()) == []


def test_a_file_whose_move_was_only_planned_goes_from_where_it_lies(folder: Folder) -> None:
    folder.drop()
    submission = folder.taken_in()
    again = replace(submission, moved_to=folder.source.plan(submission, booked=False))

    folder.source.move(again, folder.source.plan(again, booked=True), None, first=True)

    assert folder.files() == {f"done/{MONTH}/a.pdf": PDF}


def test_a_file_that_is_answered_again_goes_from_error_to_done(folder: Folder) -> None:
    folder.drop("903851/a.pdf")
    submission = folder.taken_in("903851/a.pdf")
    target = folder.source.plan(submission, booked=False)
    assert target is not None
    folder.source.move(submission, target, NOTE)
    moved = replace(submission, place=target)

    again = folder.source.plan(moved, booked=True)
    for _ in range(2):
        folder.source.move(moved, again, None)

    assert folder.files() == {f"done/{MONTH}/903851/a.pdf": PDF}


def test_a_file_that_fails_again_stays_in_error_with_its_new_note(folder: Folder) -> None:
    folder.drop()
    submission = folder.taken_in()
    target = folder.source.plan(submission, booked=False)
    assert target is not None
    folder.source.move(submission, target, "at first")
    moved = replace(submission, place=target)

    assert folder.source.plan(moved, booked=False) == target
    for _ in range(2):
        folder.source.move(moved, target, NOTE)

    assert folder.files() == {"error/a.pdf": PDF, "error/a.pdf.txt": NOTE_BYTES}


def test_a_target_that_is_the_same_folder_by_another_path_costs_no_file(tmp_path: Path) -> None:
    folder = Folder(tmp_path, done=str(tmp_path / "alias"))
    (tmp_path / "alias").symlink_to(folder.inbox)
    folder.drop()
    submission = folder.taken_in()

    folder.source.move(submission, str(tmp_path / "alias" / "a.pdf"), None)

    assert folder.files()["inbox/a.pdf"] == PDF


def test_a_move_by_link_that_was_interrupted_leaves_one_name(folder: Folder) -> None:
    path = folder.drop()
    submission = folder.taken_in()
    target = folder.source.plan(submission, booked=False)
    folder.error.mkdir(parents=True)
    os.link(path, folder.error / "a.pdf")

    folder.source.move(submission, target, NOTE)

    assert folder.files() == {"error/a.pdf": PDF, "error/a.pdf.txt": NOTE_BYTES}


# ------------------------------------------------------------------------------------------ crashes


def at_every_line(once: Callable[[int], bool]) -> None:
    """`once` is told at which line to die, and tells whether it got that far."""
    line = 1
    while once(line):
        line += 1
    assert line > 100


@pytest.mark.parametrize("drive", ["same", "other"])
def test_whenever_a_move_dies_repeating_it_ends_it(tmp_path: Path, other_drive: Path, drive: str) -> None:
    error = (other_drive if drive == "other" else tmp_path) / "error"
    folder = Folder(tmp_path, error=str(error))

    def once(line: int) -> bool:
        folder.drop("a.pdf", PDF + str(line).encode())
        submission = folder.taken_in()
        target = folder.source.plan(submission, booked=False)
        dies = folder.dies_at_line(line, "move", submission, target, NOTE)

        somewhere = [path for place in (folder.inbox, error) for path in place.glob("*") if path.is_file()]
        assert any(path.read_bytes() == PDF + str(line).encode() for path in somewhere), f"lost at line {line}"
        visible = {path.name for path in error.glob("*")} if error.exists() else set()
        assert "a.pdf" not in visible or "a.pdf.txt" in visible, f"without its note at line {line}"
        folder.source.move(submission, target, NOTE)

        assert list(folder.inbox.iterdir()) == []
        assert {path.name: path.read_bytes() for path in error.iterdir()} == {
            "a.pdf": PDF + str(line).encode(),
            "a.pdf.txt": NOTE_BYTES,
        }
        for path in error.iterdir():
            path.unlink()
        return dies

    at_every_line(once)


@pytest.mark.parametrize("drive", ["same", "other"])
def test_whenever_the_move_of_a_second_answer_dies_repeating_it_ends_it(
    tmp_path: Path, other_drive: Path, drive: str
) -> None:
    base = other_drive if drive == "other" else tmp_path
    folder = Folder(tmp_path, error=str(base / "error"), done=str(base / "done"))

    def once(line: int) -> bool:
        folder.drop("a.pdf", PDF + str(line).encode())
        submission = folder.taken_in()
        failed = folder.source.plan(submission, booked=False)
        assert failed is not None
        folder.source.move(submission, failed, NOTE)
        moved = replace(submission, place=failed)
        target = folder.source.plan(moved, booked=True)
        dies = folder.dies_at_line(line, "move", moved, target, None)

        folder.source.move(moved, target, None)

        left = {path: path.read_bytes() for name in ("error", "done") for path in (base / name).iterdir()}
        assert left == {base / "done" / "a.pdf": PDF + str(line).encode()}
        (base / "done" / "a.pdf").unlink()
        return dies

    at_every_line(once)


@pytest.mark.parametrize("drive", ["same", "other"])
def test_whenever_putting_a_file_back_dies_repeating_it_ends_it(tmp_path: Path, other_drive: Path, drive: str) -> None:
    base = other_drive if drive == "other" else tmp_path
    folder = Folder(tmp_path, error=str(base / "error"))

    def once(line: int) -> bool:
        path = folder.drop("a.pdf", PDF + str(line).encode())
        submission = folder.taken_in()
        failed = folder.source.plan(submission, booked=False)
        folder.source.move(submission, failed, NOTE)
        moved = replace(submission, moved_to=failed)
        dies = folder.dies_at_line(line, "put_back", moved)

        folder.source.put_back(moved)

        assert {one.name: one.read_bytes() for one in folder.inbox.iterdir()} == {"a.pdf": PDF + str(line).encode()}
        assert list((base / "error").iterdir()) == []
        path.unlink()
        return dies

    at_every_line(once)


def test_a_hidden_file_that_nobody_asks_for_gets_its_name_back(folder: Folder, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(leftovers, "STAY_HIDDEN_SECONDS", 0.0)
    path = folder.drop()
    path.rename(folder.inbox / hidden_name("a.pdf", Fingerprint.of(path.stat(), stable_inodes=True)))

    list(folder.source.arrivals(lambda keys: {}))

    assert folder.files() == {"inbox/a.pdf": PDF}
    assert folder.taken_in().path == "a.pdf"


@pytest.mark.parametrize("missing", ["renameat2", "links as well"])
def test_drives_that_can_less_do_not_overwrite_either(
    folder: Folder, monkeypatch: pytest.MonkeyPatch, missing: str
) -> None:
    from watcher.sources.folder import atomic

    def cannot(*_: Any, **__: Any) -> None:
        raise OSError(errno.EINVAL, "Invalid argument")

    monkeypatch.setattr(atomic, "_renameat2", cannot)
    if missing == "links as well":
        monkeypatch.setattr(os, "link", cannot)
    folder.drop()
    submission = folder.taken_in()
    target = folder.source.plan(submission, booked=False)
    folder.error.mkdir(parents=True)
    (folder.error / "a.pdf").write_bytes(b"somebody else's")

    with pytest.raises(TargetTaken):
        folder.source.move(submission, target, NOTE)
    folder.source.move(submission, folder.source.plan(submission, booked=False), NOTE)

    assert folder.files() == {
        "error/a.pdf": b"somebody else's",
        "error/a (2).pdf": PDF,
        "error/a (2).pdf.txt": NOTE_BYTES,
    }


# ------------------------------------------------------------------------------------------- checks


def test_check_counts_what_waits_and_names_what_is_wrong(tmp_path: Path, other_drive: Path) -> None:
    folder = Folder(tmp_path, done=str(tmp_path / "inbox"), error=str(other_drive / "error"))
    folder.drop("a.pdf")
    folder.drop("b.docx", b"a letter")

    findings = folder.source.check()

    texts = [finding.message for finding in findings]
    assert any("1 files wait or stay, 1 are left alone" in text for text in texts)
    assert [finding.message for finding in findings if not finding.ok] == [
        "done is the watched folder itself, so files stay"
    ]
    assert any("another drive" in finding.message for finding in findings if finding.warning)
    assert set(folder.files()) == {"inbox/a.pdf", "inbox/b.docx"}
    assert list(other_drive.iterdir()) == []


def test_check_finds_a_full_drive_and_files_without_an_employee(tmp_path: Path, disk: SmallDisk) -> None:
    folder = Folder(tmp_path, done=str(disk.path / "done" / "{yyyy}"))
    folder.drop("a.pdf")
    folder.drop("903851/b.pdf")
    disk.fill()

    findings = folder.source.check()

    (full,) = [finding for finding in findings if not finding.ok]
    (nobodys,) = [finding for finding in findings if "no employee number" in finding.message]
    assert "no space left" in full.message or "is full" in full.message
    assert full.mend
    assert nobodys.warning
    assert "1 files" in nobodys.message
    assert nobodys.message.endswith(": a.pdf")


def test_check_warns_of_little_room_and_of_another_drive(tmp_path: Path) -> None:
    with small_disk(tmp_path / "little", "40m") as little:
        folder = Folder(tmp_path, error=str(little.path / "error"))
        findings = [finding for finding in folder.source.check() if finding.warning]

    assert all(finding.ok and finding.mend for finding in findings)
    assert any("another drive" in finding.message for finding in findings)
    assert any("on the drive of error only" in finding.message for finding in findings)


@pytest.mark.parametrize("room", [0, 4096, 100_000])
def test_a_file_moves_to_a_full_drive_when_it_has_room_and_nothing_is_half_there_before(
    tmp_path: Path, disk: SmallDisk, room: int
) -> None:
    folder = Folder(tmp_path / "here", done=str(disk.path / "done"))
    content = pdf("large", size=300_000)
    kept = folder.drop(content=content)
    submission = folder.taken_in()
    disk.fill(leave=room)
    for _ in range(2):
        with pytest.raises(SourceUnavailable, match="no space left"):
            folder.source.move(submission, folder.source.plan(submission, booked=True), NOTE)
        assert kept.read_bytes() == content
        assert [path for path in disk.path.rglob("*") if path.is_file() and path.name != "ballast"] == []

    disk.make_room()
    folder.source.move(submission, folder.source.plan(submission, booked=True), NOTE)

    assert not kept.exists()
    assert (disk.path / "done" / "a.pdf").read_bytes() == content
    assert (disk.path / "done" / "a.pdf.txt").read_bytes() == NOTE_BYTES


def test_a_file_that_cannot_fit_on_another_drive_does_not_fill_it(
    tmp_path: Path, disk: SmallDisk, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Given a file with a hole, which is larger than the drive
    monkeypatch.setattr("watcher.sources.folder.ready.RESERVED_PATIENCE_SECONDS", 0.0)
    folder = Folder(tmp_path, error=str(disk.path / "error"))
    with folder.drop().open("r+b") as file:
        file.seek(2**25)
        file.write(b"%%EOF")
    submission = folder.taken_in()
    target = folder.source.plan(submission, booked=False)
    monkeypatch.setattr("watcher.sources.folder.atomic._write_all", lambda *_: pytest.fail("it was begun"))

    with pytest.raises(SourceUnavailable, match="no space left"):
        folder.source.move(submission, target, None)

    assert [path for path in disk.path.rglob("*") if path.is_file()] == []
    assert (folder.inbox / "a.pdf").exists()
