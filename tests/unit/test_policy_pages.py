"""Where a file with many invoices is cut."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from watcher.policy.pages import cuts
from watcher.seen import By, Seen, SeenInvoice


def seen(pages: int, *extents: tuple[int, int], unread: tuple[int, ...] = ()) -> Seen:
    found = tuple(
        SeenInvoice(by=By.QR, number=f"{number:020}", first=first, last=last)
        for number, (first, last) in enumerate(extents)
    )
    return Seen(pages=pages, deep=True, searched=pages, invoices=found, unread=unread)


def single(pages: int) -> list[tuple[int, int]]:
    return [(page, page) for page in range(1, pages + 1)]


@pytest.mark.parametrize(
    ("what", "parts"),
    [
        (seen(10, *single(10)), [(1, 3), (4, 6), (7, 9), (10, 10)]),
        (seen(10), [(1, 3), (4, 6), (7, 9), (10, 10)]),
        (seen(10, (1, 4), (5, 5), (6, 9), (10, 10)), [(1, 9), (10, 10)]),
        (seen(9, (2, 2), (3, 3), (4, 4), (5, 5)), [(1, 4), (5, 9)]),
        (seen(4, *single(4), *single(4)), [(1, 1), (2, 2), (3, 3), (4, 4)]),
        (seen(2, *[(1, 1)] * 4, (2, 2)), [(1, 1), (2, 2)]),
        (seen(5, (1, 1), (4, 4), unread=(2, 3, 5)), [(1, 3), (4, 5)]),
        (seen(6, (1, 6), unread=(2, 3, 4, 5)), [(1, 3), (4, 6)]),
        (replace(seen(5, (1, 1)), searched=1), [(1, 3), (4, 5)]),
        (replace(seen(8), later=(2, 4, 6, 8)), [(1, 6), (7, 8)]),
    ],
    ids=[
        "a page each",
        "nothing seen",
        "borders",
        "a cover",
        "two a page",
        "crowded",
        "unread",
        "unread within",
        "not searched",
        "two pages each",
    ],
)
def test_a_file_with_more_invoices_than_may_be_is_cut_at_their_borders(
    what: Seen, parts: list[tuple[int, int]]
) -> None:
    assert cuts(what, 3) == parts


@pytest.mark.parametrize(
    "what",
    [
        seen(1),
        seen(3),
        seen(12, (1, 12)),
        seen(12, (1, 4), (5, 8), (9, 12)),
        seen(9, (1, 1)),
        seen(1, *[(1, 1)] * 5),
        replace(seen(5), later=(2, 3, 4, 5)),
        Seen(pages=10),
        Seen(deep=True),
        Seen(pages=5, deep=True, searched=5, invoices=(SeenInvoice(by=By.XML, number="RE-1"),)),
    ],
    ids=[
        "a page",
        "three pages",
        "one",
        "three",
        "one and a list",
        "a crowded page",
        "page 1 to 5",
        "not looked",
        "no pages",
        "data",
    ],
)
def test_a_file_that_the_endpoint_takes_stays_whole(what: Seen) -> None:
    assert cuts(what, 3) == []


@st.composite
def files(draw: st.DrawFn) -> Seen:
    """Invoices one after the other; a page that nobody could read is none on which an invoice was read to begin."""
    pages = draw(st.integers(1, 30))
    begins = sorted(draw(st.sets(st.integers(1, pages), min_size=1)))
    ends = [*(begin - 1 for begin in begins[1:]), pages]
    extents = [(first, draw(st.integers(first, last))) for first, last in zip(begins, ends, strict=True)]
    unread = draw(st.sets(st.integers(1, pages))) - set(begins)
    return seen(pages, *extents, unread=tuple(sorted(unread)))


@given(files(), st.integers(1, 5))
def test_parts_have_every_page_once_and_never_more_invoices_than_may_be(what: Seen, most: int) -> None:
    parts = cuts(what, most)
    covered = [page for first, last in parts for page in range(first, last + 1)]

    assert covered in ([], list(range(1, (what.pages or 0) + 1)))
    for first, last in parts:
        held = sum(first <= invoice.first <= last for invoice in what.invoices)
        assert held + sum(first <= page <= last for page in what.unread) <= most or first == last
    for invoice in what.invoices:
        within = set(range(invoice.first + 1, invoice.last + 1)) - set(what.unread)
        assert not within & {first for first, _ in parts}
