"""How the work goes: what waits, and what was done of late. Read every few seconds, by whoever draws curves of it."""

from __future__ import annotations

from collections.abc import Collection
from datetime import timedelta
from typing import Any

from sqlalchemy import ColumnElement, Select, Text, and_, bindparam, case, func, literal_column, select, text

from watcher.journal.clock import from_ms, maybe_from_ms, now_ms, span_ms
from watcher.journal.connection import Connection
from watcher.journal.database import Part
from watcher.journal.deferred import Deferred
from watcher.journal.tables import bookings, documents, sources, submissions, tries
from watcher.model import Outcome, SourceWork, Tried, Workload

_HOUR, _DAY = timedelta(hours=1), timedelta(days=1)

_NOW = Deferred(lambda: select(now_ms()))
_PENDING = Deferred(
    lambda: (
        select(
            bookings.c.source,
            func.count(),
            func.sum(case((and_(bookings.c.due_at <= now_ms(), ~bookings.c.claimed), 1), else_=0)),
            func.sum(case((bookings.c.attempts > 0, 1), else_=0)),
            func.sum(case((bookings.c.due_at.is_(None), 1), else_=0)),
        )
        .where(text("bookings.state = 'pending'"), bookings.c.source.in_(bindparam("names", expanding=True)))
        .group_by(bookings.c.source)
    )
)
_OLDEST = Deferred(
    lambda: (
        select(submissions.c.source, func.min(submissions.c.recorded_at))
        .where(
            text("submissions.state = 'open'"),
            text("submissions.state <> 'closed'"),
            submissions.c.source.in_(bindparam("names", expanding=True)),
        )
        .group_by(submissions.c.source)
    )
)
# A range of the index that has the submissions of a source in their order: for an equality PostgreSQL would rather go
# through all of them from the newest on, in the hope to meet one of the source soon.
_NAME: Deferred[ColumnElement[str]] = Deferred(lambda: literal_column("(submissions.source || '')", Text()))


def _last(name: ColumnElement[str]) -> Select[tuple[int]]:
    """When the newest submission of a source was recorded."""
    of_it = select(submissions.c.recorded_at).where(_NAME().between(name, name))
    return of_it.order_by(_NAME().desc(), submissions.c.seq.desc()).limit(1)


_LAST = Deferred(lambda: _last(bindparam("name", type_=Text())))
# Of those that were looked after some time by one statement, because a server may be far away. (SQLite would walk.)
_LAST_OF_ALL = Deferred(
    lambda: select(sources.c.name, _last(sources.c.name).correlate(sources).scalar_subquery()).where(
        sources.c.name.in_(bindparam("names", expanding=True))
    )
)
# Grouped by what no index is in the order of, lest SQLite walk all documents in that order.
_SETTLED_AS = Deferred(lambda: func.coalesce(documents.c.outcome, ""))
_SETTLED = Deferred(
    lambda: (
        select(_SETTLED_AS(), func.count())
        .where(documents.c.settled_at >= now_ms() - bindparam("within"))
        .group_by(_SETTLED_AS())
    )
)
# Tries are numbered as they begin: from the newest backwards, and no further than to the first one that is too old.
_LAST_OLD = Deferred(
    lambda: (
        select(tries.c.id)
        .where(tries.c.started_at < now_ms() - bindparam("within"), tries.c.id > 0)
        .order_by(tries.c.id.desc())
        .limit(1)
        .scalar_subquery()
    )
)
_RESULT = Deferred(lambda: func.coalesce(tries.c.result, ""))
_TRIES = Deferred(
    lambda: (
        select(_RESULT(), func.count(), func.max(tries.c.id), func.max(tries.c.started_at))
        .where(tries.c.id > func.coalesce(_LAST_OLD(), 0))
        .group_by(_RESULT())
    )
)
_SAID = Deferred(
    lambda: select(tries.c.id, tries.c.code, tries.c.message).where(tries.c.id.in_(bindparam("rows", expanding=True)))
)


class WorkloadPart(Part):
    """Implements ReadingJournal.workload."""

    def workload(self, sources: Collection[str]) -> Workload:
        names = sorted(sources)

        def work(connection: Connection) -> Workload:
            return Workload(
                now=from_ms(connection.execute(_NOW).scalar_one()),
                sources=_sources(connection, names),
                settled=_settled(connection, _HOUR),
                settled_in_a_day=_settled(connection, _DAY),
                tries=_tries(connection),
            )

        return self._database.read(work)


def _sources(connection: Connection, names: list[str]) -> dict[str, SourceWork]:
    counted = {row[0]: row[1:] for row in connection.execute(_PENDING, {"names": names})}
    oldest = {row[0]: row[1] for row in connection.execute(_OLDEST, {"names": names})}
    last_of = _last_of_all(connection, names)
    found = {}
    for name in names:
        pending, due, retried, undecided = counted.get(name, (0, 0, 0, 0))
        found[name] = SourceWork(
            pending=int(pending),
            due=int(due),
            retried=int(retried),
            undecided=int(undecided),
            oldest=maybe_from_ms(oldest.get(name)),
            last_taken_in=maybe_from_ms(last_of[name]),
        )
    return found


def _last_of_all(connection: Connection, names: list[str]) -> dict[str, int | None]:
    """By source, when the newest of its submissions was recorded."""
    together = connection.execute(_LAST_OF_ALL, {"names": names}) if connection.dialect.name != "sqlite" else ()
    found: dict[str, int | None] = {row[0]: row[1] for row in together}
    one_by_one = [name for name in names if name not in found]
    return found | {name: connection.execute(_LAST, {"name": name}).scalar_one_or_none() for name in one_by_one}


def _settled(connection: Connection, within: timedelta) -> dict[Outcome, int]:
    rows = connection.execute(_SETTLED, {"within": span_ms(within)})
    return {Outcome(outcome): int(count) for outcome, count in rows if outcome}


def _tries(connection: Connection) -> dict[str, Tried]:
    rows = connection.execute(_TRIES, {"within": span_ms(_HOUR)}).all()
    said = {row.id: row for row in connection.execute(_SAID, {"rows": [row[2] for row in rows]})} if rows else {}
    return {
        result: Tried(count=int(count), last_at=from_ms(last_at), said=_words(said[last]))
        for result, count, last, last_at in rows
    }


def _words(row: Any) -> str | None:
    return " ".join(part for part in (row.code, row.message) if part) or None
