"""Files that are posted in parts: whether pages were posted before, as a part of others or with the whole file.

The same file is cut in the same way as a rule; but `max_invoices_per_file` may have changed since, or nobody could
look into the file this time.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from enum import Enum, auto
from typing import Any, NamedTuple

from watcher.journal.bookings import booked
from watcher.model import BookingKey

_ENDLESS = sys.maxsize  # nobody knows how many pages a whole file has


class Overlap(Enum):
    """How the pages of a document stand to those that were posted before."""

    NONE = auto()
    PARTLY = auto()  # some of them, or what became of them is not known yet
    WHOLLY = auto()  # every one is booked


class Extent(NamedTuple):
    """Pages `first` to `last` of the file `parent`."""

    parent: str
    first: int
    last: int


def extent(content: str) -> Extent:
    """Of `BookingKey.content`; a whole file is endless."""
    parent, pages = BookingKey.part_of(content)
    return Extent(parent, *(pages or (1, _ENDLESS)))


def by_parent(found: Iterable[Any]) -> dict[str, list[Any]]:
    """Those of some bookings that are parts, by the file that they are of."""
    parts: dict[str, list[Any]] = {}
    for row in found:
        if row.parent is not None:
            parts.setdefault(row.parent, []).append(row)
    return parts


def overlap(content: str, others: Sequence[Any]) -> tuple[Overlap, Any]:
    """How a document stands to other bookings of its file, and the first one that has pages of it."""
    mine = extent(content)
    others = [row for row in others if row.content != content]
    touching = [row for row in others if _matters(row) and _touch(mine, extent(row.content))]
    if not touching:
        return Overlap.NONE, None
    touching.sort(key=lambda row: extent(row.content).first)
    covered = _covers(mine, [extent(row.content) for row in touching if booked(row)])
    if covered and mine.last == _ENDLESS:  # a whole file is covered where nothing of it is missing
        covered = all(booked(row) for row in others)
    return (Overlap.WHOLLY if covered else Overlap.PARTLY), touching[0]


def _matters(row: Any) -> bool:
    """What failed leaves nothing behind."""
    return row.outcome is None or booked(row)


def _touch(one: Extent, other: Extent) -> bool:
    return one.first <= other.last and other.first <= one.last


def _covers(wanted: Extent, found: Sequence[Extent]) -> bool:
    """`found` is sorted. A whole file ends, as far as anybody knows, with the last of its parts."""
    upto = wanted.first
    for each in found:
        if each.first > upto:
            return False
        upto = max(upto, each.last + 1)
    return upto > wanted.last or (wanted.last == _ENDLESS and upto > 1)
