"""What the threads are called, where one looks at them from outside."""

from __future__ import annotations

import ctypes

_PR_SET_NAME = 15
_LONGEST = 15  # bytes that the kernel keeps


def show_name(name: str) -> None:
    """The calling thread's name in `ps -L`, `top -H` and a debugger. Python itself sets it from 3.14 on."""
    ctypes.CDLL(None).prctl(_PR_SET_NAME, name.encode("ascii", "replace")[:_LONGEST], 0, 0, 0)
