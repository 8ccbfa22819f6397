"""The gate of an endpoint: open, paused for a while, or closed but for a probe now and then."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Update, bindparam, case, exists, false, func, insert, literal, null, select, text, true, update

from watcher.journal.claims import claim, claiming
from watcher.journal.clock import maybe_from_ms, now_ms, span_ms
from watcher.journal.connection import Connection
from watcher.journal.database import Database
from watcher.journal.deferred import Deferred
from watcher.journal.tables import bookings, gates
from watcher.model import Gate, GateChange, Shut

_LEFT_ALONE_SECONDS = 1.0  # how soon to look again where what seems to be due may be left alone

_OF = Deferred(lambda: gates.c.endpoint == bindparam("of"))
_ROW = Deferred(
    lambda: select(
        gates, now_ms().label("now"), (func.coalesce(gates.c.resumes_at, 0) > now_ms()).label("waits")
    ).where(_OF())
)
_LOCKED_ROW = Deferred(lambda: _ROW().with_for_update())
_ALL = Deferred(
    lambda: select(gates, (func.coalesce(gates.c.resumes_at, 0) > now_ms()).label("waits")).order_by(gates.c.endpoint)
)

_CLAIM_PROBE = Deferred(lambda: claiming(gates, waiting="NOT open", narrowed=["endpoint"]))
_GIVE_PROBE_BACK = Deferred(
    lambda: update(gates).where(_OF(), text("NOT open"), gates.c.claimed).values(due_at=now_ms(), claimed=false())
)
_END_PROBE = Deferred(
    lambda: (
        update(gates)
        .where(_OF(), text("NOT open"), gates.c.claimed)
        .values(due_at=now_ms() + gates.c.probe_ms, claimed=false(), claim=gates.c.claim + 1)
    )
)

_ADD = Deferred(lambda: insert(gates).values(open=true(), since=now_ms()))
_CLOSE = Deferred(
    lambda: (
        update(gates)
        .where(_OF())
        .values(
            open=false(),
            reason=bindparam("why"),
            since=case((gates.c.open == true(), now_ms()), else_=gates.c.since),
            probe_ms=bindparam("probe"),
            due_at=now_ms() + bindparam("probe"),
            claimed=false(),
        )
    )
)
_OPEN = Deferred(
    lambda: (
        update(gates)
        .where(_OF())
        .values(open=true(), reason=null(), since=now_ms(), due_at=null(), claimed=false(), claim=gates.c.claim + 1)
    )
)
_OTHERS = Deferred(
    lambda: (
        select(gates, now_ms().label("now"))
        .where(gates.c.endpoint != bindparam("but"), text("NOT open"))
        .order_by(gates.c.endpoint)
        .with_for_update()
    )
)
_PAUSE = Deferred(
    lambda: (
        update(gates)
        .where(_OF(), func.coalesce(gates.c.resumes_at, 0) < now_ms() + bindparam("pause"))
        .values(resumes_at=now_ms() + bindparam("pause"))
    )
)
# `give_up_after` stands still while the gate is closed: what had failed before it fails that much later.
_SHIFT_FAILURES = Deferred(
    lambda: (
        update(bookings)
        .where(text("bookings.state = 'pending'"), bookings.c.first_failed_at.is_not(None))
        .values(
            first_failed_at=bookings.c.first_failed_at
            + bindparam("now")
            - case(
                (bookings.c.first_failed_at > bindparam("shut"), bookings.c.first_failed_at), else_=bindparam("shut")
            )
        )
    )
)

_PENDING = Deferred(
    lambda: (
        text("bookings.state = 'pending'"),
        bookings.c.due_at.is_not(None),  # null: it waits for something that no time brings
        bookings.c.source.in_(bindparam("sources", expanding=True)),
    )
)
_FIRST_DUE = Deferred(
    lambda: select(bookings.c.due_at).where(*_PENDING()).order_by(bookings.c.due_at).limit(1).scalar_subquery()
)
_WAITS_FOR_PROBE = Deferred(lambda: exists().where(*_PENDING(), ~bookings.c.claimed, bookings.c.waits_for.is_(None)))
_ONE_ROW = Deferred(lambda: select(literal(1).label("one")).subquery())
_NEXT_TRY = Deferred(
    lambda: select(
        now_ms().label("now"),
        _FIRST_DUE().label("first"),
        gates,
        (func.coalesce(gates.c.resumes_at, 0) > now_ms()).label("waits"),
        case((gates.c.open == false(), _WAITS_FOR_PROBE()), else_=false()).label("probing"),
    ).select_from(_ONE_ROW().outerjoin(gates, _OF()))
)


def row(connection: Connection, endpoint: str) -> Any:
    """The gate's row with the database's `now`, and `waits`: whether it is paused; None: never touched."""
    return connection.execute(_ROW, {"of": endpoint}).first()


def read_one(database: Database, endpoint: str) -> Gate:
    found = database.ask(_ROW, {"of": endpoint}).first()
    return Gate(open=True) if found is None else _gate(found)


def read_all(connection: Connection) -> dict[str, Gate]:
    return {found.endpoint: _gate(found) for found in connection.execute(_ALL)}


def change(connection: Connection, wanted: GateChange) -> None:
    """Shut it, or keep it shut: the next probe comes an interval from now; or let all wait."""
    if isinstance(wanted, Shut):
        _change(connection, wanted.endpoint, _CLOSE, {"why": wanted.reason, "probe": span_ms(wanted.probe)})
    else:
        _change(connection, wanted.endpoint, _PAUSE, {"pause": span_ms(wanted.length)})


def reopen(connection: Connection, endpoint: str) -> None:
    """Nothing, where it is open."""
    found = connection.execute(_LOCKED_ROW, {"of": endpoint}).first()
    if found is not None and not found.open:
        _open(connection, found)


def leave_others(connection: Connection, endpoint: str) -> None:
    """Those of other addresses are shut no more: what waited before them goes on to this one."""
    for found in connection.execute(_OTHERS, {"but": endpoint}).all():
        _open(connection, found)


def _open(connection: Connection, found: Any) -> None:
    connection.execute(_SHIFT_FAILURES, {"now": found.now, "shut": found.since})
    connection.execute(_OPEN, {"of": found.endpoint})


def closed_ms(gate: Any, *, since: int) -> int:
    """How long the closed gate has been so, at most since a time."""
    return max(0, int(gate.now) - max(int(gate.since), since))


def claim_probe(connection: Connection, gate: Any, hold: int) -> bool:
    """Whether the probe is due, and ours: the next one comes no sooner than the gate's interval."""
    return bool(claim(connection, _CLAIM_PROBE, hold=max(hold, gate.probe_ms), endpoint=gate.endpoint))


