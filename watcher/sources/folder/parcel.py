"""A file that was taken in, opened: one leaf, read only while it is what it was."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator

from msgspec import Struct

from watcher.errors import SourceUnavailable, Vanished
from watcher.ports import MailText
from watcher.sources.folder.drive import unavailable
from watcher.sources.folder.identity import Fingerprint
from watcher.sources.folder.names import for_display
from watcher.spool import CHUNK_BYTES, Spooled


class FileLeaf(Struct, frozen=True, kw_only=True):
    """The file itself, open as long as its parcel. Paths may hold lone surrogates, where a name is no UTF-8."""

    file: int
    path: str  # within the watched folder
    place: str  # the same from the root, for who looks after it
    fingerprint: Fingerprint

    @property
    def name(self) -> str | None:
        return self.path.rpartition("/")[2].encode("utf-8", "surrogateescape").decode("utf-8", "replace")

    @property
    def trail(self) -> str:
        return ""  # it is the arrival itself

    @property
    def least_bytes(self) -> int:
        return self.fingerprint.size

    @property
    def declared_type(self) -> str | None:
        return None

    def fetch(self) -> Spooled:
        """Its bytes. Raises SourceUnavailable, or Vanished where it has changed."""
        try:
            return Spooled(self._chunks())
        except OSError as error:
            raise _of_this(unavailable(error, f"{self.place} cannot be kept: the temporary folder (TMPDIR)")) from error

    def _chunks(self) -> Iterator[bytes]:
        """At most as many bytes as it had. That it is still what it was is asked once they are read."""
        size = self.fingerprint.size
        start = 0
        while start < size and (chunk := self._read(min(size - start, CHUNK_BYTES), start)):
            start += len(chunk)
            yield chunk
        if not self.fingerprint.matches(os.fstat(self.file)):
            raise Vanished(f"{for_display(self.path)} has changed since it was found")

    def _read(self, length: int, start: int) -> bytes:
        try:
            return os.pread(self.file, length, start)
        except OSError as error:
            raise _of_this(unavailable(error, self.place)) from error


def _of_this(error: SourceUnavailable) -> SourceUnavailable:
    """Of one file: a bad sector of its, or that it is too large, is no fault of others."""
    error.of_one = True
    return error


class FileParcel(Struct, frozen=True, kw_only=True):
    """A parcel of one file."""

    leaf: FileLeaf
    user_code: str | None
    owner: str | None

    @property
    def header(self) -> None:
        return None

    @property
    def size(self) -> None:
        return None

    def leaves(self) -> Iterable[FileLeaf]:
        return (self.leaf,)

    def texts(self) -> Iterable[MailText]:
        return ()

    def pages(self) -> Iterable[MailText]:
        return ()

    def whole(self) -> bytes:
        """The file's bytes; no signature is looked for in a file."""
        spooled = self.leaf.fetch()
        try:
            return spooled.read()
        finally:
            spooled.close()
