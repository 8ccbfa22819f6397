"""What people ask for: submissions whole, counts, and how the sources and gates fare."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import bindparam, case, func, select, text

from watcher.errors import UsageError
from watcher.journal import gates
from watcher.journal.activity import read_activity
from watcher.journal.clock import from_ms, now_ms, to_ms
from watcher.journal.connection import Connection
from watcher.journal.counting import read_counts
from watcher.journal.database import Part, Work
from watcher.journal.deferred import Deferred
from watcher.journal.rows import health_of, submission_of
from watcher.journal.searching import page
from watcher.journal.tables import bookings, documents, invoices, notices, sources, submissions, tries
from watcher.model import (
    Activity,
    Backlog,
    Counts,
    Gate,
    Outcome,
    SourceHealth,
    Submission,
    SubmissionFilter,
    SubmissionPage,
    SubmissionState,
    WorkLeft,
)

CHUNK = 200  # submissions that are loaded together
_PREFIX = re.compile(r"[a-z2-7]{1,16}")

_DOCUMENTS = Deferred(
    lambda: (
        select(
            documents,
            bookings.c.biz_id,
            bookings.c.user_code,
            bookings.c.attempts,
            bookings.c.due_at,
            bookings.c.outcome.label("booking_outcome"),
        )
        .outerjoin(bookings, bookings.c.id == documents.c.booking)
        .where(documents.c.submission.in_(bindparam("rows", expanding=True)))
        .order_by(documents.c.id)
    )
)
_INVOICES = Deferred(
    lambda: select(invoices).where(invoices.c.booking.in_(bindparam("rows", expanding=True))).order_by(invoices.c.id)
)
_TRIES = Deferred(
    lambda: select(tries).where(tries.c.booking.in_(bindparam("rows", expanding=True))).order_by(tries.c.number)
)
_BY_PREFIX = Deferred(
    lambda: (
        select(submissions)
        .where(submissions.c.id >= bindparam("first"), submissions.c.id < bindparam("beyond"))
        .order_by(submissions.c.id)
        .limit(2)
    )
)

_HOLDER = Deferred(
    lambda: (
        select(submissions.c.id)
        .join(documents, documents.c.submission == submissions.c.seq)
        .where(documents.c.id == bindparam("document"))
    )
)
_BY_NUMBER = Deferred(
    lambda: (
        select(submissions)
        .where(submissions.c.seq.in_(bindparam("rows", expanding=True)))
        .order_by(submissions.c.seq.desc())
    )
)

# What is held waits for a person.
_TO_BE_RECOGNISED = Deferred(
    lambda: (
        select(func.count(), func.min(submissions.c.recorded_at))
        .select_from(documents)
        .join(submissions, submissions.c.seq == documents.c.submission)
        .where(text("documents.state = 'pending'"), submissions.c.state != SubmissionState.HELD.value)
    )
)
# Grouped by what no index is in the order of, lest SQLite walk all documents in that order.
_SETTLED_AS = Deferred(lambda: func.coalesce(documents.c.outcome, ""))
_SINCE = Deferred(
    lambda: (
        select(_SETTLED_AS(), func.count()).where(documents.c.settled_at >= bindparam("since")).group_by(_SETTLED_AS())
    )
)
_NOW = Deferred(lambda: select(now_ms()))
_SOURCES = Deferred(lambda: select(sources).order_by(sources.c.name))

# What is held waits for a person, not for us.
_LEFT = Deferred(
    lambda: (
        select(
            func.count(),
            func.min(case((bookings.c.claimed, 0), else_=bookings.c.due_at - now_ms())),
        )
        .select_from(documents)
        .join(submissions, submissions.c.seq == documents.c.submission)
        .join(bookings, bookings.c.id == documents.c.booking)
        .where(text("documents.state = 'pending'"), submissions.c.source.in_(bindparam("names", expanding=True)))
    )
)
_UNANSWERED = Deferred(
    lambda: select(
        func.count(), func.min(case((submissions.c.claimed, 0), else_=submissions.c.due_at - now_ms()))
    ).where(text("submissions.state = 'settled'"), submissions.c.source.in_(bindparam("names", expanding=True)))
)

_TELLING = Deferred(
    lambda: select(func.min(case((notices.c.claimed, 0), else_=notices.c.due_at - now_ms()))).where(
        text("notices.due_at IS NOT NULL"), notices.c.source.in_(bindparam("names", expanding=True))
    )
)
_RETURNING = Deferred(
    lambda: select(func.min(case((submissions.c.claimed, 0), else_=submissions.c.due_at - now_ms()))).where(
        text("submissions.state = 'open' AND submissions.due_at IS NOT NULL"),
        submissions.c.source.in_(bindparam("names", expanding=True)),
    )
)


class ReadingPart(Part):
    """Implements ReadingJournal."""

    def submissions(self, wanted: SubmissionFilter) -> Iterator[Submission]:
        """A page at a time, each from one consistent state: a slow reader holds nothing back."""
        left, below = wanted.limit, None
        while left is None or left > 0:
            whole, below = self._database.read(_pager(wanted, below, CHUNK if left is None else min(CHUNK, left)))
            yield from whole
            if below is None:
                return
            left = None if left is None else left - len(whole)

    def page(self, wanted: SubmissionFilter, *, below: int | None = None) -> SubmissionPage:
        size = CHUNK if wanted.limit is None else min(CHUNK, wanted.limit)
        whole, go_on_below = self._database.read(_pager(wanted, below, size))
        return SubmissionPage(submissions=tuple(whole), below=go_on_below)

    def submission(self, prefix: str) -> Submission:
        start = prefix.strip().lower()
        if not _PREFIX.fullmatch(start):
            raise UsageError(f"not the id of a submission: {prefix!r}")
        beyond = start[:-1] + chr(ord(start[-1]) + 1)

        def work(connection: Connection) -> list[Submission]:
            return load(connection, connection.execute(_BY_PREFIX, {"first": start, "beyond": beyond}).all())

        found = self._database.read(work)
        if not found:
            raise UsageError(f"there is no submission {start}")
        if len(found) > 1:
            raise UsageError(f"several submissions begin with {start}: write more of the id")
        return found[0]

    def holder(self, document: int) -> str | None:
        found = self._database.ask(_HOLDER, {"document": document}).first()
        return None if found is None else str(found.id)

    def counts(self) -> Counts:
        return self._database.read(read_counts)

    def source_health(self) -> list[SourceHealth]:
        return self._database.read(read_health)

    def gates(self) -> Mapping[str, Gate]:
        return self._database.read(gates.read_all)

    def work_left(self, sources: Sequence[str]) -> WorkLeft:
        names = {"names": list(sources)}

        def work(connection: Connection) -> WorkLeft:
            pending, next_due = connection.execute(_LEFT, names).one()
            unanswered, next_answer = connection.execute(_UNANSWERED, names).one()
            others = [connection.execute(each, names).scalar_one() for each in (_RETURNING, _TELLING)]
            return WorkLeft(
                pending=pending,
                next_due_in=_seconds(next_due),
                unanswered=unanswered,
                next_answer_in=_seconds(min((due for due in (next_answer, *others) if due is not None), default=None)),
            )

        return self._database.read(work)

    def outcomes_since(self, since: datetime) -> Mapping[Outcome, int]:
        def work(connection: Connection) -> dict[Outcome, int]:
            rows = connection.execute(_SINCE, {"since": to_ms(since)})
            return {Outcome(outcome): count for outcome, count in rows}

        return self._database.read(work)

    def pending(self) -> Backlog | None:
        count, oldest = self._database.read(lambda connection: tuple(connection.execute(_TO_BE_RECOGNISED).one()))
        return None if oldest is None else Backlog(count=count, oldest=from_ms(oldest))

    def activity(self, since: datetime, *, step: timedelta, steps: int) -> Activity:
        return self._database.read(lambda connection: read_activity(connection, since, step=step, steps=steps))

    def now(self) -> datetime:
        return from_ms(self._database.ask(_NOW).scalar_one())


def read_health(connection: Connection) -> list[SourceHealth]:
    """Of all sources, by name."""
    return [health_of(row) for row in connection.execute(_SOURCES)]


def load(
    connection: Connection, rows: Sequence[Any], *, with_tries: bool = True, tries_of_done: bool = True
) -> list[Submission]:
    """Submissions whole, in the order of their rows: four statements however many they are.

    `tries_of_done`: with the tries of what is done; nearly all is, and no answer tells of them.
    """
    if not rows:
        return []
    found = connection.execute(_DOCUMENTS, {"rows": [row.seq for row in rows]}).all()
    booked = sorted({row.booking for row in found if row.booking is not None})
    heard = connection.execute(_INVOICES, {"rows": booked}).all() if booked else []
    told = booked if tries_of_done else sorted({row.booking for row in found if _tells_of_tries(row)})
    tried = connection.execute(_TRIES, {"rows": told}).all() if told and with_tries else []
    by_submission, by_booking, tries_of = (
        _grouped(found, "submission"),
        _grouped(heard, "booking"),
        _grouped(tried, "booking"),
    )
    return [submission_of(row, by_submission.get(row.seq, []), by_booking, tries_of) for row in rows]


def _tells_of_tries(row: Any) -> bool:
    return row.booking is not None and row.outcome != Outcome.DONE


def _grouped(rows: Sequence[Any], column: str) -> dict[int, list[Any]]:
    groups: dict[int, list[Any]] = {}
    for row in rows:
        groups.setdefault(getattr(row, column), []).append(row)
    return groups


def _pager(wanted: SubmissionFilter, below: int | None, size: int) -> Work[tuple[list[Submission], int | None]]:
    """A read of one page: its submissions, and below which number the next one begins."""

    def work(connection: Connection) -> tuple[list[Submission], int | None]:
        numbers, go_on_below = page(connection.plain, wanted, below=below, size=size)
        rows = connection.execute(_BY_NUMBER, {"rows": numbers}).all() if numbers else []
        return load(connection, rows), go_on_below

    return work


def _seconds(milliseconds: int | None) -> float | None:
    return None if milliseconds is None else max(0, milliseconds) / 1000
