"""Which names the moves that are planned or under way will take."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

from watcher.errors import TargetTaken
from watcher.sources.folder.names import for_display

_PLANNED_SECONDS = 120.0  # longer than an answer is held: what was not moved by then is planned anew
_MOST_PLANNED = 4096


class Arriving:
    """The targets of moves, of all folders that may share one `done` or `error`. For many threads.

    Many moves are planned before the first is made: a second file that is the same as the first, and were planned to
    go where that one goes, would find it there and be taken for what its own move had copied before it was
    interrupted. And a note stands before its file: a second file on its way to the same name would take the note for
    one that has lost its file.
    """

    def __init__(self) -> None:
        self._targets: set[str] = set()
        self._planned: dict[str, tuple[str, float]] = {}  # for whom, and until when (monotonic)
        self._lock = threading.Lock()

    def plan(self, target: str, whose: str) -> bool:
        """Keep this absolute path for a submission for a while; False: it is another's."""
        now = time.monotonic()
        with self._lock:
            keeper, until = self._planned.get(target, (whose, now))
            if target in self._targets or (keeper != whose and until > now):
                return False
            if len(self._planned) >= _MOST_PLANNED:
                self._planned = {path: kept for path, kept in self._planned.items() if kept[1] > now}
            self._planned[target] = whose, now + _PLANNED_SECONDS
            return True

    @contextmanager
    def at(self, target: str) -> Iterator[None]:
        """Nothing else goes to this absolute path meanwhile. Raises TargetTaken."""
        with self._lock:
            if target in self._targets:
                raise TargetTaken(f"another file is about to be {for_display(target)}")
            self._targets.add(target)
        is_over = True  # it is there, or never comes
        try:
            yield
        except OSError:
            is_over = False  # it is tried again, and goes to the same place
            raise
        finally:
            with self._lock:
                self._targets.discard(target)
                if is_over:
                    self._planned.pop(target, None)
