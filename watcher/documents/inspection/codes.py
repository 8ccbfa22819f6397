"""The printed QR codes of Chinese invoices."""

from __future__ import annotations

import re
from typing import Any

import zxingcpp

from watcher.documents.inspection.structured import day_in, money
from watcher.seen import By, SeenInvoice

# Version, kind, code, number, amount, day, check code, checksum. The number of a 数电票 has 20 digits and no code; some
# programs put it where the code belongs.
_PRINTED = re.compile(
    r"01,\d{2},(?:(?P<code>\d{10}|\d{12})?,(?P<number>\d{8}|\d{20})|(?P<early>\d{20}),),"
    r"(?P<amount>-?[\d.]*),(?P<day>\d{8})?,.*",
    re.ASCII | re.DOTALL,
)
_MOST_CODES = 50


def invoices_on(image: Any) -> tuple[SeenInvoice, ...]:
    """The invoices whose codes are printed on a picture (whatever zxing-cpp takes for one), each once."""
    found = zxingcpp.read_barcodes(image, formats=zxingcpp.BarcodeFormats(zxingcpp.BarcodeFormat.QRCode))
    seen = (invoice_of(code.text) for code in found[:_MOST_CODES])
    return tuple(dict.fromkeys(invoice for invoice in seen if invoice is not None))


def invoice_of(code: str) -> SeenInvoice | None:
    """The invoice that a code names, else None (a link, an advertisement)."""
    found = _PRINTED.fullmatch("".join(code.split()))
    if found is None:
        return None
    number, of_code = found["early"] or found["number"], found["code"]
    is_new = len(number) == 20  # noqa: PLR2004 - see above
    if is_new == bool(of_code):
        return None
    # The amount of older invoices is without tax.
    amount = money(found["amount"]) if is_new else None
    return SeenInvoice(by=By.QR, number=number, code=of_code or None, date=day_in(found["day"]), amount=amount)
