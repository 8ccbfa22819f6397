"""How much somebody has submitted and was sent of late, and what they are told before there is an answer."""

from __future__ import annotations

import json
from dataclasses import asdict
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, bindparam, delete, exists, false, func, insert, literal, null, select, text

from watcher.journal.claims import claim, claiming, fence, fenced
from watcher.journal.clock import now_ms, span_ms
from watcher.journal.database import Part
from watcher.journal.rows import thread_of
from watcher.journal.tables import notices, sent, submissions
from watcher.model import Claim, ClaimedNotice, Notice, Spent

_SPENT = select(
    func.count(), func.coalesce(func.sum(submissions.c.size), 0), now_ms() - func.min(submissions.c.recorded_at)
).where(
    text("counts_as IS NOT NULL"),
    submissions.c.counts_as == bindparam("whose"),
    submissions.c.recorded_at > now_ms() - bindparam("within"),
    submissions.c.source == bindparam("of"),
)
_SENT = select(func.count(), literal(0), now_ms() - func.min(sent.c.sent_at)).where(
    sent.c.recipient == bindparam("whose"), sent.c.sent_at > now_ms() - bindparam("within")
)
_ADD_SENT = insert(sent).values(sent_at=now_ms())

_WAS_TOLD = select(
    exists().where(
        notices.c.source == bindparam("of"),
        notices.c.concerns == bindparam("whom"),
        notices.c.created_at > now_ms() - bindparam("within"),
    )
)
_TELL = insert(notices).values(created_at=now_ms(), due_at=now_ms())
_ANY_DUE = select(
    exists().where(text("due_at IS NOT NULL"), notices.c.source == bindparam("of"), notices.c.due_at <= now_ms())
)
_CLAIM = claiming(notices, waiting="due_at IS NOT NULL", narrowed=["source"])
_END = fenced(notices).values(due_at=null(), claimed=false())
_POSTPONE = fenced(notices).values(due_at=now_ms() + bindparam("due_in"), claimed=false(), claim=notices.c.claim + 1)

_KEPT_MS = span_ms(timedelta(days=2))  # longer than anybody asks about
_OLD_SENT = delete(sent).where(sent.c.sent_at < now_ms() - _KEPT_MS)
_OLD_NOTICES = delete(notices).where(text("due_at IS NULL"), notices.c.created_at < now_ms() - _KEPT_MS)


class NoticePart(Part):
    """Implements what IntakeJournal and AnswerJournal have on allowances and notices."""

    def spent(self, source: str, counts_as: str, within: timedelta) -> Spent:
        values = {"of": source, "whose": counts_as, "within": span_ms(within)}
        return self._database.read(lambda connection: _spent(connection.execute(_SPENT, values).one()))

    def sent_to(self, recipient: str, within: timedelta) -> Spent:
        values = {"whose": recipient.lower(), "within": span_ms(within)}
        return self._database.read(lambda connection: _spent(connection.execute(_SENT, values).one()))

    def tell(self, notice: Notice, *, once_in: timedelta) -> bool:
        told = {"of": notice.source, "whom": notice.concerns, "within": span_ms(once_in)}
        content = json.dumps(asdict(notice), ensure_ascii=False, default=datetime.isoformat)

        def work(connection: Connection) -> bool:
            if connection.execute(_WAS_TOLD, told).scalar_one():
                return False
            values = {"source": notice.source, "concerns": notice.concerns, "content": content}
            connection.execute(_TELL, values)
            return True

        return self._database.write(work, wakes=True)

    def claim_notices(self, source: str, *, limit: int, hold: timedelta) -> list[ClaimedNotice]:
        """Asks before it claims: there hardly ever is one, and whoever answers asks often."""
        if not self._database.read(lambda connection: connection.execute(_ANY_DUE, {"of": source}).scalar_one()):
            return []
        rows = self._database.write(
            lambda connection: claim(connection, _CLAIM, hold=span_ms(hold), limit=limit, source=source),
            repeatable=False,
        )
        return [_claimed(row) for row in rows]

    def end_notice(self, claimed: ClaimedNotice, *, sent: bool) -> None:
        def work(connection: Connection) -> None:
            ended = connection.execute(_END, fence(claimed.claim)).rowcount == 1
            if ended and sent:
                note_sent(connection, claimed.notice.thread.reply_to)

        self._database.write(work)

    def postpone_notice(self, claimed: ClaimedNotice, due_in: timedelta) -> None:
        values = {**fence(claimed.claim), "due_in": span_ms(due_in)}
        self._database.write(lambda connection: connection.execute(_POSTPONE, values) and None, wakes=True)


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


def _claimed(row: Any) -> ClaimedNotice:
    stored = json.loads(row.content)
    times = {name: datetime.fromisoformat(stored[name]) for name in ("received_at", "resumes_at")}
    thread = thread_of(stored["thread"])
    return ClaimedNotice(
        claim=Claim(row=str(row.id), number=row.claim),
        name=f"notice-{row.id}-{row.created_at}",
        notice=Notice(**{**stored, **times, "thread": thread}),
    )
