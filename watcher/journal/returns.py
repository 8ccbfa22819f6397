"""Files that have to be put back to their places, before their documents are posted again."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from sqlalchemy import bindparam, exists, false, insert, null, select, text, update

from watcher.errors import ClaimLost
from watcher.journal.answers import claimed_answers
from watcher.journal.bookings import let_go
from watcher.journal.claims import claiming, fence, fenced
from watcher.journal.clock import now_ms
from watcher.journal.connection import Connection
from watcher.journal.database import Part
from watcher.journal.deferred import Deferred
from watcher.journal.reopening import waiting_for_file
from watcher.journal.settling import settle_untried
from watcher.journal.tables import documents, identities, submissions
from watcher.model import ANYTHING, ClaimedAnswer, Outcome, Reason, Settlement

_ANY_RETURN = Deferred(
    lambda: select(
        exists().where(
            text("submissions.state = 'open' AND submissions.due_at IS NOT NULL"),
            submissions.c.source == bindparam("of"),
            submissions.c.due_at <= now_ms(),
        )
    )
)
_CLAIM_RETURN = Deferred(
    lambda: claiming(submissions, waiting="state = 'open' AND due_at IS NOT NULL", narrowed=["source"])
)
_RETURNED = Deferred(
    lambda: fenced(submissions, state="open").values(
        key=bindparam("new_key"),
        fingerprint=bindparam("new_fingerprint"),
        moved_to=null(),
        remark=null(),
        due_at=null(),
        claimed=false(),
    )
)
_POINT_IDENTITY = Deferred(
    lambda: update(identities).where(identities.c.key == bindparam("of")).values(submission=bindparam("to"))
)
_ADD_IDENTITY = Deferred(lambda: insert(identities))
_RETURN_GIVEN_UP = Deferred(
    lambda: fenced(submissions, state="open").values(
        place=submissions.c.moved_to, remark=bindparam("said"), due_at=null(), claimed=false()
    )
)

_COMES_BACK = Deferred(
    lambda: select(
        exists().where(
            documents.c.booking == bindparam("of"),
            text("documents.state = 'pending'"),
            submissions.c.seq == documents.c.submission,
            text("submissions.state = 'open' AND submissions.due_at IS NOT NULL"),
        )
    )
)


class ReturnPart(Part):
    """Implements what AnswerJournal has on returns."""

    def claim_returns(self, source: str, *, limit: int, hold: timedelta) -> list[ClaimedAnswer]:
        """Asks before it claims: there hardly ever is one, and whoever answers asks often."""
        if not self._database.ask(_ANY_RETURN, {"of": source}).scalar_one():
            return []
        return claimed_answers(self._database, _CLAIM_RETURN, source, limit=limit, hold=hold)

    def note_return(self, claimed: ClaimedAnswer, key: str, fingerprint: str) -> None:
        def work(connection: Connection) -> bool:
            values = {**fence(claimed.claim), "new_key": key, "new_fingerprint": fingerprint}
            if connection.execute(_RETURNED, values).rowcount != 1:
                return False
            if connection.execute(_POINT_IDENTITY, {"of": key, "to": claimed.submission.id}).rowcount == 0:
                connection.execute(_ADD_IDENTITY, {"key": key, "submission": claimed.submission.id, "stays": False})
            for booking in waiting_for_file(connection, int(claimed.claim.row)):
                let_go(connection, booking.id)
            return True

        if not self._database.write(work, news=ANYTHING):
            raise _lost(claimed)

    def give_up_return(self, claimed: ClaimedAnswer, remark: str) -> None:
        def work(connection: Connection) -> bool:
            if connection.execute(_RETURN_GIVEN_UP, {**fence(claimed.claim), "said": remark}).rowcount != 1:
                return False
            for booking in waiting_for_file(connection, int(claimed.claim.row)):
                if connection.execute(_COMES_BACK, {"of": booking.id}).scalar_one():
                    continue  # the same document lay in another place, too
                settle_untried(connection, booking, _without_url(booking, remark))
            return True

        if not self._database.write(work, news=ANYTHING):
            raise _lost(claimed)


def _without_url(booking: Any, remark: str) -> Settlement:
    """What may have been booked is never called failed."""
    doubted = bool(booking.in_doubt)
    return Settlement(
        outcome=Outcome.ATTENTION if doubted else Outcome.ERROR,
        code=(Reason.IN_DOUBT if doubted else Reason.NO_URL).value,
        message=remark,
    )


def _lost(claimed: ClaimedAnswer) -> ClaimLost:
    return ClaimLost(f"submission {claimed.submission.id} is no longer held by claim {claimed.claim.number}")
