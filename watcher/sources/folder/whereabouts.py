"""Where a file lies that is to be answered: where it lay, where it was to go, or where it is to stay."""

from __future__ import annotations

import hashlib
import os

from watcher.errors import TargetTaken, Vanished
from watcher.model import Submission
from watcher.sources.folder.drive import is_gone, open_file
from watcher.sources.folder.free import free_beside, status_at
from watcher.sources.folder.hidden import hidden_spot
from watcher.sources.folder.identity import Fingerprint
from watcher.sources.folder.names import for_display
from watcher.sources.folder.note import drop_note, keep_note
from watcher.sources.folder.spot import Spot


def has_gone(spot: Spot | None, recorded: Fingerprint, now: Fingerprint) -> bool:
    """Whether nothing like it is there, nor under the hidden name that follows from what is `recorded`."""
    spots = (spot, hidden_spot(spot, recorded)) if spot else ()
    return not any(status is not None and now.resembles(status) for status in (each.status for each in spots))


def loosened(spot: Spot | None, submission: Submission) -> Fingerprint:
    """What a file is that was moved before: on another drive it has another inode and a coarser time.

    Or any time, where that could not be set: then it is known by its content. An interrupted move may have left it
    under its hidden name. Raises OSError.
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
    contents = {document.sha256 for document in submission.documents if document.size == expected.size}
    for each, status in there if contents else ():
        if _content_of(each) in contents:
            return Fingerprint.of(status, stable_inodes=True)  # of before it was read: who changes it meanwhile is seen
    return expected


def or_brought(now: Fingerprint, source: Spot | None, target: Spot, submission: Submission) -> Fingerprint:
    """What it is where it lies, which is `now`, or at the target, where a move that died may have brought it."""
    gone = has_gone(source, Fingerprint.parse(submission.fingerprint), now)
    return loosened(target, submission) if gone else now


def _content_of(spot: Spot) -> str | None:
    """The sha256 of a file; None where it is none. Raises OSError."""
    try:
        file, _ = open_file(spot.folder, spot.name)
    except Vanished:
        return None
    except OSError as error:
        if is_gone(error):
            return None
        raise
    with os.fdopen(file, "rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()


def require_there(target: str, source: Spot | None, expected: Fingerprint) -> None:
    """Of a target that was planned under another configuration: raises TargetTaken unless it was brought there then."""
    there = status_at(target)
    if has_gone(source, expected, expected) and there is not None and expected.resembles(there):
        return
    raise TargetTaken(f"{for_display(target)} is no place of the present configuration")


def answer_in_place(source: Spot | None, place: str, expected: Fingerprint, note: str | None) -> None:
    """It stays, with its note beside it. Raises Vanished, OSError."""
    status = source.status if source else None
    if source is None or status is None:
        raise Vanished(f"{for_display(place)} is not there any more")
    if not expected.matches(status):
        raise Vanished(f"{for_display(place)} has changed since it was taken in")
    if note is None:
        drop_note(source)
    else:
        keep_note(free_beside(source), note, status)
