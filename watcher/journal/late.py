"""What still counts of an answer that came when its claim was lost, or that gave its booking no outcome."""

from __future__ import annotations

from typing import Any

from msgspec.structs import replace
from sqlalchemy import bindparam, text, update

from watcher.journal.bookings import WaitsFor
from watcher.journal.connection import Connection
from watcher.journal.deferred import Deferred
from watcher.journal.endings import end_try
from watcher.journal.expenses import expense_ids, stored_expenses, write_late_invoices
from watcher.journal.holding import open_submissions_again, submissions_waiting_for
from watcher.journal.settling import SETTLED_AS, settle_held, settle_submissions, warn_booked_twice
from watcher.journal.tables import bookings, documents
from watcher.model import ClaimedBooking, DocumentState, Invoice, Outcome, Reason, Settlement, TryEnding

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


def settle_late(connection: Connection, claimed: ClaimedBooking, settlement: Settlement, ending: TryEnding) -> bool:
    """The claim is gone: keep the try's end, and let the booking say so if it booked."""
    stands = connection.execute(SETTLED_AS, {"row": claimed.booking}).one()
    if stands.state == DocumentState.SETTLED and stands.claim == claimed.claim.number:
        return _same(stands, settlement)  # the reply to COMMIT was lost, not the claim
    if stands.waits_for == WaitsFor.PERSON and _tells_of_booking(settlement):
        return _resolved(connection, claimed, stands, settlement, ending)
    end_try(connection, claimed, ending)
    _keep(connection, claimed, stands, settlement.invoices)
    return False


def keep_expenses(connection: Connection, claimed: ClaimedBooking, ending: TryEnding) -> None:
    """What an answer says was booked, though it asks to come again: whatever comes next, it is there. Repeatable."""
    if ending.invoices:
        stands = connection.execute(SETTLED_AS, {"row": claimed.booking}).one()
        _keep(connection, claimed, stands, ending.invoices)


def _keep(connection: Connection, claimed: ClaimedBooking, stands: Any, found: tuple[Invoice, ...]) -> None:
    stored = stored_expenses(connection, claimed.booking)
    before, now = (stored or set()) - {None}, expense_ids(found)
    if now - before:
        write_late_invoices(connection, claimed.booking, found, stored)
        _speak_up(connection, claimed, stands, twice=bool(before))


def _tells_of_booking(settlement: Settlement) -> bool:
    """Whether it says that it was booked, and not only that it may have been."""
    return settlement.outcome.counts_as_booked and settlement.code != Reason.IN_DOUBT


def _resolved(
    connection: Connection, claimed: ClaimedBooking, stands: Any, settlement: Settlement, ending: TryEnding
) -> bool:
    """The late answer says what a person was to find out."""
    waiting = submissions_waiting_for(connection, claimed.booking)
    held = replace(claimed, claim=replace(claimed.claim, number=stands.claim))
    settled = settle_held(connection, held, settlement, ending, stored_expenses(connection, claimed.booking))
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
        warn_booked_twice(claimed)
    code = Reason.BOOKED_TWICE if twice else Reason.IN_DOUBT
    if stands.state == DocumentState.SETTLED and (twice or stands.outcome == Outcome.ERROR):
        said = {"said_code": code.value, "said": stands.message}
        connection.execute(_SPEAK_UP, {"row": claimed.booking, **said})
        connection.execute(_DOCUMENTS_SPEAK_UP, {"of": claimed.booking, **said})
