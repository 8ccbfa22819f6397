"""Submissions as contract.md's JSON, and as text for a terminal."""

from __future__ import annotations

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from watcher.model import Document, Invoice, Submission

Json = dict[str, object]

_INVOICE = (
    "number code type name amount tax_amount currency date seller_name seller_tax_code buyer_name buyer_tax_code "
    "verified expense_id expense_status message message_code"
).split()
_DOCUMENT = (
    "id name booking media_type size sha256 attachment_url biz_id user_code state outcome code message attempts "
    "due_at settled_at duplicate_of"
).split()
_SUBMISSION = ("id source kind sender subject path user_code received_at state reason answered_at").split()


def submission_json(submission: Submission, zone: ZoneInfo) -> Json:
    """One line of `--json`, key by key."""
    return {
        **_chosen(submission, _SUBMISSION, zone),
        "reason": submission.reason or submission.remark,
        "documents": [_document_json(document, zone) for document in submission.documents],
    }


def _document_json(document: Document, zone: ZoneInfo) -> Json:
    return {
        **_chosen(document, _DOCUMENT, zone),
        "invoices": [_chosen(invoice, _INVOICE, zone) for invoice in document.invoices],
    }


def _chosen(value: Submission | Document | Invoice, names: list[str], zone: ZoneInfo) -> Json:
    return {name: _plain(getattr(value, name), zone) for name in names}


def _plain(value: object, zone: ZoneInfo) -> object:
    if isinstance(value, datetime):
        return moment(value, zone)
    return value.isoformat() if hasattr(value, "isoformat") else value


def moment(value: datetime, zone: ZoneInfo) -> str:
    """RFC 3339 with an offset, to the millisecond."""
    return value.astimezone(zone).isoformat(timespec="milliseconds")


def minute(value: datetime | None, zone: ZoneInfo) -> str:
    """For a person: to the second, in the configured zone."""
    return "" if value is None else value.astimezone(zone).strftime("%Y-%m-%d %H:%M:%S")


def age(span: timedelta) -> str:
    """About how long, as one says it: ``12 s``, ``3 min``, ``5 h``, ``9 d``."""
    seconds = max(0, round(span.total_seconds()))
    for unit, length, until in (("s", 1, 60), ("min", 60, 3600), ("h", 3600, 2 * 86400)):
        if seconds < until:
            return f"{seconds // length} {unit}"
    return f"{seconds // 86400} d"


def ago(moment: datetime | None, now: datetime) -> str:
    """``3 min ago``; nothing where it never was."""
    return "" if moment is None else f"{age(now - moment)} ago"


_THOUSAND = 1000


def amount_of_bytes(size: int) -> str:
    """``12.3 MB``, in powers of a thousand."""
    amount, units = float(size), ["B", "kB", "MB", "GB", "TB"]
    while amount >= _THOUSAND and len(units) > 1:
        amount /= _THOUSAND
        units.pop(0)
    return f"{amount:.0f} B" if units[0] == "B" else f"{amount:.1f} {units[0]}"
