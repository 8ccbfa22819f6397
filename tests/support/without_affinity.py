"""`python without_affinity.py COMMAND ...`: the command may not choose cores for its threads, as under the unit.

A filter of system calls denies sched_setaffinity, as the unit's has it, and stays with what the command starts.
"""

from __future__ import annotations

import ctypes
import os
import sys

from watcher.documents.inspection.sealing import ALLOW, JUMP_IF_EQUAL, LOAD, NUMBER, REFUSE, RETURN, install, step

_PR_SET_NO_NEW_PRIVS = 38
_SCHED_SETAFFINITY = {"x86_64": 203, "aarch64": 122}


def deny() -> None:
    """For the rest of this process's life, whatever it becomes. Raises SystemExit where there are no such filters."""
    ctypes.CDLL(None).prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
    steps = [
        step(LOAD, value=NUMBER),
        step(JUMP_IF_EQUAL, value=_SCHED_SETAFFINITY[os.uname().machine], if_not=1),
        step(RETURN, value=REFUSE),
        step(RETURN, value=ALLOW),
    ]
    if not install(steps):
        raise SystemExit("this kernel takes no filter of system calls")


if __name__ == "__main__":
    deny()
    os.execv(sys.argv[1], sys.argv[1:])
