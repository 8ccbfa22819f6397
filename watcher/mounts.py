"""The file system that a path is on: its kind, whether others write to it over a network, and the room on it."""

from __future__ import annotations

import os
import re
import select
import threading
from pathlib import Path

from msgspec import Struct

# Others write to these without our kernel's knowledge: no events, and leases and locks mean nothing.
_NETWORK = re.compile(
    r"nfs\d?|cifs|smb\w*|ncpfs|afs|9p|virtiofs|ceph|glusterfs|lustre|gpfs|beegfs\w*|davfs\d?|vboxsf|vmhgfs|prl_fs|drvfs"
    r"|fuse(\..*)?"
)
_MOUNTINFO = "/proc/self/mountinfo"
_LITTLE_BYTES = 1_000_000_000
_LITTLE_SHARE, _ENOUGH_BYTES = 0.05, 5_000_000_000  # a twentieth of a disk is little, up to so many bytes


def is_network(kind: str) -> bool:
    """Whether a file system of this kind is a network drive, or may be one."""
    return _NETWORK.fullmatch(kind) is not None


class Mounted(Struct, frozen=True):
    """What a path is on."""

    point: str  # where it is mounted; "" for the root
    kind: str  # the type of the file system


def kind_of(real_path: str, mountinfo: str | None = None) -> str:
    """The type of the file system that a path (without links) is on."""
    return mount_of(real_path, mountinfo).kind


def mount_of(real_path: str, mountinfo: str | None = None) -> Mounted:
    """What a path (without links), which need not be there, is on, by the text of /proc/self/mountinfo."""
    text = mountinfo if mountinfo is not None else mounts()
    found = Mounted("", "")
    for line in text.splitlines():
        before, _, after = line.partition(" - ")
        point = re.sub(r"\\([0-7]{3})", lambda octal: chr(int(octal[1], 8)), before.split(" ")[4]).rstrip("/")
        if (real_path == point or real_path.startswith(point + "/")) and len(point) >= len(found.point):
            found = Mounted(point, after.split(" ")[0])  # later lines are mounted over earlier ones
    return found


def mounts() -> str:
    """What is mounted where, as the kernel tells it."""
    return Path(_MOUNTINFO).read_bytes().decode("utf-8", "surrogateescape")


def device_of(file: int) -> int | None:
    """The file system that an open file is on, by the number that it has in the kernel's own lists; None: not known.

    `st_dev` may be another one: btrfs makes one up for each subvolume.
    """
    try:
        about = Path(f"/proc/self/fdinfo/{file}").read_text(encoding="ascii")
    except OSError:
        return None
    number = re.search(r"^mnt_id:\s*(\d+)$", about, re.MULTILINE)
    found = re.search(rf"^{number[1]} \d+ (\d+):(\d+) ", mounts(), re.MULTILINE) if number else None
    return os.makedev(int(found[1]), int(found[2])) if found else None


class MountTable:
    """What is mounted where, read again only when it has changed. For many threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._file: int | None = None
        self._changes = select.poll()
        self._text = ""
        self._mounts: dict[tuple[int, str], Mounted] = {}

    def mount_of(self, real_path: str, device: int) -> Mounted:
        """What a path (without links) is on, which is the file system `device` (`st_dev`). Raises OSError."""
        with self._lock:
            if self._may_have_changed():
                self._mounts.clear()
                self._text = ""
            place = (device, real_path)
            mounted = self._mounts.get(place)
            if mounted is None:
                self._text = self._text or mounts()
                mounted = self._mounts[place] = mount_of(real_path, self._text)
            return mounted

    def close(self) -> None:
        with self._lock:
            if self._file is not None:
                self._changes.unregister(self._file)
                os.close(self._file)
                self._file = None

    def _may_have_changed(self) -> bool:
        """The kernel marks an open mountinfo when something is mounted or unmounted, once for each time it is asked."""
        if self._file is not None:
            return bool(self._changes.poll(0))
        self._file = os.open(_MOUNTINFO, os.O_RDONLY | os.O_CLOEXEC)
        self._changes.register(self._file, select.POLLPRI)
        return True


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
