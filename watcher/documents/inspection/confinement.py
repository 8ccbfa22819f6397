"""What the child may not do, and that it never outlives its parent. No privilege is needed for any of it."""

from __future__ import annotations

import ctypes
import fcntl
import os
import resource
import select
import signal
from contextlib import suppress
from pathlib import Path

_PR_SET_NO_NEW_PRIVS = 38
_MOST_FILES = 64
_LARGEST_FILE = 256 * 1024 * 1024


def confine(*, lifeline: int, memory_limit: int) -> None:
    """For the rest of this process's life; `memory_limit` is in bytes of address space.

    `lifeline` is the reading end of a pipe whose other end the parent holds.
    """
    _outlive_nobody(lifeline)
    # Its parent ends it: a terminal's Ctrl-C and systemd's SIGTERM go to all processes, and work is finished first.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    ctypes.CDLL(None).prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
    for limit, value in (
        (resource.RLIMIT_AS, memory_limit),
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_NPROC, 0),
        (resource.RLIMIT_NOFILE, _MOST_FILES),
        (resource.RLIMIT_FSIZE, _LARGEST_FILE),
    ):
        _lower(limit, value)
    with suppress(OSError):  # where memory runs out, the child goes and not the daemon
        Path("/proc/self/oom_score_adj").write_text("1000")


def _outlive_nobody(lifeline: int) -> None:
    """The kernel kills this process when the pipe's other end is closed, whatever it is busy with then.

    PR_SET_PDEATHSIG would kill it when the thread ends that started it, and the parent has many.
    """
    fcntl.fcntl(lifeline, fcntl.F_SETOWN, os.getpid())
    fcntl.fcntl(lifeline, fcntl.F_SETSIG, signal.SIGKILL)
    fcntl.fcntl(lifeline, fcntl.F_SETFL, fcntl.fcntl(lifeline, fcntl.F_GETFL) | os.O_ASYNC)
    if select.select([lifeline], [], [], 0)[0]:  # the parent died before
        os._exit(0)


def _lower(limit: int, value: int) -> None:
    _, hard = resource.getrlimit(limit)
    lower = value if hard == resource.RLIM_INFINITY else min(value, hard)
    resource.setrlimit(limit, (lower, lower))
