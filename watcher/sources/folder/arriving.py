"""Which names the moves that are under way will take."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from watcher.errors import TargetTaken
from watcher.sources.folder.names import for_display


class Arriving:
    """The targets of moves under way, of all folders that may share one `done` or `error`. For many threads.

    A note stands before its file: a second file on its way to the same name would take the note for one
    that has lost its file.
    """

    def __init__(self) -> None:
        self._targets: set[str] = set()
        self._lock = threading.Lock()

    def __contains__(self, target: str) -> bool:
        with self._lock:
            return target in self._targets

    @contextmanager
    def at(self, target: str) -> Iterator[None]:
        """Nothing else goes to this absolute path meanwhile. Raises TargetTaken."""
        with self._lock:
            if target in self._targets:
                raise TargetTaken(f"another file is about to be {for_display(target)}")
            self._targets.add(target)
        try:
            yield
        finally:
            with self._lock:
                self._targets.discard(target)
