"""Which booking each document of a new submission points to, or what became of it before it came."""

from __future__ import annotations

from collections.abc import Mapping
from hashlib import blake2b
from typing import Any

from sqlalchemy import BigInteger, Text, bindparam, cast, func, select

from watcher.journal.bookings import (
    FIRST_GENERATION,
    WaitsFor,
    adopt_all,
    begin_anew,
    booked,
    latest_with_parts,
    open_generations,
)
from watcher.journal.connection import Connection
from watcher.journal.deferred import Deferred
from watcher.journal.holding import SAME_IS_HELD
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
    files = {extent(each.content).parent for each in new.documents if each.outcome is None}
    return ",".join(map(str, sorted(_number(f"{new.user_code}\n{file}") for file in files)))


def _number(name: str) -> int:
    return int.from_bytes(blake2b(name.encode("utf-8", "surrogatepass"), digest_size=8).digest(), signed=True)


def point(connection: Connection, new: NewSubmission, rows: list[dict[str, Any]]) -> str | None:
    """Give every document that is to be posted its booking, or the outcome `duplicate`.

    Why one of them waits for a person's decision; None: none does. On PostgreSQL the files have to be locked, see
    `locks_of`.
    """
    user_code = new.user_code or ""
    wanted = [index for index, row in enumerate(rows) if row["state"] == DocumentState.PENDING]
    contents = [new.documents[index].content for index in wanted]
    parents = [extent(content).parent for content in contents]
    found = latest_with_parts(
        connection, [*contents, *parents], parents, user_code=user_code, create_expense=new.create_expense
    )
    parts = by_parent(found.values())
    pointed: dict[str, int | None] = {}  # by content the booking; None: it is still to be opened
    to_open: dict[str, tuple[BookingKey, int, Locator]] = {}
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
            to_open[document.content], pointed[document.content] = (key, generation, locator), None
    adopt_all(connection, to_adopt, source=new.source)
    opened = dict(zip(to_open, open_generations(connection, to_open.values(), source=new.source), strict=True))
    for index in wanted:
        rows[index]["booking"] = opened.get(new.documents[index].content, rows[index]["booking"])
    held = [found[content] for content in pointed if content in found and found[content].waits_for == WaitsFor.PERSON]
    return (held[0].message or SAME_IS_HELD) if held else None


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
