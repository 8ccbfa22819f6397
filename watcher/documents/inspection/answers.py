"""What the child says of a document, as JSON. Whoever reads it believes nothing: the child may have been taken over."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from datetime import date
from typing import Any

from watcher.documents.inspection.gathering import MOST_INVOICES
from watcher.seen import By, Mark, Seen, SeenInvoice

LARGEST_ANSWER = 128 * 1024
FAILED = b"!"  # begins the packet that says what went wrong instead
_MOST_LISTED = 5_000
_MOST_NUMBER = 1_000_000  # of pages and of pixels on a side
_LONGEST = {"number": 100, "code": 12, "amount": 40, "seller": 100}
_LONGEST_TITLE = 80
_FORMS = {"code": re.compile(r"(?:[0-9]{10}|[0-9]{12})?"), "amount": re.compile(r"(?:-?[0-9]{1,15}(?:\.[0-9]{1,6})?)?")}


class BadAnswer(Exception):
    """What came from the child is no answer."""


def encoded(seen: Seen) -> bytes:
    """As `decoded` reads it; with fewer invoices where it would be too large."""
    document = {
        "pages": seen.pages,
        "locked": seen.locked,
        "damaged": seen.damaged,
        "deep": seen.deep,
        "searched": seen.searched,
        "invoices": [_invoice(invoice) for invoice in seen.invoices[:MOST_INVOICES]],
        "marks": sorted(seen.marks),
        "unread": seen.unread[:_MOST_LISTED],
        "later": seen.later[:_MOST_LISTED],
        "title": seen.title,
        "width": seen.width,
        "height": seen.height,
    }
    data = json.dumps(document, ensure_ascii=True).encode()
    return data if len(data) <= LARGEST_ANSWER else encoded(_without_invoices(seen))


def decoded(data: bytes) -> Seen:
    """Raises BadAnswer for anything that `encoded` would not have written."""
    try:
        return _seen(json.loads(data))
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise BadAnswer("the child's answer cannot be read") from error


def _without_invoices(seen: Seen) -> Seen:
    return Seen(pages=seen.pages, locked=seen.locked, damaged=seen.damaged, width=seen.width, height=seen.height)


def _invoice(invoice: SeenInvoice) -> dict[str, object]:
    return {
        "by": invoice.by,
        "number": invoice.number,
        "code": invoice.code,
        "date": invoice.date.isoformat() if invoice.date else None,
        "amount": invoice.amount,
        "seller": invoice.seller,
        "first": invoice.first,
        "last": invoice.last,
    }


def _seen(document: Mapping[str, Any]) -> Seen:
    invoices = document["invoices"]
    if not isinstance(invoices, list) or len(invoices) > MOST_INVOICES:
        raise BadAnswer("there are too many invoices")
    return Seen(
        pages=_count(document["pages"]),
        locked=document["locked"] is True,
        damaged=document["damaged"] is True,
        deep=document["deep"] is True,
        searched=_count(document["searched"]) or 0,
        invoices=tuple(_seen_invoice(invoice) for invoice in invoices),
        marks=frozenset(Mark(mark) for mark in document["marks"]),
        unread=_pages(document["unread"]),
        later=_pages(document["later"]),
        title=_text(document["title"], _LONGEST_TITLE),
        width=_count(document["width"]),
        height=_count(document["height"]),
    )


def _pages(pages: object) -> tuple[int, ...]:
    if not isinstance(pages, list) or len(pages) > _MOST_LISTED:
        raise TypeError("no pages")
    return tuple(_count(page) or 0 for page in pages)


def _seen_invoice(document: Mapping[str, Any]) -> SeenInvoice:
    texts = {name: _text(document[name], longest) for name, longest in _LONGEST.items()}
    for name, form in _FORMS.items():
        if not form.fullmatch(texts[name] or ""):
            raise BadAnswer(f"the {name} has no such form")
    first, last = _count(document["first"]) or 0, _count(document["last"]) or 0
    if first > last:
        raise BadAnswer("the pages are in disorder")
    day = _text(document["date"], len("2026-01-01"))
    return SeenInvoice(
        by=By(document["by"]), date=date.fromisoformat(day) if day else None, first=first, last=last, **texts
    )


def _text(value: object, longest: int) -> str | None:
    if value is None:
        return None
    if not isinstance(value, str):
        raise TypeError("no text")
    return value[:longest].encode("utf-8", "replace").decode() or None


def _count(value: object) -> int | None:
    if value is None:
        return None
    if type(value) is not int or not 0 <= value <= _MOST_NUMBER:
        raise TypeError("no count")
    return value
