"""What is looked at of a file that stands still, to tell whether it is whole."""

from __future__ import annotations

from collections.abc import Callable

from msgspec import Struct

HEAD_BYTES = 1024
TAIL_BYTES = 22 + 65_535  # the end record of a zip, and the longest comment behind it
MOST_STEPS = 1000  # through what is read piece by piece: each is a read from the drive
_NEAR_BYTES = 2048  # behind the end of most files may come so much of something else


class Looked(Struct, frozen=True, kw_only=True):
    """What was read of a file, and a way to read more."""

    head: bytes  # its first HEAD_BYTES
    tail: bytes  # its last TAIL_BYTES
    size: int
    read: Callable[[int, int], bytes]  # from where, and at most how much; raises OSError
    has_hole: bool = False  # as its drive has it: to some of it nobody has written

    @property
    def near_end(self) -> bytes:
        return self.tail[-_NEAR_BYTES:]

    @property
    def tail_starts(self) -> int:
        return self.size - len(self.tail)

    @property
    def is_reserved(self) -> bool:
        """Whether it is likely to be written still.

        Windows gives a file its size first, and neither that nor its time may change on a server until all has come.
        Who writes from several places at once ends with some part in the middle.
        """
        return self.has_hole or (bool(self.tail) and not self.near_end.strip(b"\0"))

    def part(self, start: int, length: int) -> bytes:
        """As `read`, but that what was read before is not read again."""
        if start + length <= len(self.head):
            return self.head[start : start + length]
        if start >= self.tail_starts:
            start -= self.tail_starts
            return self.tail[start : start + length]
        return self.read(start, length)
