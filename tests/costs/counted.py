"""The command, counting what it does: `python -m tests.costs.counted FOLDER ARGUMENT…`.

FOLDER gets how many functions each thread but the first has called, those in C among them; and, in the end, what the
kernel says of how many bytes were read and written.
"""

from __future__ import annotations

import atexit
import itertools
import mmap
import os
import sys
import threading
from pathlib import Path
from types import FrameType

_NUMBER_BYTES = 8
_THREADS = 4096  # of a whole life

_CALLS, _IO = "calls", "io"  # the names of files


def calls(folder: Path) -> int:
    """All that were counted, of all threads."""
    return sum(memoryview((folder / _CALLS).read_bytes()).cast("Q"))


def moved(folder: Path) -> dict[str, int]:
    """Bytes that were read, and written: from and to files and pipes, and by `read` and `write` from and to sockets."""
    lines = (folder / _IO).read_text().splitlines()
    found = {name: int(value) for name, _, value in (line.partition(":") for line in lines)}
    return {"read": found["rchar"], "written": found["wchar"]}


def _count_calls(counts: Path) -> None:
    """Have every thread that is started from now on count its calls."""
    counts.write_bytes(bytes(_NUMBER_BYTES * _THREADS))
    with counts.open("r+b") as file:
        numbers = memoryview(mmap.mmap(file.fileno(), 0)).cast("Q")
    places = itertools.count()

    def begin(frame: FrameType, event: str, argument: object) -> None:
        place = next(places)

        def count(frame: FrameType, event: str, argument: object) -> None:
            if event in {"call", "c_call"}:
                numbers[place] += 1

        sys.setprofile(count)

    threading.setprofile(begin)


def _tell_io(told: Path) -> None:
    """In the end. Opened before the command keeps others of its user, and itself, from opening it."""
    io = os.open("/proc/self/io", os.O_RDONLY)
    atexit.register(lambda: told.write_bytes(os.read(io, 4096)))


if __name__ == "__main__":
    folder = Path(sys.argv.pop(1))
    folder.mkdir()
    _tell_io(folder / _IO)
    _count_calls(folder / _CALLS)
    from watcher.__main__ import main

    main()
