"""Which bookings are claimed: what is due, or one past a closed gate; and what is known of them when they are."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import bindparam, select, text, true, update

from watcher.journal import claims_at_once, claims_one_by_one, gates
from watcher.journal.bookings import locator_of
from watcher.journal.clock import maybe_from_ms
from watcher.journal.connection import Connection
from watcher.journal.deferred import Deferred
from watcher.journal.tables import bookings, documents, submissions, tries
from watcher.model import BookingKey, Claim, ClaimedBooking

# A try that is still without its end when its booking is claimed again died with its process: whether
# it was carried out is not known. The new one has begun by then.
_NEWEST = Deferred(lambda: select(bookings.c.tries).where(bookings.c.id == tries.c.booking).scalar_subquery())
_DOUBT_DEAD_TRIES = Deferred(
    lambda: (
        update(tries)
        .where(
            tries.c.booking.in_(bindparam("claimed", expanding=True)),
            tries.c.ended_at.is_(None),
            tries.c.number < _NEWEST(),
        )
        .values(in_doubt=true())
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


def claim_due(
    connection: Connection, order: Sequence[str], *, endpoint: str, limit: int, hold: int
) -> list[ClaimedBooking]:
    """Up to `limit` of what is due, its tries begun before any request leaves; past a closed gate one, now and then."""
    from_afar = connection.dialect.name != "sqlite"
    if from_afar and (rows := claims_at_once.due(connection, order, limit=limit, hold=hold, unless_shut=endpoint)):
        return _told(connection, rows)  # that its gate is open is said by that
    gate = gates.row(connection, endpoint)
    if gate is not None and gate.waits:
        return []
    if gate is not None and not gate.open:
        return _probe(connection, order, gate, hold=hold)
    if from_afar:
        return []
    return _told(connection, claims_one_by_one.due(connection, order, limit=limit, hold=hold))


def _probe(connection: Connection, order: Sequence[str], gate: Any, *, hold: int) -> list[ClaimedBooking]:
    """One booking past a closed gate, where its probe is due: a due one, else whichever waits for nothing but time."""
    if gate.due_at > gate.now or not gates.claim_probe(connection, gate, hold):
        return []
    rows = claims_one_by_one.one_due(connection, order, hold=hold)
    rows = rows or claims_one_by_one.one_before_time(connection, order, hold=hold)
    if not rows:
        gates.give_probe_back(connection, gate.endpoint)
    return _told(connection, rows, gate)


def _told(connection: Connection, rows: Sequence[Any], gate: Any = None) -> list[ClaimedBooking]:
    """What is known of those that are claimed."""
    if not rows:
        return []
    dead = [row.id for row in rows if row.interrupted]
    if dead:
        connection.execute(_DOUBT_DEAD_TRIES, {"claimed": dead})
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
