"""Whether a picture is whole, by its own structure. All of it raises OSError."""

from __future__ import annotations

from itertools import zip_longest
from typing import Literal

from msgspec import Struct

from watcher.sources.folder.looked import MOST_STEPS, Looked

JPEG_BEGIN = b"\xff\xd8\xff"
_JPEG_END = b"\xff\xd9"
_JPEG_SCAN = 0xDA
_MOST_STRIPS = 65_536


def jpeg(file: Looked) -> bool:
    """An end behind its header, in which a small picture may lie that has an end of its own.

    And behind that end no further picture, or film, begins, of which the end is missing.
    """
    begin, end = _begin_of_jpeg(file), file.near_end.rfind(_JPEG_END)
    if begin is None or end < 0 or file.size - len(file.near_end) + end < begin:
        return False
    return not any(begins in file.near_end[end:] for begins in (JPEG_BEGIN, b"ftyp"))


def _begin_of_jpeg(file: Looked) -> int | None:
    """Where its header ends and the picture itself begins."""
    start = 2
    for _ in range(MOST_STEPS):
        segment = file.part(start, 4)
        length = int.from_bytes(segment[2:], "big")
        if segment[:1] != b"\xff" or length < 2:  # noqa: PLR2004 - of its own length
            return None
        if segment[1] == _JPEG_SCAN:
            return start
        start += 1 if segment[1] == 0xFF else 2 + length  # noqa: PLR2004 - that fills up
    return None


def gif(file: Looked) -> bool:
    return file.near_end.rstrip(b"\0\r\n").endswith(b"\0;") or file.near_end.endswith(b"\0;")


def end_of_webp(head: bytes) -> int | None:
    return 8 + int.from_bytes(head[4:8], "little")


def end_of_bmp(head: bytes) -> int | None:
    """It says its length, and where its picture begins, and mostly the length of that; some programs say one wrong."""
    length, begin, picture = (int.from_bytes(head[at : at + 4], "little") for at in (2, 10, 34))
    return max(length, begin + picture) if length else None


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
    """All that its directories refer to lies in the file: those of its pages, and those that they refer to."""
    order: Literal["little", "big"] = "little" if file.head.startswith(b"II") else "big"
    ahead = [int.from_bytes(file.head[4:8], order)]
    for _ in range(MOST_STEPS):
        more = _directory(file, ahead.pop(), order)
        if more is None or len(ahead) + len(more) > MOST_STEPS:
            return False
        ahead += more
        if not ahead:
            return not file.is_reserved
    return False


def _directory(file: Looked, start: int, order: Literal["little", "big"]) -> list[int] | None:
    """The directories that one refers to; None where it, or something else that it refers to, is not all there."""
    count = int.from_bytes(file.part(start, 2), order)
    entries = file.part(start + 2, 12 * count + 4)
    if not start or not count or len(entries) < 12 * count + 4:
        return None
    fields = [_Field.of(entries[at : at + 12], order) for at in range(0, 12 * count, 12)]
    if not all(field.end <= file.size for field in fields) or not _has_strips(file, fields, order):
        return None
    next_page = int.from_bytes(entries[-4:], order)
    referring = [field for field in fields if field.tag in _DIRECTORIES]
    if sum(field.count for field in referring) > MOST_STEPS:
        return None
    more = [start for field in referring for start in field.values(file, order)]
    return [start for start in (next_page, *more) if start]


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
        data = file.part(self.at, length) if self.end else self.raw[:length]
        return [int.from_bytes(data[at : at + self.width], order) for at in range(0, len(data), self.width)]


_WIDTHS = {3: 2, 4: 4, 5: 8, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 13: 4}
_DIRECTORIES = (330, 34665, 34853)  # of the whole picture where a page is a small one of it; of a camera; of a place
_OLD_JPEG = 513
_STRIPS = ((273, 279), (324, 325), (_OLD_JPEG, 514))  # where strips, tiles and an old JPEG begin, and how long they are


def _has_strips(file: Looked, fields: list[_Field], order: Literal["little", "big"]) -> bool:
    by_tag = {field.tag: field for field in fields}
    for begins, lengths in _STRIPS:
        if begins in by_tag:
            starts = by_tag[begins].values(file, order)
            sizes = by_tag[lengths].values(file, order) if lengths in by_tag else []
            if not sizes and begins != _OLD_JPEG:  # that lies in the strips
                return False
            if any((at or 0) + (size or 0) > file.size for at, size in zip_longest(starts, sizes)):
                return False
    return True
