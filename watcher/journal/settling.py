"""The outcome of a booking: one transaction for it, its documents, and the submissions that it completes."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from typing import Any

from msgspec.structs import replace
from sqlalchemy import bindparam, exists, false, func, null, or_, select, text, update

from watcher.journal.claims import fenced
from watcher.journal.clock import now_ms
from watcher.journal.connection import Connection
from watcher.journal.deferred import Deferred
from watcher.journal.endings import end_tries, end_try
from watcher.journal.expenses import add_invoices, expense_ids, stored_expenses, write_invoices
from watcher.journal.holding import open_submissions_again, submissions_waiting_for
from watcher.journal.portions import portions
from watcher.journal.tables import bookings, documents, submissions
from watcher.model import (
    ClaimedBooking,
    DocumentState,
    News,
    Outcome,
    Reason,
    SettledTry,
    Settlement,
    SubmissionState,
    TryEnding,
)

log = logging.getLogger(__name__)

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
SETTLED_AS = Deferred(
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
        select(documents.c.id, documents.c.booking, documents.c.submission, submissions.c.source)
        .join(submissions, submissions.c.seq == documents.c.submission)
        .where(documents.c.booking.in_(bindparam("these", expanding=True)), text("documents.state = 'pending'"))
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


def settle_first_tries(connection: Connection, tried: Sequence[SettledTry]) -> News:
    """Write the outcomes of first tries whose claims hold, and are locked. What is due by them."""
    connection.execute(_SETTLE, [_ended(each.claimed, each.settlement, each.ending) for each in tried])
    end_tries(connection, [(each.claimed, each.ending) for each in tried])
    add_invoices(connection, [(each.claimed.booking, each.settlement.invoices) for each in tried])
    return News(answering=_settle_documents(connection, {each.claimed.booking: each.settlement for each in tried}))


def settle_untried(connection: Connection, booking: Any, settlement: Settlement) -> None:
    """End a booking (its row, locked) that waits for something else than time, without another try."""
    values = {"row": booking.id, "mine": booking.claim, "tried": 0, "doubt": 0, **_said(settlement)}
    connection.execute(_SETTLE, values)
    waiting = submissions_waiting_for(connection, booking.id)
    _settle_documents(connection, {booking.id: settlement})
    open_submissions_again(connection, waiting)
    settle_submissions(connection, waiting)


def settle_submissions(connection: Connection, rows: list[int]) -> int:
    """Settle those of the open submissions that have nothing pending: to be answered now. How many there are."""
    settled = 0
    for portion in portions(rows):
        some = {"rows": portion}
        if connection.dialect.name != "sqlite":
            connection.execute(_LOCK_SUBMISSIONS, some)
        settled += connection.execute(_SETTLE_SUBMISSIONS, some).rowcount
    return settled


def settle_held(
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
    if connection.execute(_SETTLE, _ended(claimed, final, ending)).rowcount != 1:
        return None
    end_try(connection, claimed, ending)
    write_invoices(connection, claimed.booking, settlement.invoices, stored)
    return _settle_documents(connection, {claimed.booking: final})


def _ended(claimed: ClaimedBooking, final: Settlement, ending: TryEnding) -> dict[str, Any]:
    mine = {"row": claimed.booking, "mine": claimed.claim.number, "tried": 1, "doubt": int(ending.in_doubt)}
    return {**mine, **_said(final)}


def stored_before(connection: Connection, claimed: ClaimedBooking) -> set[str | None] | None:
    """The expenses that late answers to earlier tries have stored; None: nothing is."""
    if connection.dialect.name != "sqlite":  # else a late answer might be written between the look and the outcome
        connection.execute(SETTLED_AS, {"row": claimed.booking})
    return stored_expenses(connection, claimed.booking)


def _said(final: Settlement) -> dict[str, Any]:
    return {"ended_as": final.outcome.value, "said_code": final.code, "said": final.message}


def _reconciled(claimed: ClaimedBooking, settlement: Settlement, stored: set[str | None] | None) -> Settlement:
    """The settlement, minding what a late answer has already stored for a booking that was pending."""
    before = (stored or set()) - {None}
    now = expense_ids(settlement.invoices)
    if before and now - before:
        warn_booked_twice(claimed)
        return replace(settlement, outcome=Outcome.ATTENTION, code=Reason.BOOKED_TWICE.value)
    if before and settlement.outcome is Outcome.ERROR:  # booked all the same
        return replace(settlement, outcome=Outcome.ATTENTION, code=Reason.IN_DOUBT.value)
    return settlement


def warn_booked_twice(claimed: ClaimedBooking) -> None:
    log.error("A booking has two expenses.", extra={"booking": claimed.booking, "biz_id": claimed.biz_id})


def _settle_documents(connection: Connection, settlements: Mapping[int, Settlement]) -> frozenset[str]:
    """The first of those that wait for each booking gets its outcome; the sources that may have something to answer."""
    waiting = _waiting_for(connection, list(settlements))
    first: dict[int, int] = {}
    rows = [_document(row, settlements[row.booking], first.setdefault(row.booking, row.id)) for row in waiting]
    connection.execute(_SETTLE_DOCUMENT, rows)
    settled = settle_submissions(connection, sorted({row.submission for row in waiting}))
    return frozenset(row.source for row in waiting) if settled else frozenset()


def _waiting_for(connection: Connection, rows: list[int]) -> list[Any]:
    """The documents that wait for these bookings, the earliest first."""
    return [row for some in portions(rows) for row in connection.execute(_WAITING, {"these": some})]


def _document(row: Any, final: Settlement, first: int) -> dict[str, Any]:
    """What becomes of a document that waited: the booking's outcome, or a copy of the first one that has it."""
    if row.id == first or not final.outcome.counts_as_booked:
        return {"row": row.id, **_said(final), "first": None}
    return {"row": row.id, "said_code": None, "said": None, "ended_as": Outcome.DUPLICATE.value, "first": first}
