"""Whether the clock of a PostgreSQL server was set ahead: seen by what counts from a node's boot, and is never set.

A claim is over when the database's clock says so. Set ahead, it says so of all claims at once, while whoever made them
is posting or answering. Who sees the step leaves what is claimed alone for as long as a claim lasts: then whoever
claimed it before is through, or dead.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from datetime import timedelta

from watcher.clock import boot_seconds
from watcher.journal.clock import FOREVER_MS

log = logging.getLogger(__name__)

# Less than that holds have to spare. Clocks that are steered, and not set, go wrong by far less from claim to claim.
_STEP_SECONDS = 5.0


class ServerClock:
    """As it is seen by one process. Safe for threads."""

    def __init__(self, clock: Callable[[], float] = boot_seconds) -> None:
        """`clock` gives seconds, and is never set."""
        self._clock = clock
        self._lock = threading.Lock()
        self._latest: float | None = None  # how much it may be ahead of ours, at most, by the last look
        self._longest_hold = 0.0
        self._believed_from = clock()

    def looked(self, shown_ms: int, *, asked_at: float, heard_at: float) -> None:
        """It showed that, some time between the two of ours."""
        shown = shown_ms / 1000
        with self._lock:
            before, self._latest = self._latest, shown - asked_at
            if before is None or (step := shown - heard_at - before) <= _STEP_SECONDS:
                return
            self._believed_from = heard_at + self._longest_hold
        log.warning(
            # A virtual machine that is paused goes on with its uptime where it stopped.
            "The database's clock was set ahead, or this machine stood still; what is claimed is left alone now.",
            extra={"by": str(timedelta(seconds=round(step))), "seconds": round(self._longest_hold)},
        )

    def take_over_until(self, hold_ms: int) -> int:
        """Until it shows that, a claim that is over may be taken over, by one for so long. 0: not at all.

        It may still be set between a look and the claim.
        """
        with self._lock:
            self._longest_hold = max(self._longest_hold, hold_ms / 1000)
            if not self.is_believed():
                return 0
            return FOREVER_MS if self._latest is None else int((self._clock() + self._latest + _STEP_SECONDS) * 1000)

    def is_believed(self) -> bool:
        """Whether claims are over when it says so."""
        return self._clock() >= self._believed_from
