"""Mails that were held for their sender and that a person lets in: they wait until their source has them read again."""

from __future__ import annotations

from sqlalchemy import bindparam, case, false, func, null, select, text, true, update

from watcher.errors import UsageError
from watcher.journal.clock import now_ms
from watcher.journal.connection import Connection
from watcher.journal.database import Database
from watcher.journal.deferred import Deferred
from watcher.journal.tables import submissions
from watcher.model import Reason, SubmissionState

_HELD = Deferred(
    lambda: (
        select(submissions.c.state, submissions.c.reason, submissions.c.user_code)
        .where(submissions.c.id == bindparam("name"))
        .with_for_update()
    )
)
_SAID = "released; it is taken in from where it lies"
_OTHER = Deferred(
    lambda: submissions.c.user_code.is_distinct_from(bindparam("code", type_=submissions.c.user_code.type))
)
_LET_IN = Deferred(
    lambda: (
        update(submissions)
        .where(submissions.c.id == bindparam("name"))
        .values(
            state=SubmissionState.OPEN.value,
            reason=null(),
            remark=_SAID,
            held_at=null(),
            released=true(),
            let_in_at=now_ms(),
            let_in_despite=submissions.c.reason + ": " + func.coalesce(submissions.c.remark, ""),
            due_at=null(),
            claimed=false(),
            claim=submissions.c.claim + 1,
            user_code=bindparam("code"),
            person_name=case((_OTHER(), null()), else_=submissions.c.person_name),
            language=case((_OTHER(), null()), else_=submissions.c.language),
        )
    )
)
_RELEASED = Deferred(lambda: select(submissions.c.id, submissions.c.source).where(text("released")))


def let_in(connection: Connection, submission: str, user_code: str | None) -> str:
    """See `ports.IntakeJournal.let_in`."""
    row = connection.execute(_HELD, {"name": submission}).first()
    if row is None:
        raise UsageError(f"there is no submission {submission}")
    if row.state != SubmissionState.HELD or row.reason == Reason.IN_DOUBT:
        raise UsageError(f"{submission} is not held for its sender")
    code = user_code or row.user_code
    if code is None:
        raise UsageError(f"{submission}: nobody knows whose it is: say for whom, with --user-code CODE")
    connection.execute(_LET_IN, {"name": submission, "code": code})
    return str(code)


def released(database: Database) -> dict[str, str]:
    """The ids of those that wait, and their sources."""
    return {row.id: row.source for row in database.ask(_RELEASED)}
