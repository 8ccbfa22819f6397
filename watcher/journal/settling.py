"""The outcome of a booking: one transaction for it, its documents, and the submissions that it completes."""

from __future__ import annotations

import logging
from typing import Any

from msgspec.structs import replace
from sqlalchemy import bindparam, exists, false, func, null, or_, select, text, update

from watcher.journal.bookings import WaitsFor
from watcher.journal.claims import fenced
from watcher.journal.clock import now_ms
from watcher.journal.connection import Connection
from watcher.journal.deferred import Deferred
from watcher.journal.endings import end_try
from watcher.journal.expenses import expense_ids, stored_expenses, write_invoices, write_late_invoices
from watcher.journal.holding import open_submissions_again, submissions_waiting_for
from watcher.journal.tables import bookings, documents, submissions
from watcher.model import (
    ANYTHING,
    ClaimedBooking,
    DocumentState,
    News,
    Outcome,
    Reason,
    Settlement,
    SubmissionState,
    TryEnding,
)

log = logging.getLogger(__name__)

_AT_ONCE = 500  # submissions in one statement: databases bound how many values it may have

_SETTLE = Deferred(
    lambda: fenced(bookings, state="pending").values(
        state=DocumentState.SETTLED.value,
        outcome=bindparam("ended_as"),
        code=bindparam("said_code"),
        message=bindparam("said"),
        settled_at=now_ms(),
        # A retry keeps the one that was named before.
        first_document=func.coalesce(
            select(func.min(documents.c.id))
            .where(documents.c.booking == bindparam("row"), text("documents.state = 'pending'"))
            .scalar_subquery(),
            bookings.c.first_document,
        ),
        attempts=bookings.c.attempts + bindparam("tried"),
        in_doubt=or_(bookings.c.in_doubt, bindparam("doubt") == 1),
        claimed=false(),
        waits_for=null(),
    )
)
_SETTLED_AS = Deferred(
    lambda: (
        select(
            bookings.c.state,
            bookings.c.claim,
            bookings.c.outcome,
            bookings.c.code,
            bookings.c.message,
            bookings.c.waits_for,
        )
        .where(bookings.c.id == bindparam("row"))
        .with_for_update()
    )
)
# No RETURNING in these: for SQLite a look before, and the count of what was written, are half as dear.
_WAITING = Deferred(
    lambda: (
        select(documents.c.id, documents.c.submission, submissions.c.source)
        .join(submissions, submissions.c.seq == documents.c.submission)
        .where(documents.c.booking == bindparam("of"), text("documents.state = 'pending'"))
        .order_by(documents.c.id)
    )
)
_SETTLE_DOCUMENT = Deferred(
    lambda: (
        update(documents)
        .where(documents.c.id == bindparam("row"))
        .values(
            state=DocumentState.SETTLED.value,
            outcome=bindparam("ended_as"),
            code=bindparam("said_code"),
            message=bindparam("said"),
            duplicate_of=bindparam("first"),
            settled_at=now_ms(),
        )
    )
)
# Two nodes that settle the last two documents of one submission must not each see the other's pending.
_LOCK_SUBMISSIONS = Deferred(
    lambda: (
        select(submissions.c.seq)
        .where(submissions.c.seq.in_(bindparam("rows", expanding=True)))
        .order_by(submissions.c.seq)
        .with_for_update()
    )
)
_SETTLE_SUBMISSIONS = Deferred(
    lambda: (
        update(submissions)
        .where(
            submissions.c.seq.in_(bindparam("rows", expanding=True)),
            text("submissions.state = 'open'"),
            ~exists().where(documents.c.submission == submissions.c.seq, text("documents.state = 'pending'")),
        )
        .values(
            state=SubmissionState.SETTLED.value,
            due_at=now_ms(),
            claimed=false(),
            claim=submissions.c.claim + 1,
            target=null(),
            replied=false(),
        )
    )
)
# A booking that turns out to be booked, or booked twice, says so; so does the document that stands for it.
_SPEAK_UP = Deferred(
    lambda: (
        update(bookings)
        .where(bookings.c.id == bindparam("row"))
        .values(outcome=Outcome.ATTENTION.value, code=bindparam("said_code"), message=bindparam("said"))
    )
)
_DOCUMENTS_SPEAK_UP = Deferred(
    lambda: (
        update(documents)
        .where(
            documents.c.booking == bindparam("of"),
            text("documents.state = 'settled'"),
            text("documents.outcome <> 'duplicate'"),
        )
        .values(outcome=Outcome.ATTENTION.value, code=bindparam("said_code"), message=bindparam("said"))
    )
)