def give_probe_back(connection: Connection, endpoint: str) -> None:
    """Nothing was sent: the next probe is due at once."""
    connection.execute(_GIVE_PROBE_BACK, {"of": endpoint})


def end_probe(connection: Connection, endpoint: str) -> None:
    """A probe has come back without opening its gate: the next one comes an interval from now."""
    connection.execute(_END_PROBE, {"of": endpoint})


def next_try_in(database: Database, sources: list[str], endpoint: str) -> float | None:
    """Seconds until something may be posted; None: nothing waits."""
    found = database.ask(_NEXT_TRY, {"sources": sources, "of": endpoint}).one()
    if found.first is None:
        return None
    due_at, is_closed = found.first, found.open is False  # None: the gate was never touched
    if is_closed and found.probing:
        due_at = found.due_at  # whatever is due itself, only the probe may go
    elif is_closed:
        due_at = max(due_at, found.due_at)
    if found.waits:
        due_at = max(due_at, found.resumes_at)
    due_in = max(0, int(due_at - found.now)) / 1000
    return due_in if database.takes_over() else max(due_in, _LEFT_ALONE_SECONDS)


def _change(connection: Connection, endpoint: str, statement: Deferred[Update], values: dict[str, Any]) -> None:
    """Change a gate that need not be there yet. Another node that adds it first makes this begin anew."""
    given = {"of": endpoint, **values}
    if connection.execute(statement, given).rowcount == 0 and row(connection, endpoint) is None:
        connection.execute(_ADD, {"endpoint": endpoint})
        connection.execute(statement, given)


def _gate(found: Any) -> Gate:
    return Gate(
        open=found.open,
        reason=found.reason,
        since=maybe_from_ms(found.since),
        resumes_at=maybe_from_ms(found.resumes_at) if found.waits else None,
        probe_at=None if found.open else maybe_from_ms(found.due_at),
    )
