"""Submissions, settlements and short ways for tests of the journal and of what stands on it."""

from __future__ import annotations

import itertools
from datetime import UTC, date, datetime, timedelta
from typing import Any, cast

from sqlalchemy import text

from watcher.errors import ClaimLost
from watcher.journal import gates
from watcher.journal.journal import SqlJournal
from watcher.model import (
    POSTING,
    AnswerStep,
    ClaimedAnswer,
    ClaimedBooking,
    Closed,
    Invoice,
    Kind,
    Locator,
    NewDocument,
    NewSubmission,
    Notice,
    Outcome,
    Paused,
    Planned,
    SettledTry,
    Settlement,
    Shut,
    Submission,
    SubmissionState,
    Thread,
    TryEnding,
)
from watcher.ports import Journal

ENDPOINT = "https://recognition.test/ocr"
HOLD = timedelta(minutes=3)
NOW = timedelta(0)
OVER = timedelta(milliseconds=-1)  # a hold that is over as soon as it is written
_numbers = itertools.count(1)


def document(content: str = "content", **changes: Any) -> NewDocument:
    values: dict[str, Any] = {
        "name": f"{content}.pdf",
        "media_type": "application/pdf",
        "size": 1234,
        "sha256": content,
        "content": content,
        "locator": Locator(store="default", key=f"invoices/{content}.pdf", url=f"https://files.test/{content}.pdf"),
    }
    return NewDocument(**{**values, **changes})


def mail(*documents: NewDocument, **changes: Any) -> NewSubmission:
    """A mail of its own; without documents it has one whose content is its own, too."""
    number = next(_numbers)
    values: dict[str, Any] = {
        "key": f"mail-{number}",
        "source": "fapiao",
        "kind": Kind.MAIL,
        "place": f"1:{number}",
        "fingerprint": f"fingerprint-{number}",
        "sender": "zhang@corp.example",
        "subject": "发票",
        "path": None,
        "user_code": "903851",
        "person_name": "张三",
        "language": "zh",
        "received_at": datetime(2026, 3, 1, 8, 30, tzinfo=UTC),
        "state": SubmissionState.OPEN,
        "thread": Thread(
            message_id="<1@corp.example>", references=("<0@corp.example>",), reply_to="zhang@corp.example"
        ),
        "documents": documents or (document(f"content-{number}"),),
    }
    return NewSubmission(**{**values, **changes})


def file(*documents: NewDocument, **changes: Any) -> NewSubmission:
    return mail(*documents, **{"kind": Kind.FILE, "source": "shared", "path": "a/b.pdf", "thread": None, **changes})


def invoice(number: str = "24312000", expense_id: str | None = "E-1", **changes: Any) -> Invoice:
    return Invoice(number=number, amount="100.10", date=date(2026, 2, 28), expense_id=expense_id, **changes)


def done(*invoices: Invoice) -> Settlement:
    return Settlement(outcome=Outcome.DONE, code="200000", invoices=invoices or (invoice(),))


FAILED = Settlement(outcome=Outcome.ERROR, code="400001", message="查验失败")
ENDED = TryEnding(result="done", code="200000")
REFUSED = TryEnding(result="error", code="400001", message="查验失败")
CUT_OFF = TryEnding(result="in_doubt", in_doubt=True, message="the connection was cut off")


def only(journal: Journal, name: str) -> Submission:
    return journal.submission(name)


def outcomes(submission: Submission) -> list[Outcome | None]:
    return [each.outcome for each in submission.documents]


def claim(journal: Journal, *sources: str, limit: int = 1, hold: timedelta = HOLD) -> list[ClaimedBooking]:
    return journal.claim_bookings(sources=sources or ("fapiao", "shared"), endpoint=ENDPOINT, limit=limit, hold=hold)


def claim_one(journal: Journal, *sources: str, hold: timedelta = HOLD) -> ClaimedBooking:
    claimed = claim(journal, *sources, hold=hold)
    assert len(claimed) == 1, claimed
    return claimed[0]


def settle(journal: Journal, claimed: ClaimedBooking, settlement: Settlement, ending: TryEnding) -> None:
    """Settle one booking. Raises ClaimLost."""
    if journal.settle([SettledTry(claimed=claimed, settlement=settlement, ending=ending)]) != [True]:
        raise ClaimLost(f"booking {claimed.booking} is no longer held by claim {claimed.claim.number}")


def book(journal: Journal, settlement: Settlement | None = None) -> ClaimedBooking:
    """Claim the one booking that is due, and settle it."""
    claimed = claim_one(journal)
    settle(journal, claimed, settlement or done(), ENDED)
    return claimed


def note(journal: Journal, claimed: ClaimedAnswer, step: AnswerStep) -> None:
    """Record one step of one answer. Raises ClaimLost."""
    if journal.note_answers([(claimed, step)]) != [True]:
        raise ClaimLost(f"submission {claimed.submission.id} is somebody else's")


def close_gate(journal: Journal, endpoint: str, reason: str, probe: timedelta) -> None:
    journal.change_gate(Shut(endpoint=endpoint, reason=reason, probe=probe))


def pause_gate(journal: Journal, endpoint: str, pause: timedelta) -> None:
    journal.change_gate(Paused(endpoint=endpoint, length=pause))


def open_gate(journal: Journal, endpoint: str) -> None:
    """As a probe does that is answered."""
    cast("SqlJournal", journal)._database.write(lambda connection: gates.reopen(connection, endpoint), news=POSTING)


def answer(
    journal: Journal, source: str = "fapiao", *, moved: bool = True, target: str | None = "done/a"
) -> Submission:
    """Claim the one answer that is due, and give it."""
    (claimed,) = journal.claim_answers(source, limit=1, hold=HOLD)
    note(journal, claimed, Planned(target=target))
    note(journal, claimed, Closed(moved=moved))
    return journal.submission(claimed.submission.id)


def settled_or_lost(journal: Journal, claimed: ClaimedBooking) -> str:
    """What comes of an error that is reported under a claim."""
    try:
        settle(journal, claimed, FAILED, REFUSED)
    except ClaimLost:
        return "lost"
    return "settled"


def settle_some(journal: Journal, count: int, *, hold: timedelta) -> int:
    """Claim and settle one after the other, at most `count`; how many there were."""
    for number in range(count):
        claimed = claim(journal, hold=hold)
        if not claimed:
            return number
        settle(journal, claimed[0], done(), ENDED)
    return count


def notice(**changes: Any) -> Notice:
    values: dict[str, Any] = {
        "source": "fapiao",
        "concerns": "903851",
        "thread": Thread(message_id="<1@corp.example>", references=("<0@x>",), reply_to="zhang@corp.example"),
        "subject": "发票",
        "person_name": "张三",
        "language": "zh",
        "received_at": datetime(2026, 3, 1, 8, 30, tzinfo=UTC),
        "submissions": 60,
        "bytes": 200_000_000,
        "resumes_at": datetime(2026, 3, 1, 9, 30, tzinfo=UTC),
    }
    return Notice(**{**values, **changes})


def write(journal: Journal, statement: str) -> None:
    """What only time, or another version, can do to a journal."""
    cast("SqlJournal", journal)._database.write(lambda connection: connection.execute(text(statement)) and None)
