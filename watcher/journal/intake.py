"""Step 1's side of the journal: what is known, and the one transaction that takes a submission in."""

from __future__ import annotations

import base64
import secrets
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any

from msgspec.structs import replace
from sqlalchemy import and_, bindparam, case, exists, false, insert, null, select, update

from watcher.errors import UsageError
from watcher.journal.clock import now_ms
from watcher.journal.connection import Connection
from watcher.journal.database import Part
from watcher.journal.deferred import Deferred
from watcher.journal.identities import is_new, point_on
from watcher.journal.in_step import Step, in_step
from watcher.journal.intake_rows import submission_columns, unsettled, waits
from watcher.journal.pointing import Pointed, files_of, point
from watcher.journal.portions import portions
from watcher.journal.releasing import let_in
from watcher.journal.reopening import refuse, reopen
from watcher.journal.tables import documents, identities, submissions
from watcher.journal.trying_again import Wish
from watcher.model import (
    ANYTHING,
    NOTHING_NEW,
    Kind,
    Known,
    News,
    NewSubmission,
    Reason,
    SubmissionState,
    joined,
)

# Of anything else nobody asks whether it has documents, and each look is a way through an index of all.
_MAY_BE_EMPTY = Deferred(
    lambda: and_(submissions.c.kind == Kind.MAIL.value, submissions.c.state == SubmissionState.CLOSED.value)
)
_KNOWN = Deferred(
    lambda: (
        select(
            identities.c.key,
            identities.c.submission,
            identities.c.stays,
            submissions.c.source,
            submissions.c.state,
            case((submissions.c.released, submissions.c.user_code)).label("released_for"),
            case((_MAY_BE_EMPTY(), ~exists().where(documents.c.submission == submissions.c.seq))).label("empty"),
        )
        .outerjoin(submissions, submissions.c.id == identities.c.submission)
        .where(identities.c.key.in_(bindparam("keys", expanding=True)))
    )
)

_SINCE_NOW = Deferred(lambda: case((bindparam("unheard") == 1, now_ms()), else_=null()))
_ADD_SUBMISSION = Deferred(lambda: insert(submissions).values(recorded_at=now_ms(), unacknowledged_since=_SINCE_NOW()))
_FILL = Deferred(
    lambda: (
        update(submissions)
        .where(submissions.c.id == bindparam("of"), submissions.c.released)
        .values(released=false(), unacknowledged_since=_SINCE_NOW())
        .returning(submissions.c.seq)
    )
)
_ANSWER_NOW = Deferred(lambda: update(submissions).where(submissions.c.seq == bindparam("row")).values(due_at=now_ms()))
_HELD_NOW = Deferred(lambda: update(submissions).where(submissions.c.seq == bindparam("row")).values(held_at=now_ms()))
_ADD_DOCUMENT = Deferred(
    lambda: insert(documents).values(settled_at=case((bindparam("is_settled") == 1, now_ms()), else_=null()))
)


class IntakePart(Part):
    """Implements IntakeJournal."""

    def known(self, keys: Sequence[str]) -> Mapping[str, Known]:
        found: dict[str, Known] = {}
        for some in portions(keys):  # each by itself: none depends on another
            rows = self._database.ask(_KNOWN, {"keys": some})
            found.update((row.key, _known(row)) for row in rows)
        return found

    def record(self, submission: NewSubmission) -> str:
        return self.record_all([submission])[0]

    def record_all(self, submissions: Sequence[NewSubmission]) -> list[str]:
        # One id for all goes: the second finds what the first has committed.
        named = [(each, new_id()) for each in submissions]
        recorded = self._database.write(
            lambda connection: _recorded(connection, named),
            news=lambda recorded: joined(news for _, news in recorded),
        )
        return [taken for taken, _ in recorded]

    def retry(self, submission: str, *, new: bool = False, in_place: Collection[str] = (), decided: bool = True) -> int:
        return self._reopened(submission, Wish(new=new, in_place=in_place, decided=decided))

    def release(self, submission: str, *, in_place: Collection[str] = ()) -> int:
        return self._reopened(submission, Wish(skipped=True, in_place=in_place))

    def _reopened(self, submission: str, wish: Wish) -> int:
        count = self._database.write(lambda connection: reopen(connection, submission, wish), news=ANYTHING)
        if count is None:
            raise UsageError(f"there is no submission {submission}")
        return count

    def let_in(self, submission: str, user_code: str | None) -> str:
        return self._database.write(lambda connection: let_in(connection, submission, user_code), news=ANYTHING)

    def refuse(self, submission: str) -> None:
        was_held = self._database.write(lambda connection: refuse(connection, submission), news=ANYTHING)
        if not was_held:
            raise UsageError(
                f"there is no submission {submission}" if was_held is None else f"{submission} is not held"
            )


