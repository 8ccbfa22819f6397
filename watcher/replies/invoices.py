"""What is told of the invoices in a document, and what they come to: in one language."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import compress

from msgspec import Struct

from watcher import amounts
from watcher.headers import clean
from watcher.model import Document, Invoice, Outcome
from watcher.replies.advising import WHOLE, Lengths
from watcher.replies.view import InvoiceView
from watcher.replies.words import Words

_NUMBER_LENGTH = 100  # of numbers, dates and amounts: nobody can use a part of one


class Invoices(Struct, frozen=True, kw_only=True):
    """Tells of invoices in the language of its words."""

    words: Words
    lengths: Lengths = WHOLE

    def view(self, invoice: Invoice, document: Document) -> InvoiceView:
        return InvoiceView(
            title=clean(invoice.name or "", self.lengths.value) or self.words.say("invoice.untitled"),
            number=self._value(invoice.number),
            code=clean(invoice.code or "", _NUMBER_LENGTH) or None,
            date=self._value(invoice.date.isoformat() if invoice.date else None),
            seller=self._value(invoice.seller_name, self.lengths.value),
            amount=self._amount(invoice),
            expense=clean(invoice.expense_id or "", _NUMBER_LENGTH) or None,
            problem=self._problem(invoice, wanted=has_expense(document) or document.outcome is Outcome.ERROR),
        )

    def _problem(self, invoice: Invoice, *, wanted: bool) -> str | None:
        problems = []
        if message := clean(invoice.message or "", self.lengths.message):
            problems.append(self.words.say("invoice.message", message=message))
        if invoice.verified is False:
            problems.append(self.words.say("invoice.not_verified"))
        if wanted and not invoice.expense_id:
            problems.append(self.words.say("invoice.not_booked"))
        return self.words.say("invoice.separator").join(problems) or None

    def _amount(self, invoice: Invoice) -> str:
        amount = amounts.parse(invoice.amount)
        return amounts.shown(amount, currency_of(invoice)) if amount is not None else self._value(invoice.amount)

    def total(self, documents: Sequence[Document]) -> str | None:
        """What was booked now: of invoices that were booked before or not at all nothing is added."""
        invoices = [invoice for document in documents for invoice in compress(document.invoices, document.counted)]
        parsed = [(amounts.parse(invoice.amount), currency_of(invoice)) for invoice in invoices]
        known = [(amount, currency) for amount, currency in parsed if amount is not None]
        if not known:
            return None
        shown = [amounts.shown(total, currency) for total, currency in amounts.totals(known)]
        said = self.words.say("total", amounts=self.words.say("amount_separator").join(shown))
        missing = len(parsed) - len(known)
        return said + self.words.say("total_left_out", n=missing) if missing else said

    def _value(self, value: str | None, limit: int = _NUMBER_LENGTH) -> str:
        return clean(value or "", limit) or self.words.say("invoice.unknown")


def has_expense(document: Document) -> bool:
    return any(invoice.expense_id for invoice in document.invoices)


def currency_of(invoice: Invoice) -> str | None:
    """As it may be shown; None: it has none."""
    return clean(invoice.currency or "", 8).upper() or None
