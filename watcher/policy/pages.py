"""Where a file with more invoices than the endpoint takes is cut: never within an invoice that can be seen."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from msgspec import Struct

from watcher.seen import Seen, SeenInvoice

Pages = tuple[int, int]
"""The first and the last page, from 1."""


class _Stretch(Struct, frozen=True, kw_only=True):
    """Pages that stay together, and how many invoices may be on them at most."""

    first: int
    last: int
    invoices: int


def cuts(seen: Seen, most: int) -> list[Pages]:
    """The parts of a file, in order and without gaps, so that none has more than `most` invoices; [] to leave it whole.

    A page on which nothing could be read may hold an invoice. Where no invoice can be seen at all, each page may, but
    one that says that it is a later page of something.
    A page that holds more than `most` by itself stays one part.
    """
    pages = seen.pages
    if pages is None or pages <= 1 or not seen.deep:
        return []
    stretches = _stretches(seen, pages)
    if sum(stretch.invoices for stretch in stretches) <= most:
        return []
    parts = list(_packed(stretches, most))
    return parts if len(parts) > 1 else []


def _stretches(seen: Seen, pages: int) -> list[_Stretch]:
    placed = [invoice for invoice in seen.invoices if invoice.first]
    if seen.invoices and not placed:  # data for machines speaks of the file as a whole
        return [_Stretch(first=1, last=pages, invoices=len(seen.invoices))]
    if not placed:
        begins = [page for page in range(1, pages + 1) if page == 1 or page not in seen.later]
        return _joined(begins, [], begins, pages)
    return _joined(_begins(placed, seen.hidden, pages), placed, seen.hidden, pages)


def _begins(placed: Sequence[SeenInvoice], unread: Sequence[int], pages: int) -> list[int]:
    """The pages on which a part may begin: the first of an invoice, or one that may be, but not within another."""
    wanted = {1, *(invoice.first for invoice in placed), *unread}
    inside = {page for each in placed for page in range(each.first + 1, each.last + 1)} - set(unread)
    return sorted(page for page in wanted - inside if page <= pages)


def _joined(begins: Sequence[int], placed: Sequence[SeenInvoice], maybe: Sequence[int], pages: int) -> list[_Stretch]:
    """`maybe` are the pages that may hold an invoice beside those that are placed."""
    ends = [*(begin - 1 for begin in begins[1:]), pages]
    return [
        _Stretch(first=first, last=last, invoices=_most_on(first, last, placed, maybe))
        for first, last in zip(begins, ends, strict=True)
    ]


def _most_on(first: int, last: int, placed: Sequence[SeenInvoice], maybe: Sequence[int]) -> int:
    seen = sum(first <= invoice.first <= last for invoice in placed)
    return seen + sum(first <= page <= last for page in maybe)


def _packed(stretches: Sequence[_Stretch], most: int) -> Iterator[Pages]:
    """As many stretches together as are allowed; pages before the first invoice go with it."""
    first, last, count = stretches[0].first, stretches[0].last, stretches[0].invoices
    for stretch in stretches[1:]:
        if count and count + stretch.invoices > most:
            yield first, last
            first, count = stretch.first, 0
        last, count = stretch.last, count + stretch.invoices
    yield first, last
