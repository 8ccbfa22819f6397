"""What may be wrong, what of it is remembered, and which node tells of it."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from datetime import timedelta
from typing import Any

from sqlalchemy import Select, bindparam, case, delete, false, func, insert, literal_column, or_, select, text

from watcher.journal import gates
from watcher.journal.claims import claim, claiming, fenced
from watcher.journal.clock import from_ms, maybe_from_ms, now_ms, span_ms, to_ms
from watcher.journal.connection import Connection
from watcher.journal.database import Part
from watcher.journal.deferred import Deferred
from watcher.journal.reading import read_health
from watcher.journal.strays import read_strays
from watcher.journal.tables import alerts, bookings, documents, duties, submissions
from watcher.model import Alert, Backlog, BookedTwice, Claim, Reason, Signs

_NOW = Deferred(lambda: select(now_ms()))
_MOST_BOOKED_TWICE = 100


def _of_sources(table: Any) -> Any:
    return table.c.source.in_(bindparam("names", expanding=True))


def _unclosed(state: str, since: Any) -> Select[Any]:
    """By source, the submissions in a state; written so that the index of the few that are not closed serves."""
    return (
        select(submissions.c.source, func.count(), func.min(since))
        .where(text(f"submissions.state = '{state}'"), text("submissions.state <> 'closed'"), _of_sources(submissions))
        .group_by(submissions.c.source)
    )


_HELD = Deferred(lambda: _unclosed("held", func.coalesce(submissions.c.held_at, submissions.c.recorded_at)))
_SETTLED_AT = Deferred(
    lambda: (
        select(func.max(documents.c.settled_at)).where(documents.c.submission == submissions.c.seq).scalar_subquery()
    )
)
_UNANSWERED = Deferred(lambda: _unclosed("settled", func.coalesce(_SETTLED_AT(), submissions.c.recorded_at)))

# A booking that is tried again and again is due in the future, each time; its age is that of its first failure.
_FAILS_OR_WAITS_SINCE = Deferred(
    lambda: case((bookings.c.first_failed_at < bookings.c.due_at, bookings.c.first_failed_at), else_=bookings.c.due_at)
)
_LONG_AGO = Deferred(lambda: now_ms() - bindparam("long"))
_OVERDUE = Deferred(
    lambda: (
        select(bookings.c.source, func.count(), func.min(_FAILS_OR_WAITS_SINCE()))
        .where(
            text("bookings.state = 'pending'"),
            bookings.c.due_at.is_not(None),  # null: it waits for something else than time
            _of_sources(bookings),
            or_(bookings.c.due_at <= _LONG_AGO(), bookings.c.first_failed_at <= _LONG_AGO()),
        )
        .group_by(bookings.c.source)
    )
)

_TWICE = Deferred(lambda: text(f"bookings.code = '{Reason.BOOKED_TWICE.value}'"))
_HAS_IT = Deferred(
    lambda: (
        select(func.min(submissions.c.id))
        .join(documents, documents.c.submission == submissions.c.seq)
        .where(
            documents.c.booking == bookings.c.id, documents.c.code == literal_column(f"'{Reason.BOOKED_TWICE.value}'")
        )
        .scalar_subquery()
    )
)
_BOOKED_TWICE = Deferred(
    lambda: (
        select(bookings.c.id, bookings.c.settled_at, _HAS_IT().label("submission"))
        .where(_TWICE(), bookings.c.settled_at >= now_ms() - bindparam("recent"))
        .order_by(bookings.c.settled_at.desc())
        .limit(_MOST_BOOKED_TWICE)
    )
)

_ALERTS = Deferred(lambda: select(alerts).order_by(alerts.c.since, alerts.c.key))
_FORGET = Deferred(lambda: delete(alerts).where(alerts.c.key.in_(bindparam("keys", expanding=True))))
_REMEMBER = Deferred(lambda: insert(alerts))

_DUTY = Deferred(lambda: select(duties.c.name).where(duties.c.name == bindparam("of")))
_ADD_DUTY = Deferred(lambda: insert(duties).values(due_at=now_ms()))
_CLAIM = Deferred(lambda: claiming(duties, waiting="due_at IS NOT NULL", narrowed=["name"]))
_RELEASE = Deferred(lambda: fenced(duties).values(due_at=now_ms(), claimed=false(), claim=duties.c.claim + 1))


class AlertPart(Part):
    """Implements AlertJournal."""

    def signs(self, sources: Collection[str], *, long: timedelta, recent: timedelta) -> Signs:
        names = {"names": sorted(sources)}

        def work(connection: Connection) -> Signs:
            twice = connection.execute(_BOOKED_TWICE, {"recent": span_ms(recent)})
            return Signs(
                now=from_ms(connection.execute(_NOW).scalar_one()),
                sources=tuple(read_health(connection)),
                gates=gates.read_all(connection),
                held=_backlogs(connection, _HELD, names),
                overdue=_backlogs(connection, _OVERDUE, {**names, "long": span_ms(long)}),
                unanswered=_backlogs(connection, _UNANSWERED, names),
                strays=read_strays(connection, sources),
                booked_twice=tuple(
                    BookedTwice(booking=row.id, at=from_ms(row.settled_at), submission=row.submission) for row in twice
                ),
            )

        return self._database.read(work)

    def alerts(self) -> list[Alert]:
        return [_alert(row) for row in self._database.ask(_ALERTS)]

    def remember(self, alerts: Iterable[Alert], *, forget: Collection[str] = ()) -> None:
        rows = [_row(alert) for alert in alerts]

        def work(connection: Connection) -> None:
            connection.execute(_FORGET, {"keys": [*forget, *(row["key"] for row in rows)]})
            if rows:
                connection.execute(_REMEMBER, rows)

        self._database.write(work)

    def claim_duty(self, name: str, hold: timedelta) -> Claim | None:
        def work(connection: Connection) -> list[Any]:
            if connection.execute(_DUTY, {"of": name}).first() is None:
                connection.execute(_ADD_DUTY, {"name": name})
            return claim(connection, _CLAIM, hold=span_ms(hold), name=name)

        rows = self._database.write(work, repeatable=False)
        return Claim(row=name, number=rows[0].claim) if rows else None

    def release_duty(self, claim: Claim) -> None:
        fence = {"row": claim.row, "mine": claim.number}
        self._database.write(lambda connection: connection.execute(_RELEASE, fence) and None)


def _backlogs(
    connection: Connection, statement: Deferred[Select[Any]], values: Mapping[str, Any]
) -> dict[str, Backlog]:
    return {
        source: Backlog(count=count, oldest=from_ms(oldest))
        for source, count, oldest in connection.execute(statement, values)
    }


def _alert(row: Any) -> Alert:
    return Alert(
        key=row.key,
        since=from_ms(row.since),
        said=row.said,
        told_at=maybe_from_ms(row.told_at),
        gone_at=maybe_from_ms(row.gone_at),
        times=row.times,
    )


def _row(alert: Alert) -> dict[str, Any]:
    return {
        "key": alert.key,
        "since": to_ms(alert.since),
        "said": alert.said,
        "told_at": None if alert.told_at is None else to_ms(alert.told_at),
        "gone_at": None if alert.gone_at is None else to_ms(alert.gone_at),
        "times": alert.times,
    }
