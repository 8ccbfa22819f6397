"""Opens the files that are finished and wanted, and remembers why it left another one."""

from __future__ import annotations

import errno
import os
import time
from collections.abc import Callable

from watcher.errors import Vanished
from watcher.sources.folder.drive import LastFolder, folder_below, is_gone
from watcher.sources.folder.identity import Candidate, Fingerprint
from watcher.sources.folder.names import NOTE_SUFFIX
from watcher.sources.folder.note import is_note_in
from watcher.sources.folder.ready import Waiting
from watcher.sources.folder.verdicts import Verdict, Verdicts

HEAD_BYTES = 4096
_CHANGING_PAUSE_SECONDS = 0.01  # it changed between two glances
# Somebody has it open in a way that shuts us out (Windows over SMB; a lease of another program).
_HELD = (errno.EAGAIN, errno.EBUSY, errno.ETXTBSY)


class Finished:
    """Asks of each file whether its writers are done with it, and whether it may hold documents."""

    def __init__(self, waiting: Waiting, verdicts: Verdicts, wanted: Callable[[bytes], bool], *, settle: float) -> None:
        """`wanted` says of the first HEAD_BYTES of a file whether it may hold documents."""
        self._waiting = waiting
        self._verdicts = verdicts
        self._wanted = wanted
        self._settle = settle

    def opened(
        self, folders: LastFolder, candidate: Candidate, fingerprint: Fingerprint, *, closed: bool, trusted: bool
    ) -> tuple[int, os.stat_result] | None:
        """The file, open, and its state, where it is finished and wanted; raises OSError where it cannot be read."""
        now = time.monotonic()
        if not closed and self._waiting.is_early(candidate, now):
            return None
        try:
            file, status = folders.opened(candidate.path)
        except OSError as error:
            self._put_off(candidate, error, now)
            return None
        except Vanished:
            return None
        wanted = False
        try:
            if fingerprint.matches(status):
                ready = self._waiting.is_ready(candidate, file, now, closed=closed, trusted=trusted)
                wanted = ready and self._is_wanted(folders.root, candidate, file)
            else:
                pause = _CHANGING_PAUSE_SECONDS if trusted else self._settle
                self._waiting.look_again(candidate, now, pause=pause, is_written=True)
        finally:
            if not wanted:
                os.close(file)
        return (file, status) if wanted else None

    def _put_off(self, candidate: Candidate, error: OSError, now: float) -> None:
        if error.errno in _HELD:
            self._waiting.look_again(candidate, now, pause=self._settle, is_written=True)
        elif is_gone(error):
            self._waiting.forget(candidate.path)
        else:
            raise error

    def _is_wanted(self, root: int, candidate: Candidate, file: int) -> bool:
        self._waiting.forget(candidate.path)
        if candidate.size == 0:
            return True
        beside = _is_beside(root, candidate.path)
        if not (beside and is_note_in(file)) and self._wanted(os.pread(file, HEAD_BYTES, 0)):
            return True
        self._verdicts.put(candidate, Verdict.NOTE if beside else Verdict.LEFT_ALONE)
        return False


def _is_beside(root: int, path: str) -> bool:
    """Whether it is named as the note of a file beside it."""
    if not path.endswith(NOTE_SUFFIX):
        return False
    parent, _, name = path.removesuffix(NOTE_SUFFIX).rpartition("/")
    try:
        with folder_below(root, parent) as folder:
            os.stat(name, dir_fd=folder, follow_symlinks=False)
    except OSError:
        return False
    return True
