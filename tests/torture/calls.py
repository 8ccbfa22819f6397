"""The system calls that change what outlasts the process, by number and by what their arguments mean."""

from __future__ import annotations

import platform
from dataclasses import dataclass
from typing import Literal

O_CREAT = 0o100

# x86_64, aarch64 (which has none of the old ones).
_NUMBERS = {
    "write": (1, 64),
    "writev": (20, 66),
    "pwrite64": (18, 68),
    "pwritev": (296, 70),
    "sendfile": (40, 71),
    "copy_file_range": (326, 285),
    "ftruncate": (77, 46),
    "fallocate": (285, 47),
    "fsync": (74, 82),
    "fdatasync": (75, 83),
    "sendto": (44, 206),
    "sendmsg": (46, 211),
    "rename": (82, None),
    "renameat": (264, 38),
    "renameat2": (316, 276),
    "link": (86, None),
    "linkat": (265, 37),
    "unlink": (87, None),
    "unlinkat": (263, 35),
    "mkdir": (83, None),
    "mkdirat": (258, 34),
    "openat": (257, 56),  # only those that may make a file
}
_MACHINES = {"x86_64": 0, "aarch64": 1}


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """`at`: which argument is the file, the path, or the pair of folder and path that the call is about."""

    name: str
    kind: Literal["file", "path", "path in folder"]
    at: int
    takes_room: bool = True  # so that a full disk refuses it


_CALLS = [
    *(Call(name=name, kind="file", at=0) for name in ("write", "writev", "pwrite64", "pwritev", "sendfile")),
    Call(name="copy_file_range", kind="file", at=2),
    *(Call(name=name, kind="file", at=0) for name in ("ftruncate", "fallocate")),
    *(Call(name=name, kind="file", at=0) for name in ("fsync", "fdatasync")),
    *(Call(name=name, kind="file", at=0, takes_room=False) for name in ("sendto", "sendmsg")),
    *(Call(name=name, kind="path", at=1) for name in ("rename", "link")),
    *(Call(name=name, kind="path in folder", at=2) for name in ("renameat", "renameat2", "linkat")),
    Call(name="unlink", kind="path", at=0, takes_room=False),
    Call(name="unlinkat", kind="path in folder", at=0, takes_room=False),
    Call(name="mkdir", kind="path", at=0),
    Call(name="mkdirat", kind="path in folder", at=0),
    Call(name="openat", kind="path in folder", at=0),
]


def by_number() -> dict[int, Call]:
    """All of them on this machine; empty where its numbers are not known here."""
    column = _MACHINES.get(platform.machine())
    if column is None:
        return {}
    return {number: call for call in _CALLS if (number := _NUMBERS[call.name][column]) is not None}
