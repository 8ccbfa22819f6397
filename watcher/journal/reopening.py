"""What a person says of a submission: a retry posts again, by the rules of generations; a refusal ends what is held."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import and_, bindparam, case, exists, false, func, null, or_, select, text, update

from watcher.journal.bookings import (
    WaitsFor,
    let_go,
    locator_of,
)
from watcher.journal.clock import now_ms
from watcher.journal.connection import Connection
from watcher.journal.deferred import Deferred
from watcher.journal.holding import (
    SAME_IS_HELD,
    hold_submissions,
    open_submissions_again,
    submissions_waiting_for,
)
from watcher.journal.settling import settle_untried
from watcher.journal.tables import bookings, documents, invoices, submissions
from watcher.journal.trying_again import Wish, next_generation, try_again
from watcher.model import Kind, Outcome, Reason, Settlement, SubmissionState

_SUBMISSION = Deferred(lambda: select(submissions).where(submissions.c.id == bindparam("name")).with_for_update())
_HAS_EXPENSE = Deferred(
    lambda: exists().where(invoices.c.booking == documents.c.booking, invoices.c.expense_id.is_not(None))
)
# What failed, and what nobody knows of: neither may be lost for want of somebody who tries again.
_TO_REPEAT = Deferred(
    lambda: (
        select(documents, bookings.c.user_code, bookings.c.create_expense)
        .join(bookings, bookings.c.id == documents.c.booking)
        .where(
            documents.c.submission == bindparam("seq"),
            or_(
                text("documents.outcome = 'error'"),
                and_(
                    text("documents.outcome = 'attention'"), documents.c.code == Reason.IN_DOUBT.value, ~_HAS_EXPENSE()
                ),
            ),
        )
        .order_by(documents.c.id)
    )
)
# What was not sent, and can be: somebody says that it is an invoice after all.
_SKIPPED = Deferred(
    lambda: (
        select(documents, submissions.c.user_code, submissions.c.create_expense)
        .join(submissions, submissions.c.seq == documents.c.submission)
        .where(
            documents.c.submission == bindparam("seq"),
            text("documents.outcome = 'skipped'"),
            documents.c.store_key.is_not(None),
            or_(submissions.c.user_code.is_not(None), ~submissions.c.create_expense),
        )
        .order_by(documents.c.id)
    )
)
_WAITING = Deferred(
    lambda: (
        select(bookings)
        .where(
            bookings.c.id.in_(
                select(documents.c.booking).where(
                    documents.c.submission == bindparam("seq"), text("documents.state = 'pending'")
                )
            ),
            bookings.c.waits_for == bindparam("what"),
        )
        .order_by(bookings.c.id)
        .with_for_update()
    )
)
_POINT_ON = Deferred(
    lambda: (
        update(documents)
        .where(documents.c.booking == bindparam("of"), text("documents.state = 'pending'"))
        .values(booking=bindparam("to"))
    )
)
# A file lies where its last answer moved it; a mail is found by what it is.
_LIES_AT = Deferred(
    lambda: case(
        (
            and_(
                submissions.c.kind == Kind.FILE.value,
                submissions.c.moved_to.is_not(None),
                text("submissions.state = 'closed'"),
            ),
            submissions.c.moved_to,
        ),
        else_=submissions.c.place,
    )
)
# The move of an answer under way may have been made, and not noted: then it lies where it was to go.
_MAY_LIE_AT = Deferred(
    lambda: case(
        (
            and_(submissions.c.kind == Kind.FILE.value, text("submissions.state = 'settled'")),
            func.coalesce(submissions.c.target, submissions.c.moved_to),
        ),
        else_=submissions.c.moved_to,
    )
)
# The reply of an answer under way may have gone out, noted or not, and even if its claim was given back. The next one
# says something else: under the same number it would be taken for sent, or be dropped by its Message-ID.
_USED_UP = Deferred(
    lambda: case(
        (text("submissions.state = 'settled'"), submissions.c.answer_number + 1), else_=submissions.c.answer_number
    )
)
_REOPEN_SUBMISSION = Deferred(
    lambda: (
        update(submissions)
        .where(submissions.c.seq == bindparam("row"))
        .values(
            state=bindparam("to"),
            due_at=case((bindparam("due") == 1, now_ms()), else_=null()),
            claimed=false(),
            claim=submissions.c.claim + 1,
            target=null(),
            moved_to=_MAY_LIE_AT(),
            replied=false(),
            answer_number=_USED_UP(),
            remark=null(),
            held_at=null(),
            released=false(),
            place=case((bindparam("returns") == 1, submissions.c.place), else_=_LIES_AT()),
        )
    )
)


def reopen(connection: Connection, submission: str, wish: Wish) -> int | None:
    """How many documents are posted again; None: there is no such submission."""
    row = connection.execute(_SUBMISSION, {"name": submission}).first()
    if row is None:
        return None
    if row.state == SubmissionState.HELD:
        return _go_on(connection, row, new=wish.new) if row.reason == Reason.IN_DOUBT and wish.decided else 0
    failed = _to_repeat(connection, row, wish)
    returns = row.kind == Kind.FILE and row.moved_to is not None
    tried = [
        try_again(connection, document, row.source, wish, returns=returns and document.store in wish.in_place)
        for document in failed
    ]
    pending = [booking for booking in tried if booking is not None]
    if pending:
        comes_back = int(bool(waiting_for_file(connection, row.seq)))
        due = {"due": comes_back, "returns": comes_back}
        connection.execute(_REOPEN_SUBMISSION, {"row": row.seq, "to": SubmissionState.OPEN.value, **due})
    elif _answers_again(row, failed, wish) and row.state != SubmissionState.OPEN:
        settled = {"to": SubmissionState.SETTLED.value, "due": 1, "returns": 0}
        connection.execute(_REOPEN_SUBMISSION, {"row": row.seq, **settled})
    held = frozenset[int]() if wish.decided else _held_with_others(connection, row.seq)
    return sum(booking not in held for booking in pending)


def _to_repeat(connection: Connection, row: Any, wish: Wish) -> list[Any]:
    """Its documents that the wish is of."""
    found = connection.execute(_SKIPPED if wish.skipped else _TO_REPEAT, {"seq": row.seq}).all()
    return found if wish.decided else [each for each in found if each.outcome != Outcome.ATTENTION]


def _held_with_others(connection: Connection, seq: int) -> frozenset[int]:
    """The bookings of a submission that wait for a person, with which it waits now."""
    waiting = connection.execute(_WAITING, {"seq": seq, "what": WaitsFor.PERSON.value}).all()
    for booking in waiting:
        hold_submissions(connection, booking.id, SAME_IS_HELD)
    return frozenset(booking.id for booking in waiting)


def _answers_again(row: Any, tried: Sequence[Any], wish: Wish) -> bool:
    """Whether it is answered though nothing is posted: all of it was booked meanwhile, or a person moved it back."""
    return bool(tried) or (row.state == SubmissionState.CLOSED and not wish.skipped)


def refuse(connection: Connection, submission: str) -> bool | None:
    """Whether it was held; it is answered now, with what is in doubt left so. None: there is no such submission."""
    row = connection.execute(_SUBMISSION, {"name": submission}).first()
    if row is None:
        return None
    if row.state != SubmissionState.HELD and not row.released:
        return False
    if row.reason != Reason.IN_DOUBT:
        refused = {"to": SubmissionState.SETTLED.value, "due": 1, "returns": 0}
        connection.execute(_REOPEN_SUBMISSION, {"row": row.seq, **refused})
        return True
    left = Settlement(outcome=Outcome.ATTENTION, code=Reason.IN_DOUBT.value, message=row.remark)
    for booking in connection.execute(_WAITING, {"seq": row.seq, "what": WaitsFor.PERSON.value}).all():
        settle_untried(connection, booking, left)
    return True


def waiting_for_file(connection: Connection, seq: int) -> list[Any]:
    """The bookings of a submission that wait until its file is put back, locked."""
    return list(connection.execute(_WAITING, {"seq": seq, "what": WaitsFor.FILE.value}).all())


def _go_on(connection: Connection, row: Any, *, new: bool) -> int:
    """A person has decided that what is in doubt is posted again; how many bookings that is."""
    waiting = connection.execute(_WAITING, {"seq": row.seq, "what": WaitsFor.PERSON.value}).all()
    for booking in waiting:
        others = submissions_waiting_for(connection, booking.id)
        if new:
            number, locator = booking.generation + 1, locator_of(booking)
            after = next_generation(connection, booking, number, source=booking.source, locator=locator)
            connection.execute(_POINT_ON, {"of": booking.id, "to": after})
            left = Settlement(outcome=Outcome.ATTENTION, code=Reason.IN_DOUBT.value, message=row.remark)
            settle_untried(connection, booking, left)
        else:
            let_go(connection, booking.id)
        open_submissions_again(connection, others)
    return len(waiting)
