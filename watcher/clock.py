"""The clock that everything is measured by which must not outlast a claim or a request."""

from __future__ import annotations

import time
from functools import partial

# Seconds on a clock that never jumps, and goes on while the machine sleeps or the process is stopped. It is read many
# times for each document: no function in Python stands in between.
boot_seconds = partial(time.clock_gettime, time.CLOCK_BOOTTIME)
