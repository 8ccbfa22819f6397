"""On which of the machine's cores the threads of this process run."""

from __future__ import annotations

import ctypes
import os
import threading
from contextlib import suppress

_LIBC = ctypes.CDLL(None)


def gather_threads() -> None:
    """All threads but the main one go to the core on which that one runs now, and so do those that they start.

    Python's threads take turns, so that together they use one core and hardly more; where each turn is on another
    core, waking that one costs a good part of it. To be called by the main thread, again and again: it stays free,
    and where it has slept the kernel wakes it on a core that has least to do, where the others then follow it.

    What the process may use (`CPUAffinity=`, `taskset -p`) is kept to, and stays to be seen of the main thread.
    Where the system does not let us choose, nothing is done.
    """
    core: int = _LIBC.sched_getcpu()
    if core < 0:  # that is not told here
        return
    for thread in threading.enumerate():
        if thread is not threading.main_thread() and thread.native_id is not None:
            with suppress(OSError):  # it has just ended, or a filter of system calls denies it
                os.sched_setaffinity(thread.native_id, {core})
