"""The invoices, and the expense ids among them, that are stored for a booking."""

from __future__ import annotations

from collections.abc import Iterable
from operator import attrgetter
from typing import Any

from sqlalchemy import bindparam, delete, insert, select

from watcher.journal.connection import Connection
from watcher.journal.deferred import Deferred
from watcher.journal.tables import invoices
from watcher.model import Invoice

_INVOICE_COLUMNS = tuple(column.name for column in invoices.c if column.name not in ("id", "booking"))
_values_of = attrgetter(*_INVOICE_COLUMNS)  # all in one call
_ADD_INVOICE = Deferred(lambda: insert(invoices))
_FORGET_INVOICES = Deferred(lambda: delete(invoices).where(invoices.c.booking == bindparam("of")))
_EXPENSES = Deferred(lambda: select(invoices.c.expense_id).where(invoices.c.booking == bindparam("of")))


def stored_expenses(connection: Connection, booking: int) -> set[str | None] | None:
    """The expense ids that are stored; None: no invoice is."""
    rows = connection.execute(_EXPENSES, {"of": booking}).scalars()
    return set(rows) if rows else None


def expense_ids(found: tuple[Invoice, ...]) -> set[str | None]:
    return {invoice.expense_id for invoice in found} - {None}


def write_invoices(
    connection: Connection, booking: int, found: tuple[Invoice, ...], stored: set[str | None] | None
) -> None:
    """Replace what is stored, but keep every expense id that the new ones do not repeat."""
    before, now = (stored or set()) - {None}, expense_ids(found)
    if stored is not None and before <= now:
        connection.execute(_FORGET_INVOICES, {"of": booking})
        before = set()
    rows = [_columns(booking, invoice) for invoice in found if invoice.expense_id not in before]
    if before and not now:
        rows = []  # the stored ones say more
    if rows:
        connection.execute(_ADD_INVOICE, rows)


def add_invoices(connection: Connection, found: Iterable[tuple[int, tuple[Invoice, ...]]]) -> None:
    """Those of bookings that have none yet."""
    rows = [_columns(booking, invoice) for booking, invoices_of_it in found for invoice in invoices_of_it]
    connection.execute(_ADD_INVOICE, rows)


def _columns(booking: int, invoice: Invoice) -> dict[str, Any]:
    values = dict(zip(_INVOICE_COLUMNS, _values_of(invoice), strict=True))
    values["date"] = invoice.date.isoformat() if invoice.date is not None else None
    return {"booking": booking, **values}


def write_late_invoices(
    connection: Connection, booking: int, found: tuple[Invoice, ...], stored: set[str | None] | None
) -> None:
    before = (stored or set()) - {None}
    rows = [_columns(booking, invoice) for invoice in found if invoice.expense_id and invoice.expense_id not in before]
    connection.execute(_ADD_INVOICE, rows)
