"""How much of the memory that is free again stays with this process."""

from __future__ import annotations

import ctypes
import os

# Parameters of mallopt(3), and the variables by which an administrator sets the same.
_TRIM_THRESHOLD, _MMAP_THRESHOLD, _ARENA_MAX = -1, -3, -8
_SET_FROM_OUTSIDE = frozenset(
    {"MALLOC_TRIM_THRESHOLD_", "MALLOC_MMAP_THRESHOLD_", "MALLOC_TOP_PAD_", "MALLOC_ARENA_MAX", "GLIBC_TUNABLES"}
)

_MAPPED_BYTES = 8 * 1024 * 1024  # larger blocks are given back at once, each by itself
_KEPT_BYTES = 2 * _MAPPED_BYTES  # at most, at the end of the arena: what a moment's mails take


def keep_what_is_freed() -> None:
    """Have the next mail use the memory of the last one. To be called before there are threads.

    glibc begins with less: what a mail of 100 kB takes is given back to the system and had again for the next one,
    zeroed page by page. It would come to these bounds by itself after the first block of 8 MB, and go beyond them
    after a larger one. And there is one arena for all threads, which take turns anyway: of many each would keep so
    much. What is set from outside is kept to; where there is another libc, nothing is done.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is None or not _SET_FROM_OUTSIDE.isdisjoint(os.environ):
        return
    mallopt(_ARENA_MAX, 1)
    mallopt(_TRIM_THRESHOLD, _KEPT_BYTES)
    mallopt(_MMAP_THRESHOLD, _MAPPED_BYTES)
