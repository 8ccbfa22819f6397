"""Who looks after which source, and how the sources fare."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from sqlalchemy import bindparam, case, delete, false, insert, or_, select, update

from watcher.journal.claims import claim, claiming, fenced
from watcher.journal.clock import now_ms, span_ms
from watcher.journal.connection import Connection
from watcher.journal.counting import fold_totals
from watcher.journal.database import Part
from watcher.journal.deferred import Deferred
from watcher.journal.notices import forget_old
from watcher.journal.releasing import released
from watcher.journal.tables import sources, submissions
from watcher.model import Claim, Kind

_NAMES = Deferred(lambda: select(sources.c.name, sources.c.kind))
_ADD = Deferred(lambda: insert(sources).values(due_at=now_ms()))
_SET_KIND = Deferred(lambda: update(sources).where(sources.c.name == bindparam("of")).values(kind=bindparam("to")))
_CLAIM = Deferred(lambda: claiming(sources, waiting="due_at IS NOT NULL", narrowed=["name"]))
_RELEASE = Deferred(lambda: fenced(sources).values(due_at=now_ms(), claimed=false(), claim=sources.c.claim + 1))
# Nothing is written where nothing is new: a round that finds all as it was costs no disk write.
_REPORT = Deferred(
    lambda: (
        update(sources)
        .where(
            sources.c.name == bindparam("of"),
            or_(
                sources.c.up.is_distinct_from(bindparam("now_up", type_=sources.c.up.type)),
                sources.c.message.is_distinct_from(bindparam("said", type_=sources.c.message.type)),
                sources.c.left_alone != bindparam("left"),
                sources.c.surplus != bindparam("too_many"),
            ),
        )
        .values(
            since=case(
                (sources.c.up.is_distinct_from(bindparam("now_up", type_=sources.c.up.type)), now_ms()),
                else_=sources.c.since,
            ),
            up=bindparam("now_up"),
            message=bindparam("said"),
            left_alone=bindparam("left"),
            surplus=bindparam("too_many"),
        )
    )
)

FORGOTTEN_AT_ONCE = 500
_OLD = Deferred(
    lambda: (
        select(submissions.c.seq)
        .where(submissions.c.answered_at < now_ms() - bindparam("closed_for"), submissions.c.state == "closed")
        .order_by(submissions.c.answered_at)
        .limit(FORGOTTEN_AT_ONCE)
        # Locked, so that none is deleted which somebody has just let be tried again; another node takes others.
        .with_for_update(skip_locked=True)
    )
)
_FORGET = Deferred(lambda: delete(submissions).where(submissions.c.seq.in_(bindparam("rows", expanding=True))))


class TendingPart(Part):
    """Implements TendingJournal."""

    def register_sources(self, sources: Mapping[str, Kind]) -> None:
        self._database.write(lambda connection: _register(connection, sources))

    def claim_source(self, name: str, hold: timedelta) -> Claim | None:
        def work(connection: Connection) -> list[Any]:
            rows = claim(connection, _CLAIM, hold=span_ms(hold), name=name)
            if rows:  # each minute or so, for as long as documents may come
                fold_totals(connection)
            return rows

        rows = self._database.write(work, repeatable=False)
        return Claim(row=name, number=rows[0].claim) if rows else None

    def release_source(self, claim: Claim) -> None:
        fence = {"row": claim.row, "mine": claim.number}
        self._database.write(lambda connection: connection.execute(_RELEASE, fence) and None)

    def report_source(
        self, name: str, *, up: bool, message: str | None = None, left_alone: int = 0, surplus: int = 0
    ) -> None:
        def work(connection: Connection) -> None:
            if name not in _known(connection):
                connection.execute(_ADD, {"name": name})
            told = {"now_up": up, "said": message, "left": left_alone, "too_many": surplus}
            connection.execute(_REPORT, {"of": name, **told})

        self._database.write(work)

    def released(self) -> Mapping[str, str]:
        return released(self._database)

    def forget(self, closed_for: timedelta) -> int:
        def work(connection: Connection) -> int:
            old = connection.execute(_OLD, {"closed_for": span_ms(closed_for)}).scalars()
            if old:
                connection.execute(_FORGET, {"rows": old})
            else:
                forget_old(connection)
            fold_totals(connection)
            return len(old)

        return self._database.write(work)


def _known(connection: Connection) -> dict[str, str | None]:
    return {row.name: row.kind for row in connection.execute(_NAMES)}


def _register(connection: Connection, wanted: Mapping[str, Kind]) -> None:
    known = _known(connection)
    connection.execute(_ADD, [{"name": name, "kind": kind.value} for name, kind in wanted.items() if name not in known])
    for name, kind in wanted.items():
        if known.get(name, kind.value) != kind.value:
            connection.execute(_SET_KIND, {"of": name, "to": kind.value})
