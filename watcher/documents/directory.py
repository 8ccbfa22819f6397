"""The directory of a zip, read within bounds."""

from __future__ import annotations

import errno
import io
import struct
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO

from watcher.headers import decode_bytes
from watcher.spool import Spooled

# zipfile makes an object of each entry: this much of a directory makes about 30 MB of them.
_LARGEST_READ = 2 * 1024 * 1024
_UNICODE_PATH = 0x7075
_UTF8_FLAG = 0x800


class _Bounded(io.RawIOBase):
    """Refuses the one read that a forged directory makes large."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file

    def read(self, size: int | None = -1) -> bytes:
        wanted = _LARGEST_READ + 1 if size is None or size < 0 else size
        data = self._file.read(min(wanted, _LARGEST_READ + 1))
        if len(data) > _LARGEST_READ:
            raise zipfile.BadZipFile("the directory is too large")
        return data

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
        archive = zipfile.ZipFile(_Bounded(file))
    except (ValueError, NotImplementedError, struct.error, EOFError, IndexError) as error:
        raise zipfile.BadZipFile(str(error)) from error
    with archive:
        yield archive


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
