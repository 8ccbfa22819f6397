"""What there is to look at, told by one thread to another."""

from __future__ import annotations

import threading
import time

from msgspec import Struct, field

MOST_HINTS = 20_000  # beyond that a scan of everything is cheaper


class Hinted(Struct, kw_only=True):
    """Where something may have happened since the last time this was asked."""

    files: set[str] = field(default_factory=set)  # that were closed, or renamed into place
    folders: set[str] = field(default_factory=set)
    everything: bool = False  # events were lost, or somebody asks for a look

    def __bool__(self) -> bool:
        return bool(self.files or self.folders or self.everything)


class Hints:
    """Collects hints from any thread and wakes the one that waits for them; none is lost in between."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._hinted = Hinted()

    def add_file(self, path: str) -> None:
        """A file was closed by who wrote it, or renamed into place."""
        with self._changed:
            if not self._hinted:
                self._changed.notify_all()
            self._hinted.files.add(path)
            if len(self._hinted.files) > MOST_HINTS:
                self._hinted = Hinted(everything=True)

    def add_folder(self, path: str) -> None:
        """A folder came, with what is in it."""
        with self._changed:
            self._hinted.folders.add(path)
            self._changed.notify_all()

    def add_doubt(self) -> None:
        """Whatever was known may be out of date."""
        with self._changed:
            self._hinted.everything = True
            self._changed.notify_all()

    def wait_until(self, deadline: float) -> bool:
        """Return true once there is a hint, or false at the deadline (monotonic seconds)."""
        with self._changed:
            while not self._hinted:
                left = deadline - time.monotonic()
                if left <= 0:
                    return False
                self._changed.wait(left)
            return True

    def take(self) -> Hinted:
        """The hints so far; they are not given again."""
        with self._changed:
            taken, self._hinted = self._hinted, Hinted()
            return taken
