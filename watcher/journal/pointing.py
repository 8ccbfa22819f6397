"""Which booking each document of a new submission points to, or what became of it before it came."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from hashlib import blake2b
from typing import Any, NamedTuple

from sqlalchemy import BigInteger, Text, bindparam, cast, func, select

from watcher.journal.bookings import (
    FIRST_GENERATION,
    WaitsFor,
    adopt_all,
    begin_anew,
    booked,
    latest_with_parts,
    open_generation_later,
)
from watcher.journal.connection import Connection
from watcher.journal.deferred import Deferred
from watcher.journal.holding import SAME_IS_HELD
from watcher.journal.in_step import Step
from watcher.journal.parts import Overlap, by_parent, extent, overlap
from watcher.model import BookingKey, DocumentState, Locator, NewSubmission, Outcome, Reason

# PostgreSQL's locks until the end of the transaction, by their numbers.
_LOCK = Deferred(lambda: func.unnest(func.string_to_array(bindparam("locks", type_=Text()), ",")).column_valued())
FILES_LOCKED = Deferred(lambda: select(func.count(func.pg_advisory_xact_lock(cast(_LOCK(), BigInteger)))))


def locks_of(new: NewSubmission) -> str:
    """The numbers of the locks on the files that its documents are, or are parts of, for FILES_LOCKED.

    Whoever takes in the whole of a file does not see the parts that another node is just taking in, nor the other way
    round: there is no row yet that both would lock. In one order, as with the rows.
    """
    return ",".join(map(str, sorted(map(_number, files_of(new)))))


def files_of(new: NewSubmission) -> set[str]:
    """What it is of, as far as others may be of the same: each file that is posted, or of which a part is, for whom."""
    return {f"{new.user_code}\n{extent(each.content).parent}" for each in new.documents if each.outcome is None}


def _number(name: str) -> int:
    return int.from_bytes(blake2b(name.encode("utf-8", "surrogatepass"), digest_size=8).digest(), signed=True)


class Pointed(NamedTuple):
    """What came of `point`."""

    held: str | None  # why one of the documents waits for a person's decision; None: none does
    opened: dict[str, Callable[[], int]]  # the new bookings, by what they are of

    def complete(self, rows: list[dict[str, Any]]) -> None:
        """Give the documents of new bookings the numbers of these."""
        for row in rows:
            if row["state"] == DocumentState.PENDING and row["booking"] is None:
                row["booking"] = self.opened[row["content"]]()


def point(connection: Connection, new: NewSubmission, rows: list[dict[str, Any]]) -> Step[Pointed]:
    """Give every document that is to be posted its booking, or the outcome `duplicate`.

    On PostgreSQL the files have to be locked, see `locks_of`.
    """
    user_code = new.user_code or ""
    wanted = [index for index, row in enumerate(rows) if row["state"] == DocumentState.PENDING]
    contents = [new.documents[index].content for index in wanted]
    parents = [extent(content).parent for content in contents]
    found = yield from latest_with_parts(
        connection, [*contents, *parents], parents, user_code=user_code, create_expense=new.create_expense
    )
    parts = by_parent(found.values())
    pointed: dict[str, int | None] = {}  # by content the booking; None: it is still to be opened
    opened: dict[str, Callable[[], int]] = {}
    to_adopt: list[tuple[int, Locator]] = []
    # In one order, as they are locked: two nodes that add the same documents must not wait for each other.
    for index in sorted(wanted, key=lambda index: new.documents[index].content):
        document, row = new.documents[index], rows[index]
        locator = document.locator
        if locator is None:
            raise ValueError("a document without an outcome needs a locator")
        existing = found.get(document.content)
        if document.content in pointed:
            row["booking"] = pointed[document.content]
        elif existing is not None and booked(existing):
            row |= {"booking": existing.id, "state": DocumentState.SETTLED.value}
            row |= {"outcome": Outcome.DUPLICATE.value, "duplicate_of": existing.first_document}
        elif existing is not None and (existing.state == DocumentState.PENDING or existing.in_doubt):
            row["booking"] = pointed[document.content] = existing.id
            if existing.state != DocumentState.PENDING:
                # It failed, and may have been booked all the same: under another bizId it would be booked twice.
                begin_anew(connection, existing.id)
            to_adopt.append((existing.id, locator))
        elif (before := _posted_before(document.content, found, parts)) is not None:
            row |= {"state": DocumentState.SETTLED.value, **before}
        else:
            key = BookingKey(content=document.content, user_code=user_code, create_expense=new.create_expense)
            generation = FIRST_GENERATION if existing is None else existing.generation + 1
            pointed[document.content] = None
            opened[document.content] = open_generation_later(
                connection, key, generation, source=new.source, locator=locator
            )
    adopt_all(connection, to_adopt, source=new.source)
    held = [found[content] for content in pointed if content in found and found[content].waits_for == WaitsFor.PERSON]
    return Pointed(held=(held[0].message or SAME_IS_HELD) if held else None, opened=opened)


def _posted_before(content: str, found: Mapping[str, Any], parts: Mapping[str, list[Any]]) -> dict[str, Any] | None:
    """The outcome of pages that were posted before with other pages of their file; None where they were not."""
    parent = extent(content).parent
    others = [*parts.get(parent, []), *([found[parent]] if parent in found else [])]
    how, first = overlap(content, others)
    if how is Overlap.NONE:
        return None
    if how is Overlap.WHOLLY:
        return {
            "booking": first.id,
            "outcome": Outcome.DUPLICATE.value,
            "duplicate_of": first.first_document,
        }
    return {"outcome": Outcome.ERROR.value, "code": Reason.PARTLY_BOOKED.value}
