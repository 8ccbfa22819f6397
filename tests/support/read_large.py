"""Reads the documents of a file in this process: prints their sizes, and by how many kB it has grown."""

from __future__ import annotations

import resource
import sys
from collections.abc import Iterator
from pathlib import Path

from watcher.config.sections import Limits
from watcher.documents.reader import DocumentReader
from watcher.spool import CHUNK_BYTES, Spooled


class _FileLeaf:
    """A leaf that is read piece by piece."""

    path = None
    declared_type = None
    trail = ""
    least_bytes = 0

    def __init__(self, file: Path) -> None:
        self.name = file.name
        self._file = file

    def fetch(self) -> Spooled:
        return Spooled(self._chunks())

    def _chunks(self) -> Iterator[bytes]:
        with self._file.open("rb") as file:
            while chunk := file.read(CHUNK_BYTES):
                yield chunk


def _peak() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


if __name__ == "__main__":
    before = _peak()
    found = DocumentReader(accept=["pdf"], limits=Limits()).documents([_FileLeaf(Path(sys.argv[1]))])
    sys.stdout.write(" ".join(str(one.size) for one in found) + f"\n{_peak() - before}\n")
