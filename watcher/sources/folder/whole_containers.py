"""Whether an archive, or a mail that is no text, is whole, by its own structure. All of it raises OSError."""

from __future__ import annotations

import zlib
from collections.abc import Iterator

from watcher.sources.folder.looked import MOST_STEPS, Looked

_ZIP_END = b"PK\5\6"
_ZIP64_LOCATOR = b"PK\6\7"


def zip_archive(file: Looked) -> bool:
    """An end record, behind which a comment may come, before which its directory lies as long as that says.

    It is counted from the begin of the file: a zip that is stored within it has an end record of its own.
    """
    at = file.tail.rfind(_ZIP_END)
    while at >= 0:
        if _is_end_of_zip(file, at):
            return True
        at = file.tail.rfind(_ZIP_END, 0, at)
    return False


def _is_end_of_zip(file: Looked, at: int) -> bool:
    record, end = file.tail[at : at + 22], file.tail_starts + at
    if len(record) < 22 or at + 22 + int.from_bytes(record[20:], "little") > len(file.tail):  # noqa: PLR2004 - its length
        return False
    length, start = (int.from_bytes(record[one : one + 4], "little") for one in (12, 16))
    locator = file.part(end - 20, 20)
    if locator.startswith(_ZIP64_LOCATOR):  # a large one, or of a program that makes all as if they were
        end = int.from_bytes(locator[8:16], "little")
        record = file.part(end, 56)
        length, start = (int.from_bytes(record[one : one + 8], "little") for one in (40, 48))
    return start + length == end


def end_of_7z(head: bytes) -> int | None:
    """Its directory comes last. While 7-Zip writes an archive, it says nothing of it."""
    offset, length = (int.from_bytes(head[at : at + 8], "little") for at in (12, 20))
    return 32 + offset + length if length else None


def end_of_der(head: bytes) -> int | None:
    """A signed mail. One of indefinite length does not say."""
    if len(head) < 2 or head[1] <= 0x80:  # noqa: PLR2004 - a mail is longer than what fits into one byte
        return None
    width = head[1] & 0x7F
    return 2 + width + int.from_bytes(head[2 : 2 + width], "big")


def rar5(file: Looked) -> bool:
    """Its last block says that it is that: checksum, length 3, type 5, two flags."""
    return any(
        int.from_bytes(block[:4], "little") == zlib.crc32(block[4:]) for block in _before(file.near_end, b"\3\5", 4, 4)
    )


def rar4(file: Looked) -> bool:
    """The same: checksum, type 0x7b, flags, length. Archives before 3.0 have none."""
    for block in _before(file.near_end, b"\x7b", 2, 32):
        length = int.from_bytes(block[5:7], "little")
        if 7 <= length <= len(block) and int.from_bytes(block[:2], "little") == zlib.crc32(block[2:length]) & 0xFFFF:  # noqa: PLR2004 - the header
            return True
    return False


def _before(tail: bytes, mark: bytes, before: int, behind: int) -> Iterator[bytes]:
    """Where a mark stands in it: with so many bytes that come before, and so many from there on."""
    at = tail.find(mark, before)
    while at >= 0:
        yield tail[at - before : at + behind]
        at = tail.find(mark, at + 1)


def ole(file: Looked) -> bool:
    """A mail that Outlook saved: the last sector of which its table knows is there."""
    shift = int.from_bytes(file.head[30:32], "little")
    tables = int.from_bytes(file.head[44:48], "little")
    if shift not in (9, 12) or not 0 < tables <= 109:  # noqa: PLR2004 - as many as the header has room for
        return False
    at = 72 + 4 * tables
    table = file.read((int.from_bytes(file.head[at : at + 4], "little") + 1) << shift, 1 << shift)
    if len(table) < 1 << shift:
        return False
    used = len(table.rstrip(b"\xff")) + 3 >> 2
    last = (tables - 1) * (len(table) >> 2) + used  # counted from 1, as the header is the first
    return (last + 1) << shift <= file.size


def tnef(file: Looked) -> bool:
    """winmail.dat: attributes one after the other, each with its length, which end where the file ends."""
    start = 6
    for _ in range(MOST_STEPS):
        if start >= file.size:
            return start == file.size and not file.is_reserved
        start += 9 + int.from_bytes(file.read(start + 5, 4), "little") + 2
    return False
