"""From what was found page by page, and in data of the whole file, to the invoices of a document."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence

from msgspec import Struct
from msgspec.structs import replace

from watcher.seen import SeenInvoice

MOST_INVOICES = 200


class PageFound(Struct, frozen=True, kw_only=True):
    """What a page holds: the invoice of its words (perhaps without a number), and those of its QR codes.

    `numbers` are all that its words name, also where they are several and none is believed. `opaque`: it may be a
    picture of an invoice.
    """

    words: SeenInvoice
    codes: tuple[SeenInvoice, ...] = ()
    numbers: frozenset[str] = frozenset()
    opaque: bool = False


def gathered(
    pages: Sequence[PageFound], whole: Iterable[SeenInvoice] = (), *, count: int = 0
) -> tuple[SeenInvoice, ...]:
    """The invoices in their order. `whole` is data of the file and not of a page: XML, properties.

    A page without a number continues the invoice before it. One invoice in the data of the whole file, and no other
    on its pages, is all the `count` pages, of which not all need have been searched.
    """
    known = _each_once(whole)
    by_page = _by_page(pages)
    if not by_page and len(known) == 1:
        return (replace(known[0], first=min(1, count), last=count),)
    matched = [_completed_by(invoice, known) for invoice in by_page]
    numbers = {_identity(invoice) for invoice in matched}
    rest = [invoice for invoice in known if _identity(invoice) not in numbers]
    return (*matched, *rest)[:MOST_INVOICES]


def unread(pages: Sequence[PageFound], whole: Iterable[SeenInvoice] = ()) -> tuple[int, ...]:
    """The pages, from 1, that may hold an invoice which is not among those that are `gathered`.

    Invoices in data of the whole file that no page names are taken to be on the first pages, one on each.
    """
    known = {invoice.number for invoice in whole}
    named = {number for page in pages for number in (*page.numbers, *(invoice.number for invoice in _on_page(page)))}
    unplaced = len(known - named)
    return tuple(number for number, page in enumerate(pages, 1) if _hides(page, known, is_told=number <= unplaced))


def _hides(page: PageFound, known: Collection[str | None], *, is_told: bool) -> bool:
    found = {code.number for code in page.codes} | page.numbers.intersection(known)
    if len(page.numbers) > max(len(found), 1):
        return True
    return page.opaque and not page.codes and not is_told


def filled(invoice: SeenInvoice, other: SeenInvoice) -> SeenInvoice:
    """The invoice, with what it lacks from another reading of it; a number and a code go together."""
    number, code = (invoice.number, invoice.code) if invoice.number else (other.number, other.code)
    return replace(
        invoice,
        number=number,
        code=code,
        date=invoice.date or other.date,
        amount=invoice.amount or other.amount,
        seller=invoice.seller or other.seller,
    )


def _by_page(pages: Sequence[PageFound]) -> list[SeenInvoice]:
    found: list[SeenInvoice] = []
    for number, page in enumerate(pages, 1):
        here = [replace(invoice, first=number, last=number) for invoice in _on_page(page)]
        if not here and found:
            found[-1] = replace(found[-1], last=number)
        elif len(here) == 1 and found and _identity(found[-1]) == _identity(here[0]):
            found[-1] = replace(filled(found[-1], here[0]), last=number)
        else:
            found += here
    return found


def _on_page(page: PageFound) -> list[SeenInvoice]:
    """The invoices of a page; a code's number is believed before a printed one."""
    if not page.codes:
        return [page.words] if page.words.number else []
    if len(page.codes) > 1:
        return [filled(code, page.words) if _identity(code) == _identity(page.words) else code for code in page.codes]
    code = page.codes[0]
    if page.words.number and _identity(code) != _identity(page.words):
        return [code]
    return [filled(code, page.words)]


def _completed_by(invoice: SeenInvoice, known: Sequence[SeenInvoice]) -> SeenInvoice:
    for other in known:
        if _identity(other) == _identity(invoice):
            return replace(filled(other, invoice), first=invoice.first, last=invoice.last)
    return invoice


def _each_once(invoices: Iterable[SeenInvoice]) -> list[SeenInvoice]:
    once: dict[tuple[str | None, str | None], SeenInvoice] = {}
    for invoice in invoices:
        key = _identity(invoice)
        once[key] = filled(once[key], invoice) if key in once else invoice
    return list(once.values())


def _identity(invoice: SeenInvoice) -> tuple[str | None, str | None]:
    return invoice.number, invoice.code
