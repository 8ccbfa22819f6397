"""What was found out about files that stay, so that a scan need not open, or even stat, them again.

A folder may hold a hundred thousand of them: each costs two numbers.
"""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Container, Iterable
from enum import IntEnum

from watcher.sources.folder.identity import Candidate

STATS_PER_SCAN = 25_000  # of files with a verdict; beyond that they are compared in turns

_KIND_BITS = 2
_STATE_BITS = 64
_INODE_SHIFT = _KIND_BITS + _STATE_BITS
_STATE_MASK = (1 << _STATE_BITS) - 1


class Verdict(IntEnum):
    """Why a file needs nothing."""

    LEFT_ALONE = 0  # outside `accept`
    NOTE = 1  # a note of ours beside a file
    KNOWN = 2  # the journal has it


def _state(size: int, mtime_ns: int) -> int:
    return hash((size, mtime_ns)) & _STATE_MASK


class FolderVerdicts:
    """The verdicts on the files of one folder, by the hash of their names: the names themselves would cost most."""

    __slots__ = ("_records",)

    def __init__(self) -> None:
        self._records: dict[int, int] = {}

    def __len__(self) -> int:
        return len(self._records)

    def __contains__(self, name: str) -> bool:
        return hash(name) in self._records

    def count(self, verdict: Verdict) -> int:
        return sum(record & 3 == verdict for record in self._records.values())

    def put(self, name: str, file: Candidate, verdict: Verdict) -> None:
        state = _state(file.size, file.mtime_ns)
        self._records[hash(name)] = file.inode << _INODE_SHIFT | state << _KIND_BITS | verdict

    def drop(self, name: str) -> None:
        self._records.pop(hash(name), None)

    def stand(self, entry: os.DirEntry[str]) -> bool:
        """Whether there is a verdict on a file of this name."""
        return hash(entry.name) in self._records

    def stand_by_inode(self, entry: os.DirEntry[str]) -> bool:
        """Whether there is a verdict on this file, by its name and inode; one on another of that name is dropped."""
        name = hash(entry.name)
        record = self._records.get(name)
        if record is None:
            return False
        if record >> _INODE_SHIFT == entry.inode():
            return True
        del self._records[name]
        return False

    def is_unchanged(self, name: str, status: os.stat_result) -> bool:
        """Whether the file of this name is what the verdict was about."""
        record = self._records.get(hash(name))
        return record is not None and record >> _KIND_BITS & _STATE_MASK == _state(status.st_size, status.st_mtime_ns)

    def drop_absent(self, names: Iterable[str]) -> None:
        for name in self._records.keys() - set(map(hash, names)):
            del self._records[name]

    def drop_known(self) -> None:
        for name in [name for name, record in self._records.items() if record & 3 == Verdict.KNOWN]:
            del self._records[name]


class Verdicts:
    """The verdicts on all files. Used by the thread that scans; `forget_later` by any."""

    def __init__(self) -> None:
        self._folders: dict[str, FolderVerdicts] = {}
        self._to_forget: deque[str] = deque()

    def __len__(self) -> int:
        return sum(len(folder) for folder in self._folders.values())

    def count(self, verdict: Verdict) -> int:
        return sum(folder.count(verdict) for folder in self._folders.values())

    def of(self, folder: str) -> FolderVerdicts:
        """The verdicts on one folder, by its path; an empty one is kept only once `put` has filled it."""
        return self._folders.get(folder) or FolderVerdicts()

    def put(self, file: Candidate, verdict: Verdict) -> None:
        folder, _, name = file.path.rpartition("/")
        self._folders.setdefault(folder, FolderVerdicts()).put(name, file, verdict)

    def drop(self, path: str) -> None:
        folder, _, name = path.rpartition("/")
        if (verdicts := self._folders.get(folder)) is not None:
            verdicts.drop(name)

    def forget_later(self, path: str) -> None:
        """Ask anew about a file that was moved: it may be put back."""
        self._to_forget.append(path)

    def forget_now(self) -> None:
        """Do what `forget_later` was asked."""
        while self._to_forget:
            self.drop(self._to_forget.popleft())

    def ask_anew(self) -> None:
        """Drop what the journal said: another node may have moved things since."""
        for folder in self._folders.values():
            folder.drop_known()

    def keep_folders(self, there: Container[str]) -> None:
        """Drop what belongs to folders that are gone."""
        for folder in [one for one, verdicts in self._folders.items() if one not in there or not verdicts]:
            del self._folders[folder]
