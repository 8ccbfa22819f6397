"""A file lock that keeps a second daemon off a SQLite journal; it ends with the process, however that ends."""

from __future__ import annotations

import fcntl
import os
import re
from contextlib import suppress
from pathlib import Path

from watcher.errors import JournalUnusable
from watcher.journal.denial import told
from watcher.mounts import device_of

_LOCKS = Path("/proc/locks")


class FileLock:
    """Holds `flock` on the file from construction to `release`. Raises JournalUnusable where another has it.

    The lock is on a file beside the database: on the database itself it would get in the way of
    SQLite's own locks.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        try:
            self._file = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
        except OSError as error:
            raise JournalUnusable(f"the journal's lock {path} cannot be opened: {told(path, error)}") from error
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            holder = _holder(self._file)
            os.close(self._file)
            raise JournalUnusable(_refusal(path, holder, error)) from error
        with suppress(OSError):  # who it is is only told to others, and must not stop us where the disk is full
            os.ftruncate(self._file, 0)
            os.pwrite(self._file, f"{os.getpid()}\n".encode(), 0)
        # A child that was forked shares the lock, and would keep it beyond this process's end.
        os.register_at_fork(after_in_child=self.release)

    def release(self) -> None:
        """Let go; again and again does no harm. In a forked child it only closes the child's share."""
        if self._file >= 0:
            os.close(self._file)
            self._file = -1


def holder_of(journal: Path) -> str | None:
    """The process that holds the lock of a journal, as it was written down; None: nobody does.

    The kernel's list of locks is read: to try the lock would keep off a daemon that starts at that moment.
    """
    try:
        with lock_of(journal).open("rb") as file:
            return _holder(file.fileno()) if _is_locked(file.fileno()) else None
    except OSError:
        return None


def _is_locked(file: int) -> bool:
    """By its number and its drive: another drive may have a file of this number, which somebody has locked."""
    device = device_of(file)
    drive = "[0-9a-f]+:[0-9a-f]+" if device is None else f"{os.major(device):02x}:{os.minor(device):02x}"
    line = rf"^\d+: FLOCK .* {drive}:{os.fstat(file).st_ino} "
    return re.search(line, _LOCKS.read_text(encoding="ascii"), re.MULTILINE) is not None


def lock_of(journal: Path) -> Path:
    """The file that is locked for a journal."""
    return journal.with_name(journal.name + ".lock")


def _holder(file: int) -> str:
    return os.pread(file, 32, 0).decode("ascii", "replace").strip()


def _refusal(path: Path, holder: str, error: OSError) -> str:
    if isinstance(error, BlockingIOError):
        who = f"process {holder}" if holder.isdigit() else "another process"
        return f"the journal is in use: {who} holds {path}; only one daemon may run on it"
    return f"the journal's lock {path} cannot be taken: {error.strerror}"
