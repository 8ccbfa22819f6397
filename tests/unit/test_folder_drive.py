"""What may be believed of a drive, by the kernel's list of mounts; who a file belongs to, by its place."""

from __future__ import annotations

import re

import pytest

from watcher.config.sections import FixedCode, FromFilename, FromPlace
from watcher.mounts import kind_of
from watcher.sources.folder.drive import Drive
from watcher.sources.folder.ready import is_whole
from watcher.sources.folder.usercode import code_of

MOUNTS = """\
22 1 254:0 / / rw,relatime shared:1 - ext4 /dev/vda rw
30 22 0:26 / /mnt/my\\040share rw - autofs systemd-1 rw
31 30 0:27 / /mnt/my\\040share rw - cifs //server/share rw
32 22 0:28 / /mnt/nfs rw - nfs4 server:/x rw
33 22 0:29 / /mnt/ssh rw - fuse.sshfs x: rw
"""


@pytest.mark.parametrize(
    ("path", "kind", "is_network", "stable_inodes"),
    [
        ("/srv/invoices", "ext4", False, True),
        ("/mnt/my share/inbox", "cifs", True, False),
        ("/mnt/nfs", "nfs4", True, True),
        ("/mnt/nfsother", "ext4", False, True),
        ("/mnt/ssh/a", "fuse.sshfs", True, False),
    ],
)
def test_a_network_drive_is_known_by_what_is_mounted_last(
    path: str, kind: str, is_network: bool, stable_inodes: bool
) -> None:
    drive = Drive(device=1, inode=2, real_path=path, file_system=kind_of(path, MOUNTS))

    assert drive.file_system == kind
    assert (drive.is_network, drive.stable_inodes) == (is_network, stable_inodes)


@pytest.mark.parametrize(
    ("head", "tail", "whole"),
    [
        (b"%PDF-1.4 ...", b"...%%EOF\r\n", True),
        (b"%PDF-1.4 ...", b"... half an obj", False),
        (b"\n\n%PDF-1.4", b"%%EOF" + b" " * 2000, True),
        (b"%PDF-1.4", b"%%EOF" + b" " * 3000, False),
        (b"PK\x03\x04...", b"...PK\x05\x06" + b"\0" * 18, True),
        (b"PK\x03\x04...", b"...", False),
        (b"<?xml", b"", True),
    ],
)
def test_a_file_is_whole_when_its_end_is_there(head: bytes, tail: bytes, whole: bool) -> None:
    assert is_whole(head, tail) is whole


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
