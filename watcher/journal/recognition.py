"""Step 2's side of the journal: what came of tries. For claims see due_bookings, for outcomes settling."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from datetime import timedelta
from typing import Any

from sqlalchemy import and_, bindparam, case, delete, false, or_, select, text, true, update

from watcher.errors import ClaimLost
from watcher.journal import gates
from watcher.journal.bookings import WaitsFor, locator_of
from watcher.journal.claims import Turns, fenced
from watcher.journal.clock import now_ms, span_ms
from watcher.journal.connection import Connection
from watcher.journal.database import Database, Part
from watcher.journal.deferred import Deferred
from watcher.journal.due_bookings import claim_due
from watcher.journal.endings import end_try, try_has_ended
from watcher.journal.holding import hold_booking, hold_content
from watcher.journal.late import keep_expenses
from watcher.journal.outcomes import settle
from watcher.journal.portions import portions
from watcher.journal.tables import bookings, tries
from watcher.model import (
    ANYTHING,
    POSTING,
    BookingKey,
    ClaimedBooking,
    Gate,
    GateChange,
    Locator,
    SettledTry,
    Shut,
    TryEnding,
    UnderWay,
)

_POSTPONE = Deferred(
    lambda: fenced(bookings, state="pending").values(
        due_at=now_ms() + bindparam("due_in"),
        attempts=bookings.c.attempts + bindparam("counted"),
        first_failed_at=case(
            (and_(bookings.c.first_failed_at.is_(None), bindparam("counted") == 1), now_ms()),
            else_=bookings.c.first_failed_at,
        ),
        in_doubt=or_(bookings.c.in_doubt, bindparam("doubt") == 1),
        claimed=false(),
        claim=bookings.c.claim + 1,
        waits_for=bindparam("lacks"),
    )
)
# Those whose claim is over are claimed themselves, or soon.
_UNDER_WAY = Deferred(
    lambda: select(bookings.c.id, bookings.c.content, bookings.c.store, bookings.c.store_key, bookings.c.url).where(
        text("bookings.state = 'pending'"),
        bookings.c.due_at > now_ms(),
        bookings.c.claimed,
        bookings.c.store_key.in_(bindparam("keys", expanding=True)),
    )
)
_DOUBT = Deferred(lambda: update(bookings).where(bookings.c.id == bindparam("row")).values(in_doubt=true()))
_GIVE_BACK = Deferred(
    lambda: fenced(bookings, state="pending").values(
        due_at=now_ms(),
        tries=bookings.c.tries - 1,
        # Who was at it before is still unheard of, so that the next claim has to know.
        claimed=bookings.c.interrupted,
        claim=bookings.c.claim + 1,
    )
)
_FORGET_TRY = Deferred(
    lambda: delete(tries).where(tries.c.booking == bindparam("of"), tries.c.number == bindparam("nth"))
)


class RecognitionPart(Part):
    """Implements RecognitionJournal."""

    def __init__(self, database: Database) -> None:
        super().__init__(database)
        self._turns = Turns()

    def claim_bookings(
        self, *, sources: Sequence[str], endpoint: str, limit: int, hold: timedelta
    ) -> list[ClaimedBooking]:
        order = self._turns.order(list(dict.fromkeys(sources)))

        def work(connection: Connection) -> list[ClaimedBooking]:
            return claim_due(connection, order, endpoint=endpoint, limit=limit, hold=span_ms(hold))

        claimed = self._database.write(work, repeatable=False) if order and limit > 0 else []
        if claimed:
            self._turns.served(claimed[-1].source)
        return claimed

    def under_way(self, keys: Collection[str]) -> list[UnderWay]:
        found = (row for some in portions(sorted(keys)) for row in self._database.ask(_UNDER_WAY, {"keys": some}).all())
        return [UnderWay(booking=row.id, content=row.content, locator=locator_of(row)) for row in found]

    def settle(self, tried: Sequence[SettledTry]) -> list[bool]:
        stand, _ = self._database.write(lambda connection: settle(connection, tried), news=lambda settled: settled[1])
        return stand

    def postpone(
        self,
        claimed: ClaimedBooking,
        *,
        due_in: timedelta,
        counted: bool,
        ending: TryEnding,
        gate: GateChange | None = None,
    ) -> None:
        values = {"due_in": span_ms(due_in), "counted": int(counted), "lacks": None}
        self._put_off(claimed, ending, values, gates.end_probe, gate)

    def set_aside(self, claimed: ClaimedBooking, *, due_in: timedelta, ending: TryEnding) -> None:
        values = {"due_in": span_ms(due_in), "counted": 0, "lacks": WaitsFor.URL.value}
        self._put_off(claimed, ending, values, gates.give_probe_back)

    def _put_off(
        self,
        claimed: ClaimedBooking,
        ending: TryEnding,
        values: dict[str, Any],
        end_probe: Callable[[Connection, str], None],
        gate: GateChange | None = None,
    ) -> None:
        def work(connection: Connection) -> bool:
            if gate is not None:  # before the booking: whoever opens a gate locks it first, and bookings after it
                gates.change(connection, gate)
            held = _postpone(connection, claimed, ending, values)
            if held and claimed.probe_of is not None and not isinstance(gate, Shut):  # else its probe is over by that
                end_probe(connection, claimed.probe_of)
            return held or _stored(connection, claimed, ending)

        _unless_lost(claimed, ours=self._database.write(work, news=POSTING))

    def hold(self, claimed: ClaimedBooking, ending: TryEnding | None) -> None:
        def work(connection: Connection) -> bool:
            ours = hold_booking(connection, claimed, ending)
            if ours and claimed.probe_of is not None:
                end = gates.give_probe_back if ending is None else gates.end_probe
                end(connection, claimed.probe_of)
            if ending is not None:
                keep_expenses(connection, claimed, ending)
            return ours

        _unless_lost(claimed, ours=self._database.write(work, news=ANYTHING))

    def hold_content(self, key: BookingKey, *, source: str, locator: Locator, why: str) -> bool:
        return self._database.write(
            lambda connection: hold_content(connection, key, source=source, locator=locator, why=why), news=ANYTHING
        )

    def give_back(self, claimed: ClaimedBooking) -> None:
        def work(connection: Connection) -> None:
            if connection.execute(_GIVE_BACK, _fence(claimed)).rowcount:
                connection.execute(_FORGET_TRY, {"of": claimed.booking, "nth": claimed.try_number})
                if claimed.probe_of is not None:
                    gates.give_probe_back(connection, claimed.probe_of)

        self._database.write(work, news=POSTING)

    def gate(self, endpoint: str) -> Gate:
        return gates.read_one(self._database, endpoint)

    def change_gate(self, change: GateChange) -> None:
        self._database.write(lambda connection: gates.change(connection, change), news=POSTING)

    def leave_other_gates(self, endpoint: str) -> None:
        self._database.write(lambda connection: gates.leave_others(connection, endpoint), news=POSTING)

    def next_try_in(self, sources: Sequence[str], endpoint: str) -> float | None:
        return gates.next_try_in(self._database, list(sources), endpoint)


def _unless_lost(claimed: ClaimedBooking, *, ours: bool) -> None:
    if not ours:
        raise ClaimLost(f"booking {claimed.booking} is no longer held by claim {claimed.claim.number}")


def _fence(claimed: ClaimedBooking) -> dict[str, Any]:
    return {"row": claimed.booking, "mine": claimed.claim.number}


def _postpone(connection: Connection, claimed: ClaimedBooking, ending: TryEnding, values: dict[str, Any]) -> bool:
    """Whether the claim held; else nothing is written."""
    doubt = int(ending.in_doubt)
    if connection.execute(_POSTPONE, {**_fence(claimed), **values, "doubt": doubt}).rowcount != 1:
        return False
    end_try(connection, claimed, ending)
    keep_expenses(connection, claimed, ending)
    return True


def _stored(connection: Connection, claimed: ClaimedBooking, ending: TryEnding) -> bool:
    """Whether it is written already: the reply to COMMIT was lost, and not the claim.

    Else the claim is lost; the ending is kept all the same.
    """
    if try_has_ended(connection, claimed):
        return True
    end_try(connection, claimed, ending)
    keep_expenses(connection, claimed, ending)
    if ending.in_doubt:
        connection.execute(_DOUBT, {"row": claimed.booking})
    return False
