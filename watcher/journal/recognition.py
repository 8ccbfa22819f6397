"""Step 2's side of the journal: claims of bookings, and what came of their tries. For outcomes see settling."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from functools import partial
from typing import Any

from sqlalchemy import and_, bindparam, case, delete, false, insert, or_, select, text, true, update

from watcher.errors import ClaimLost
from watcher.journal import gates
from watcher.journal.bookings import locator_of
from watcher.journal.claims import Turns, claim, claiming, fenced, in_turn
from watcher.journal.clock import maybe_from_ms, now_ms, span_ms
from watcher.journal.connection import Connection
from watcher.journal.database import Database, Part
from watcher.journal.deferred import Deferred
from watcher.journal.endings import end_try, try_has_ended
from watcher.journal.holding import hold_booking
from watcher.journal.outcomes import settle
from watcher.journal.tables import bookings, documents, submissions, tries
from watcher.model import ANYTHING, POSTING, BookingKey, Claim, ClaimedBooking, Gate, SettledTry, TryEnding

# A try that is still without its end when its booking is claimed again died with its process: whether
# it was carried out is not known.
_ALSO = Deferred(
    lambda: {
        bookings.c.tries: bookings.c.tries + 1,
        bookings.c.in_doubt: or_(bookings.c.in_doubt, bookings.c.claimed),
        bookings.c.interrupted: bookings.c.claimed,
    }
)
_TOLD = tuple(
    bookings.c[name]
    for name in (
        *("id", "claim", "content", "user_code", "create_expense", "biz_id", "source", "store", "store_key", "url"),
        *("attempts", "tries", "first_failed_at", "in_doubt", "interrupted"),
    )
)
_claiming = partial(claiming, bookings, narrowed=["source"], told=_TOLD)
_FRESH = Deferred(lambda: _claiming(also=_ALSO(), waiting="state = 'pending' AND attempts = 0"))
_RETRIES = Deferred(lambda: _claiming(also=_ALSO(), waiting="state = 'pending' AND attempts > 0"))
_BEFORE_TIME = Deferred(
    lambda: _claiming(also=_ALSO(), waiting="state = 'pending' AND due_at IS NOT NULL", due_only=False)
)

_BEGIN_TRY = Deferred(lambda: insert(tries).values(started_at=now_ms(), in_doubt=False))
_DOUBT_DEAD_TRIES = Deferred(
    lambda: (
        update(tries)
        .where(tries.c.booking.in_(bindparam("claimed", expanding=True)), tries.c.ended_at.is_(None))
        .values(in_doubt=true())
    )
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
    )
)
_MOST_NAMED = 5  # submissions that wait for the same booking: the log is no list
_WAITING = Deferred(
    lambda: (
        select(
            *(documents.c[name] for name in ("booking", "store", "store_key", "url")),
            submissions.c.id,
        )
        .join(submissions, submissions.c.seq == documents.c.submission)
        .where(documents.c.booking.in_(bindparam("claimed", expanding=True)), text("documents.state = 'pending'"))
        .order_by(documents.c.id)
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
            return _claim(connection, order, endpoint=endpoint, limit=limit, hold=span_ms(hold))

        claimed = self._database.write(work, repeatable=False) if order and limit > 0 else []
        if claimed:
            self._turns.served(claimed[-1].source)
        return claimed

    def settle(self, tried: Sequence[SettledTry]) -> list[bool]:
        stand, _ = self._database.write(lambda connection: settle(connection, tried), news=lambda settled: settled[1])
        return stand

    def postpone(self, claimed: ClaimedBooking, *, due_in: timedelta, counted: bool, ending: TryEnding) -> None:
        def work(connection: Connection) -> bool:
            if claimed.probe_of is not None:
                gates.end_probe(connection, claimed.probe_of)
            return _postpone(connection, claimed, due_in=span_ms(due_in), counted=counted, ending=ending)

        _unless_lost(claimed, ours=self._database.write(work, news=POSTING))

    def hold(self, claimed: ClaimedBooking, ending: TryEnding | None) -> None:
        def work(connection: Connection) -> bool:
            if claimed.probe_of is not None and ending is None:
                gates.give_probe_back(connection, claimed.probe_of)
            elif claimed.probe_of is not None:
                gates.end_probe(connection, claimed.probe_of)
            return hold_booking(connection, claimed, ending)

        _unless_lost(claimed, ours=self._database.write(work, news=ANYTHING))

    def give_back(self, claimed: ClaimedBooking) -> None:
        def work(connection: Connection) -> None:
            if connection.execute(_GIVE_BACK, _fence(claimed)).rowcount:
                connection.execute(_FORGET_TRY, {"of": claimed.booking, "nth": claimed.try_number})
                if claimed.probe_of is not None:
                    gates.give_probe_back(connection, claimed.probe_of)

        self._database.write(work, news=POSTING)

    def gate(self, endpoint: str) -> Gate:
        return self._database.read(lambda connection: gates.read_one(connection, endpoint))

    def close_gate(self, endpoint: str, reason: str, probe: timedelta) -> None:
        self._database.write(lambda connection: gates.close(connection, endpoint, reason, span_ms(probe)), news=POSTING)

    def open_gate(self, endpoint: str) -> None:
        self._database.write(lambda connection: gates.reopen(connection, endpoint), news=POSTING)

    def leave_other_gates(self, endpoint: str) -> None:
        self._database.write(lambda connection: gates.leave_others(connection, endpoint), news=POSTING)

    def pause_gate(self, endpoint: str, pause: timedelta) -> None:
        self._database.write(lambda connection: gates.pause(connection, endpoint, span_ms(pause)), news=POSTING)

    def next_try_in(self, sources: Sequence[str], endpoint: str) -> float | None:
        return gates.next_try_in(self._database, list(sources), endpoint)


def _unless_lost(claimed: ClaimedBooking, *, ours: bool) -> None:
    if not ours:
        raise ClaimLost(f"booking {claimed.booking} is no longer held by claim {claimed.claim.number}")


def _fence(claimed: ClaimedBooking) -> dict[str, Any]:
    return {"row": claimed.booking, "mine": claimed.claim.number}


def _claim(
    connection: Connection, order: Sequence[str], *, endpoint: str, limit: int, hold: int
) -> list[ClaimedBooking]:
    gate = gates.row(connection, endpoint)
    if gate is not None and gate.waits:
        return []
    if gate is not None and not gate.open:
        return _probe(connection, order, gate, hold=hold)

    def take(source: str, share: int) -> list[Any]:
        return _due(connection, source, limit=share, hold=hold)

    return _begin(connection, in_turn(order, limit, take))


def _due(connection: Connection, source: str, *, limit: int, hold: int) -> list[Any]:
    rows = claim(connection, _FRESH, hold=hold, limit=limit, source=source)
    if len(rows) < limit:
        rows += claim(connection, _RETRIES, hold=hold, limit=limit - len(rows), source=source)
    return rows


def _probe(connection: Connection, order: Sequence[str], gate: Any, *, hold: int) -> list[ClaimedBooking]:
    """One booking past a closed gate, where its probe is due: a due one, else whichever waits."""
    if not gates.claim_probe(connection, gate, hold):
        return []
    for source in order:
        if rows := _due(connection, source, limit=1, hold=hold):
            return _begin(connection, rows, gate)
    for source in order:
        if rows := claim(connection, _BEFORE_TIME, hold=hold, source=source):
            return _begin(connection, rows, gate)
    gates.give_probe_back(connection, gate.endpoint)
    return []


def _begin(connection: Connection, rows: Sequence[Any], gate: Any = None) -> list[ClaimedBooking]:
    """Record the tries of claimed bookings before any request leaves."""
    if not rows:
        return []
    dead = [row.id for row in rows if row.interrupted]
    if dead:
        connection.execute(_DOUBT_DEAD_TRIES, {"claimed": dead})
    connection.execute(_BEGIN_TRY, [{"booking": row.id, "number": row.tries, "biz_id": row.biz_id} for row in rows])
    waiting = _waiting(connection, [row.id for row in rows])
    return [_claimed(row, gate, waiting.get(row.id, [])) for row in rows]


def _waiting(connection: Connection, claimed: list[int]) -> dict[int, list[Any]]:
    """By booking, the documents that wait for it, with the ids of their submissions."""
    found: dict[int, list[Any]] = {}
    for document in connection.execute(_WAITING, {"claimed": claimed}):
        found.setdefault(document.booking, []).append(document)
    return found


def _claimed(row: Any, gate: Any, waiting: list[Any]) -> ClaimedBooking:
    own = locator_of(row)
    # Whoever reads the log asks by the submissions.
    names = tuple(dict.fromkeys(document.id for document in waiting))[:_MOST_NAMED]
    others = tuple(dict.fromkeys(at for document in waiting if (at := locator_of(document)) != own))
    first_failed_at = row.first_failed_at
    if gate is not None and first_failed_at is not None:  # the time stands still while the gate is closed
        first_failed_at += gates.closed_ms(gate, since=first_failed_at)
    return ClaimedBooking(
        claim=Claim(row=str(row.id), number=row.claim),
        booking=row.id,
        key=BookingKey(content=row.content, user_code=row.user_code, create_expense=row.create_expense),
        biz_id=row.biz_id,
        locator=own,
        source=row.source,
        attempt=row.attempts + 1,
        try_number=row.tries,
        first_failed_at=maybe_from_ms(first_failed_at),
        in_doubt=row.in_doubt,
        interrupted=row.interrupted,
        probe_of=gate.endpoint if gate is not None else None,
        submissions=names,
        others=others,
    )


def _postpone(
    connection: Connection, claimed: ClaimedBooking, *, due_in: int, counted: bool, ending: TryEnding
) -> bool:
    """Whether the claim held. After a lost reply to COMMIT the end of the try shows that it had."""
    values = {**_fence(claimed), "due_in": due_in, "counted": int(counted), "doubt": int(ending.in_doubt)}
    held = connection.execute(_POSTPONE, values).rowcount == 1
    stored = not held and try_has_ended(connection, claimed)
    if not stored:
        end_try(connection, claimed, ending)
        if ending.in_doubt and not held:
            connection.execute(_DOUBT, {"row": claimed.booking})
    return held or stored