def settle(
    connection: Connection, claimed: ClaimedBooking, settlement: Settlement, ending: TryEnding
) -> tuple[bool, News]:
    """Whether the outcome that stands is this one; if not, the ending is kept, and what it booked.

    And what is due by it: the answers of the sources whose submissions are settled now.
    """
    # No answer to an earlier try can have come late where there was none.
    stored = None if claimed.try_number == 1 else _stored_before(connection, claimed)
    answered = _settled(connection, claimed, settlement, ending, stored)
    if answered is None:
        return _late(connection, claimed, settlement, ending), ANYTHING
    return True, News(answering=answered, posting=claimed.probe_of is not None)


def settle_untried(connection: Connection, booking: Any, settlement: Settlement) -> None:
    """End a booking (its row, locked) that waits for something else than time, without another try."""
    values = {"row": booking.id, "mine": booking.claim, "tried": 0, "doubt": 0, **_said(settlement)}
    connection.execute(_SETTLE, values)
    waiting = submissions_waiting_for(connection, booking.id)
    _settle_documents(connection, booking.id, settlement)
    open_submissions_again(connection, waiting)
    settle_submissions(connection, waiting)


def settle_submissions(connection: Connection, rows: list[int]) -> int:
    """Settle those of the open submissions that have nothing pending: to be answered now. How many there are."""
    settled = 0
    for start in range(0, len(rows), _AT_ONCE):
        some = {"rows": rows[start : start + _AT_ONCE]}
        if connection.dialect.name != "sqlite":
            connection.execute(_LOCK_SUBMISSIONS, some)
        settled += connection.execute(_SETTLE_SUBMISSIONS, some).rowcount
    return settled


def _settled(
    connection: Connection,
    claimed: ClaimedBooking,
    settlement: Settlement,
    ending: TryEnding,
    stored: set[str | None] | None,
) -> frozenset[str] | None:
    """The sources that have something to answer now; None: the claim is lost, and nothing is written.

    `stored`: the expenses that are there already.
    """
    final = _reconciled(claimed, settlement, stored)
    mine = {"row": claimed.booking, "mine": claimed.claim.number, "tried": 1, "doubt": int(ending.in_doubt)}
    if connection.execute(_SETTLE, {**mine, **_said(final)}).rowcount != 1:
        return None
    end_try(connection, claimed, ending)
    write_invoices(connection, claimed.booking, settlement.invoices, stored)
    return _settle_documents(connection, claimed.booking, final)


def _stored_before(connection: Connection, claimed: ClaimedBooking) -> set[str | None] | None:
    """The expenses that late answers to earlier tries have stored; None: nothing is."""
    if connection.dialect.name != "sqlite":  # else a late answer might be written between the look and the outcome
        connection.execute(_SETTLED_AS, {"row": claimed.booking})
    return stored_expenses(connection, claimed.booking)


def _said(final: Settlement) -> dict[str, Any]:
    return {"ended_as": final.outcome.value, "said_code": final.code, "said": final.message}


def _reconciled(claimed: ClaimedBooking, settlement: Settlement, stored: set[str | None] | None) -> Settlement:
    """The settlement, minding what a late answer has already stored for a booking that was pending."""
    before = (stored or set()) - {None}
    now = expense_ids(settlement.invoices)
    if before and now - before:
        _warn_booked_twice(claimed)
        return replace(settlement, outcome=Outcome.ATTENTION, code=Reason.BOOKED_TWICE.value)
    if before and settlement.outcome is Outcome.ERROR:  # booked all the same
        return replace(settlement, outcome=Outcome.ATTENTION, code=Reason.IN_DOUBT.value)
    return settlement


