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
import time
from collections.abc import Callable, Container
from enum import Enum

from msgspec import Struct

from watcher.sources.folder.identity import Candidate
from watcher.sources.folder.looked import HEAD_BYTES, TAIL_BYTES, Looked
from watcher.sources.folder.whole import is_whole

PATIENCE = 10  # × settle: how long an empty or damaged file must stand still to be believed finished
LEAST_PATIENCE_SECONDS = 60.0  # for damaged ones, and those that cannot tell
RESERVED_PATIENCE_SECONDS = 600.0  # for those whose end is nothing but zeros, or that have a hole
OLD_SECONDS = 3600.0  # what was changed so long before it was first seen is finished, however it looks
LONG_SECONDS = 900.0  # who waits longer than that for its writer is told of
_FIRST_LOOK_AGAIN_SECONDS = 0.002  # the close event comes a moment before the kernel counts the writer out


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


class _Watched(Struct):
    """A file that is not ready yet. Mutable: there may be a hundred thousand."""

    size: int
    mtime_ns: int
    still_since: float
    look_at: float  # monotonic seconds
    since: float  # that it is waited for, whatever became of it meanwhile
    pause: float = _FIRST_LOOK_AGAIN_SECONDS  # before the next look at a busy file
    stood: bool = False  # it was there before anybody looked, and has not changed since
    closed: bool = False
    is_written: bool = False  # at the last look: it changed, or somebody had it open
    told: bool = False


class Waiting:
    """The files that are not ready, and when each is looked at again. Times are monotonic seconds."""

    def __init__(self, settle: float, clock: Callable[[], float] = time.time) -> None:
        """`clock` gives seconds since the epoch, as the times of files are."""
        self._settle = settle
        self._clock = clock
        self._seen_all = False
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

    def long(self, now: float) -> list[str]:
        """The files that somebody has been writing for too long. They are not given again.

        One that only has to stand still for longer, because it is empty or damaged, is none.
        """
        found = [
            path
            for path, seen in self._files.items()
            if seen.is_written and not seen.told and now - seen.since >= LONG_SECONDS
        ]
        for path in found:
            self._files[path].told = True
        return found

    def have_seen_all(self) -> None:
        """Every file that was there has been looked at: what comes now is new, whatever a drive's own clock says."""
        self._seen_all = True

    def forget(self, path: str) -> None:
        self._files.pop(path, None)

    def keep_only(self, there: Container[str]) -> None:
        """Forget the files that are not there any more."""
        for path in [path for path in self._files if path not in there]:
            del self._files[path]

    def look_again(self, file: Candidate, now: float, *, pause: float, is_written: bool = False) -> None:
        """Look at it again in `pause` seconds, whatever it is waiting for."""
        seen = self._seen(file, now)
        seen.look_at, seen.is_written = now + pause, is_written

    def is_ready(self, file: Candidate, opened: int, now: float, *, closed: bool, trusted: bool) -> bool:
        """Whether the open file is finished; where not, it is noted when to look again.

        `closed`: a close or a rename into place was seen; `trusted`: this kernel sees all who write.
        Raises OSError where the file cannot be read.
        """
        seen = self._seen(file, now)
        if closed:
            seen.closed, seen.pause = True, _FIRST_LOOK_AGAIN_SECONDS
        if file.size == 0:
            return self._is_still(seen, now, self._settle * (1 if self._is_old(seen, opened) else PATIENCE))
        lease = try_lease(opened) if trusted else Lease.UNKNOWN
        if lease is Lease.BUSY:
            seen.look_at, seen.pause = now + seen.pause, min(seen.pause * 2, max(self._settle, 1.0))
            seen.is_written = True
            return False
        if lease is Lease.FREE or (trusted and seen.closed):
            return True
        return self._is_still(seen, now, self._settle) and self._is_believable(seen, opened, now)

    def _seen(self, file: Candidate, now: float) -> _Watched:
        seen = self._files.get(file.path)
        if seen is None or (seen.size, seen.mtime_ns) != (file.size, file.mtime_ns):
            before = seen
            seen = self._files[file.path] = _Watched(file.size, file.mtime_ns, now, now + self._settle, now)
            seen.stood = before is None and not self._seen_all
            if before is not None:
                seen.since, seen.pause, seen.told, seen.is_written = before.since, before.pause, before.told, True
        else:
            seen.is_written = False
        return seen

    def _is_still(self, seen: _Watched, now: float, wanted: float) -> bool:
        seen.look_at = seen.still_since + wanted
        return now >= seen.look_at

    def _is_old(self, seen: _Watched, opened: int) -> bool:
        """A run that ends after some seconds cannot wait until an empty or damaged file has stood still for so long.

        Of what came or changed meanwhile its times say nothing: a server's clock may be behind.
        """
        if not seen.stood:
            return False
        status = os.fstat(opened)
        return self._clock() - max(status.st_mtime, status.st_ctime) >= OLD_SECONDS

    def _is_believable(self, seen: _Watched, opened: int, now: float) -> bool:
        file = _looked_at(opened, seen.size)
        if is_whole(file) or self._is_old(seen, opened):
            return True
        least = RESERVED_PATIENCE_SECONDS if file.is_reserved else LEAST_PATIENCE_SECONDS
        seen.look_at = seen.still_since + max(self._settle * PATIENCE, least)
        return now >= seen.look_at


def _looked_at(file: int, size: int) -> Looked:
    """The begin and the end of an open file. Raises OSError."""
    length = min(size, TAIL_BYTES)
    return Looked(
        head=os.pread(file, HEAD_BYTES, 0),
        tail=os.pread(file, length, size - length),
        size=size,
        read=lambda start, length: os.pread(file, length, start),
        has_hole=_has_hole(file, size),
    )


def _has_hole(file: int, size: int) -> bool:
    """As far as its drive tells: many say of all files that they have none."""
    try:
        return os.lseek(file, 0, os.SEEK_HOLE) < size
    except OSError:
        return False
