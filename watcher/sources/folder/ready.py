"""Whether anybody still writes to a file.

Three signs, from the surest: the kernel grants a read lease, which it refuses while anybody has the file
open for writing; a close after writing, or a rename into place, was seen; size and time stand still, and
the file is whole by its own structure. The first two say nothing on network drives, where others write
without our kernel's knowledge.
"""

from __future__ import annotations

import errno
import fcntl
import os
import signal
from collections.abc import Container
from enum import Enum

from msgspec import Struct

from watcher.sources.folder.identity import Candidate

PATIENCE = 10  # × settle: how long an empty or damaged file must stand still to be believed finished
LEAST_PATIENCE_SECONDS = 60.0  # for damaged ones
_FIRST_LOOK_AGAIN_SECONDS = 0.002  # the close event comes a moment before the kernel counts the writer out
_TAIL_BYTES = 2048
_ZIP_END_BYTES = 22 + 65_535  # the end record, and the longest comment behind it


class Lease(Enum):
    """What asking for a read lease shows."""

    FREE = "free"  # nobody has the file open for writing
    BUSY = "busy"  # somebody has
    UNKNOWN = "unknown"  # not our file, or a drive without leases


def try_lease(file: int) -> Lease:
    """Take a read lease on an open file and let go of it at once.

    Whoever opens it for writing in between waits for these microseconds; the signal by which the kernel
    tells us so would end the process, so one is asked for that is ignored by default.
    """
    try:
        fcntl.fcntl(file, fcntl.F_SETSIG, signal.SIGURG)
        fcntl.fcntl(file, fcntl.F_SETLEASE, fcntl.F_RDLCK)
        fcntl.fcntl(file, fcntl.F_SETLEASE, fcntl.F_UNLCK)
    except OSError as error:
        return Lease.BUSY if error.errno == errno.EAGAIN else Lease.UNKNOWN
    return Lease.FREE


def is_whole(head: bytes, tail: bytes) -> bool:
    """Whether a file that begins and ends so has its end: the trailer of a PDF, the directory of a zip."""
    if b"%PDF-" in head[:1024]:
        return b"%%EOF" in tail[-_TAIL_BYTES:]
    if head.startswith(b"PK\x03\x04"):
        return b"PK\x05\x06" in tail
    return True


def read_tail(file: int, size: int) -> bytes:
    """The end of an open file, as much as `is_whole` wants; raises OSError."""
    length = min(size, _ZIP_END_BYTES)
    return os.pread(file, length, size - length)


class _Watched(Struct):
    """A file that is not ready yet. Mutable: there may be a hundred thousand."""

    size: int
    mtime_ns: int
    still_since: float
    look_at: float  # monotonic seconds
    pause: float = _FIRST_LOOK_AGAIN_SECONDS  # before the next look at a busy file
    closed: bool = False


class Waiting:
    """The files that are not ready, and when each is looked at again. Times are monotonic seconds."""

    def __init__(self, settle: float) -> None:
        self._settle = settle
        self._files: dict[str, _Watched] = {}

    def __len__(self) -> int:
        return len(self._files)

    def is_early(self, file: Candidate, now: float) -> bool:
        """Whether the file stands as it did and its time has not come: nothing new can be said of it."""
        seen = self._files.get(file.path)
        return seen is not None and (seen.size, seen.mtime_ns) == (file.size, file.mtime_ns) and now < seen.look_at

    def due(self, now: float) -> list[str]:
        """The files whose time has come."""
        return [path for path, seen in self._files.items() if seen.look_at <= now]

    def next_look(self) -> float | None:
        return min((seen.look_at for seen in self._files.values()), default=None)

    def forget(self, path: str) -> None:
        self._files.pop(path, None)

    def keep_only(self, there: Container[str]) -> None:
        """Forget the files that are not there any more."""
        for path in [path for path in self._files if path not in there]:
            del self._files[path]

    def look_again(self, file: Candidate, now: float, *, pause: float) -> None:
        """Look at it again in `pause` seconds, whatever it is waiting for."""
        self._seen(file, now).look_at = now + pause

    def is_ready(self, file: Candidate, opened: int, now: float, *, closed: bool, trusted: bool) -> bool:
        """Whether the open file is finished; where not, it is noted when to look again.

        `closed`: a close or a rename into place was seen; `trusted`: this kernel sees all who write.
        Raises OSError where the file cannot be read.
        """
        seen = self._seen(file, now)
        if closed:
            seen.closed, seen.pause = True, _FIRST_LOOK_AGAIN_SECONDS
        if file.size == 0:
            return self._is_still(seen, now, self._settle * PATIENCE)
        lease = try_lease(opened) if trusted else Lease.UNKNOWN
        if lease is Lease.BUSY:
            seen.look_at, seen.pause = now + seen.pause, min(seen.pause * 2, max(self._settle, 1.0))
            return False
        if lease is Lease.FREE or (trusted and seen.closed):
            return True
        return self._is_still(seen, now, self._settle) and self._is_believable(seen, opened, now)

    def _seen(self, file: Candidate, now: float) -> _Watched:
        seen = self._files.get(file.path)
        if seen is None or (seen.size, seen.mtime_ns) != (file.size, file.mtime_ns):
            pause = seen.pause if seen else _FIRST_LOOK_AGAIN_SECONDS
            seen = _Watched(file.size, file.mtime_ns, now, now + self._settle, pause)
            self._files[file.path] = seen
        return seen

    def _is_still(self, seen: _Watched, now: float, wanted: float) -> bool:
        seen.look_at = seen.still_since + wanted
        return now >= seen.look_at

    def _is_believable(self, seen: _Watched, opened: int, now: float) -> bool:
        if is_whole(os.pread(opened, 1024, 0), read_tail(opened, seen.size)):
            return True
        seen.look_at = seen.still_since + max(self._settle * PATIENCE, LEAST_PATIENCE_SECONDS)
        return now >= seen.look_at
