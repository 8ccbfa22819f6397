"""What may be believed of a drive, by the kernel's list of mounts; who a file belongs to, by its place."""

from __future__ import annotations

import re
import time
from pathlib import Path

import pytest

from watcher.config.sections import FixedCode, FromFilename, FromPlace
from watcher.mounts import kind_of
from watcher.sources.folder.drive import Drive
from watcher.sources.folder.identity import Candidate
from watcher.sources.folder.ready import OLD_SECONDS, Waiting
from watcher.sources.folder.usercode import code_of

MOUNTS = """\
22 1 254:0 / / rw,relatime shared:1 - ext4 /dev/vda rw
30 22 0:26 / /mnt/my\\040share rw - autofs systemd-1 rw
31 30 0:27 / /mnt/my\\040share rw - cifs //server/share rw
32 22 0:28 / /mnt/nfs rw - nfs4 server:/x rw
33 22 0:29 / /mnt/ssh rw - fuse.sshfs x: rw
34 22 8:17 / /media/stick rw - exfat /dev/sdb1 rw
35 22 8:33 / /media/camera rw - vfat /dev/sdc1 rw
"""


@pytest.mark.parametrize(
    ("path", "kind", "is_network", "stable_inodes"),
    [
        ("/srv/invoices", "ext4", False, True),
        ("/mnt/my share/inbox", "cifs", True, False),
        ("/mnt/nfs", "nfs4", True, True),
        ("/mnt/nfsother", "ext4", False, True),
        ("/mnt/ssh/a", "fuse.sshfs", True, False),
        ("/media/stick", "exfat", False, False),
        ("/media/camera", "vfat", False, False),
    ],
)
def test_what_a_drive_may_be_believed_is_known_by_what_is_mounted_last(
    path: str, kind: str, is_network: bool, stable_inodes: bool
) -> None:
    drive = Drive(device=1, inode=2, real_path=path, file_system=kind_of(path, MOUNTS))

    assert drive.file_system == kind
    assert (drive.is_network, drive.stable_inodes) == (is_network, stable_inodes)


@pytest.mark.parametrize(
    ("content", "patience"),
    [
        (b"%PDF-1.4 ... %%EOF", 5.0),
        (b"%PDF-1.4 ... half", 60.0),
        (b"%PDF-1.4 ... half" + b"\0" * 5000, 600.0),
        (b"\xff\xd8\xff\xe0 ... half" + b"\0" * 5000, 600.0),
        (b"Rar!\x1a\x07\x01\x00 ... half", 60.0),
        (b"Subject: of one part\n\nhello", 60.0),
    ],
)
def test_a_file_on_a_network_drive_is_believed_finished_the_later_the_less_it_looks_so(
    tmp_path: Path, content: bytes, patience: float
) -> None:
    path = tmp_path / "a.pdf"
    path.write_bytes(content)
    candidate = Candidate(mtime_ns=1, path="a.pdf", size=len(content), inode=1)
    waiting = Waiting(settle=5.0)

    with path.open("rb") as file:
        ready = [
            waiting.is_ready(candidate, file.fileno(), now, closed=False, trusted=False)
            for now in (0.0, patience - 0.1, patience)
        ]

    assert ready == [False, False, True]


def test_a_file_on_a_network_drive_that_is_written_from_several_places_is_not_whole_because_its_end_is_there(
    tmp_path: Path,
) -> None:
    # Given a drive that tells of holes, and a PDF of which the middle is still to come
    path = tmp_path / "a.pdf"
    with path.open("wb") as file:
        file.write(b"%PDF-1.4\n")
        file.seek(1_000_000)
        file.write(b"trailer<<>>\n%%EOF\n")
    candidate = Candidate(mtime_ns=1, path="a.pdf", size=path.stat().st_size, inode=1)
    waiting = Waiting(settle=5.0)

    # When it is looked at, once it has stood still
    with path.open("rb") as opened:
        ready = [
            waiting.is_ready(candidate, opened.fileno(), now, closed=False, trusted=False)
            for now in (0.0, 599.9, 600.0)
        ]

    # Then it is waited for as long as one that has only its size
    assert ready == [False, False, True]


@pytest.mark.parametrize("content", [b"%PDF-1.4 ... half", b""])
@pytest.mark.parametrize("when", ["it stood there", "it came", "it changed"])
def test_only_what_stood_there_is_finished_by_its_age_because_a_drives_clock_may_be_behind(
    tmp_path: Path, content: bytes, when: str
) -> None:
    path = tmp_path / "a.pdf"
    path.write_bytes(content)
    candidate = Candidate(mtime_ns=2, path="a.pdf", size=len(content), inode=1)
    waiting = Waiting(settle=5.0, clock=lambda: time.time() + 2 * OLD_SECONDS)

    with path.open("rb") as file:
        if when == "it changed":
            assert not waiting.is_ready(candidate._replace(mtime_ns=1), file.fileno(), 0.0, closed=False, trusted=False)
        if when == "it came":
            waiting.have_seen_all()
        ready = [waiting.is_ready(candidate, file.fileno(), now, closed=False, trusted=False) for now in (1.0, 6.0)]

    assert ready == [False, when == "it stood there"]


@pytest.mark.parametrize("content", [b"", b"%PDF-1.4 ... half"])
@pytest.mark.parametrize("writes", [False, True])
def test_only_of_a_file_that_somebody_writes_it_is_said_that_somebody_does(
    tmp_path: Path, content: bytes, writes: bool
) -> None:
    # Given a file that has to stand still for longer than what is told of, by a `settle` of ninety seconds and more
    path = tmp_path / "a.pdf"
    path.write_bytes(content)
    waiting = Waiting(settle=120.0)
    told = []

    # When it is looked at each half a minute
    with path.open("rb") as file:
        for look in range(36):
            now = 30.0 * look
            candidate = Candidate(mtime_ns=look if writes else 1, path="a.pdf", size=len(content), inode=1)
            if not waiting.is_early(candidate, now):
                assert not waiting.is_ready(candidate, file.fileno(), now, closed=False, trusted=False)
            told += waiting.long(now)

    # Then it is told of once, and only where it changes
    assert told == (["a.pdf"] if writes else [])


@pytest.mark.parametrize(
    ("path", "code"),
    [("903851/a.pdf", "903851"), ("903851/deep/a.pdf", "903851"), ("a.pdf", None), ("\udcff/a.pdf", None)],
)
def test_the_first_folder_is_the_employee_number(path: str, code: str | None) -> None:
    rule = FromPlace.model_validate({"from": "subfolder"})

    assert code_of(rule, path) == code


def test_a_name_gives_the_employee_number_by_its_first_group() -> None:
    rule = FromFilename.model_validate({"from": "filename", "pattern": re.compile(r"^(\d+)_")})

    assert code_of(rule, "x/903851_taxi.pdf") == "903851"
    assert code_of(rule, "903851_x/taxi.pdf") is None


def test_a_fixed_number_is_everyones_and_an_owner_gives_none() -> None:
    assert code_of(FixedCode(fixed="1"), "a.pdf") == "1"
    assert code_of(FromPlace.model_validate({"from": "owner"}), "903851/a.pdf") is None
