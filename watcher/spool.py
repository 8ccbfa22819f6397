"""A document's bytes in hand: in memory while small, in an unnamed temporary file beyond that."""

from __future__ import annotations

import hashlib
import io
import mmap
import re
import tempfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import IO

IN_MEMORY_BYTES = 512 * 1024
CHUNK_BYTES = 256 * 1024
_WINDOW_BYTES = 1024 * 1024


class Spooled:
    """Bytes that were read once, with their size and hash; to be read again as often as wanted.

    Nothing of it has a name on disk, so nothing is left behind by a crash.
    """

    def __init__(self, chunks: Iterable[bytes]) -> None:
        digest = hashlib.sha256()
        size = 0
        small: list[bytes] = []  # while it is: bytes that came in one piece are then never copied
        file: IO[bytes] | None = None
        try:
            for chunk in chunks:
                digest.update(chunk)
                size += len(chunk)
                if file is None and size > IN_MEMORY_BYTES:
                    file = tempfile.TemporaryFile()  # noqa: SIM115 - outlives this function
                    file.writelines(small)
                    small.clear()
                if file is None:
                    small.append(chunk)
                else:
                    file.write(chunk)
        except BaseException:
            if file is not None:
                file.close()
            raise
        self.size = size
        self.sha256 = digest.hexdigest()
        self._file: IO[bytes] = file or io.BytesIO(b"".join(small))
        self._told: dict[Callable[[Spooled], bool], bool] = {}

    def head(self, length: int = 4096) -> bytes:
        """The first `length` bytes."""
        self._file.seek(0)
        return self._file.read(length)

    def read(self) -> bytes:
        """All of it; for what is known to be small."""
        self._file.seek(0)
        return self._file.read()

    def holds(self, pattern: re.Pattern[bytes]) -> bool:
        """Whether something fits, no longer than a page: what is large is searched where it lies, and never copied."""
        if isinstance(self._file, io.BytesIO):
            return pattern.search(self._file.getvalue()) is not None
        return any(pattern.search(view) is not None for view in self._views(_WINDOW_BYTES))

    def told(self, question: Callable[[Spooled], bool]) -> bool:
        """What a question says of it, which is asked once, because its bytes never change."""
        if question not in self._told:
            self._told[question] = question(self)
        return self._told[question]

    @contextmanager
    def whole(self) -> Iterator[bytes | mmap.mmap]:
        """All of it, to be searched; what is large is not copied."""
        if isinstance(self._file, io.BytesIO):
            yield self._file.getvalue()
            return
        yield from self._views(self.size)

    def _views(self, window: int) -> Iterator[mmap.mmap]:
        """Of what is on the disk: windows that overlap by a page."""
        self._file.flush()
        for begin in range(0, self.size, window):
            length = min(window + mmap.PAGESIZE, self.size - begin)
            with mmap.mmap(self._file.fileno(), length, access=mmap.ACCESS_READ, offset=begin) as view:
                yield view

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
