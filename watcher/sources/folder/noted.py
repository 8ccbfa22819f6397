"""Notes that may come to stand beside nothing: somebody puts the file back by hand, and it is answered elsewhere."""

from __future__ import annotations

import threading
from collections import OrderedDict

from msgspec import Struct

from watcher.sources.folder.identity import Fingerprint
from watcher.sources.folder.note import drop_note, has_note
from watcher.sources.folder.spot import Spot

_MOST = 1024  # answers with a note: who puts one of them back mostly does so within days


class Noted(Struct, frozen=True):
    """A note of ours, and where the file was that it is about. Absolute."""

    path: str
    text: str


class NotedFiles:
    """The last files that were moved with a note beside them, by what they are. For many threads.

    It is a kindness, and no promise: what was answered before a start, or by another node, is not known here, and
    its note stays until somebody removes it.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._files: OrderedDict[tuple[str, int, int], Noted] = OrderedDict()

    def put(self, file: Fingerprint, noted: Noted) -> None:
        key = _key(noted.path, file)
        with self._lock:
            self._files[key] = noted
            self._files.move_to_end(key)
            while len(self._files) > _MOST:
                self._files.popitem(last=False)

    def take(self, path: str, file: Fingerprint) -> Noted | None:
        """The note of the file that lay elsewhere before it was put back to this path. It is not given again."""
        if not self._files:
            return None
        with self._lock:
            return self._files.pop(_key(path, file), None)


def _key(path: str, file: Fingerprint) -> tuple[str, int, int]:
    """Its name is as it was in the folder of answers, and its number may be another one: some drives have none."""
    return path.rpartition("/")[2], file.size, file.mtime_ns


def drop_note_beside_nothing(file: Spot | None, noted: Noted) -> None:
    """As it was written, and unless a file lies there again. Raises OSError."""
    if file is not None and file.status is None and has_note(file, noted.text):
        drop_note(file)
