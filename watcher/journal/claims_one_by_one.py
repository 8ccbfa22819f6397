"""Claims of bookings, source by source, for SQLite, where a statement more costs next to nothing; and of one alone."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

from sqlalchemy import insert, null, or_

from watcher.journal.claims import claim, claiming, in_turn
from watcher.journal.clock import now_ms
from watcher.journal.connection import Connection
from watcher.journal.deferred import Deferred
from watcher.journal.tables import bookings, tries

PENDING = "state = 'pending'"
FRESH = "state = 'pending' AND attempts = 0"
RETRIES = "state = 'pending' AND attempts > 0"
BEFORE_TIME = "state = 'pending' AND due_at IS NOT NULL AND waits_for IS NULL"

ALSO = Deferred(
    lambda: {
        bookings.c.tries: bookings.c.tries + 1,
        bookings.c.in_doubt: or_(bookings.c.in_doubt, bookings.c.claimed),
        bookings.c.interrupted: bookings.c.claimed,
        bookings.c.waits_for: null(),
    }
)
TOLD = tuple(
    bookings.c[name]
    for name in (
        *("id", "claim", "content", "user_code", "create_expense", "biz_id", "source", "store", "store_key", "url"),
        *("attempts", "tries", "first_failed_at", "in_doubt", "interrupted"),
    )
)
_claiming = partial(claiming, bookings, told=TOLD)
_FRESH = Deferred(lambda: _claiming(also=ALSO(), waiting=FRESH, narrowed=["source"]))
_RETRIES = Deferred(lambda: _claiming(also=ALSO(), waiting=RETRIES, narrowed=["source"]))
_LONGEST_DUE = Deferred(lambda: _claiming(also=ALSO(), waiting=PENDING, among=["source"]))
_BEFORE_TIME = Deferred(lambda: _claiming(also=ALSO(), waiting=BEFORE_TIME, among=["source"], due_only=False))
_BEGIN_TRY = Deferred(lambda: insert(tries).values(started_at=now_ms(), in_doubt=False))


def due(connection: Connection, order: Sequence[str], *, limit: int, hold: int) -> list[Any]:
    """Claim up to `limit` bookings that are due, from the sources in turn, and begin their tries."""

    def take(source: str, share: int) -> list[Any]:
        return _due(connection, source, limit=share, hold=hold)

    return _begun(connection, in_turn(order, limit, take))


def one_due(connection: Connection, among: Sequence[str], *, hold: int) -> list[Any]:
    """The same for one: of these sources the one that has been due for longest, whether it is fresh or not.

    Else a fresh one over which the endpoint always fails would be the only one that ever tries a closed gate.
    """
    return _begun(connection, claim(connection, _LONGEST_DUE, hold=hold, source=among))


def one_before_time(connection: Connection, among: Sequence[str], *, hold: int) -> list[Any]:
    """The same for one that waits for nothing but time, and that nobody is at work on, due or not."""
    return _begun(connection, claim(connection, _BEFORE_TIME, hold=hold, source=among))


def _due(connection: Connection, source: str, *, limit: int, hold: int) -> list[Any]:
    rows = claim(connection, _FRESH, hold=hold, limit=limit, source=source)
    if len(rows) < limit:
        rows += claim(connection, _RETRIES, hold=hold, limit=limit - len(rows), source=source)
    return rows


def _begun(connection: Connection, rows: list[Any]) -> list[Any]:
    if rows:
        connection.execute(_BEGIN_TRY, [{"booking": row.id, "number": row.tries, "biz_id": row.biz_id} for row in rows])
    return rows
