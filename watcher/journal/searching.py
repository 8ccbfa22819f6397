"""Which submissions a filter lets through, as SQL."""

from __future__ import annotations

from typing import Any

from sqlalchemy import ColumnElement, Select, func, or_, select

from watcher.journal.clock import to_ms
from watcher.journal.tables import documents, invoices, submissions
from watcher.model import SubmissionFilter


def narrowed(statement: Select[Any], wanted: SubmissionFilter) -> Select[Any]:
    """The statement with every condition that the filter names."""
    return statement.where(*_conditions(wanted))


def _conditions(wanted: SubmissionFilter) -> list[ColumnElement[bool]]:
    conditions: list[ColumnElement[bool]] = []
    if wanted.state is not None:
        conditions.append(submissions.c.state == wanted.state.value)
    if wanted.outcome is not None:
        ended = select(documents.c.submission).where(documents.c.outcome == wanted.outcome.value)
        conditions.append(submissions.c.seq.in_(ended))
    if wanted.source is not None:
        conditions.append(submissions.c.source == wanted.source)
    if wanted.sender is not None:
        conditions.append(func.lower(submissions.c.sender) == wanted.sender.lower())
    if wanted.since is not None:
        conditions.append(submissions.c.received_at >= to_ms(wanted.since))
    if wanted.search is not None and wanted.search.strip():
        conditions.append(_search(wanted.search.strip()))
    return conditions


def _search(term: str) -> ColumnElement[bool]:
    """The term anywhere in what people know a submission by, whatever its case; or the begin of its id."""
    own = (submissions.c.sender, submissions.c.subject, submissions.c.path, submissions.c.user_code)
    named = select(documents.c.submission).where(_holds(documents.c.name, term))
    invoiced = (
        select(documents.c.submission)
        .join(invoices, invoices.c.booking == documents.c.booking)
        .where(
            or_(
                *(_holds(column, term) for column in (invoices.c.number, invoices.c.expense_id, invoices.c.seller_name))
            )
        )
    )
    return or_(
        submissions.c.id.startswith(term.lower(), autoescape=True),
        *(_holds(column, term) for column in own),
        submissions.c.seq.in_(named),
        submissions.c.seq.in_(invoiced),
    )


def _holds(column: ColumnElement[Any], term: str) -> ColumnElement[bool]:
    return column.icontains(term, autoescape=True)
