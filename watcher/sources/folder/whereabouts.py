"""Where a file lies that is to be answered: where it lay, where it was to go, or where it is to stay."""

from __future__ import annotations

from watcher.errors import TargetTaken, Vanished
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
