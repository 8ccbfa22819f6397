"""The QR codes of Chinese invoices."""

from __future__ import annotations

from datetime import date

import pytest

from watcher.documents.inspection.codes import invoice_of
from watcher.seen import By, SeenInvoice

DAY = date(2026, 4, 30)


def test_the_code_of_a_digital_invoice_has_its_amount_with_tax() -> None:
    found = invoice_of("01,32,,26427000000375586818,10.70,20260430,,FAFB")
    assert found == SeenInvoice(by=By.QR, number="26427000000375586818", date=DAY, amount="10.70")


def test_the_code_of_an_older_invoice_has_no_amount_that_can_be_relied_on() -> None:
    found = invoice_of("01,10,033002200211,12345678,300.00,20260430,14754822929856772523,E400,")
    assert found == SeenInvoice(by=By.QR, number="12345678", code="033002200211", date=DAY)


@pytest.mark.parametrize(
    "code",
    [
        "01,51,,26339132621000219582,56.00,20260430,,AB12",
        "01,31,26339132621000219582,,56.00,20260430,,AB12",
        " 01, 32, ,26339132621000219582, 56.00, 20260430, , AB12\n",
    ],
)
def test_variants_are_read(code: str) -> None:
    found = invoice_of(code)
    assert found is not None
    assert (found.number, found.amount, found.date) == ("26339132621000219582", "56.00", DAY)


@pytest.mark.parametrize(
    "code",
    [
        "https://example.com/v/2_26427000000375586818_20260430120000",
        "https://inv-veri.chinatax.gov.cn/",
        "01,32,,2642700000037558681,10.70,20260430,,FAFB",
        "01,32,033002200211,26427000000375586818,10.70,20260430,,FAFB",
        "01,10,,12345678,10.70,20260430,,FAFB",
        "02,32,,26427000000375586818,10.70,20260430,,FAFB",
        "01,32,,26427000000375586818",
        "",
    ],
)
def test_other_codes_name_no_invoice(code: str) -> None:
    assert invoice_of(code) is None


def test_a_day_that_there_is_not_is_left_out() -> None:
    found = invoice_of("01,32,,26427000000375586818,x,20261399,,FAFB") or invoice_of(
        "01,32,,26427000000375586818,,20261399,,FAFB"
    )
    assert found == SeenInvoice(by=By.QR, number="26427000000375586818")
