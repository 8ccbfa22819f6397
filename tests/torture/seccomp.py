"""A seccomp filter that lets another process decide on chosen system calls."""

from __future__ import annotations

import ctypes
import os
import socket
import struct
from collections.abc import Collection

from tests.torture import calls
from tests.torture.calls import O_CREAT

_LOAD, _EQUAL, _ANY_BIT, _RETURN = 0x20, 0x15, 0x45, 0x06
_ALLOW, _ASK, _PRETEND = 0x7FFF0000, 0x7FC00000, 0x00050000
_NUMBER, _FIRST_ARGUMENT, _ARGUMENT_BYTES = 0, 16, 8  # in struct seccomp_data
_NO_NEW_PRIVS = 38
_SET_FILTER, _NEW_LISTENER = 1, 8
_SECCOMP = {"x86_64": 317, "aarch64": 277}
_PRCTL = {"x86_64": 157, "aarch64": 167}
_SET_DUMPABLE = 4


class _Program(ctypes.Structure):
    _fields_ = [("length", ctypes.c_ushort), ("instructions", ctypes.c_void_p)]


def hand_over(channel: socket.socket) -> int:
    """Prepares a command (support.warm): its calls wait for whoever gets what is returned, but those on the channel.

    Raises OSError.
    """
    known = calls.by_number()
    (openat,) = (number for number, call in known.items() if call.name == "openat")
    try:
        return install(known, openat, not_on=channel.fileno())
    except OSError as error:
        raise OSError(f"no filter can be installed: {error}") from error


def install(numbers: Collection[int], openat: int, not_on: int) -> int:
    """From now on these calls of this process, its threads and its children wait for whoever has the descriptor
    that is returned; of `openat` only those that may make a file, and none whose first argument is `not_on`.

    Raises OSError where the kernel or a container does not allow it.
    """
    program = _program(sorted(numbers), openat, not_on)
    buffer = ctypes.create_string_buffer(program)
    pointer = _Program(len(program) // 8, ctypes.addressof(buffer))
    libc = ctypes.CDLL(None, use_errno=True)
    libc.prctl(_NO_NEW_PRIVS, 1, 0, 0, 0)
    listener = int(libc.syscall(_SECCOMP[os.uname().machine], _SET_FILTER, _NEW_LISTENER, ctypes.byref(pointer)))
    if listener < 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    return listener


def _program(numbers: list[int], openat: int, not_on: int) -> bytes:
    flags = _FIRST_ARGUMENT + 2 * _ARGUMENT_BYTES
    tail = [
        (_EQUAL, 0, 2, openat),
        (_LOAD, 0, 0, flags),
        (_ANY_BIT, 2, 3, O_CREAT),
        (_LOAD, 0, 0, _FIRST_ARGUMENT),
        (_EQUAL, 1, 0, not_on),
        (_RETURN, 0, 0, _ASK),
        (_RETURN, 0, 0, _ALLOW),
    ]
    # To the tail where one fits; behind the last the call is none of ours.
    chosen = [(_EQUAL, len(numbers) - index, 0, number) for index, number in enumerate(numbers)]
    # The daemon lets nobody but root look into it, and it has to be seen what its calls are about.
    open_to_us = [
        (_LOAD, 0, 0, _NUMBER),
        (_EQUAL, 0, 3, _PRCTL[os.uname().machine]),
        (_LOAD, 0, 0, _FIRST_ARGUMENT),
        (_EQUAL, 0, 1, _SET_DUMPABLE),
        (_RETURN, 0, 0, _PRETEND),
    ]
    steps = [*open_to_us, (_LOAD, 0, 0, _NUMBER), *chosen, (_RETURN, 0, 0, _ALLOW), *tail]
    return b"".join(struct.pack("HBBI", *step) for step in steps)
