"""A document's bytes in hand: in memory while small, in an unnamed temporary file beyond that."""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Iterable, Iterator
from typing import IO

IN_MEMORY_BYTES = 512 * 1024
CHUNK_BYTES = 256 * 1024


class Spooled:
    """Bytes that were read once, with their size and hash; to be read again as often as wanted.

    Nothing of it has a name on disk, so nothing is left behind by a crash.
    """

    def __init__(self, chunks: Iterable[bytes]) -> None:
        self._file: IO[bytes] = tempfile.SpooledTemporaryFile(max_size=IN_MEMORY_BYTES)  # noqa: SIM115 - outlives this function
        digest = hashlib.sha256()
        size = 0
        try:
            for chunk in chunks:
                digest.update(chunk)
                size += len(chunk)
                self._file.write(chunk)
        except BaseException:
            self._file.close()
            raise
        self.size = size
        self.sha256 = digest.hexdigest()

    def head(self, length: int = 4096) -> bytes:
        """The first `length` bytes."""
        self._file.seek(0)
        return self._file.read(length)

    def read(self) -> bytes:
        """All of it; for what is known to be small."""
        self._file.seek(0)
        return self._file.read()

    def chunks(self) -> Iterator[bytes]:
        """All of it, piece by piece. One reader at a time."""
        self._file.seek(0)
        while chunk := self._file.read(CHUNK_BYTES):
            yield chunk

    def file(self) -> IO[bytes]:
        """A seekable file at its start, for libraries that want one. It is closed with the spool, not by them."""
        self._file.seek(0)
        return self._file

    def close(self) -> None:
        self._file.close()
