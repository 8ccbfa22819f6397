"""The clock that everything is measured by which must not outlast a claim or a request."""

from __future__ import annotations

import time


def boot_seconds() -> float:
    """Seconds on a clock that never jumps, and goes on while the machine sleeps or the process is stopped."""
    return time.clock_gettime(time.CLOCK_BOOTTIME)
