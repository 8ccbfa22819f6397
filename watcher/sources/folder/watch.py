"""Whether file events and leases are believed on a drive, and the observer that delivers the events."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal

from watcher.sources.folder.drive import Drive
from watcher.sources.folder.hints import Hints
from watcher.sources.folder.target import Template, left_out_by

if TYPE_CHECKING:
    from watcher.sources.folder.events import Observer

log = logging.getLogger(__name__)

_TRY_AGAIN_AFTER_SECONDS = 600.0  # where the machine's limits forbade an observer


class Watch:
    """Follows a folder through whatever is mounted at its path. Threads may call it together."""

    def __init__(
        self, hints: Hints, *, recursive: bool, network: bool | Literal["auto"], templates: Sequence[Template]
    ) -> None:
        """Folders that are made by `templates` are not watched: our own moves would be all that comes there."""
        self.trusted = False  # whether this kernel sees everyone who writes here
        self._hints = hints
        self._recursive = recursive
        self._network = network
        self._templates = templates
        self._identity: tuple[int, int, str] | None = None
        self._observer: Observer | None = None
        self._try_at = 0.0
        self._closed = False
        self._lock = threading.Lock()

    def follow(self, drive: Drive) -> bool:
        """Observe this folder from now on; true where it was not observed so far, so that all has to be looked at."""
        identity = (drive.device, drive.inode, drive.real_path)
        with self._lock:
            if self._closed or (identity == self._identity and not self._is_broken()):
                return False
            self._stop()
            self._identity = identity
            self.trusted = not drive.is_network if self._network == "auto" else not self._network
            if self.trusted:
                self._start(drive.real_path)
            return True

    def close(self) -> None:
        with self._lock:
            self._closed = True
            self._stop()

    def _is_broken(self) -> bool:
        """An observer ends with its folder, and one made at the same path may have the same number."""
        if self._observer is None:
            return self.trusted and time.monotonic() >= self._try_at
        return not self._observer.is_working

    def _start(self, path: str) -> None:
        from watcher.sources.folder.events import Observer

        observer = None
        try:
            leave_out = left_out_by(self._templates, path)
            observer = Observer(path, self._hints, recursive=self._recursive, leave_out=leave_out)
            observer.start()
        except OSError as error:
            if observer is not None:
                observer.stop()
            self._try_at = time.monotonic() + _TRY_AGAIN_AFTER_SECONDS
            log.warning(
                "File events cannot be had, so files are found by polling alone", extra={"reason": error.strerror}
            )
            return
        self._observer = observer

    def _stop(self) -> None:
        observer, self._observer = self._observer, None
        if observer is not None:
            observer.stop()
            observer.join()
