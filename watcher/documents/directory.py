"""The directory of a zip, read within bounds, and its entries by what the directory says of them."""

from __future__ import annotations

import errno
import io
import os
import struct
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO, cast

from watcher.headers import decode_bytes
from watcher.spool import Spooled

# zipfile makes an object of each entry: this much of a directory makes about 30 MB of them.
_LARGEST_READ = 2 * 1024 * 1024
_UNICODE_PATH = 0x7075
_UTF8_FLAG = 0x800
_LOCKED_FLAGS = 0x1 | 0x40
_LOCAL, _CENTRAL = b"PK\x03\x04", b"PK\x01\x02"
_LOCAL_BYTES, _CENTRAL_BYTES = 30, 46


class _Bounded(io.RawIOBase):
    """Refuses the one read that a forged directory makes large. While `mends` is set, directories come `_mended`."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self.mends = False

    def read(self, size: int | None = -1) -> bytes:
        wanted = _LARGEST_READ + 1 if size is None or size < 0 else size
        data = self._file.read(min(wanted, _LARGEST_READ + 1))
        if len(data) > _LARGEST_READ:
            raise zipfile.BadZipFile("the directory is too large")
        return _mended(data) if self.mends else data

    def seek(self, offset: int, whence: int = 0) -> int:
        try:
            self._file.seek(offset, whence)
            return self._file.tell()
        except (OSError, ValueError, OverflowError) as error:
            if isinstance(error, OSError) and error.errno != errno.EINVAL:
                raise
            raise zipfile.BadZipFile("the directory points outside the file") from error

    def tell(self) -> int:
        return self._file.tell()

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True


@contextmanager
def opened(content: Spooled) -> Iterator[zipfile.ZipFile]:
    """The zip, open for reading. Raises BadZipFile where its directory cannot be read."""
    with opened_file(content.file()) as archive:
        yield archive


@contextmanager
def opened_file(file: IO[bytes]) -> Iterator[zipfile.ZipFile]:
    """The same of a seekable file, which stays open."""
    try:
        archive = _archive(_Bounded(file))
    except (ValueError, NotImplementedError, struct.error, EOFError, IndexError) as error:
        raise zipfile.BadZipFile(str(error)) from error
    with archive:
        yield archive


def _archive(file: _Bounded) -> zipfile.ZipFile:
    try:
        return zipfile.ZipFile(file)
    except UnicodeDecodeError:
        file.mends = True
        archive = zipfile.ZipFile(file)
        file.mends = False
        return archive


def _mended(data: bytes) -> bytes:
    """A directory in which only names in UTF-8 are marked as such: some packers mark all, whatever they write."""
    mended, position = bytearray(data), 0
    while mended.startswith(_CENTRAL, position) and position + _CENTRAL_BYTES <= len(mended):
        (flags,) = struct.unpack_from("<H", mended, position + 8)
        name, extra, comment = struct.unpack_from("<HHH", mended, position + 28)
        begin = position + _CENTRAL_BYTES
        if flags & _UTF8_FLAG and not _is_utf8(data[begin : begin + name]):
            struct.pack_into("<H", mended, position + 8, flags & ~_UTF8_FLAG)
        position = begin + name + extra + comment
    return bytes(mended)


def _is_utf8(name: bytes) -> bool:
    try:
        name.decode()
    except UnicodeDecodeError:
        return False
    return True


def opened_entry(archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> IO[bytes]:
    """An entry, open for reading; one at a time. Raises what zipfile raises.

    Its own header may call it otherwise than the directory: some tools rename in the directory alone, or write the name
    there in another character set. zipfile takes that for damage; other programs go by the directory alone.
    """
    try:
        return archive.open(info)
    except (zipfile.BadZipFile, UnicodeDecodeError):
        file = archive.fp
        if file is None or info.flag_bits & _LOCKED_FLAGS or not _is_called_otherwise(file, info):
            raise
        return cast("IO[bytes]", zipfile.ZipExtFile(file, "r", info))


def _is_called_otherwise(file: IO[bytes], info: zipfile.ZipInfo) -> bool:
    """Whether an entry's own header has another name or mark for it; the file then stands behind that header."""
    file.seek(info.header_offset)
    header = file.read(_LOCAL_BYTES)
    if len(header) < _LOCAL_BYTES or not header.startswith(_LOCAL):
        return False
    (flags,) = struct.unpack_from("<H", header, 6)
    name, extra = struct.unpack_from("<HH", header, _LOCAL_BYTES - 4)
    own = file.read(name)
    file.seek(extra, os.SEEK_CUR)
    return (own, flags & _UTF8_FLAG) != (_raw_name(info), info.flag_bits & _UTF8_FLAG)


def _raw_name(info: zipfile.ZipInfo) -> bytes:
    return info.orig_filename.encode("utf-8" if info.flag_bits & _UTF8_FLAG else "cp437", "replace")


def entry_names(content: Spooled) -> list[str]:
    """The entries' paths, decoded. Raises BadZipFile."""
    with opened(content) as archive:
        return [entry_name(info) for info in archive.infolist()]


def entry_name(info: zipfile.ZipInfo) -> str:
    """An entry's path, uncleaned: by the UTF-8 flag, by the extra field 0x7075, else as UTF-8 or gb18030 as it fits."""
    if info.flag_bits & _UTF8_FLAG:
        return info.orig_filename
    try:
        raw = info.orig_filename.encode("cp437")
    except UnicodeEncodeError:  # zipfile has decoded it by itself
        return info.filename
    return _unicode_path(info.extra, raw) or decode_bytes(raw)


def _unicode_path(extra: bytes, raw: bytes) -> str | None:
    """Info-ZIP's Unicode path, where it was made of this very name."""
    position = 0
    while position + 4 <= len(extra):
        identifier, length = struct.unpack_from("<HH", extra, position)
        body = extra[position + 4 : position + 4 + length]
        if identifier == _UNICODE_PATH and body[1:5] == struct.pack("<I", zlib.crc32(raw)):
            return body[5:].decode("utf-8", "replace")
        position += 4 + length
    return None