def new_id() -> str:
    """80 random bits as 16 characters of a-z and 2-7."""
    return base64.b32encode(secrets.token_bytes(10)).decode("ascii").lower()


def _known(row: Any) -> Known:
    # A submission that retention has deleted was closed, and nothing is left of it that could be tried again.
    is_forgotten = row.state is None
    state = SubmissionState.CLOSED if is_forgotten else SubmissionState(row.state)
    return Known(
        submission=row.submission,
        source=row.source,
        state=state,
        stays=row.stays,
        empty=is_forgotten or bool(row.empty),
        released_for=row.released_for,
    )


def _recorded(connection: Connection, named: Sequence[tuple[NewSubmission, str]]) -> list[tuple[str, News]]:
    """Of each the id that it has, and what is to be done for it."""
    together = [[each] for each in named] if connection.dialect.name == "sqlite" else _apart(named)
    return [taken for some in together for taken in in_step([_record(connection, *each) for each in some])]


def _apart(named: Sequence[tuple[NewSubmission, str]]) -> list[list[tuple[NewSubmission, str]]]:
    """In their order, those together of which none has to know what becomes of another one."""
    apart: list[list[tuple[NewSubmission, str]]] = []
    seen: set[str] = set()
    for new, name in named:
        mine = {new.key} | files_of(new)
        if not apart or mine & seen:
            apart.append([])
            seen.clear()
        apart[-1].append((new, name))
        seen |= mine
    return apart


def _record(connection: Connection, new: NewSubmission, name: str) -> Step[tuple[str, News]]:
    """The id that it has, and what is to be done for it."""
    if (yield from is_new(connection, new, name)):
        return name, (yield from _write(connection, new, name))
    known = _known(connection.execute(_KNOWN, {"keys": [new.key]}).one())
    if known.released_for is not None and known.submission == new.succeeds:
        return known.submission, (yield from _write(connection, new, known.submission, fill=True))
    overtaken = known.submission != new.succeeds  # another node has taken it in since this one looked
    to_be_retried = new.kind is Kind.MAIL and not known.empty
    if overtaken or to_be_retried or known.stays or known.state is not SubmissionState.CLOSED:
        return known.submission, NOTHING_NEW
    point_on(connection, new.key, known.submission, name)
    return name, (yield from _write(connection, new, name))


def _write(connection: Connection, new: NewSubmission, name: str, *, fill: bool = False) -> Step[News]:
    """As a new row, or (`fill`) into the one that was released; what is to be done for it."""
    rows = [unsettled(document) for document in new.documents]
    pointed: Pointed | None = None
    if new.state is not SubmissionState.HELD:
        pointed = yield from point(connection, new, rows)
        if pointed.held is not None:
            new = replace(new, state=SubmissionState.HELD, reason=Reason.IN_DOUBT, remark=pointed.held)
    pending = any(map(waits, rows))
    held = new.state is SubmissionState.HELD
    state = SubmissionState.HELD if held else SubmissionState.OPEN if pending else SubmissionState.SETTLED
    unheard = pending and new.answer and new.kind is Kind.MAIL
    columns = {**submission_columns(new, state), "unheard": int(unheard)}
    number = _numbered(connection, columns, name, fill=fill)
    yield
    seq = number()
    if pointed is not None:
        pointed.complete(rows)
    if state is SubmissionState.SETTLED:
        connection.execute(_ANSWER_NOW, {"row": seq})
    if held:
        connection.execute(_HELD_NOW, {"row": seq})
    # One after the other, so that their numbers follow their order.
    connection.execute(_ADD_DOCUMENT, [{**row, "submission": seq, "is_settled": int(not waits(row))} for row in rows])
    # What waits may be acknowledged some time: whoever answers looks in time, and is not woken for each.
    to_answer = state is SubmissionState.SETTLED
    return News(posting=pending, answering=frozenset((new.source,)) if to_answer else frozenset())


def _numbered(connection: Connection, columns: Mapping[str, Any], name: str, *, fill: bool) -> Callable[[], int]:
    """Write the submission's row; its number."""
    if not fill:
        return connection.insert_later(_ADD_SUBMISSION, {**columns, "id": name})
    filled = connection.execute(_FILL, {**columns, "of": name})
    return lambda: int(filled.scalar_one())
