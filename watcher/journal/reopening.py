"""A retry: documents in error become pending again, by the rules of generations."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, and_, bindparam, case, delete, false, null, select, text, update

from watcher.journal.bookings import adopt, booked, latest, locator_of, open_generation
from watcher.journal.clock import now_ms
from watcher.journal.tables import bookings, documents, invoices, submissions
from watcher.model import BookingKey, DocumentState, Kind, Outcome, SubmissionState

_SUBMISSION = select(submissions).where(submissions.c.id == bindparam("name")).with_for_update()
_IN_ERROR = (
    select(documents, bookings.c.user_code, bookings.c.create_expense)
    .join(bookings, bookings.c.id == documents.c.booking)
    .where(documents.c.submission == bindparam("seq"), text("documents.outcome = 'error'"))
    .order_by(documents.c.id)
)
_WAIT = (
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
_BECOME_DUPLICATE = (
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
_REOPEN_BOOKING = (
    update(bookings)
    .where(bookings.c.id == bindparam("row"))
    .values(
        state=DocumentState.PENDING.value,
        outcome=null(),
        code=null(),
        message=null(),
        settled_at=null(),
        attempts=0,
        first_failed_at=null(),
        due_at=now_ms(),
        claimed=false(),
        claim=bookings.c.claim + 1,
    )
)
# A file lies where its last answer moved it; a mail is found by what it is.
_LIES_AT = case(
    (and_(submissions.c.kind == Kind.FILE.value, submissions.c.moved_to.is_not(None)), submissions.c.moved_to),
    else_=submissions.c.place,
)
_FORGET_INVOICES = delete(invoices).where(invoices.c.booking == bindparam("of"))
_REOPEN_SUBMISSION = (
    update(submissions)
    .where(submissions.c.seq == bindparam("row"))
    .values(
        state=bindparam("to"),
        due_at=now_ms(),
        claimed=false(),
        claim=submissions.c.claim + 1,
        target=null(),
        replied=false(),
        place=_LIES_AT,
    )
)


def reopen(connection: Connection, submission: str, *, new: bool) -> int | None:
    """How many documents are pending again; None: there is no such submission."""
    row = connection.execute(_SUBMISSION, {"name": submission}).first()
    if row is None:
        return None
    if row.state == SubmissionState.HELD:
        return 0
    failed = connection.execute(_IN_ERROR, {"seq": row.seq}).all()
    pending = sum(_try_again(connection, document, source=row.source, new=new) for document in failed)
    if pending:
        connection.execute(_REOPEN_SUBMISSION, {"row": row.seq, "to": SubmissionState.OPEN.value})
    elif (failed or row.state == SubmissionState.CLOSED) and row.state != SubmissionState.OPEN:
        connection.execute(_REOPEN_SUBMISSION, {"row": row.seq, "to": SubmissionState.SETTLED.value})
    return pending


def _try_again(connection: Connection, document: Any, *, source: str, new: bool) -> bool:
    """Whether the document waits now; else its content was booked meanwhile, and it is a duplicate."""
    found = latest(
        connection, [document.content], user_code=document.user_code, create_expense=document.create_expense
    )[document.content]
    if booked(found):
        connection.execute(_BECOME_DUPLICATE, {"row": document.id, "to": found.id, "first": found.first_document})
        return False
    booking = _pending_booking(connection, found, document, source=source, new=new)
    connection.execute(_WAIT, {"row": document.id, "to": booking})
    return True


def _pending_booking(connection: Connection, found: Any, document: Any, *, source: str, new: bool) -> int:
    """The one that is pending already, the old one where it is in doubt, or the next generation."""
    locator = locator_of(document)
    if found.state != DocumentState.PENDING and (new or not found.in_doubt):
        key = BookingKey(content=found.content, user_code=found.user_code, create_expense=found.create_expense)
        return open_generation(connection, key, found.generation + 1, source=source, locator=locator)
    if found.state != DocumentState.PENDING:
        connection.execute(_FORGET_INVOICES, {"of": found.id})
        connection.execute(_REOPEN_BOOKING, {"row": found.id})
    adopt(connection, found.id, source=source, locator=locator)
    return int(found.id)
