"""What a file in a folder costs: how often it is opened, how often folders are brought to the disk, and mounts read."""

from __future__ import annotations

import os
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.folders import PDF, Memory, folder_source, submission_of
from tests.support.servers.process import program
from watcher.sources.folder import FolderSource

FILES = 12
MOUNTINFO = "/proc/self/mountinfo"


class Opened:
    """Counts what is opened, by the last part of its path, while it is asked to."""

    def __init__(self) -> None:
        self.names: Counter[str] = Counter()
        self.counting = False

    def __call__(self, event: str, details: tuple[object, ...]) -> None:
        if self.counting and event == "open" and isinstance(details[0], str):
            self.names[details[0] if details[0] == MOUNTINFO else details[0].rpartition("/")[2]] += 1


OPENED = Opened()


@pytest.fixture
def opened() -> Iterator[Opened]:
    if not OPENED.names:
        sys.addaudithook(OPENED)  # which can never be taken away again
    OPENED.names.clear()
    OPENED.names["-"] = 1
    OPENED.counting = True
    yield OPENED
    OPENED.counting = False


@pytest.fixture
def source(tmp_path: Path) -> Iterator[FolderSource]:
    made = folder_source(tmp_path)
    yield made
    made.close()


def drop(tmp_path: Path) -> list[str]:
    names = [f"{number}.pdf" for number in range(FILES)]
    for name in names:
        (tmp_path / "inbox" / name).write_bytes(PDF + name.encode())
    return names


def test_a_file_is_opened_once_from_being_found_to_being_read(
    tmp_path: Path, source: FolderSource, opened: Opened
) -> None:
    names = drop(tmp_path)
    opened.names.clear()

    read = set()
    for arrival in source.arrivals(Memory()):
        with source.open(arrival) as parcel:
            (leaf,) = parcel.leaves()
            content = leaf.fetch()
            read.add(content.read())
            content.close()

    assert read == {PDF + name.encode() for name in names}
    assert [opened.names[name] for name in names] == [1] * FILES


def test_mounts_are_read_once_for_many_steps(tmp_path: Path, source: FolderSource, opened: Opened) -> None:
    drop(tmp_path)
    arrivals = list(source.arrivals(Memory()))

    for arrival in arrivals:
        with source.open(arrival):
            pass
        submission = submission_of(arrival, source)
        source.move(submission, source.plan(submission, booked=True), None)

    # Once to learn of changes, once to be read; and so again where somebody mounts something just now.
    assert opened.names[MOUNTINFO] <= 4


def test_moves_that_are_made_together_bring_a_folder_to_the_disk_once_and_at_their_end(
    tmp_path: Path, source: FolderSource, monkeypatch: pytest.MonkeyPatch
) -> None:
    drop(tmp_path)
    submissions = [submission_of(arrival, source) for arrival in source.arrivals(Memory())]
    there_when_synced: list[int] = []
    fsync = os.fsync

    def counted(file: int) -> None:
        there_when_synced.append(len(os.listdir(file)))
        fsync(file)

    monkeypatch.setattr(os, "fsync", counted)
    with source.together() as move:
        for submission in submissions:
            move(submission, source.plan(submission, booked=True), None)
        assert there_when_synced == []

    assert there_when_synced == [FILES]
    assert source.is_near


def test_a_move_by_itself_is_on_the_disk_when_it_returns(
    tmp_path: Path, source: FolderSource, monkeypatch: pytest.MonkeyPatch
) -> None:
    drop(tmp_path)
    submissions = [submission_of(arrival, source) for arrival in source.arrivals(Memory())]
    synced: list[int] = []
    fsync = os.fsync

    def counted(file: int) -> None:
        synced.append(file)
        fsync(file)

    monkeypatch.setattr(os, "fsync", counted)

    for submission in submissions:
        source.move(submission, source.plan(submission, booked=True), None)

    assert len(synced) == FILES


MOUNTING = """
import os, subprocess, sys
from watcher.mounts import MountTable
place = sys.argv[1]
table = MountTable()
def kind():
    return table.mount_of(place, 0).kind  # one number for all, so that only the kernel's mark tells of a change
kinds = [kind()]
for command in (["mount", "-t", "tmpfs", "none", place], ["mount", "-t", "ramfs", "none", place]):
    subprocess.run(command, check=True)
    kinds.append(kind())
subprocess.run(["umount", place], check=True)
kinds.append(kind())
print(*kinds)
"""


def test_what_is_mounted_or_unmounted_is_known_at_the_next_question(tmp_path: Path) -> None:
    unshare = [str(program("unshare", "util-linux")), "--user", "--map-root-user", "--mount"]
    if subprocess.run(
        [*unshare, "mount", "-t", "tmpfs", "none", tmp_path], check=False, capture_output=True
    ).returncode:
        pytest.skip("this machine lets nobody mount in a namespace")

    command = [*unshare, sys.executable, "-c", MOUNTING, str(tmp_path)]
    said = subprocess.run(command, check=True, capture_output=True, text=True, timeout=60).stdout.split()

    assert said[1:] == ["tmpfs", "ramfs", "tmpfs"]
