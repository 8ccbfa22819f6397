"""Submissions as the journal would tell of them, for what only reads them."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

from watcher.model import (
    Document,
    DocumentState,
    Invoice,
    Kind,
    Outcome,
    Submission,
    SubmissionState,
    Thread,
)

RECEIVED_AT = datetime(2026, 11, 23, 2, 0, tzinfo=UTC)


def invoice(**changes: Any) -> Invoice:
    """A taxi invoice of 43.50 that was booked; fictional."""
    values: dict[str, Any] = {
        "number": "26317000000552768706",
        "name": "电子发票（普通发票）",
        "amount": "43.50",
        "currency": "CNY",
        "date": date(2026, 2, 5),
        "seller_name": "上海示例出行有限公司",
        "verified": True,
        "expense_id": "387278780",
    }
    return Invoice(**values | changes)


def document(number: int = 1, **changes: Any) -> Document:
    """A settled document that is done; `number` is its id."""
    values: dict[str, Any] = {
        "id": number,
        "name": f"发票-{number}.pdf",
        "booking": number,
        "media_type": "application/pdf",
        "size": 1000,
        "sha256": "0" * 64,
        "attachment_url": f"invoices/{number}.pdf",
        "biz_id": "dbc64bb9-98cd-4adf-ab80-945573a80759",
        "user_code": "903851",
        "state": DocumentState.SETTLED,
        "outcome": Outcome.DONE,
        "code": None,
        "message": None,
        "attempts": 1,
        "due_at": None,
        "settled_at": RECEIVED_AT,
        "duplicate_of": None,
        "invoices": (invoice(),),
    }
    return Document(**values | changes)


def submission(*documents: Document, **changes: Any) -> Submission:
    """A settled mail of Zhang San, who has no language of their own."""
    values: dict[str, Any] = {
        "id": "0b8c2f7e41",
        "key": "mail:1",
        "source": "fapiao",
        "kind": Kind.MAIL,
        "place": "1:2",
        "fingerprint": "f",
        "sender": "zhang.san@corp.example",
        "subject": "转发: 差旅发票",
        "path": None,
        "user_code": "903851",
        "person_name": "张三",
        "language": None,
        "received_at": RECEIVED_AT,
        "state": SubmissionState.SETTLED,
        "reason": None,
        "answer": True,
        "thread": Thread(message_id="<m1@corp.example>", reply_to="zhang.san@corp.example"),
        "answered_at": None,
        "answer_number": 0,
        "documents": documents,
    }
    return Submission(**values | changes)
