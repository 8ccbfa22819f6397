"""Standard input, output and error as the shell left them, made so that every command can use them."""

from __future__ import annotations

import errno
import io
import json
import os
import sys

# What a write to a file that somebody redirected the output to may fail with.
NOT_WRITTEN = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO})


def make_usable() -> None:
    """Closed streams lead nowhere, lest a database gets their number; what a stream lacks is written as an escape."""
    while (descriptor := os.open(os.devnull, os.O_RDWR)) <= 2:  # noqa: PLR2004 - standard error is the last of them
        os.set_inheritable(descriptor, True)  # noqa: FBT003
    os.close(descriptor)
    sys.stdout = sys.stdout or _nowhere()
    sys.stderr = sys.stderr or _nowhere()
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def _nowhere() -> io.TextIOWrapper:
    return open(os.devnull, "w", encoding="utf-8")  # noqa: PTH123 - it stays open as long as the program


def discard_output() -> None:
    """What has not been written yet is dropped, so that it fails no second time at the exit."""
    descriptor = os.open(os.devnull, os.O_WRONLY)
    os.dup2(descriptor, sys.stdout.fileno())
    os.close(descriptor)


def arrow() -> str:
    """What stands before advice, as standard output can write it."""
    return "→" if sys.stdout.encoding.lower().startswith("utf") else "->"


def json_text(value: object, indent: int | None = None) -> str:
    """JSON for standard output: as it is read best where every character can be written, else in ASCII."""
    everything = sys.stdout.encoding.lower().startswith("utf")
    return json.dumps(value, ensure_ascii=not everything, indent=indent)
