"""What a file is at one moment: enough to see later that it is still the same."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from typing import NamedTuple

from msgspec import Struct

TOKEN_LENGTH = 16
_COARSEST_CLOCK_NS = 2_000_000_000  # FAT keeps even seconds


class Candidate(NamedTuple):
    """A file that nothing is known of; sorts oldest first. A tuple, for there may be a hundred thousand."""

    mtime_ns: int
    path: str
    size: int  # bytes
    inode: int

    def fingerprint(self, *, stable_inodes: bool) -> Fingerprint:
        return Fingerprint(inode=self.inode if stable_inodes else 0, size=self.size, mtime_ns=self.mtime_ns)


class Fingerprint(Struct, frozen=True, kw_only=True):
    """A file's state. `inode` is 0 on drives that number their files anew at each look (SMB, FUSE)."""

    inode: int
    size: int  # bytes
    mtime_ns: int

    @classmethod
    def of(cls, status: os.stat_result, *, stable_inodes: bool) -> Fingerprint:
        return cls(
            inode=status.st_ino if stable_inodes else 0,
            size=status.st_size,
            mtime_ns=status.st_mtime_ns,
        )

    @classmethod
    def parse(cls, text: str) -> Fingerprint:
        """Of what `str` made; raises ValueError."""
        inode, size, mtime_ns = map(int, text.split(":"))
        return cls(inode=inode, size=size, mtime_ns=mtime_ns)

    def __str__(self) -> str:
        return f"{self.inode}:{self.size}:{self.mtime_ns}"

    def matches(self, status: os.stat_result) -> bool:
        """Whether the file is what it was."""
        same_file = self.inode in (0, status.st_ino)
        return same_file and self.size == status.st_size and self.mtime_ns == status.st_mtime_ns

    def resembles(self, status: os.stat_result) -> bool:
        """Whether it may be a copy of what it was, on a drive with another clock and other inodes."""
        near = abs(self.mtime_ns - status.st_mtime_ns) <= _COARSEST_CLOCK_NS
        return near and self.size == status.st_size

    def key(self, source: str, path: str) -> str:
        """The identity of this state of the file at this path, within all sources."""
        text = os.fsencode(f"{source}\n{path}\n{self}")
        return "file:" + hashlib.sha256(text).hexdigest()


def token_of(name: str, state: Fingerprint) -> str:
    """What our own names on the way of a file to or from this name are made of, whoever makes them, and whenever."""
    return hashlib.sha256(os.fsencode(f"{name}\n{state}")).hexdigest()[:TOKEN_LENGTH]


def are_one_file(one: os.stat_result, other: os.stat_result) -> bool:
    """Whether two names that are looked at one after the other are names of one file.

    Its number is no proof of that: btrfs counts in each subvolume, and NFS has all those of a server on one device.
    """
    return os.path.samestat(one, other) and (one.st_size, one.st_mtime_ns) == (other.st_size, other.st_mtime_ns)


def are_one_folder(before: os.stat_result, other: os.stat_result, after: os.stat_result) -> bool:
    """Whether a folder, looked at `before` and `after`, is the `other` one that was looked at between.

    As above: the roots of all subvolumes have one number. What was changed last between two looks at a folder may be
    files that come and go in it, but never another folder's time.
    """
    return os.path.samestat(before, other) and before.st_ctime_ns <= other.st_ctime_ns <= after.st_ctime_ns


def oldest_first(candidates: list[Candidate], at_once: int) -> Iterator[list[Candidate]]:
    """In batches; each is gone from the list when it is given, because what is found out about them takes its room."""
    candidates.sort(reverse=True)
    while candidates:
        batch = candidates[: -at_once - 1 : -1]
        del candidates[-at_once:]
        yield batch
