"""Whether a file still is what was taken in, for whoever is about to be told of its address."""

from __future__ import annotations

import hashlib
import os
import threading
from collections import OrderedDict
from io import BufferedReader

from watcher.clock import boot_seconds
from watcher.config.sections import Folder
from watcher.errors import SourceUnavailable
from watcher.sources.folder.atomic import status_of
from watcher.sources.folder.drive import FOLDER, file_if_there

_MOST_REMEMBERED = 1024  # files: as many as may be posted at once
# What is read sooner is read anew: it costs little, and might be written to within one tick of the drive's clock, after
# which nothing but its bytes tells that it changed.
_LONG_SECONDS = 0.05

_Version = tuple[int, ...]


class Digests:
    """What files have in them that take long to read, for as long as they stand as they did then. Safe for threads.

    A request leaves soon after its claim or not at all, and to read a large file on a slow drive takes longer: so the
    claim after that has to find it read.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._read: OrderedDict[tuple[str, _Version], str] = OrderedDict()

    def of(self, path: str, file: BufferedReader) -> str:
        """The sha256 of the opened file at `path`."""
        version = _version(file)
        with self._lock:
            known = self._read.get((path, version))
        if known is not None:
            return known
        began = boot_seconds()
        digest = hashlib.file_digest(file, "sha256").hexdigest()
        if boot_seconds() - began >= _LONG_SECONDS and _version(file) == version:
            self._remember((path, version), digest)
        return digest

    def _remember(self, what: tuple[str, _Version], digest: str) -> None:
        with self._lock:
            self._read[what] = digest
            while len(self._read) > _MOST_REMEMBERED:
                self._read.popitem(last=False)


def _version(file: BufferedReader) -> _Version:
    status = os.fstat(file.fileno())
    return status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns


def what_lies(folder: Folder, path: str, digests: Digests) -> str | None:
    """The sha256 of the file that the folder has at `path`; None: it has none. Raises SourceUnavailable."""
    try:
        root = os.open(folder.path, FOLDER)
    except OSError as error:
        raise _unseen(folder) from error
    try:
        if folder.marker is not None and status_of(root, folder.marker) is None:
            raise _unseen(folder)
        file = file_if_there(root, path)
        if file is None:
            return None
        with file:
            return digests.of(path, file)
    except OSError as error:
        raise _unseen(folder) from error
    finally:
        os.close(root)


def _unseen(folder: Folder) -> SourceUnavailable:
    return SourceUnavailable(f"{folder.name} cannot be seen now")
