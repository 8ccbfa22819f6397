"""Step 3's side of the journal: claims of settled submissions, and how far their answers have come."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from sqlalchemy import Boolean, Update, bindparam, case, false, func, null, select, text, true, update

from watcher.journal.acknowledging import ACKNOWLEDGEMENT_DUE, patience
from watcher.journal.claims import claim, claiming, fence, fenced, not_left_alone
from watcher.journal.clock import FOREVER_MS, now_ms, span_ms
from watcher.journal.connection import Connection
from watcher.journal.database import Database, Part
from watcher.journal.deferred import Deferred
from watcher.journal.notices import note_sent
from watcher.journal.reading import load
from watcher.journal.tables import identities, notices, submissions
from watcher.journal.text_types import Words
from watcher.model import (
    AnswerStep,
    Claim,
    ClaimedAnswer,
    Closed,
    Planned,
    Reason,
    SubmissionState,
    answering,
)

_CLAIM = Deferred(lambda: claiming(submissions, waiting="state = 'settled'", narrowed=["source"]))
_PLAN = Deferred(
    lambda: fenced(submissions, state="settled").values(
        target=bindparam("to"), replied=case((bindparam("answered") == 1, true()), else_=submissions.c.replied)
    )
)
_SAID = Deferred(lambda: bindparam("said", type_=Words))
# Why its sender was not believed stays to be read.
_TURNED_AWAY = Deferred(
    lambda: submissions.c.reason.in_([reason.value for reason in Reason if reason.is_of_the_sender])
)
_CLOSE = Deferred(
    lambda: fenced(submissions, state="settled").values(
        state=SubmissionState.CLOSED.value,
        answered_at=now_ms(),
        answer_number=submissions.c.answer_number + 1,
        moved_to=case((bindparam("moved") == 1, submissions.c.target), else_=submissions.c.moved_to),
        remark=case((_TURNED_AWAY(), func.coalesce(_SAID(), submissions.c.remark)), else_=_SAID()),
        target=null(),
        replied=false(),
        unacknowledged_since=null(),
        due_at=null(),
        claimed=false(),
    )
)
_CLOSED_BY = Deferred(
    lambda: (
        select(submissions.c.seq)
        .where(submissions.c.seq == bindparam("row"), submissions.c.claim == bindparam("mine"))
        .where(text("submissions.state = 'closed'"))
    )
)
_STAYS = Deferred(
    lambda: (
        update(identities)
        .where(identities.c.key == bindparam("of"), identities.c.submission == bindparam("name"))
        .where(identities.c.stays != bindparam("still", type_=Boolean))  # else a page is written for nothing
        .values(stays=bindparam("still"))
    )
)
_POSTPONE = Deferred(
    lambda: (
        fenced(submissions)
        .where(text("submissions.state IN ('settled', 'open')"))
        .values(
            due_at=now_ms() + bindparam("due_in"),
            remark=bindparam("said"),
            claimed=false(),
            claim=submissions.c.claim + 1,
        )
    )
)
_HASTEN = Deferred(
    lambda: (
        update(submissions)
        .where(
            text("submissions.state = 'settled'"),
            submissions.c.source == bindparam("of"),
            ~submissions.c.claimed,
            submissions.c.due_at > now_ms(),
        )
        .values(due_at=now_ms())
    )
)
_SETTLED_DUE = Deferred(
    lambda: select(func.min(submissions.c.due_at)).where(
        text("submissions.state = 'settled'"), submissions.c.source == bindparam("of"), not_left_alone(submissions)
    )
)
_RETURN_DUE = Deferred(
    lambda: select(func.min(submissions.c.due_at)).where(
        text("submissions.state = 'open' AND submissions.due_at IS NOT NULL"),
        submissions.c.source == bindparam("of"),
        not_left_alone(submissions),
    )
)
_NOTICE_DUE = Deferred(
    lambda: select(func.min(notices.c.due_at)).where(
        text("notices.due_at IS NOT NULL"), notices.c.source == bindparam("of"), not_left_alone(notices)
    )
)
_NEXT = Deferred(
    lambda: select(
        _SETTLED_DUE().scalar_subquery(),
        _RETURN_DUE().scalar_subquery(),
        _NOTICE_DUE().scalar_subquery(),
        ACKNOWLEDGEMENT_DUE().scalar_subquery(),
        now_ms(),
    )
)


class AnswerPart(Part):
    """Implements what AnswerJournal has on answers."""

    def claim_answers(self, source: str, *, limit: int, hold: timedelta) -> list[ClaimedAnswer]:
        return claimed_answers(self._database, _CLAIM, source, limit=limit, hold=hold)

    def note_answers(self, steps: Sequence[tuple[ClaimedAnswer, AnswerStep]]) -> list[bool]:
        return self._database.write(lambda connection: _noted(connection, steps))

    def postpone_answer(self, claimed: ClaimedAnswer, due_in: timedelta, remark: str) -> None:
        values = {**fence(claimed.claim), "due_in": span_ms(due_in), "said": remark}
        self._database.write(
            lambda connection: connection.execute(_POSTPONE, values) and None, news=answering(claimed.submission.source)
        )

    def hasten_answers(self, source: str) -> None:
        self._database.write(
            lambda connection: connection.execute(_HASTEN, {"of": source}) and None, news=answering(source)
        )

    def next_answer_in(self, source: str, *, acknowledge_after: timedelta | None = None) -> float | None:
        until = FOREVER_MS if self._database.takes_over() else 0
        values = {"of": source, "take_over_until": until, **patience(acknowledge_after)}
        *due, now = self._database.ask(_NEXT, values).one()
        first = min((moment for moment in due if moment is not None), default=None)
        return None if first is None else max(0, first - now) / 1000


def claimed_answers(
    database: Database, statement: Deferred[Update], source: str, *, limit: int, hold: timedelta
) -> list[ClaimedAnswer]:
    """Claim submissions by this statement, and load them."""

    def work(connection: Connection) -> list[ClaimedAnswer]:
        rows = claim(connection, statement, hold=span_ms(hold), limit=limit, source=source)
        whole = load(connection, rows, tries_of_done=False)
        return [_claimed(row, submission) for row, submission in zip(rows, whole, strict=True)]

    return database.write(work, repeatable=False) if limit > 0 else []


def _noted(connection: Connection, steps: Sequence[tuple[ClaimedAnswer, AnswerStep]]) -> list[bool]:
    """Whether each was still held. Nearly always all are, which one count of all that was written tells."""
    planned = [_planned(claimed, step) for claimed, step in steps if isinstance(step, Planned)]
    closed = [_closed(claimed, step) for claimed, step in steps if isinstance(step, Closed)]
    written = connection.execute(_PLAN, planned).rowcount + connection.execute(_CLOSE, closed).rowcount
    held = [True] * len(steps) if written == len(steps) else [_is_noted(connection, *each) for each in steps]
    stay = [
        {"of": claimed.submission.key, "name": claimed.submission.id, "still": not step.moved}
        for (claimed, step), mine in zip(steps, held, strict=True)
        if mine and isinstance(step, Closed)
    ]
    connection.execute(_STAYS, stay)
    for (claimed, step), mine in zip(steps, held, strict=True):
        if mine and isinstance(step, Planned) and step.replied:
            note_sent(connection, claimed.submission.reply_to)
    return held


def _planned(claimed: ClaimedAnswer, step: Planned) -> dict[str, Any]:
    return {**fence(claimed.claim), "to": step.target, "answered": int(step.replied)}


def _closed(claimed: ClaimedAnswer, step: Closed) -> dict[str, Any]:
    return {**fence(claimed.claim), "moved": int(step.moved), "said": step.remark}


def _is_noted(connection: Connection, claimed: ClaimedAnswer, step: AnswerStep) -> bool:
    """Asked of each by itself, after the writes: a plan can be written again, and what is closed tells under whom.

    It may have been closed before: the reply to COMMIT was lost then, not the claim.
    """
    if isinstance(step, Planned):
        return connection.execute(_PLAN, _planned(claimed, step)).rowcount == 1
    return connection.execute(_CLOSED_BY, fence(claimed.claim)).first() is not None


def _claimed(row: Any, submission: Any) -> ClaimedAnswer:
    return ClaimedAnswer(
        claim=Claim(row=str(row.seq), number=row.claim),
        submission=submission,
        number=row.answer_number + 1,
        target=row.target,
        replied=row.replied,
    )
