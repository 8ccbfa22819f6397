"""A stretch of a file, so that what lies within something large is read without holding it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import IO

from watcher.spool import CHUNK_BYTES


class Range:
    """`size` bytes from `begin` of a file; fewer where it is cut. Others may read the file meanwhile."""

    __slots__ = ("_begin", "_file", "is_cut", "size")

    def __init__(self, file: IO[bytes], begin: int, size: int, *, is_cut: bool = False) -> None:
        self._file = file
        self._begin = begin
        self.size = size
        self.is_cut = is_cut  # it should be longer

    def read(self, position: int, length: int) -> bytes:
        """Up to `length` bytes from a position within it; none beyond its end."""
        length = min(length, self.size - position)
        if position < 0 or length <= 0:
            return b""
        self._file.seek(self._begin + position)
        return self._file.read(length)

    def part(self, position: int, size: int) -> Range:
        """A stretch of it; `is_cut` where it would reach beyond the end."""
        there = max(0, min(size, self.size - position))
        return Range(self._file, self._begin + position, there, is_cut=there < size)

    def chunks(self) -> Iterator[bytes]:
        """All of it, piece by piece."""
        for position in range(0, self.size, CHUNK_BYTES):
            yield self.read(position, CHUNK_BYTES)
