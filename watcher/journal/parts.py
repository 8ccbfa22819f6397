"""Files that are posted in parts: whether pages were posted before, as a part of others or with the whole file.

The same file is cut in the same way as a rule; but `max_invoices_per_file` may have changed since, or nobody could
look into the file this time.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from enum import Enum, auto
from typing import Any, NamedTuple

from sqlalchemy import bindparam, select

from watcher.journal.bookings import booked
from watcher.journal.connection import Connection
from watcher.journal.tables import bookings
from watcher.model import BookingKey

_ENDLESS = sys.maxsize  # nobody knows how many pages a whole file has

_PARTS = (
    select(bookings)
    .where(
        bookings.c.parent.in_(bindparam("parents", expanding=True)),
        bookings.c.user_code == bindparam("user_code"),
        bookings.c.create_expense == bindparam("create_expense"),
    )
    .order_by(bookings.c.content, bookings.c.generation)
    .with_for_update()
)


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


def parts_of(
    connection: Connection, parents: Iterable[str], *, user_code: str, create_expense: bool
) -> dict[str, list[Any]]:
    """The latest generation of every part of these files that was posted, by file; locked."""
    files = sorted(set(parents))
    if not files:
        return {}
    wanted = {"parents": files, "user_code": user_code, "create_expense": create_expense}
    newest = {row.content: row for row in connection.execute(_PARTS, wanted)}
    found: dict[str, list[Any]] = {}
    for row in newest.values():
        found.setdefault(row.parent, []).append(row)
    return found


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
