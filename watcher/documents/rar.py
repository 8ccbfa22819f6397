"""What is in a rar by its headers, of versions 4 and 5: sizes, checksums and locks. Nothing is unpacked here.

bsdtar unpacks them, but tells neither of a wrong checksum nor of a password that it has not got.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator

from msgspec import Struct

from watcher.documents.ranges import Range

_MARK_4, _MARK_5 = b"Rar!\x1a\x07\x00", b"Rar!\x1a\x07\x01\x00"
_LARGEST_HEADER = 64 * 1024

_MAIN_4, _FILE_4, _END_4 = 0x73, 0x74, 0x7B
_LONG_4, _LOCKED_NAMES_4, _LOCKED_4, _HUGE_4 = 0x8000, 0x80, 0x04, 0x100
_BLOCK_4 = struct.Struct("<HBHH")
_FILE_FIELDS_4 = struct.Struct("<IIBI")  # packed, unpacked, system, checksum

_FILE_5, _LOCKED_NAMES_5, _END_5 = 2, 4, 5
_HAS_EXTRA_5, _HAS_DATA_5 = 1, 2
_HAS_TIME_5, _HAS_SUM_5 = 2, 4
_LOCK_RECORD_5 = 1
_LONGEST_NUMBER = 10


class NotRar(Exception):
    """It is no rar, or is cut."""


class NamesLocked(Exception):
    """Not even its headers can be read without the password."""


class PackedFile(Struct, frozen=True, kw_only=True):
    """An entry, folders and links too. Without a checksum there is nothing to compare."""

    size: int
    checksum: int | None
    locked: bool


def listed(whole: Range, look_up: Callable[[], None]) -> list[PackedFile]:
    """The entries in their order. `look_up` may raise to end it. Raises NotRar, NamesLocked."""
    blocks = _blocks_5(whole) if whole.read(0, len(_MARK_5)) == _MARK_5 else _blocks_4(whole)
    found = []
    for each in blocks:
        look_up()
        if each is not None:
            found.append(each)
    return found


def _blocks_4(whole: Range) -> Iterator[PackedFile | None]:
    """An entry, or None for any other block."""
    if whole.read(0, len(_MARK_4)) != _MARK_4:
        raise NotRar
    position = len(_MARK_4)
    while head := whole.read(position, _BLOCK_4.size):
        if len(head) < _BLOCK_4.size:
            raise NotRar
        _sum, kind, flags, size = _BLOCK_4.unpack(head)
        if size < _BLOCK_4.size:
            raise NotRar
        if kind == _END_4:
            return
        if kind == _MAIN_4 and flags & _LOCKED_NAMES_4:
            raise NamesLocked
        block = whole.read(position, size)
        yield _file_4(block, flags) if kind == _FILE_4 else None
        position += size + _data_bytes_4(block, flags)


def _data_bytes_4(block: bytes, flags: int) -> int:
    if not flags & _LONG_4 or len(block) < _BLOCK_4.size + 4:
        return 0
    low = int.from_bytes(block[_BLOCK_4.size : _BLOCK_4.size + 4], "little")
    is_huge_file = block[2] == _FILE_4 and flags & _HUGE_4
    return low + (int.from_bytes(block[32:36], "little") << 32 if is_huge_file else 0)


def _file_4(block: bytes, flags: int) -> PackedFile:
    if len(block) < _BLOCK_4.size + _FILE_FIELDS_4.size:
        raise NotRar
    _packed, size, _system, checksum = _FILE_FIELDS_4.unpack_from(block, _BLOCK_4.size)
    high = int.from_bytes(block[36:40], "little") << 32 if flags & _HUGE_4 else 0
    return PackedFile(size=size + high, checksum=checksum, locked=bool(flags & _LOCKED_4))


def _blocks_5(whole: Range) -> Iterator[PackedFile | None]:
    position = len(_MARK_5)
    while start := whole.read(position, 4 + _LONGEST_NUMBER):
        size, after = _number(start, 4)
        begin = position + after
        block = whole.read(begin, min(size, _LARGEST_HEADER))
        kind, at = _number(block, 0)
        flags, at = _number(block, at)
        extra, at = _number(block, at) if flags & _HAS_EXTRA_5 else (0, at)
        data, at = _number(block, at) if flags & _HAS_DATA_5 else (0, at)
        if kind == _LOCKED_NAMES_5:
            raise NamesLocked
        if kind == _END_5:
            return
        yield _file_5(block, at, extra) if kind == _FILE_5 else None
        position = begin + size + data


def _file_5(block: bytes, at: int, extra: int) -> PackedFile:
    flags, at = _number(block, at)
    size, at = _number(block, at)
    _attributes, at = _number(block, at)
    at += 4 if flags & _HAS_TIME_5 else 0
    checksum = int.from_bytes(block[at : at + 4], "little") if flags & _HAS_SUM_5 else None
    locked = _LOCK_RECORD_5 in _records_5(block[len(block) - extra :] if extra else b"")
    return PackedFile(size=size, checksum=checksum, locked=locked)


def _records_5(extra: bytes) -> Iterator[int]:
    """The kinds of the records behind a header."""
    position = 0
    while position < len(extra):
        size, begin = _number(extra, position)
        yield _number(extra, begin)[0]
        position = begin + max(size, 1)


def _number(data: bytes, position: int) -> tuple[int, int]:
    """Seven bits a byte, the lowest first; and where what follows it begins."""
    value = 0
    for shift, byte in enumerate(data[position : position + _LONGEST_NUMBER]):
        value |= (byte & 0x7F) << 7 * shift
        if byte < 0x80:  # noqa: PLR2004 - the highest bit says that it goes on
            return value, position + shift + 1
    raise NotRar
