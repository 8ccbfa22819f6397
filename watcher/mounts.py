"""The file system that a path is on: its kind, whether others write to it over a network, and the room on it."""

from __future__ import annotations

import os
import re
from pathlib import Path

# Others write to these without our kernel's knowledge: no events, and leases and locks mean nothing.
_NETWORK = re.compile(
    r"nfs\d?|cifs|smb\w*|ncpfs|afs|9p|virtiofs|ceph|glusterfs|lustre|gpfs|beegfs\w*|davfs\d?|vboxsf|vmhgfs|prl_fs|drvfs"
    r"|fuse(\..*)?"
)
_LITTLE_BYTES = 1_000_000_000
_LITTLE_SHARE, _ENOUGH_BYTES = 0.05, 5_000_000_000  # a twentieth of a disk is little, up to so many bytes


def is_network(kind: str) -> bool:
    """Whether a file system of this kind is a network drive, or may be one."""
    return _NETWORK.fullmatch(kind) is not None


def kind_of(real_path: str, mountinfo: str | None = None) -> str:
    """The type of the file system that a path (without links) is on, by the text of /proc/self/mountinfo."""
    text = mountinfo if mountinfo is not None else mounts()
    best, found = -1, ""
    for line in text.splitlines():
        before, _, after = line.partition(" - ")
        point = re.sub(r"\\([0-7]{3})", lambda octal: chr(int(octal[1], 8)), before.split(" ")[4]).rstrip("/")
        if (real_path == point or real_path.startswith(point + "/")) and len(point) >= best:
            best, found = len(point), after.split(" ")[0]  # later lines are mounted over earlier ones
    return found


def mounts() -> str:
    """What is mounted where, as the kernel tells it."""
    return Path("/proc/self/mountinfo").read_bytes().decode("utf-8", "surrogateescape")


def lack_of_room(path: str | Path) -> str | None:
    """What there is little of on the disk that a path is on, for a person; None: there is enough. Raises OSError."""
    disk = os.statvfs(path)
    return shortage(
        size=disk.f_blocks * disk.f_frsize, free=disk.f_bavail * disk.f_frsize, inodes=disk.f_files, left=disk.f_favail
    )


def shortage(*, size: int, free: int, inodes: int, left: int) -> str | None:
    """`lack_of_room` by the numbers: bytes and inodes in all, and free. Some file systems count no inodes (0)."""
    if size and free < max(_LITTLE_BYTES, min(size * _LITTLE_SHARE, _ENOUGH_BYTES)):
        return f"only {in_bytes(free)} ({free * 100 // size} %) are free"
    if inodes and left < inodes * _LITTLE_SHARE:
        return f"only {left} inodes ({left * 100 // inodes} %) are free, and each file takes one"
    return None


def in_bytes(count: float) -> str:
    """``1.2 GB``, for people."""
    for unit in ("bytes", "kB", "MB", "GB"):
        if count < 1000:  # noqa: PLR2004 - of the next unit
            return f"{count:.0f} {unit}" if unit == "bytes" or count >= 100 else f"{count:.1f} {unit}"  # noqa: PLR2004
        count /= 1000
    return f"{count:.1f} TB"
