"""Whether what lies where a file was moved to is that file: by its time, or where none could be set by its content."""

from __future__ import annotations

import hashlib
from collections.abc import Callable

from watcher.errors import Vanished
from watcher.model import Submission
from watcher.ports import Leaf
from watcher.sources.folder.drive import file_if_there
from watcher.sources.folder.hidden import hidden_spot
from watcher.sources.folder.identity import Fingerprint
from watcher.sources.folder.parcel import FileLeaf
from watcher.sources.folder.spot import Spot
from watcher.sources.folder.whereabouts import has_gone

Contents = Callable[[Leaf], frozenset[str]]


def _none(_leaf: Leaf) -> frozenset[str]:
    return frozenset()


class Likeness:
    """Tells what a file is by now that is about to be moved again. Raises OSError, SourceUnavailable."""

    def __init__(self, contents: Contents = _none) -> None:
        """`contents` says of a file the sha256 of each document in it, as they were recorded."""
        self._contents = contents

    def loosened(self, spot: Spot | None, submission: Submission) -> Fingerprint:
        """What a file is that was moved before: on another drive it has another inode and a coarser time.

        Or any time, where that could not be set: then it is known by its content. An interrupted move may have left it
        under its hidden name.
        """
        expected = Fingerprint.parse(submission.fingerprint)
        there = [
            (each, status)
            for each in ((spot, hidden_spot(spot, expected)) if spot else ())
            if (status := each.status) is not None and status.st_size == expected.size
        ]
        for _, status in there:
            if expected.resembles(status):
                return Fingerprint.of(status, stable_inodes=True)
        for each, status in there:
            now = Fingerprint.of(status, stable_inodes=True)  # of before it is read: who changes it meanwhile is seen
            if self._has_content(each, now, submission):
                return now
        return expected

    def or_brought(self, now: Fingerprint, source: Spot | None, target: Spot, submission: Submission) -> Fingerprint:
        """What it is where it lies, which is `now`, or at the target, where a move that died may have brought it."""
        gone = has_gone(source, Fingerprint.parse(submission.fingerprint), now)
        return self.loosened(target, submission) if gone else now

    def _has_content(self, spot: Spot, now: Fingerprint, submission: Submission) -> bool:
        """Of an archive only what is in it was recorded: all of that has to be there."""
        recorded = {document.sha256: document.size for document in submission.documents if document.sha256}
        file = file_if_there(spot.folder, spot.name) if recorded else None
        if file is None:
            return False
        with file:
            if now.size in recorded.values():
                return recorded.get(hashlib.file_digest(file, "sha256").hexdigest()) == now.size
            leaf = FileLeaf(file=file.fileno(), path=spot.name, place=spot.name, fingerprint=now)
            try:
                return recorded.keys() <= self._contents(leaf)
            except Vanished:
                return False
