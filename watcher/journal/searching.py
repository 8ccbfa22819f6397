"""Which submissions a filter lets through, a page at a time, newest first: what is read grows with the page alone.

Databases that do not know how many rows a condition lets through choose among indexes blindly, and SQLite
never knows. So one condition of a filter leads, the one that surely lets few through or has an index in the
order that is wanted, and the others are written so that no index fits them.
"""

from __future__ import annotations

from collections.abc import Iterator
from enum import Enum
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Select,
    Text,
    exists,
    func,
    literal,
    literal_column,
    or_,
    select,
    text,
    union,
)

from watcher.journal.clock import to_ms
from watcher.journal.tables import documents, invoices, submissions
from watcher.model import SubmissionFilter, SubmissionState

FEW = 1000  # rows that may be read and sorted for each page
WINDOW = 20_000  # submissions that are searched in one transaction, so that a search holds nothing up for long
LEAST_EXACT = 8  # characters: the shortest invoice numbers
_ALL = 2**62  # beyond every number

_SOURCE: ColumnElement[str] = literal_column("(submissions.source || '')", Text)  # as its index has it


class _Lead(Enum):
    """The condition by which the database finds the page."""

    EXACT = "a whole number of an invoice or expense, or a whole id"
    SINCE = "received since: where these are few"
    SENDER = "one sender"
    STATE = "not closed: these are few"
    OUTCOME = "one outcome"
    SOURCE = "one source"
    ORDER = "none: all are walked, newest first"


def page(
    connection: Connection, wanted: SubmissionFilter, *, below: int | None, size: int
) -> tuple[list[int], int | None]:
    """The numbers (`seq`) of the next submissions below a number, and below which to go on; None: there are no more."""
    lead, term = _lead(connection, wanted), _term(wanted)
    if term is None or lead is _Lead.EXACT:
        found = list(connection.execute(_statement(wanted, lead, _ALL if below is None else below, size)).scalars())
        return found, found[-1] if len(found) == size else None
    top = below if below is not None else (connection.execute(select(func.max(submissions.c.seq))).scalar() or 0) + 1
    floor = top - WINDOW
    statement = _statement(wanted, lead, top, size).where(submissions.c.seq >= floor, _holding(term))
    found = list(connection.execute(statement).scalars())
    if len(found) == size:
        return found, found[-1]
    return found, floor if floor > 1 else None


def _lead(connection: Connection, wanted: SubmissionFilter) -> _Lead:
    term = _term(wanted)
    possible = (
        (_Lead.EXACT, term is not None and connection.execute(_exactly(term).limit(1)).first() is not None),
        (_Lead.SINCE, wanted.since is not None and connection.execute(_recent(to_ms(wanted.since))).scalar_one() < FEW),
        (_Lead.SENDER, wanted.sender is not None),
        (_Lead.STATE, wanted.state not in (None, SubmissionState.CLOSED)),
        (_Lead.OUTCOME, wanted.outcome is not None),
        (_Lead.SOURCE, wanted.source is not None),
    )
    return next((lead for lead, leads in possible if leads), _Lead.ORDER)


def _term(wanted: SubmissionFilter) -> str | None:
    return (wanted.search or "").strip() or None


def _recent(since: int) -> Select[Any]:
    some = select(literal(1)).where(submissions.c.received_at >= since).limit(FEW).subquery()
    return select(func.count()).select_from(some)


def _statement(wanted: SubmissionFilter, lead: _Lead, below: int, size: int) -> Select[Any]:
    number: ColumnElement[int] = submissions.c.seq
    if lead is _Lead.OUTCOME and wanted.outcome is not None:
        number = documents.c.submission
        statement = select(number).distinct().join(submissions, submissions.c.seq == number)
        statement = statement.where(documents.c.outcome == wanted.outcome.value, number < below)
    else:
        statement = select(number)
        number = _unindexed_number(number) if lead in (_Lead.SINCE, _Lead.STATE) else number
        statement = statement.where(number < below)
    return statement.where(*_conditions(wanted, lead)).order_by(number.desc()).limit(size)


def _conditions(wanted: SubmissionFilter, lead: _Lead) -> Iterator[ColumnElement[bool]]:
    if lead is _Lead.EXACT:
        yield submissions.c.seq.in_(_exactly(_term(wanted) or ""))
    if wanted.since is not None:
        received_at = submissions.c.received_at
        yield (received_at if lead is _Lead.SINCE else _unindexed_number(received_at)) >= to_ms(wanted.since)
    if wanted.sender is not None:
        sender = submissions.c.sender
        yield func.lower(sender if lead is _Lead.SENDER else _unindexed(sender)) == wanted.sender.lower()
    if wanted.state is not None:
        yield _unindexed(submissions.c.state) == wanted.state.value if lead is not _Lead.STATE else _unclosed(wanted)
    if wanted.outcome is not None and lead is not _Lead.OUTCOME:
        yield exists().where(documents.c.submission == submissions.c.seq, documents.c.outcome == wanted.outcome.value)
    if wanted.source is not None:
        yield (_SOURCE if lead is _Lead.SOURCE else submissions.c.source) == wanted.source


def _unclosed(wanted: SubmissionFilter) -> ColumnElement[bool]:
    """With the words of the partial index."""
    return (submissions.c.state == wanted.state) & text("submissions.state <> 'closed'")


def _unindexed(column: ColumnElement[Any]) -> ColumnElement[Any]:
    return column.concat("")


def _unindexed_number(column: ColumnElement[Any]) -> ColumnElement[Any]:
    return column + 0


def _exactly(term: str) -> Select[Any]:
    """The submissions with the invoice or expense of just this number, or with just this id; none for short terms."""
    if len(term) < LEAST_EXACT:
        return select(submissions.c.seq).where(literal(0) == 1)
    found = union(
        select(invoices.c.booking).where(invoices.c.number == term),
        select(invoices.c.booking).where(invoices.c.expense_id == term),
    ).subquery()
    theirs = select(documents.c.submission).join(found, found.c.booking == documents.c.booking)
    return select(union(theirs, select(submissions.c.seq).where(submissions.c.id == term.lower())).subquery().c[0])


def _holding(term: str) -> ColumnElement[bool]:
    """The term anywhere in what people know a submission by, whatever its case; or the begin of its id.

    An OFFSET is a fence to PostgreSQL: each submission has its documents looked up by index, until the page is full.
    Without it all invoices were read and hashed first, a million of them for a page of one.
    """
    own = (submissions.c.sender, submissions.c.subject, submissions.c.path, submissions.c.user_code)
    booked = (invoices.c.number, invoices.c.expense_id, invoices.c.seller_name)
    theirs = (
        select(literal(1))
        .select_from(documents.outerjoin(invoices, invoices.c.booking == documents.c.booking))
        .where(
            documents.c.submission == submissions.c.seq,
            or_(_has(documents.c.name, term), *(_has(column, term) for column in booked)),
        )
        .correlate(submissions)
        .offset(0)
        .exists()
    )
    begin = submissions.c.id.startswith(term.lower(), autoescape=True)
    return or_(begin, *(_has(column, term) for column in own), theirs)


def _has(column: ColumnElement[Any], term: str) -> ColumnElement[bool]:
    return column.icontains(term, autoescape=True)
