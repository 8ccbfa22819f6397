"""A document that is tried again: which booking it waits for then, by the rules of generations."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from msgspec import Struct
from sqlalchemy import bindparam, null, update

from watcher.journal.bookings import (
    FIRST_GENERATION,
    WaitsFor,
    adopt,
    begin_anew,
    booked,
    is_doubtful,
    latest,
    let_go,
    let_wait,
    locator_of,
    open_generation,
)
from watcher.journal.clock import now_ms
from watcher.journal.connection import Connection
from watcher.journal.deferred import Deferred
from watcher.journal.holding import open_submissions_again, submissions_waiting_for
from watcher.journal.tables import documents
from watcher.model import BookingKey, DocumentState, Locator, Outcome

_WAIT = Deferred(
    lambda: (
        update(documents)
        .where(documents.c.id == bindparam("row"))
        .values(
            booking=bindparam("to"),
            state=DocumentState.PENDING.value,
            outcome=null(),
            code=null(),
            message=null(),
            settled_at=null(),
            duplicate_of=null(),
        )
    )
)
_BECOME_DUPLICATE = Deferred(
    lambda: (
        update(documents)
        .where(documents.c.id == bindparam("row"))
        .values(
            booking=bindparam("to"),
            outcome=Outcome.DUPLICATE.value,
            code=null(),
            message=null(),
            settled_at=now_ms(),
            duplicate_of=bindparam("first"),
        )
    )
)


class Wish(Struct, frozen=True, kw_only=True):
    """How a submission is to be tried again."""

    new: bool = False  # under a new bizId even where a try is in doubt
    skipped: bool = False  # what was skipped, and nothing else
    in_place: Collection[str] = ()  # the stores whose URLs lead to where a file lies
    decided: bool = True  # a person has thought of what is in doubt; else nothing of it is posted


def next_generation(connection: Connection, row: Any, number: int, *, source: str, locator: Locator) -> int:
    """The booking of that number for what a document or an older booking is of."""
    key = BookingKey(content=row.content, user_code=row.user_code or "", create_expense=row.create_expense)
    return open_generation(connection, key, number, source=source, locator=locator)


def try_again(connection: Connection, document: Any, source: str, wish: Wish, *, returns: bool) -> int | None:
    """The booking that the document waits for now; None: its content was booked meanwhile, and it is a duplicate."""
    user_code = document.user_code or ""
    found = latest(connection, [document.content], user_code=user_code, create_expense=document.create_expense).get(
        document.content
    )
    if found is not None and booked(found) and not (wish.decided and is_doubtful(connection, found)):
        connection.execute(_BECOME_DUPLICATE, {"row": document.id, "to": found.id, "first": found.first_document})
        return None
    if found is not None and found.state == DocumentState.PENDING:
        booking = _joined(connection, found, document, source, decided=wish.decided, returns=returns)
    else:
        booking = _posted_again(connection, found, document, source, wish)
        if returns:
            let_wait(connection, booking, WaitsFor.FILE)
    connection.execute(_WAIT, {"row": document.id, "to": booking})
    return booking


def _joined(connection: Connection, found: Any, document: Any, source: str, *, decided: bool, returns: bool) -> int:
    """The booking that is pending already; where it waits for a person's decision, this may be it."""
    if found.waits_for == WaitsFor.PERSON and decided:
        let_go(connection, found.id)
        open_submissions_again(connection, submissions_waiting_for(connection, found.id))
    if not returns:
        adopt(connection, found.id, source=source, locator=locator_of(document))
    return int(found.id)


def _posted_again(connection: Connection, found: Any, document: Any, source: str, wish: Wish) -> int:
    """The old booking where it is in doubt and no new one is wished for, else the next generation, or the first."""
    if found is None or wish.new or not found.in_doubt:
        number = FIRST_GENERATION if found is None else found.generation + 1
        return next_generation(connection, document, number, source=source, locator=locator_of(document))
    begin_anew(connection, found.id)
    adopt(connection, found.id, source=source, locator=locator_of(document))
    if not wish.decided:
        let_wait(connection, int(found.id), WaitsFor.PERSON)
    return int(found.id)
