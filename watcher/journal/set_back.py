"""What the database's clock left ahead of itself when it was set back.

Nothing can be due further ahead than it is ever put off, and nothing can have happened in times to come. Where it
stands so all the same, it is due now, and has happened now.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import timedelta
from functools import partial
from typing import Any

from sqlalchemy import (
    Column,
    ColumnElement,
    Table,
    Update,
    and_,
    bindparam,
    case,
    exists,
    null,
    or_,
    select,
    text,
    update,
)

from watcher.journal.clock import now_ms, span_ms
from watcher.journal.connection import Connection
from watcher.journal.database import Part
from watcher.journal.deferred import Deferred
from watcher.journal.tables import bookings, duties, gates, notices, sources, submissions
from watcher.model import ANYTHING, NOTHING_NEW
from watcher.ports import LONGEST_RETRY_AFTER

# The few rows that are due some time, by the words of their indexes.
_WAITING = {
    bookings: "bookings.state = 'pending'",
    submissions: "submissions.state <> 'closed'",
    notices: "notices.due_at IS NOT NULL",
    sources: "sources.due_at IS NOT NULL",
    duties: "duties.due_at IS NOT NULL",
}
# Since when something waits or fails. Nothing of it is due before, so that it is ahead only where the other is.
_SINCE = {
    bookings: (bookings.c.first_failed_at,),
    submissions: (submissions.c.held_at, submissions.c.unacknowledged_since),
}


def _latest() -> ColumnElement[int]:
    """The furthest that anything is put off to."""
    return now_ms() + bindparam("longest")


def _not_ahead(column: Column[Any]) -> ColumnElement[int]:
    """At that time, or now; null stays null."""
    return case((column > now_ms(), now_ms()), else_=column)


def _found(table: Table) -> ColumnElement[bool]:
    """The rows that are due too far ahead. A submission may wait, and be due at no time: then since when tells it."""
    times = [table.c.due_at, *(_SINCE[table] if table is submissions else ())]
    return and_(text(_WAITING[table]), or_(*(column > _latest() for column in times)))


def _drawing_near(table: Table) -> Update:
    """What somebody is at work on is theirs for as long as it may take; all else is due now."""
    due_at = case(
        (table.c.due_at <= _latest(), table.c.due_at),
        (and_(table.c.claimed, table.c.due_at.is_not(None)), _latest()),
        (table.c.due_at.is_not(None), now_ms()),
    )
    return update(table).where(_found(table)).values({"due_at": due_at, **_since_now(_SINCE.get(table, ()))})


def _since_now(columns: Iterable[Column[Any]]) -> dict[str, ColumnElement[int]]:
    return {column.name: _not_ahead(column) for column in columns}


# A closed gate is probed when its own interval is over; an open one may be paused, for as long as the endpoint can ask.
_GATES = Deferred(
    lambda: or_(
        gates.c.since > _latest(),
        gates.c.due_at > _latest() + gates.c.probe_ms,
        gates.c.resumes_at > now_ms() + span_ms(LONGEST_RETRY_AFTER),
    )
)
_DRAW_GATES_NEAR = Deferred(
    lambda: (
        update(gates)
        .where(_GATES())
        .values(since=_not_ahead(gates.c.since), due_at=_not_ahead(gates.c.due_at), resumes_at=null())
    )
)
_ANY = Deferred(lambda: select(or_(exists().where(_GATES()), *(exists().where(_found(table)) for table in _WAITING))))
_DRAW_NEAR = [Deferred(partial(_drawing_near, table)) for table in _WAITING]


class SetBackPart(Part):
    """Implements TendingJournal.draw_near."""

    def draw_near(self, longest: timedelta) -> int:
        """Asks before it writes: there hardly ever is anything."""
        values = {"longest": span_ms(longest)}
        if not self._database.ask(_ANY, values).scalar_one():
            return 0
        return self._database.write(
            lambda connection: _drawn_near(connection, values), news=lambda drawn: ANYTHING if drawn else NOTHING_NEW
        )


def _drawn_near(connection: Connection, values: Mapping[str, int]) -> int:
    return sum(connection.execute(statement, values).rowcount for statement in (_DRAW_GATES_NEAR, *_DRAW_NEAR))
