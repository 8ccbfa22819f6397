"""Mails whose senders have heard nothing for too long: each becomes a notice, once."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from datetime import timedelta
from typing import Any

from sqlalchemy import BigInteger, bindparam, exists, func, insert, null, select, text, update

from watcher.journal.clock import now_ms, span_ms
from watcher.journal.connection import Connection
from watcher.journal.deferred import Deferred
from watcher.journal.reading import load
from watcher.journal.tables import notices, submissions
from watcher.model import Submission

# Literal, as the partial index has it.
_UNHEARD = Deferred(
    lambda: text("submissions.unacknowledged_since IS NOT NULL AND submissions.state IN ('open', 'held')")
)
_OF_SOURCE = Deferred(lambda: submissions.c.source == bindparam("of"))
_PATIENCE = Deferred(lambda: bindparam("patience", type_=BigInteger))  # null: for ever, and nothing compares with it
_OVERDUE = Deferred(lambda: submissions.c.unacknowledged_since <= now_ms() - _PATIENCE())

# For `next_answer_in`: when the next one has waited long enough.
ACKNOWLEDGEMENT_DUE = Deferred(
    lambda: select(func.min(submissions.c.unacknowledged_since) + _PATIENCE()).where(_UNHEARD(), _OF_SOURCE())
)
ANY_OVERDUE = Deferred(lambda: exists().where(_UNHEARD(), _OF_SOURCE(), _OVERDUE()))
_CHOSEN = Deferred(
    lambda: (
        select(submissions.c.seq)
        .where(_UNHEARD(), _OF_SOURCE(), _OVERDUE())
        .order_by(submissions.c.unacknowledged_since)
        .limit(bindparam("limit"))
        .with_for_update(skip_locked=True)
        .cte("chosen")
    )
)
_TAKE = Deferred(
    lambda: (
        update(submissions)
        .where(submissions.c.seq.in_(select(_CHOSEN().c.seq)))
        .values(unacknowledged_since=null())
        .returning(submissions.c.id, submissions.c.source)
    )
)
_ADD = Deferred(lambda: insert(notices).values(created_at=now_ms(), due_at=now_ms()))
_KEY = "acknowledges"
_BY_ID = Deferred(lambda: select(submissions).where(submissions.c.id.in_(bindparam("names", expanding=True))))


def patience(acknowledge_after: timedelta | None) -> dict[str, int | None]:
    """The value that the statements above want, beside the source."""
    return {"patience": None if acknowledge_after is None else span_ms(acknowledge_after)}


def enqueue(connection: Connection, source: str, acknowledge_after: timedelta, limit: int) -> None:
    """Make notices of up to so many mails that have waited that long; no mail is found a second time."""
    for row in connection.execute(_TAKE, {"of": source, "limit": limit, **patience(acknowledge_after)}).all():
        _add(connection, row)


def _add(connection: Connection, row: Any) -> None:
    values = {"source": row.source, "concerns": f"submission {row.id}", "content": json.dumps({_KEY: row.id})}
    connection.execute(_ADD, values)


def named_in(content: Mapping[str, Any]) -> str | None:
    """The submission that a notice acknowledges; None: it is another notice."""
    return content.get(_KEY)


def whole(connection: Connection, names: Iterable[str]) -> dict[str, Submission]:
    """Submissions by id; what retention has deleted is missing."""
    wanted = list(names)
    rows = connection.execute(_BY_ID, {"names": wanted}).all() if wanted else []
    return {submission.id: submission for submission in load(connection, rows)}
