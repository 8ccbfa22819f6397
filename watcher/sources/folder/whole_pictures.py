"""Whether a picture is whole, by its own structure. All of it raises OSError."""

from __future__ import annotations

from itertools import zip_longest
from typing import Literal

from msgspec import Struct

from watcher.sources.folder.looked import MOST_STEPS, Looked

_MOST_STRIPS = 65_536


def gif(file: Looked) -> bool:
    return file.near_end.rstrip(b"\0\r\n").endswith(b"\0;") or file.near_end.endswith(b"\0;")


def end_of_webp(head: bytes) -> int | None:
    return 8 + int.from_bytes(head[4:8], "little")


def end_of_bmp(head: bytes) -> int | None:
    return int.from_bytes(head[2:6], "little") or None


def boxes(file: Looked) -> bool:
    """HEIC: boxes one after the other, each with its length, which end where the file ends."""
    start, has_data = 0, False
    for _ in range(MOST_STEPS):
        box = file.read(start, 16)
        length = int.from_bytes(box[:4], "big")
        if length == 1:
            length = int.from_bytes(box[8:16], "big")
        if length < 8:  # noqa: PLR2004 - its own header; 0 is a box that ends with the file
            return False
        has_data = has_data or box[4:8] == b"mdat"
        start += length
        if start >= file.size:
            return start == file.size and has_data and not file.is_reserved
    return False


def tiff(file: Looked) -> bool:
    """All that the directories of its pages refer to lies in the file."""
    order: Literal["little", "big"] = "little" if file.head.startswith(b"II") else "big"
    start = int.from_bytes(file.head[4:8], order)
    for _ in range(MOST_STEPS):
        count = int.from_bytes(file.read(start, 2), order)
        page = file.read(start + 2, 12 * count + 4)
        if not start or not count or len(page) < 12 * count + 4:
            return False
        fields = [_Field.of(page[at : at + 12], order) for at in range(0, 12 * count, 12)]
        if not all(field.end <= file.size for field in fields) or not _has_strips(file, fields, order):
            return False
        start = int.from_bytes(page[-4:], order)
        if not start:
            return not file.is_reserved
    return False


class _Field(Struct, frozen=True):
    """A field of a TIFF's directory."""

    tag: int
    width: int  # bytes of one value
    count: int
    raw: bytes  # the values themselves, or where they are
    at: int

    @classmethod
    def of(cls, entry: bytes, order: Literal["little", "big"]) -> _Field:
        tag, kind, count, at = (
            int.from_bytes(entry[one:other], order) for one, other in ((0, 2), (2, 4), (4, 8), (8, 12))
        )
        return cls(tag, _WIDTHS.get(kind, 1), count, entry[8:], at)

    @property
    def end(self) -> int:
        length = self.width * self.count
        return self.at + length if length > len(self.raw) else 0

    def values(self, file: Looked, order: Literal["little", "big"]) -> list[int]:
        length = self.width * min(self.count, _MOST_STRIPS)
        data = file.read(self.at, length) if self.end else self.raw[:length]
        return [int.from_bytes(data[at : at + self.width], order) for at in range(0, len(data), self.width)]


_WIDTHS = {3: 2, 4: 4, 5: 8, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 13: 4}
_STRIPS = ((273, 279), (324, 325), (513, 514))  # where strips, tiles and an old JPEG begin, and how long they are


def _has_strips(file: Looked, fields: list[_Field], order: Literal["little", "big"]) -> bool:
    by_tag = {field.tag: field for field in fields}
    for begins, lengths in _STRIPS:
        if begins in by_tag:
            starts = by_tag[begins].values(file, order)
            sizes = by_tag[lengths].values(file, order) if lengths in by_tag else []
            if any((at or 0) + (size or 0) > file.size for at, size in zip_longest(starts, sizes)):
                return False
    return True
