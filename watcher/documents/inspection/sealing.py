"""The system calls that are left to the child once it has loaded all it needs: none that opens, connects or starts.

What takes the child over by way of a broken PDF finds neither files nor a network.
"""

from __future__ import annotations

import ctypes
import errno
import os
import struct
from collections.abc import Sequence

_PR_SET_SECCOMP = 22
_SECCOMP_MODE_FILTER = 2
ALLOW = 0x7FFF0000
REFUSE = 0x00050000 | errno.EPERM  # the call fails, so that a library may do without it
LOAD, JUMP_IF_EQUAL, RETURN = 0x20, 0x15, 0x06
NUMBER, _ARCHITECTURE = 0, 4  # where they stand in what the filter is given

# Each with its number on x86_64 and on aarch64.
_CALLS = {
    "read": (0, 63),
    "write": (1, 64),
    "close": (3, 57),
    "fstat": (5, 80),
    "lseek": (8, 62),
    "mmap": (9, 222),
    "mprotect": (10, 226),
    "munmap": (11, 215),
    "brk": (12, 214),
    "rt_sigaction": (13, 134),
    "rt_sigprocmask": (14, 135),
    "rt_sigreturn": (15, 139),
    "pread64": (17, 67),
    "pwrite64": (18, 68),
    "sched_yield": (24, 124),
    "mremap": (25, 216),
    "madvise": (28, 233),
    "getpid": (39, 172),
    "sendto": (44, 206),
    "recvfrom": (45, 207),
    "sendmsg": (46, 211),
    "recvmsg": (47, 212),
    "exit": (60, 93),
    "ftruncate": (77, 46),
    "gettimeofday": (96, 169),
    "gettid": (186, 178),
    "futex": (202, 98),
    "clock_gettime": (228, 113),
    "exit_group": (231, 94),
    "newfstatat": (262, 79),  # how a C library asks for fstat
    "getrandom": (318, 278),
    "memfd_create": (319, 279),
}
_MACHINES = {"x86_64": (0xC000003E, 0), "aarch64": (0xC00000B7, 1)}


def seal() -> bool:
    """From now on every other system call fails with EPERM. False where this kernel or machine has no such filter.

    PR_SET_NO_NEW_PRIVS has to be set.
    """
    if os.uname().machine not in _MACHINES:
        return False
    return install(_program(*_MACHINES[os.uname().machine]))


def install(steps: Sequence[bytes]) -> bool:
    """The kernel asks this program of each call from now on, also where this process becomes another one.

    False where it takes none. PR_SET_NO_NEW_PRIVS has to be set.
    """
    code = b"".join(steps)
    instructions = ctypes.create_string_buffer(code, len(code))

    class Program(ctypes.Structure):
        _fields_ = [("length", ctypes.c_ushort), ("instructions", ctypes.c_void_p)]

    program = Program(len(steps), ctypes.addressof(instructions))
    return int(ctypes.CDLL(None).prctl(_PR_SET_SECCOMP, _SECCOMP_MODE_FILTER, ctypes.byref(program), 0, 0)) == 0


def _program(architecture: int, column: int) -> list[bytes]:
    """Of another architecture's calls none is left, of this one's those above."""
    numbers = [calls[column] for calls in _CALLS.values()]
    return [
        step(LOAD, value=_ARCHITECTURE),
        step(JUMP_IF_EQUAL, value=architecture, if_not=len(numbers) + 1),
        step(LOAD, value=NUMBER),
        *(step(JUMP_IF_EQUAL, value=number, if_so=len(numbers) - place) for place, number in enumerate(numbers)),
        step(RETURN, value=REFUSE),
        step(RETURN, value=ALLOW),
    ]


def step(operation: int, *, value: int, if_so: int = 0, if_not: int = 0) -> bytes:
    """One instruction; the jumps skip that many."""
    return struct.pack("=HBBI", operation, if_so, if_not, value)
