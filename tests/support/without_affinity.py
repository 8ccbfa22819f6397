"""`python without_affinity.py COMMAND ...`: the command may not choose cores for its threads, as under the unit.

A filter of system calls denies sched_setaffinity, as the unit's has it, and stays with what the command starts.
"""

from __future__ import annotations

import ctypes
import errno
import os
import struct
import sys

_PR_SET_NO_NEW_PRIVS, _PR_SET_SECCOMP, _SECCOMP_MODE_FILTER = 38, 22, 2
_ALLOW, _REFUSE = 0x7FFF0000, 0x00050000 | errno.EPERM
_LOAD, _JUMP_IF_EQUAL, _RETURN = 0x20, 0x15, 0x06
_SCHED_SETAFFINITY = {"x86_64": 203, "aarch64": 122}


def deny() -> None:
    """For the rest of this process's life, whatever it becomes. Raises SystemExit where there are no such filters."""
    steps = (
        (_LOAD, 0, 0, 0),  # the call's number
        (_JUMP_IF_EQUAL, 0, 1, _SCHED_SETAFFINITY[os.uname().machine]),
        (_RETURN, 0, 0, _REFUSE),
        (_RETURN, 0, 0, _ALLOW),
    )
    code = b"".join(struct.pack("=HBBI", *step) for step in steps)
    instructions = ctypes.create_string_buffer(code, len(code))

    class Program(ctypes.Structure):
        _fields_ = [("length", ctypes.c_ushort), ("instructions", ctypes.c_void_p)]

    program = Program(len(steps), ctypes.addressof(instructions))
    call = ctypes.CDLL(None, use_errno=True).prctl
    if call(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) or call(
        _PR_SET_SECCOMP, _SECCOMP_MODE_FILTER, ctypes.byref(program), 0, 0
    ):
        raise SystemExit(f"no filter of system calls can be had: {os.strerror(ctypes.get_errno())}")


if __name__ == "__main__":
    deny()
    os.execv(sys.argv[1], sys.argv[1:])
