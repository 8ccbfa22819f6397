"""Archives of rar and 7z that are only stored, well-formed and not: nothing free writes rar."""

from __future__ import annotations

import struct
import zlib

_RAR4_LONG, _RAR4_LOCKED = 0x8000, 0x0004
_AES_OF_7Z = bytes.fromhex("06f10701")
_STORED_IN_7Z = b"\0"


# --------------------------------------------------------------------------------------------- rar


def rar5(*entries: tuple[str, bytes], locked: bool = False, damaged: bool = False) -> bytes:
    """Of version 5. `damaged`: the checksums are wrong."""
    made = b"Rar!\x1a\x07\x01\x00" + _rar5_block(b"\x01\x00\x00")
    for name, data in entries:
        extra = _rar5_lock() if locked else b""
        head = b"\x02" + bytes([3 if locked else 2]) + (_number(len(extra)) if locked else b"") + _number(len(data))
        head += _number(4) + _number(len(data)) + _number(0x20)
        head += struct.pack("<I", zlib.crc32(data) ^ damaged) + b"\x00\x00"
        head += _number(len(name.encode())) + name.encode() + extra
        made += _rar5_block(head) + data
    return made + _rar5_block(b"\x05\x00\x00")


def rar5_with_locked_names() -> bytes:
    return b"Rar!\x1a\x07\x01\x00" + _rar5_block(b"\x04\x00\x00\x00\x0f" + bytes(16)) + bytes(64)


def rar4(*entries: tuple[bytes, bytes], locked: bool = False) -> bytes:
    """Of version 4, with names as Windows wrote them, in its code page."""
    made = b"Rar!\x1a\x07\x00" + _rar4_block(0x73, 0, bytes(6))
    flags = _RAR4_LONG | (_RAR4_LOCKED if locked else 0)
    for name, data in entries:
        sizes = (len(data), len(data))
        fields = struct.pack("<IIBIIBBHI", *sizes, 2, zlib.crc32(data), 0x58740000, 20, 0x30, len(name), 0x20)
        made += _rar4_block(0x74, flags, fields + name) + data
    return made + _rar4_block(0x7B, 0x4000, b"")


def _rar4_block(kind: int, flags: int, fields: bytes) -> bytes:
    head = struct.pack("<BHH", kind, flags, 7 + len(fields)) + fields
    return struct.pack("<H", zlib.crc32(head) & 0xFFFF) + head


def _rar5_block(head: bytes) -> bytes:
    sized = _number(len(head)) + head
    return struct.pack("<I", zlib.crc32(sized)) + sized


def _rar5_lock() -> bytes:
    record = b"\x01\x00\x00\x0f" + bytes(32)
    return _number(len(record)) + record


def _number(value: int) -> bytes:
    """Seven bits a byte, the lowest first."""
    made = b""
    while value > 0x7F:
        made += bytes([value & 0x7F | 0x80])
        value >>= 7
    return made + bytes([value])


# ---------------------------------------------------------------------------------------------- 7z


def seven_zip(*entries: tuple[str, bytes], locked: bool = False, damaged: bool = False) -> bytes:
    """Each entry in a folder of its own. `locked`: they say that they are encrypted; `damaged`: checksums are wrong."""
    packed = b"".join(data for _name, data in entries)
    coder = _AES_OF_7Z if locked else _STORED_IN_7Z
    count = _number_of_7z(len(entries))
    sizes = b"".join(_number_of_7z(len(data)) for _name, data in entries)
    sums = b"".join(struct.pack("<I", zlib.crc32(data) ^ damaged) for _name, data in entries)
    pack = b"\x06\x00" + count + b"\x09" + sizes + b"\x00"
    properties = b"\x02\x3f\x00" if locked else b""
    folder = b"\x01" + bytes([len(coder) | (0x20 if locked else 0)]) + coder + properties
    folders = b"\x07\x0b" + count + b"\x00" + folder * len(entries) + b"\x0c" + sizes + b"\x00"
    folders += b"\x08\x0a\x01" + sums + b"\x00"
    names = b"\x00" + b"".join(name.encode("utf-16-le") + b"\0\0" for name, _data in entries)
    files = b"\x05" + count + b"\x11" + _number_of_7z(len(names)) + names + b"\x00"
    header = b"\x01\x04" + pack + folders + b"\x00" + files + b"\x00"
    start = struct.pack("<QQI", len(packed), len(header), zlib.crc32(header))
    return b"7z\xbc\xaf\x27\x1c\x00\x04" + struct.pack("<I", zlib.crc32(start)) + start + packed + header


def _number_of_7z(value: int) -> bytes:
    """Up to seven bits in one byte, else eight bytes behind 0xff."""
    return bytes([value]) if value < 0x80 else b"\xff" + struct.pack("<Q", value)
