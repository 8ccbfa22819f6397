"""How many documents came and went of late, in steps of equal length."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import BigInteger, Select, and_, bindparam, case, func, select, text

from watcher.journal.clock import span_ms, to_ms
from watcher.journal.connection import Connection
from watcher.journal.deferred import Deferred
from watcher.journal.tables import documents, submissions
from watcher.model import Activity, Outcome, SubmissionState

_BEFORE = -1  # the step of all that lies before the first


def _step_of(column: Any) -> Any:
    since, step = bindparam("since", type_=BigInteger), bindparam("step", type_=BigInteger)
    return case((column < since, _BEFORE), else_=(column - since) // step)


_LATE = Deferred(lambda: documents.c.settled_at >= bindparam("since", type_=BigInteger))
_PENDING = Deferred(
    lambda: and_(text("documents.state = 'pending'"), submissions.c.state != SubmissionState.HELD.value)
)
_SETTLED = Deferred(
    lambda: (
        select(_step_of(documents.c.settled_at), documents.c.outcome, func.count())
        .where(_LATE())
        .group_by(text("1, 2"))
    )
)


def _recorded(which: Any) -> Select[Any]:
    """Two statements, and not one with OR: each has its index."""
    return (
        select(_step_of(submissions.c.recorded_at), func.count())
        .select_from(documents)
        .join(submissions, submissions.c.seq == documents.c.submission)
        .where(which)
        .group_by(text("1"))
    )


_RECORDED = (Deferred(lambda: _recorded(_LATE())), Deferred(lambda: _recorded(_PENDING())))


def read_activity(connection: Connection, since: datetime, *, step: timedelta, steps: int) -> Activity:
    """As ReadingJournal.activity has it. What is later than the last step, by a clock that was set, counts to it."""
    values = {"since": to_ms(since), "step": span_ms(step)}
    recorded, before = [0] * steps, 0
    for statement in _RECORDED:
        for number, count in connection.execute(statement, values):
            if number == _BEFORE:
                before += count
            else:
                recorded[min(int(number), steps - 1)] += count
    settled: list[dict[Outcome, int]] = [{} for _ in range(steps)]
    for number, outcome, count in connection.execute(_SETTLED, values):
        within = settled[min(int(number), steps - 1)]
        within[Outcome(outcome)] = within.get(Outcome(outcome), 0) + count
    return Activity(before=before, recorded=tuple(recorded), settled=tuple(settled))
