"""What the words of a page say: pure functions of its text, which is laid out as `layout` does it.

Only what stands beside its label is believed: a bare number of 20 digits is as often a check code (校验码).
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection, Iterator
from datetime import date

from watcher.seen import By, Mark, SeenInvoice

_LONGEST_TITLE = 80
_LONGEST_SELLER = 100
_LONGEST_PAGE = 50_000
_HARDLY_ANY = 20  # characters
_B = r"[^\S\n]?"  # a blank or a tab within a line: `plain` leaves no more than one

_BLANKS = re.compile(r"[^\S\n]+")

_NUMBER = re.compile(rf"发{_B}票{_B}号{_B}码?{_B}:?{_B}(\d{{20}}|\d{{8}})(?!\d)")
_CODE = re.compile(rf"发{_B}票{_B}代{_B}码{_B}:?{_B}(\d{{12}}|\d{{10}})(?!\d)")
_DAY = rf"(20\d\d){_B}[年./-]{_B}(\d{{1,2}}){_B}[月./-]{_B}(\d{{1,2}})(?!\d)"
_DATE = re.compile(rf"(?:开{_B}票|填{_B}开|开{_B}具){_B}日{_B}期{_B}:?{_B}{_DAY}")
_MONEY = r"(-?\d{1,3}(?:,\d{3}){1,4}\.\d{1,2}|-?\d{1,12}\.\d{1,2})(?![\d.])"
_CURRENCY = rf"(?:¥|CNY|RMB)?{_B}"
_AMOUNTS = (
    re.compile(rf"\({_B}小{_B}写{_B}\){_B}:?{_B}{_CURRENCY}{_MONEY}"),
    re.compile(rf"票{_B}价{_B}:?{_B}¥{_B}{_MONEY}"),
    re.compile(rf"合{_B}计{_B}(?:TOTAL)?{_B}:?{_B}CNY{_B}{_MONEY}"),
)
_SELLER = re.compile(rf"销{_B}(?:售{_B})?方{_B}(?:名{_B}称{_B})?:{_B}([^\t\n]+)")
_NAME = re.compile(rf"名{_B}称{_B}:{_B}([^\t\n]+)")
_TAX_ID_LABEL = re.compile(rf"识{_B}别{_B}号")
_TAX_ID = re.compile(rf"识{_B}别{_B}号{_B}[码:]?{_B}:?{_B}([0-9A-Z]{{15,20}})(?![0-9A-Z])")
_LABEL_END = re.compile(r":|统一社会|纳税人|地\s*址")
_CHINESE = re.compile("[一-龥]")

_INVOICE_TITLE = re.compile(
    r"(?:[一-龥]{2,8}\s?)?(?:增值税(?:电子)?(?:普通|专用)发票|通行费增值税电子普通发票|(?:机动车|二手车)销售统一发票"
    r"|通用(?:机打|定额|电子)发票)(?:\([^)]{1,12}\))?"
    r"|电子发票(?:\([^)]{2,16}\))?|铁路电子客票|航空运输电子客票行程单|(?:[一-龥]{2,8})?(?:医疗|非税).{0,8}票据(?:\(电子\))?"
)
# An airline's paper itinerary, which counts as an invoice, and a ticket from abroad: the program of a scanner reads
# their titles with blanks, on two lines, or wrong, so that labels of the form tell, too. To speak of one is not enough.
_FLIGHT_TITLE = re.compile(
    r"(?:^|\t|\n)\s*(?:航\s?空\s?运\s?输\s?电\s?子\s?客\s?票\s?行\s?程\s?单(?![^\S\n]?[一-龥])"
    r"|(?:electronic ticket|e-?ticket|passenger|itinerary)(?:\W{1,3}(?:passenger|itinerary)){0,2}\W{1,3}receipt\b)",
    re.IGNORECASE,
)
_FLIGHT_LABELS = ("印刷序号", "填开单位", "销售单位代号", "电子客票号码", "民航发展基金")
_FEWEST_FLIGHT_LABELS = 2
_SURE_TITLE = re.compile(r"电子发票\((?:普通发票|增值税专用发票|铁路电子客票|航空运输电子客票行程单)\)")
# Titles of what comes with an invoice and is none: they stand in a cell of their own.
_TITLES = (
    (Mark.TRIP_SHEET, r"(?!.*航空运输电子客票).{0,24}(?:行程单|行程报销单)|.{0,24}TRIP TABLE"),
    (
        Mark.FOLIO,
        r".{0,20}(?:水单|账单|结账单)|.{0,20}\b(?:e-?)?folio\b.{0,12}|.{0,24}guest statement|information invoice",
    ),
    (Mark.TOLL_SUMMARY, r".{0,12}通行费电子票据汇总单.{0,12}"),
    (Mark.GOODS_LIST, r".{0,24}(?:运单明细|订单明细|堂食明细|消费明细|消费清单)(?:表|单)?"),
)
# The title that tax law gives an invoice abroad: hotels print the number of their folio in a cell of it. A bare INVOICE
# is no such title, because folios are called so, too.
_FOREIGN_INVOICE = re.compile(r"(?!.*\bno[tn]\b).{0,40}\b(?:tax|gst|vat)\W{1,3}invoice\b.{0,24}", re.IGNORECASE)
_TITLE_PATTERNS = tuple((mark, re.compile(pattern, re.IGNORECASE)) for mark, pattern in _TITLES)
_PAGE = re.compile(
    rf"第{_B}(?P<a>\d{{1,3}}){_B}页{_B}[,，/]?{_B}共{_B}(?P<b>\d{{1,3}}){_B}页"
    rf"|共{_B}(?P<d>\d{{1,3}}){_B}页{_B}[,，/]?{_B}第{_B}(?P<c>\d{{1,3}}){_B}页"
    rf"|\bpage{_B}(?P<e>\d{{1,3}}){_B}(?:of|/){_B}(?P<f>\d{{1,3}})(?!\d)",
    re.IGNORECASE,
)
_CREDIT = re.compile(rf"被?红冲|红字|销项负数|对应正数发票|冲{_B}红")


def plain(text: str) -> str:
    """In the characters that people type: no full-width forms, no radicals in the place of characters.

    Blanks in a row become one of them: a tab where a tab was among them. A page of more than 50,000 characters is cut.
    """
    return _BLANKS.sub(_blank, unicodedata.normalize("NFKC", text[:_LONGEST_PAGE]))


def marks_of(text: str) -> frozenset[Mark]:
    """What a page says that it is. `text` is `plain`."""
    cells = list(_cells(text))
    found = {mark for mark, title in _TITLE_PATTERNS if any(title.fullmatch(cell) for cell in cells)}
    if any(_FOREIGN_INVOICE.fullmatch(cell) for cell in cells):
        found.discard(Mark.FOLIO)
    invoice = invoice_of(text)
    facts = {
        Mark.INVOICE: bool(_SURE_TITLE.search(text))
        or any(_INVOICE_TITLE.fullmatch(cell) for cell in cells)
        or _is_of_a_flight(text),
        Mark.CREDIT_NOTE: bool(_CREDIT.search(text)) or (invoice.amount or "").startswith("-"),
        Mark.TAX_IDS: len(set(_TAX_ID.findall(text))) > 1,
        Mark.NUMBER_LABEL: bool(_NUMBER.search(text)),
        Mark.DATE_LABEL: invoice.date is not None,
        Mark.AMOUNT_LABEL: invoice.amount is not None,
    }
    return frozenset(found | {mark for mark, is_so in facts.items() if is_so})


def invoice_of(text: str) -> SeenInvoice:
    """What stands beside the labels. Where two different values stand beside the same label, neither is believed.

    A number of 8 digits counts only beside a code. `text` is `plain`.
    """
    number, code = _only(_NUMBER, text), _only(_CODE, text)
    if number is not None and len(number) == 20:  # noqa: PLR2004 - such a number has no code
        code = None
    elif code is None or number is None:
        number = code = None
    return SeenInvoice(
        by=By.TEXT, number=number, code=code, date=_date(text), amount=_amount(text), seller=_seller(text)
    )


def numbers_in(text: str) -> frozenset[str]:
    """All numbers beside their labels: of an invoice with one of either length, that of 20 digits. `text` is `plain`.

    None of a credit note, which names the invoice that it takes back, too.
    """
    if _CREDIT.search(text):
        return frozenset()
    found = frozenset(_NUMBER.findall(text))
    return frozenset(number for number in found if len(number) == max(map(len, found)))


def is_wordless(text: str) -> bool:
    """Whether a page has hardly any words: then it may be a picture."""
    return len(text.strip()) < _HARDLY_ANY


def comes_with_invoices(marks: Collection[Mark]) -> bool:
    """Whether a page says that it is one of the things that come with an invoice, and none itself."""
    return Mark.INVOICE not in marks and any(mark in marks for mark, _ in _TITLES)


def is_later_page(text: str) -> bool:
    """Whether it says that it is the second page of something, or a later one. `text` is `plain`."""
    said = {tuple(int(number) for number in found if number) for found in map(_numbers, _PAGE.finditer(text))}
    return bool(said) and all(1 < page <= count for page, count in said)


def _numbers(found: re.Match[str]) -> tuple[str | None, str | None]:
    return found["a"] or found["c"] or found["e"], found["b"] or found["d"] or found["f"]


def title_of(text: str) -> str | None:
    """The first words, at most 80 characters of them."""
    words = " ".join(text[: 20 * _LONGEST_TITLE].split())
    return words[:_LONGEST_TITLE] or None


def day(year: str, month: str, of_month: str) -> date | None:
    """A day that there is, else None."""
    try:
        return date(int(year), int(month), int(of_month))
    except ValueError:
        return None


def _blank(blanks: re.Match[str]) -> str:
    return "\t" if "\t" in blanks[0] else " "


def _is_of_a_flight(text: str) -> bool:
    labels = sum(label in text for label in _FLIGHT_LABELS)
    return labels >= _FEWEST_FLIGHT_LABELS or _FLIGHT_TITLE.search(text) is not None


def _only(pattern: re.Pattern[str], text: str) -> str | None:
    values = set(pattern.findall(text))
    return values.pop() if len(values) == 1 else None


def _date(text: str) -> date | None:
    days = {day(*found) for found in _DATE.findall(text)}
    return days.pop() if len(days) == 1 else None


def _amount(text: str) -> str | None:
    for pattern in _AMOUNTS:
        values = {value.replace(",", "") for value in pattern.findall(text)}
        if values:
            return values.pop() if len(values) == 1 else None
    return None


def _seller(text: str) -> str | None:
    """Beside its own label, or the second of two names on a page with two tax numbers."""
    named = {name for found in _SELLER.findall(text) if (name := _party(found))}
    if named:
        return named.pop() if len(named) == 1 else None
    names = _NAME.findall(text)
    is_of_two = len(names) == len(_TAX_ID_LABEL.findall(text)) == 2  # noqa: PLR2004 - the buyer and the seller
    return _party(names[1]) if is_of_two else None


def _party(found: str) -> str | None:
    name = _LABEL_END.split(found)[0].strip()
    if _CHINESE.search(name):  # as such names are written
        name = name.replace("(", "（").replace(")", "）")
    return name if 1 < len(name) <= _LONGEST_SELLER else None


def _cells(text: str) -> Iterator[str]:
    for line in text.split("\n"):
        for cell in line.split("\t"):
            if words := " ".join(cell.split()):
                yield words
