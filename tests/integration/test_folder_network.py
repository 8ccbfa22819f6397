"""A real network drive: sshfs against a local sftp-server, which needs no sshd, no network and no root."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.folders import PDF, Memory, folder_source, next_arrival, submission_of
from tests.support.servers.process import MissingProgram, program
from watcher.errors import SourceUnavailable
from watcher.sources.folder import FolderSource


class Share:
    """A folder that others write to, and its drive, which comes and goes."""

    def __init__(self, root: Path) -> None:
        self.served, self.point = root / "served", root / "drive"
        (self.served / "inbox").mkdir(parents=True)
        self.point.mkdir()
        self._server = root / "server"
        server = program("sftp-server", "openssh-sftp-server", Path("/usr/lib/openssh"))
        self._server.write_text(f"#!/bin/sh\nexec {server}\n")
        self._server.chmod(0o700)
        self._sshfs = program("sshfs", "sshfs")
        self._unmount = program("fusermount3", "fuse3")

    def mount(self) -> None:
        command = [str(self._sshfs), "-o", f"ssh_command={self._server}", f"nobody:{self.served}", str(self.point)]
        if subprocess.run(command, check=False, timeout=20, capture_output=True).returncode != 0:
            raise MissingProgram("a FUSE mount that this machine allows", "fuse3")

    def unmount(self) -> None:
        subprocess.run([self._unmount, "-u", "-z", self.point], check=False, timeout=20, capture_output=True)


@pytest.fixture
def share(tmp_path: Path) -> Iterator[Share]:
    if not Path("/dev/fuse").exists():
        raise MissingProgram("/dev/fuse", "fuse3")
    share = Share(tmp_path)
    share.mount()
    yield share
    share.unmount()


@pytest.fixture
def source(share: Share) -> Iterator[FolderSource]:
    source = folder_source(share.point, poll="200ms")
    yield source
    source.close()


def test_what_others_write_to_a_share_is_found_and_moved_without_overwriting(
    share: Share, source: FolderSource
) -> None:
    memory = Memory()
    for content in (PDF, PDF + b"% another\n"):
        (share.served / "inbox" / "a.pdf").write_bytes(content)
        submission = submission_of(next_arrival(source, memory), source)
        target = source.plan(submission, booked=False)
        for _ in range(2):
            source.move(submission, target, "note")

    assert sorted(path.name for path in (share.served / "error").iterdir()) == [
        "a (2).pdf",
        "a (2).pdf.txt",
        "a.pdf",
        "a.pdf.txt",
    ]
    assert list((share.served / "inbox").iterdir()) == []


def test_a_share_that_comes_and_goes_is_reported_and_loses_nothing(share: Share, source: FolderSource) -> None:
    memory = Memory()
    (share.served / "inbox" / "a.pdf").write_bytes(PDF)
    submission = submission_of(next_arrival(source, memory), source)
    target = source.plan(submission, booked=True)

    share.unmount()
    for _ in range(2):
        with pytest.raises(SourceUnavailable):
            list(source.arrivals(memory))
        with pytest.raises(SourceUnavailable):
            source.move(submission, target, None)
        (share.point / "inbox").mkdir(exist_ok=True)  # now an empty folder lies below the mount point
    (share.point / "inbox").rmdir()
    share.mount()

    source.move(submission, target, None)
    assert list(source.arrivals(memory)) == []
    assert [path.read_bytes() for path in (share.served / "done").rglob("*.pdf")] == [PDF]


def test_check_says_that_events_are_not_believed_there(source: FolderSource) -> None:
    assert any("network drive: fuse.sshfs" in finding.message for finding in source.check())
