"""Whether the clock that the journal goes by was set: by what counts from the boot, and is never set."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from datetime import datetime, timedelta

from watcher.clock import boot_seconds
from watcher.model import ClockStep

log = logging.getLogger(__name__)

# Less does no harm: what waits is put off by as much, and `give_up_after` is hours or days.
_STEP = timedelta(minutes=10)
STEADY_AFTER = timedelta(hours=12)  # long enough for somebody to set it right; a daemon may be restarted each night


class ClockWatch:
    """It is steady when this process has seen it go on for half a day without being set. Safe for threads.

    From one process to the next nobody can tell whether the clock was set or the machine was off.
    """

    def __init__(self, clock: Callable[[], float] = boot_seconds) -> None:
        """`clock` gives seconds, and is never set."""
        self._clock = clock
        self._lock = threading.Lock()
        self._steady_since = clock()
        self._seen: tuple[datetime, float] | None = None  # the last look
        self._step: ClockStep | None = None  # the last one

    @property
    def is_steady(self) -> bool:
        return self._clock() - self._steady_since >= STEADY_AFTER.total_seconds()

    @property
    def step(self) -> ClockStep | None:
        """How it was set, as long as it is not steady again."""
        return None if self.is_steady else self._step

    def was_set(self, now: datetime) -> bool:
        """Whether the clock, which shows `now`, was set, and is not steady again."""
        self.look(now)
        return self.step is not None

    def look(self, now: datetime) -> None:
        """The clock shows `now`. To be called again and again."""
        with self._lock:
            at = self._clock()
            seen, self._seen = self._seen, (now, at)
            expected = now if seen is None else seen[0] + timedelta(seconds=at - seen[1])
            if abs(now - expected) > _STEP:
                self._stepped(ClockStep(was=expected, now=now), at)

    def _stepped(self, step: ClockStep, at: float) -> None:
        self._step, self._steady_since = step, at
        shown = {"was": step.was.isoformat(timespec="seconds"), "now": step.now.isoformat(timespec="seconds")}
        log.warning("The clock was set; nothing old is deleted for the next hours.", extra=shown)
