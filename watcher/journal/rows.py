"""Rows of the tables as the values that the program speaks of."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

from msgspec import convert

from watcher.journal.clock import from_ms, maybe_from_ms
from watcher.model import (
    Document,
    DocumentState,
    Invoice,
    Kind,
    LeftOut,
    Outcome,
    SourceHealth,
    Submission,
    SubmissionState,
    Thread,
    Try,
)
from watcher.seen import By, SeenInvoice

Rows = Sequence[Any]


def submission_of(row: Any, found: Rows, invoices_of: Mapping[int, Rows], tries_of: Mapping[int, Rows]) -> Submission:
    """A submission whole: its row, its documents', and the invoices and tries of each booking."""
    return Submission(
        id=row.id,
        key=row.key,
        source=row.source,
        kind=Kind(row.kind),
        place=row.place,
        fingerprint=row.fingerprint,
        sender=row.sender,
        subject=row.subject,
        path=row.path,
        user_code=row.user_code,
        person_name=row.person_name,
        language=row.language,
        received_at=from_ms(row.received_at),
        state=SubmissionState(row.state),
        reason=row.reason,
        answer=row.answer,
        thread=None if row.thread is None else thread_of(json.loads(row.thread)),
        answered_at=maybe_from_ms(row.answered_at),
        answer_number=row.answer_number,
        moved_to=row.moved_to,
        remark=row.remark,
        documents=tuple(_document(each, row.user_code, invoices_of, tries_of) for each in found),
        # What a newer version keeps beside it is not known here, and no fault.
        left_out=convert(json.loads(row.left_out or "[]"), tuple[LeftOut, ...]),
        held_at=maybe_from_ms(row.held_at),
        released=row.released,
        let_in_at=maybe_from_ms(row.let_in_at),
        let_in_despite=row.let_in_despite,
    )


def health_of(row: Any) -> SourceHealth:
    return SourceHealth(
        name=row.name,
        up=row.up,
        since=maybe_from_ms(row.since),
        message=row.message,
        left_alone=row.left_alone,
        surplus=row.surplus,
    )


def thread_of(stored: Mapping[str, Any]) -> Thread:
    """Out of the JSON that it is kept in."""
    return Thread(**{**stored, "references": tuple(stored["references"])})


def _document(
    row: Any, submitter: str | None, invoices_of: Mapping[int, Rows], tries_of: Mapping[int, Rows]
) -> Document:
    posted = row.booking is not None
    # A document that ended in error keeps to that, even where its booking was booked for another since.
    theirs = posted and row.outcome == Outcome.ERROR and row.booking_outcome != Outcome.ERROR
    return Document(
        id=row.id,
        name=row.name,
        booking=row.booking,
        media_type=row.media_type,
        size=row.size,
        sha256=row.sha256,
        attachment_url=row.url if row.url is not None else row.store_key,
        biz_id=row.biz_id,
        user_code=(row.user_code or None) if posted else submitter,
        state=DocumentState(row.state),
        outcome=Outcome(row.outcome) if row.outcome is not None else None,
        code=row.code,
        message=row.message,
        attempts=row.attempts or 0,
        due_at=maybe_from_ms(row.due_at) if row.state == DocumentState.PENDING else None,
        settled_at=maybe_from_ms(row.settled_at),
        duplicate_of=row.duplicate_of,
        invoices=() if theirs else tuple(_invoice(each) for each in invoices_of.get(row.booking, ())),
        tries=tuple(_try(each) for each in tries_of.get(row.booking, ())),
        read=tuple(_seen(each) for each in json.loads(row.read or "[]")),
    )


def _seen(stored: dict[str, Any]) -> SeenInvoice:
    day = stored["date"]
    return SeenInvoice(
        **{**stored, "by": By(stored["by"]), "date": date.fromisoformat(day) if day is not None else None}
    )


def _invoice(row: Any) -> Invoice:
    return Invoice(
        number=row.number,
        code=row.code,
        type=row.type,
        name=row.name,
        amount=row.amount,
        tax_amount=row.tax_amount,
        currency=row.currency,
        date=date.fromisoformat(row.date) if row.date is not None else None,
        seller_name=row.seller_name,
        seller_tax_code=row.seller_tax_code,
        buyer_name=row.buyer_name,
        buyer_tax_code=row.buyer_tax_code,
        verified=row.verified,
        expense_id=row.expense_id,
        expense_status=row.expense_status,
        message=row.message,
        message_code=row.message_code,
    )


def _try(row: Any) -> Try:
    return Try(
        number=row.number,
        biz_id=row.biz_id,
        started_at=from_ms(row.started_at),
        ended_at=maybe_from_ms(row.ended_at),
        result=row.result,
        in_doubt=row.in_doubt,
        code=row.code,
        message=row.message,
    )
