"""The rows of the table: one for each invoice of each document of each submission, in the order of receipt.

A document in which no invoice was found has no row: `list` has those. A row has the names of contract.md's JSON where
the invoice has a value of that name; the document's and the submission's have theirs too, with `document_` or
`submission_` before them where an invoice has the same.

One invoice may have several rows: it is sent again (`duplicate`), first fails and is booked later, or has several
expenses. So that the sum of a column has it once, `amount` and `tax_amount` are there only where `counted` is true:
where the invoice was booked for this document, or recognised where nothing is booked. In the other rows they stand
under `amount_not_counted` and `tax_amount_not_counted`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from zoneinfo import ZoneInfo

from msgspec import Struct

from watcher.export import cells
from watcher.export.cells import Cell
from watcher.model import Document, Invoice, Submission

Row = tuple[Cell, ...]


class Entry(Struct, frozen=True, kw_only=True):
    """What one row tells of."""

    submission: Submission
    document: Document
    invoice: Invoice
    counted: bool
    zone: ZoneInfo  # of all times


class Column(Struct, frozen=True, kw_only=True):
    """One column: its heading, about how many characters wide it is, and what stands in it."""

    name: str
    width: int
    value: Callable[[Entry], Cell]


def rows(submissions: Iterable[Submission], zone: ZoneInfo) -> Iterator[Row]:
    """The rows of these submissions, in their order, one at a time; each has a value for each of COLUMNS."""
    for submission in submissions:
        for document in submission.documents:
            for invoice, counted in zip(document.invoices, document.counted, strict=True):
                entry = Entry(submission=submission, document=document, invoice=invoice, counted=counted, zone=zone)
                yield tuple(column.value(entry) for column in COLUMNS)


def _moment(value: datetime | None, zone: ZoneInfo) -> str | None:
    """RFC 3339 with an offset, to the millisecond, as in `--json`."""
    return None if value is None else value.astimezone(zone).isoformat(timespec="milliseconds")


def _counted(entry: Entry, written: str | None) -> Cell:
    return cells.amount(written) if entry.counted else None


def _not_counted(entry: Entry, written: str | None) -> Cell:
    return None if entry.counted else cells.amount(written)


def _of_invoice(name: str, width: int) -> Column:
    """A text of the invoice's, under the name that it has there."""
    return Column(name=name, width=width, value=lambda entry: cells.text(getattr(entry.invoice, name)))


def _of_submission(name: str, width: int) -> Column:
    return Column(name=name, width=width, value=lambda entry: cells.text(getattr(entry.submission, name)))


def _column(name: str, width: int, value: Callable[[Entry], Cell]) -> Column:
    return Column(name=name, width=width, value=value)


COLUMNS: tuple[Column, ...] = (
    _column("received_on", 11, lambda entry: entry.submission.received_at.astimezone(entry.zone).date()),
    _column("received_at", 29, lambda entry: _moment(entry.submission.received_at, entry.zone)),
    _of_submission("source", 12),
    _of_submission("kind", 6),
    _of_submission("sender", 28),
    _column("user_code", 11, lambda entry: cells.text(entry.document.user_code or entry.submission.user_code)),
    _of_submission("person_name", 12),
    _of_submission("subject", 32),
    _of_submission("path", 32),
    _column("document_name", 32, lambda entry: cells.text(entry.document.name)),
    _column("outcome", 11, lambda entry: cells.text(entry.document.outcome)),
    _column("document_code", 15, lambda entry: cells.text(entry.document.code)),
    _column("document_message", 32, lambda entry: cells.text(entry.document.message)),
    _of_invoice("number", 24),
    _of_invoice("code", 15),
    _of_invoice("type", 8),
    _of_invoice("name", 24),
    _column("date", 11, lambda entry: entry.invoice.date),
    _of_invoice("seller_name", 32),
    _of_invoice("seller_tax_code", 22),
    _of_invoice("buyer_name", 32),
    _of_invoice("buyer_tax_code", 22),
    _column("amount", 13, lambda entry: _counted(entry, entry.invoice.amount)),
    _column("tax_amount", 13, lambda entry: _counted(entry, entry.invoice.tax_amount)),
    _of_invoice("currency", 9),
    _column("counted", 9, lambda entry: entry.counted),
    _column("amount_not_counted", 20, lambda entry: _not_counted(entry, entry.invoice.amount)),
    _column("tax_amount_not_counted", 24, lambda entry: _not_counted(entry, entry.invoice.tax_amount)),
    _column("verified", 9, lambda entry: entry.invoice.verified),
    _of_invoice("expense_id", 15),
    _of_invoice("expense_status", 15),
    _of_invoice("message", 32),
    _of_invoice("message_code", 15),
    _column("settled_at", 29, lambda entry: _moment(entry.document.settled_at, entry.zone)),
    _column("duplicate_of", 13, lambda entry: entry.document.duplicate_of),
    _of_submission("state", 9),
    _column("submission_id", 18, lambda entry: cells.text(entry.submission.id)),
    _column("document_id", 13, lambda entry: entry.document.id),
    _column("booking", 10, lambda entry: entry.document.booking),
    _column("biz_id", 38, lambda entry: cells.text(entry.document.biz_id)),
)
