"""How much somebody has submitted and was sent of late, and what they are told before there is an answer."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from msgspec.structs import asdict
from sqlalchemy import (
    Column,
    ColumnElement,
    and_,
    bindparam,
    delete,
    exists,
    false,
    func,
    insert,
    literal,
    null,
    select,
    text,
)

from watcher.journal.acknowledging import ANY_OVERDUE, enqueue, named_in, patience, whole
from watcher.journal.claims import claim, claiming, fence, fenced
from watcher.journal.clock import now_ms, span_ms
from watcher.journal.connection import Connection
from watcher.journal.database import Part
from watcher.journal.deferred import Deferred
from watcher.journal.rows import thread_of
from watcher.journal.tables import notices, sent, submissions
from watcher.model import ANYTHING, Acknowledgement, Claim, ClaimedNotice, Notice, Spent, Submission, Thread, answering


def _within(column: Column[Any]) -> ColumnElement[bool]:
    """Of late; what is still to come is from a clock that was set back since, and would count for as long as that."""
    return and_(column > now_ms() - bindparam("within"), column <= now_ms())


_SPENT = Deferred(
    lambda: select(
        func.count(), func.coalesce(func.sum(submissions.c.size), 0), now_ms() - func.min(submissions.c.recorded_at)
    ).where(
        text("counts_as IS NOT NULL"),
        submissions.c.counts_as == bindparam("whose"),
        _within(submissions.c.recorded_at),
        submissions.c.source == bindparam("of"),
    )
)
_SENT = Deferred(
    lambda: select(func.count(), literal(0), now_ms() - func.min(sent.c.sent_at)).where(
        sent.c.recipient == bindparam("whose"), _within(sent.c.sent_at)
    )
)
_ADD_SENT = Deferred(lambda: insert(sent).values(sent_at=now_ms()))

_WAS_TOLD = Deferred(
    lambda: select(
        exists().where(
            notices.c.source == bindparam("of"),
            notices.c.concerns == bindparam("whom"),
            _within(notices.c.created_at),
        )
    )
)
_TELL = Deferred(lambda: insert(notices).values(created_at=now_ms(), due_at=now_ms()))
_ANY_DUE = Deferred(
    lambda: select(
        exists().where(
            text("notices.due_at IS NOT NULL"), notices.c.source == bindparam("of"), notices.c.due_at <= now_ms()
        ),
        ANY_OVERDUE(),
    )
)
_CLAIM = Deferred(lambda: claiming(notices, waiting="due_at IS NOT NULL", narrowed=["source"]))
_END = Deferred(lambda: fenced(notices).values(due_at=null(), claimed=false()))
_POSTPONE = Deferred(
    lambda: fenced(notices).values(due_at=now_ms() + bindparam("due_in"), claimed=false(), claim=notices.c.claim + 1)
)

_FORGET = Deferred(lambda: delete(notices).where(notices.c.id == bindparam("row")))

_KEPT_MS = span_ms(timedelta(days=2))  # longer than anybody asks about
_OLD_SENT = Deferred(lambda: delete(sent).where(sent.c.sent_at < now_ms() - _KEPT_MS))
_OLD_NOTICES = Deferred(
    lambda: delete(notices).where(text("due_at IS NULL"), notices.c.created_at < now_ms() - _KEPT_MS)
)


class NoticePart(Part):
    """Implements what IntakeJournal and AnswerJournal have on allowances and notices."""

    def spent(self, source: str, counts_as: str, within: timedelta) -> Spent:
        values = {"of": source, "whose": counts_as, "within": span_ms(within)}
        return _spent(self._database.ask(_SPENT, values).one())

    def sent_to(self, recipient: str, within: timedelta) -> Spent:
        values = {"whose": recipient.lower(), "within": span_ms(within)}
        return _spent(self._database.ask(_SENT, values).one())

    def tell(self, notice: Notice, *, once_in: timedelta) -> bool:
        told = {"of": notice.source, "whom": notice.concerns, "within": span_ms(once_in)}
        content = json.dumps(asdict(notice), ensure_ascii=False, default=_plain)

        def work(connection: Connection) -> bool:
            if connection.execute(_WAS_TOLD, told).scalar_one():
                return False
            values = {"source": notice.source, "concerns": notice.concerns, "content": content}
            connection.execute(_TELL, values)
            return True

        return self._database.write(work, news=answering(notice.source))

    def claim_notices(
        self, source: str, *, limit: int, hold: timedelta, acknowledge_after: timedelta | None = None
    ) -> list[ClaimedNotice]:
        """Asks before it claims: there hardly ever is one, and whoever answers asks often."""
        asked = {"of": source, **patience(acknowledge_after)}
        due, overdue = self._database.ask(_ANY_DUE, asked).one()
        if not due and not overdue:
            return []

        def work(connection: Connection) -> list[ClaimedNotice]:
            if overdue and acknowledge_after is not None:
                enqueue(connection, source, acknowledge_after, limit)
            return _claimed(connection, claim(connection, _CLAIM, hold=span_ms(hold), limit=limit, source=source))

        return self._database.write(work, repeatable=False)

    def end_notice(self, claimed: ClaimedNotice, *, sent: bool) -> None:
        def work(connection: Connection) -> None:
            ended = connection.execute(_END, fence(claimed.claim)).rowcount == 1
            if ended and sent:
                note_sent(connection, claimed.notice.thread.reply_to)

        self._database.write(work)

    def postpone_notice(self, claimed: ClaimedNotice, due_in: timedelta) -> None:
        values = {**fence(claimed.claim), "due_in": span_ms(due_in)}
        self._database.write(lambda connection: connection.execute(_POSTPONE, values) and None, news=ANYTHING)


def note_sent(connection: Connection, recipient: str | None) -> None:
    """Somebody was sent a mail just now."""
    if recipient is not None:
        connection.execute(_ADD_SENT, {"recipient": recipient.lower()})


def forget_old(connection: Connection) -> None:
    """What no limit asks about any more."""
    connection.execute(_OLD_SENT)
    connection.execute(_OLD_NOTICES)


def _spent(row: Any) -> Spent:
    count, size, ago = row
    return Spent(count=count, bytes=int(size), ago=None if ago is None else timedelta(milliseconds=ago))


def _claimed(connection: Connection, rows: Sequence[Any]) -> list[ClaimedNotice]:
    contents = [json.loads(row.content) for row in rows]
    acknowledged = whole(connection, [name for content in contents if (name := named_in(content)) is not None])
    found = []
    for row, content in zip(rows, contents, strict=True):
        notice = _notice(content, acknowledged)
        if notice is None:  # retention has deleted what it was about
            connection.execute(_FORGET, {"row": row.id})
            continue
        name, mine = f"notice-{row.id}-{row.created_at}", Claim(row=str(row.id), number=row.claim)
        found.append(ClaimedNotice(claim=mine, name=name, notice=notice))
    return found


def _plain(value: Thread | datetime) -> object:
    return value.isoformat() if isinstance(value, datetime) else asdict(value)


def _notice(content: dict[str, Any], acknowledged: Mapping[str, Submission]) -> Notice | Acknowledgement | None:
    if (name := named_in(content)) is not None:
        return Acknowledgement(submission=acknowledged[name]) if name in acknowledged else None
    times = {name: datetime.fromisoformat(content[name]) for name in ("received_at", "resumes_at")}
    return Notice(**{**content, **times, "thread": thread_of(content["thread"])})
