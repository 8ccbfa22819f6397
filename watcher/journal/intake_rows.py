"""The columns of what is taken in: of a submission, and of its documents."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from msgspec.structs import asdict

from watcher.journal.bookings import locator_columns
from watcher.journal.clock import to_ms
from watcher.model import DocumentState, NewDocument, NewSubmission, SubmissionState, Thread
from watcher.seen import SeenInvoice


def waits(row: Mapping[str, Any]) -> bool:
    """Whether the columns are those of a document that is still to be posted."""
    return bool(row["state"] == DocumentState.PENDING)


def unsettled(document: NewDocument) -> dict[str, Any]:
    """The columns of a document, still without its booking."""
    settled = document.outcome is not None
    return {
        "name": document.name,
        "media_type": document.media_type,
        "size": document.size,
        "sha256": document.sha256,
        "content": document.content,
        **locator_columns(document.locator),
        "booking": None,
        "state": (DocumentState.SETTLED if settled else DocumentState.PENDING).value,
        "outcome": document.outcome.value if document.outcome is not None else None,
        "code": document.code,
        "message": document.message,
        "duplicate_of": None,
        "read": _seen_text(document.read),
    }


def submission_columns(new: NewSubmission, state: SubmissionState) -> dict[str, Any]:
    """All that is known when it is taken in, but for its id and the database's own times."""
    return {
        "key": new.key,
        "source": new.source,
        "kind": new.kind.value,
        "place": new.place,
        "fingerprint": new.fingerprint,
        "sender": new.sender,
        "subject": new.subject,
        "path": new.path,
        "user_code": new.user_code,
        "person_name": new.person_name,
        "language": new.language,
        "received_at": to_ms(new.received_at),
        "state": state.value,
        "reason": new.reason,
        "remark": new.remark,
        "answer": new.answer,
        "thread": _thread_text(new.thread),
        "create_expense": new.create_expense,
        "size": new.size,
        "counts_as": new.counts_as,
        "left_out": json.dumps([asdict(each) for each in new.left_out], ensure_ascii=False) if new.left_out else None,
    }


def _seen_text(read: Sequence[SeenInvoice]) -> str | None:
    return json.dumps([asdict(each) for each in read], ensure_ascii=False, default=str) if read else None


def _thread_text(thread: Thread | None) -> str | None:
    return None if thread is None else json.dumps(asdict(thread))
