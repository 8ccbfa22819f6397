"""Bookings of which nobody knows whether they were booked, held for a person where `in_doubt` is `hold`.

Such a booking is pending and never due; the submissions that wait for it are held with the reason IN_DOUBT.
"""

from __future__ import annotations

from sqlalchemy import bindparam, delete, exists, false, null, select, text, true, update

from watcher.journal.bookings import FIRST_GENERATION, WaitsFor, booked, latest, open_generation
from watcher.journal.claims import fenced
from watcher.journal.clock import now_ms
from watcher.journal.connection import Connection
from watcher.journal.deferred import Deferred
from watcher.journal.endings import end_try, try_has_ended
from watcher.journal.portions import portions
from watcher.journal.tables import bookings, documents, submissions, tries
from watcher.model import (
    BookingKey,
    ClaimedBooking,
    DocumentState,
    Locator,
    Reason,
    SubmissionState,
    TryEnding,
)

SAME_IS_HELD = "the same document was submitted before, and it is not known whether it was booked"

_HOLD = Deferred(
    lambda: fenced(bookings, state="pending").values(
        due_at=null(),
        waits_for=WaitsFor.PERSON.value,
        attempts=bookings.c.attempts + bindparam("sent"),
        tries=bookings.c.tries - 1 + bindparam("sent"),
        in_doubt=true(),
        claimed=false(),
        claim=bookings.c.claim + 1,
    )
)
# Why is kept with it: who submits it later is told so.
_HOLD_UNASKED = Deferred(
    lambda: (
        update(bookings)
        .where(bookings.c.id == bindparam("row"))
        .values(
            due_at=null(),
            waits_for=WaitsFor.PERSON.value,
            in_doubt=true(),
            message=bindparam("said"),
            claim=bookings.c.claim + 1,
        )
    )
)
_FORGET_TRY = Deferred(
    lambda: delete(tries).where(tries.c.booking == bindparam("of"), tries.c.number == bindparam("nth"))
)
_WAITING_FOR = Deferred(
    lambda: select(documents.c.submission).where(
        documents.c.booking == bindparam("of"), text("documents.state = 'pending'")
    )
)
_HOLD_SUBMISSIONS = Deferred(
    lambda: (
        update(submissions)
        .where(submissions.c.seq.in_(_WAITING_FOR()), text("submissions.state = 'open'"))
        .values(
            state=SubmissionState.HELD.value, reason=Reason.IN_DOUBT.value, remark=bindparam("said"), held_at=now_ms()
        )
    )
)
_HELD_FOR_DOUBT = Deferred(lambda: (text("submissions.state = 'held'"), submissions.c.reason == Reason.IN_DOUBT.value))
_STILL_IN_DOUBT = Deferred(
    lambda: (
        exists()
        .where(documents.c.submission == submissions.c.seq, text("documents.state = 'pending'"))
        .where(bookings.c.id == documents.c.booking, bookings.c.waits_for == WaitsFor.PERSON.value)
    )
)
_OPEN_AGAIN = Deferred(
    lambda: (
        update(submissions)
        .where(submissions.c.seq.in_(bindparam("rows", expanding=True)), *_HELD_FOR_DOUBT(), ~_STILL_IN_DOUBT())
        .values(state=SubmissionState.OPEN.value, reason=null(), remark=null(), held_at=null())
    )
)
_DOUBT = Deferred(lambda: update(bookings).where(bookings.c.id == bindparam("row")).values(in_doubt=true()))


def hold_booking(connection: Connection, claimed: ClaimedBooking, ending: TryEnding | None) -> bool:
    """Whether the claim held. Without an ending the claimed try was never sent, and is forgotten."""
    values = {"row": claimed.booking, "mine": claimed.claim.number, "sent": int(ending is not None)}
    if connection.execute(_HOLD, values).rowcount != 1:
        return _was_held(connection, claimed, ending)
    if ending is None:
        connection.execute(_FORGET_TRY, {"of": claimed.booking, "nth": claimed.try_number})
    else:
        end_try(connection, claimed, ending)
    hold_submissions(connection, claimed.booking, _said(ending))
    return True


def hold_content(connection: Connection, key: BookingKey, *, source: str, locator: Locator, why: str) -> bool:
    """See ports.RecognitionJournal."""
    found = latest(connection, [key.content], user_code=key.user_code, create_expense=key.create_expense).get(
        key.content
    )
    if found is None or (found.state == DocumentState.SETTLED and not booked(found)):
        generation = FIRST_GENERATION if found is None else found.generation + 1
        booking = open_generation(connection, key, generation, source=source, locator=locator)
    elif found.state == DocumentState.PENDING and not found.claimed:
        booking = found.id
    else:
        return bool(found.state != DocumentState.PENDING)
    connection.execute(_HOLD_UNASKED, {"row": booking, "said": why})
    hold_submissions(connection, booking, why)
    return True


def hold_submissions(connection: Connection, booking: int, said: str) -> None:
    """The open ones that wait for the booking wait for a person."""
    connection.execute(_HOLD_SUBMISSIONS, {"of": booking, "said": said})


def open_submissions_again(connection: Connection, rows: list[int]) -> None:
    """Those that were held for a doubt and have none any more go on."""
    for some in portions(rows):
        connection.execute(_OPEN_AGAIN, {"rows": some})


def submissions_waiting_for(connection: Connection, booking: int) -> list[int]:
    """Those with a pending document that points to the booking."""
    return sorted(set(connection.execute(_WAITING_FOR, {"of": booking}).scalars()))


def _was_held(connection: Connection, claimed: ClaimedBooking, ending: TryEnding | None) -> bool:
    """After a lost reply to COMMIT the end of the try shows that it was written; else the claim is lost."""
    if ending is None or try_has_ended(connection, claimed):
        return ending is not None
    end_try(connection, claimed, ending)
    connection.execute(_DOUBT, {"row": claimed.booking})
    return False


def _said(ending: TryEnding | None) -> str:
    return (ending.message if ending else None) or "the program ended before the answer came"
