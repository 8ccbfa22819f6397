"""Entries of a zip that are packed in ways which Python unpacks without bounds, or not at all: a program has to.

It gets a zip of these entries alone, under numbers, so that no name of theirs and nothing else in the archive matters.
"""

from __future__ import annotations

import struct
import zipfile
from collections.abc import Iterator, Sequence
from contextlib import closing

from watcher.documents import words
from watcher.documents.directory import entry_name
from watcher.documents.openers.by_program import unpacked
from watcher.documents.ranges import Range
from watcher.documents.unpacking import Allowance, Entry, Refusal
from watcher.errors import DocumentRefused
from watcher.model import Reason
from watcher.spool import Spooled

_METHOD_NAMES = {9: "deflate64", 12: "bzip2", 14: "LZMA", 93: "zstd", 95: "xz", 98: "PPMd"}
_LOCAL, _CENTRAL, _END = b"PK\x03\x04", b"PK\x01\x02", b"PK\x05\x06"
_LOCAL_BYTES = 30
_VERSION = 63
_END_OF_STREAM_FLAG = 0x2  # of LZMA: the only flag that the decoder needs
_MOST_ENTRIES = 0xFFFF


def open_repacked(
    content: Spooled, infos: Sequence[zipfile.ZipInfo], allowance: Allowance
) -> Iterator[Entry | Refusal]:
    """What these entries, all packed in one way, give; each is named where they cannot be unpacked."""
    form = f"zip ({_METHOD_NAMES.get(infos[0].compress_type, f'method {infos[0].compress_type}')})"
    infos = infos[:_MOST_ENTRIES]
    try:
        with closing(allowance.spool(_archive(Range(content.file(), 0, content.size), infos))) as alone:
            yield from unpacked(alone, allowance, form, name_of=lambda number: entry_name(infos[int(number)]))
    except DocumentRefused as refused:
        if refused.reason is not Reason.UNREADABLE:
            raise
        for info in infos:
            message = words.unsupported(form)
            yield Refusal(name=entry_name(info), reason=Reason.UNREADABLE, message=message, size=info.file_size)


def _archive(whole: Range, infos: Sequence[zipfile.ZipInfo]) -> Iterator[bytes]:
    directory, position = b"", 0
    for number, info in enumerate(infos):
        if info.compress_size > whole.size:
            raise DocumentRefused(Reason.UNREADABLE, words.DAMAGED)
        name, fields = str(number).encode(), _fields(info, len(str(number)))
        yield _LOCAL + fields + name
        yield from _packed(whole, info)
        place = struct.pack("<HHHII", 0, 0, 0, 0, position)
        directory += _CENTRAL + struct.pack("<H", _VERSION) + fields + place + name
        position += _LOCAL_BYTES + len(name) + info.compress_size
    yield directory
    yield _END + struct.pack("<HHHHIIH", 0, 0, len(infos), len(infos), len(directory), position, 0)


def _fields(info: zipfile.ZipInfo, name_bytes: int) -> bytes:
    """What the local header and the directory both say of an entry."""
    flags, sizes = info.flag_bits & _END_OF_STREAM_FLAG, (info.compress_size, info.file_size)
    return struct.pack("<HHHIIIIHH", _VERSION, flags, info.compress_type, 0, info.CRC, *sizes, name_bytes, 0)


def _packed(whole: Range, info: zipfile.ZipInfo) -> Iterator[bytes]:
    """The bytes of an entry as they are. Raises DocumentRefused where they are not there."""
    local = whole.read(info.header_offset, _LOCAL_BYTES)
    if len(local) < _LOCAL_BYTES or not local.startswith(_LOCAL):
        raise DocumentRefused(Reason.UNREADABLE, words.DAMAGED)
    name, extra = struct.unpack_from("<HH", local, _LOCAL_BYTES - 4)
    data = whole.part(info.header_offset + _LOCAL_BYTES + name + extra, info.compress_size)
    if data.is_cut:
        raise DocumentRefused(Reason.UNREADABLE, words.DAMAGED)
    yield from data.chunks()
