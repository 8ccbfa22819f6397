"""From pages to invoices."""

from __future__ import annotations

from datetime import date

from watcher.documents.inspection.gathering import PageFound, gathered, unread
from watcher.seen import By, SeenInvoice

A, B, C = "26117000000000000001", "26117000000000000002", "26117000000000000003"


def _text(number: str | None = None, **values: object) -> SeenInvoice:
    return SeenInvoice(by=By.TEXT, number=number, **values)  # type: ignore[arg-type]


def _page(number: str | None = None, *codes: str) -> PageFound:
    return PageFound(words=_text(number), codes=tuple(SeenInvoice(by=By.QR, number=code) for code in codes))


def _ranges(found: tuple[SeenInvoice, ...]) -> list[tuple[str | None, int, int]]:
    return [(invoice.number, invoice.first, invoice.last) for invoice in found]


def test_each_page_with_a_number_of_its_own_is_an_invoice() -> None:
    assert _ranges(gathered([_page(A), _page(B), _page(C)])) == [(A, 1, 1), (B, 2, 2), (C, 3, 3)]


def test_pages_in_a_row_with_the_same_number_are_one_invoice() -> None:
    assert _ranges(gathered([_page(A), _page(A), _page(B), _page(A)])) == [(A, 1, 2), (B, 3, 3), (A, 4, 4)]


def test_a_page_without_a_number_continues_the_invoice_before_it() -> None:
    assert _ranges(gathered([_page(), _page(A), _page(), _page(), _page(B)])) == [(A, 2, 4), (B, 5, 5)]


def test_a_code_is_believed_before_a_printed_number() -> None:
    found = gathered([PageFound(words=_text(A, amount="1.00"), codes=(SeenInvoice(by=By.QR, number=B),))])
    assert _ranges(found) == [(B, 1, 1)]
    assert found[0].amount is None  # that was the other one's


def test_what_a_code_lacks_is_taken_from_the_words() -> None:
    words = _text(A, amount="1.00", seller="甲", date=date(2026, 5, 1))
    found = gathered([PageFound(words=words, codes=(SeenInvoice(by=By.QR, number=A, amount="2.00"),))])
    expected = SeenInvoice(by=By.QR, number=A, amount="2.00", seller="甲", date=date(2026, 5, 1), first=1, last=1)
    assert found == (expected,)


def test_two_codes_on_a_page_are_two_invoices_of_that_page() -> None:
    assert _ranges(gathered([_page(None, A, B), _page()])) == [(A, 1, 1), (B, 1, 2)]


def test_the_only_data_of_a_file_is_about_all_its_pages() -> None:
    whole = [SeenInvoice(by=By.XML, number="R-1"), SeenInvoice(by=By.XML, number="R-1", amount="9.00")]
    found = gathered([_page(), _page()], whole, count=3)
    assert found == (SeenInvoice(by=By.XML, number="R-1", amount="9.00", first=1, last=3),)


def test_data_of_a_file_finds_its_page_by_the_number() -> None:
    whole = [SeenInvoice(by=By.XML, number=B, seller="乙"), SeenInvoice(by=By.XML, number=C)]
    found = gathered([_page(A), _page(B)], whole, count=2)
    assert _ranges(found) == [(A, 1, 1), (B, 2, 2), (C, 0, 0)]
    assert (found[1].by, found[1].seller) == (By.XML, "乙")


def test_data_without_pages_stands_by_itself() -> None:
    assert _ranges(gathered([], [SeenInvoice(by=By.XML, number=A)])) == [(A, 0, 0)]


def test_a_hostile_file_has_no_more_than_two_hundred_invoices() -> None:
    assert len(gathered([_page(f"{index:020}") for index in range(500)])) == 200


def _picture(*codes: str) -> PageFound:
    return PageFound(words=_text(), codes=tuple(SeenInvoice(by=By.QR, number=code) for code in codes), opaque=True)


def _naming(numbers: str, *codes: str, number: str | None = None) -> PageFound:
    found = tuple(SeenInvoice(by=By.QR, number=code) for code in codes)
    return PageFound(words=_text(number), codes=found, numbers=frozenset(numbers.split()))


def test_pictures_whose_code_nobody_could_read_are_unread() -> None:
    assert unread([_page(A), _picture(), _picture(B), _page(), _picture()]) == (2, 5)


def test_a_page_that_names_more_invoices_than_were_found_is_unread() -> None:
    assert unread([_naming(f"{A} {B}", A), _naming(f"{A} {B}", A, B), _naming(f"{A} {B}")]) == (1, 3)


def test_a_number_that_differs_from_the_code_or_is_none_of_an_invoice_is_no_further_one() -> None:
    assert unread([_naming(A, B, number=A), _naming("12345678"), _naming(A, number=A)]) == ()


def test_data_of_a_file_is_about_its_first_page_where_no_page_names_the_invoice() -> None:
    whole = [SeenInvoice(by=By.XML, number=A)]
    assert unread([_picture(), _page()], whole) == ()
    assert unread([_picture(), _picture()], whole) == (2,)
    assert unread([_picture(), _page(A), _picture()], whole) == (1, 3)
    assert unread([_naming(f"{A} {B}"), _naming(A)], whole) == (1,)


def test_each_of_several_data_of_a_file_is_about_a_page_of_its_own() -> None:
    whole = [SeenInvoice(by=By.QR, number=A), SeenInvoice(by=By.QR, number=B)]
    assert unread([_picture(), _picture(), _picture()], whole) == (3,)