def _warn_booked_twice(claimed: ClaimedBooking) -> None:
    log.error("A booking has two expenses.", extra={"booking": claimed.booking, "biz_id": claimed.biz_id})


def _settle_documents(connection: Connection, booking: int, final: Settlement) -> frozenset[str]:
    """The first of those that wait for it gets the outcome; the sources that may have something to answer by it."""
    waiting = connection.execute(_WAITING, {"of": booking}).all()
    if not waiting:
        return frozenset()
    common: dict[str, Any] = {**_said(final), "first": None}
    copy = dict(common)
    if final.outcome.counts_as_booked:
        copy = {"said_code": None, "said": None, "ended_as": Outcome.DUPLICATE.value, "first": waiting[0].id}
    rows = [{"row": row.id, **(common if row is waiting[0] else copy)} for row in waiting]
    connection.execute(_SETTLE_DOCUMENT, rows)
    settled = settle_submissions(connection, sorted({row.submission for row in waiting}))
    return frozenset(row.source for row in waiting) if settled else frozenset()


def _late(connection: Connection, claimed: ClaimedBooking, settlement: Settlement, ending: TryEnding) -> bool:
    """The claim is gone: keep the try's end, and let the booking say so if it booked."""
    stands = connection.execute(_SETTLED_AS, {"row": claimed.booking}).one()
    if stands.state == DocumentState.SETTLED and stands.claim == claimed.claim.number:
        return _same(stands, settlement)  # the reply to COMMIT was lost, not the claim
    if stands.waits_for == WaitsFor.PERSON and _tells_of_booking(settlement):
        return _resolved(connection, claimed, stands, settlement, ending)
    end_try(connection, claimed, ending)
    stored = stored_expenses(connection, claimed.booking)
    before, now = (stored or set()) - {None}, expense_ids(settlement.invoices)
    if now - before:
        write_late_invoices(connection, claimed.booking, settlement.invoices, stored)
        _speak_up(connection, claimed, stands, twice=bool(before))
    return False


def _tells_of_booking(settlement: Settlement) -> bool:
    """Whether it says that it was booked, and not only that it may have been."""
    return settlement.outcome.counts_as_booked and settlement.code != Reason.IN_DOUBT


def _resolved(
    connection: Connection, claimed: ClaimedBooking, stands: Any, settlement: Settlement, ending: TryEnding
) -> bool:
    """The late answer says what a person was to find out."""
    waiting = submissions_waiting_for(connection, claimed.booking)
    held = replace(claimed, claim=replace(claimed.claim, number=stands.claim))
    settled = _settled(connection, held, settlement, ending, stored_expenses(connection, claimed.booking))
    open_submissions_again(connection, waiting)
    settle_submissions(connection, waiting)
    return settled is not None


def _same(stands: Any, settlement: Settlement) -> bool:
    """Whether what is stored is this outcome, or what it became beside an earlier late answer."""
    own = (settlement.outcome.value, settlement.code, settlement.message)
    became = stands.outcome == Outcome.ATTENTION and stands.code in (Reason.BOOKED_TWICE, Reason.IN_DOUBT)
    return own == (stands.outcome, stands.code, stands.message) or became


def _speak_up(connection: Connection, claimed: ClaimedBooking, stands: Any, *, twice: bool) -> None:
    """Correct an outcome that a late answer has proved wrong: booked twice, or an error that was booked."""
    if twice:
        _warn_booked_twice(claimed)
    code = Reason.BOOKED_TWICE if twice else Reason.IN_DOUBT
    if stands.state == DocumentState.SETTLED and (twice or stands.outcome == Outcome.ERROR):
        said = {"said_code": code.value, "said": stands.message}
        connection.execute(_SPEAK_UP, {"row": claimed.booking, **said})
        connection.execute(_DOCUMENTS_SPEAK_UP, {"of": claimed.booking, **said})
