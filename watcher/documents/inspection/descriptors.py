"""Files that the daemon and a child hand each other by descriptor."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from watcher.documents.inspection.answers import BadAnswer
from watcher.spool import CHUNK_BYTES, Spooled


@contextmanager
def copied(content: Spooled) -> Iterator[int]:
    """The descriptor of a copy in memory: what a child does to it touches no document."""
    descriptor = os.memfd_create("document", os.MFD_CLOEXEC)
    with open(descriptor, "wb") as copy:  # noqa: PTH123 - a descriptor has no path
        copy.writelines(content.chunks())
        copy.flush()
        copy.seek(0)
        yield descriptor


def size_of(descriptors: Sequence[int]) -> int:
    """How large the one file is that came. Raises BadAnswer where none did, or more."""
    if len(descriptors) != 1 or not stat.S_ISREG(os.fstat(descriptors[0]).st_mode):
        raise BadAnswer("what came is no file")
    return os.fstat(descriptors[0]).st_size


def chunks_of(descriptor: int, most: int) -> Iterator[bytes]:
    """Its bytes, from the start and no more than it may have, wherever it stands and whoever still writes to it."""
    position = 0
    while position < most and (chunk := os.pread(descriptor, min(CHUNK_BYTES, most - position), position)):
        position += len(chunk)
        yield chunk


def close(descriptors: Sequence[int]) -> None:
    for descriptor in descriptors:
        os.close(descriptor)
