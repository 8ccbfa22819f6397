"""A file that was taken in, opened: one leaf, read only while it is what it was."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from watcher.errors import Vanished
from watcher.ports import MailText
from watcher.sources.folder.drive import Mount, folder_below, is_gone, open_file, unavailable
from watcher.sources.folder.identity import Fingerprint
from watcher.sources.folder.names import for_display
from watcher.spool import CHUNK_BYTES, Spooled


@dataclass(frozen=True, slots=True, kw_only=True)
class FileLeaf:
    """The file itself. `path` may hold lone surrogates, where the name is no UTF-8."""

    mount: Mount
    path: str
    fingerprint: Fingerprint

    @property
    def name(self) -> str | None:
        return self.path.rpartition("/")[2].encode("utf-8", "surrogateescape").decode("utf-8", "replace")

    @property
    def least_bytes(self) -> int:
        return self.fingerprint.size

    @property
    def declared_type(self) -> str | None:
        return None

    def fetch(self) -> Spooled:
        """Its bytes. Raises SourceUnavailable, or Vanished where it is gone or has changed."""
        try:
            return Spooled(self._chunks())
        except OSError as error:
            if is_gone(error):
                raise Vanished(f"{for_display(self.path)} is not there any more") from error
            raise unavailable(error, f"{self.mount.path}/{self.path}") from error

    def _chunks(self) -> Iterator[bytes]:
        with self.mount.opened() as (root, _):
            parent, _, name = self.path.rpartition("/")
            with folder_below(root, parent) as folder:
                file = open_file(folder, name)
            try:
                yield from _read(file, self.fingerprint, self.path)
            finally:
                os.close(file)


def _read(file: int, fingerprint: Fingerprint, path: str) -> Iterator[bytes]:
    """The bytes of an open file, at most as many as it had; raises Vanished where it is not what it was."""
    _require(file, fingerprint, path)
    left = fingerprint.size
    while left > 0 and (chunk := os.read(file, min(left, CHUNK_BYTES))):
        left -= len(chunk)
        yield chunk
    _require(file, fingerprint, path)


def _require(file: int, fingerprint: Fingerprint, path: str) -> None:
    if not fingerprint.matches(os.fstat(file)):
        raise Vanished(f"{for_display(path)} has changed since it was found")


@dataclass(frozen=True, slots=True, kw_only=True)
class FileParcel:
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

    def whole(self) -> bytes:
        """The file's bytes; no signature is looked for in a file."""
        spooled = self.leaf.fetch()
        try:
            return spooled.read()
        finally:
            spooled.close()
