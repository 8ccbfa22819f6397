"""Keeps what is in this process's memory, its secrets among it, in this process."""

from __future__ import annotations

import ctypes
import resource

_PR_SET_DUMPABLE = 4


def seclude() -> None:
    """For the rest of this process's life: no core dump, and no other process of the same user looks into it.

    The limit alone would not do: a handler in /proc/sys/kernel/core_pattern is given the memory whatever the limit is.
    What is started from here can be dumped and traced again, but for the limit. Root, and nobody else, can attach a
    debugger, and read what /proc/PID has of environment, memory and open files.
    """
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    ctypes.CDLL(None).prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0)
