"""Invoices in XML that was made for machines: Chinese e-invoices, UN/CEFACT (Factur-X, ZUGFeRD) and UBL.

Names are compared without their namespace: the same vocabulary comes with one, with another and with none.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import date
from decimal import Decimal, InvalidOperation

from lxml import etree
from msgspec import Struct

from watcher.documents.inspection.text import day
from watcher.seen import By, SeenInvoice

LARGEST_XML = 8 * 1024 * 1024
LONGEST_VALUE = 100
_DAY = re.compile(r"\s*(\d{4})\s*[-年/.]\s*(\d{1,2})\s*[-月/.]\s*(\d{1,2})(?!\d)")
_COMPACT_DAY = re.compile(r"\s*(\d{4})(\d\d)(\d\d)(?:\d{6}(?:\d{3})?)?\s*")
_CHINESE_NUMBER = re.compile(r"\d{20}|\d{8}")
_MONEY = re.compile(r"-?\d{1,15}(?:\.\d{1,6})?")
_DECLARATION = re.compile(
    rb"\A(<\?xml[^>]{0,500}?)\s{1,50}encoding\s*=\s*[\"'](?:gb2312|gbk|cp936|x-gbk)[\"']", re.IGNORECASE
)
_CREDIT_TYPES = frozenset({"381", "261", "396"})  # UNTDID 1001


class Vocabulary(Struct, frozen=True, kw_only=True):
    """Where a kind of XML has what: paths of local names from anywhere, the first that is there counts."""

    number: tuple[str, ...]
    date: tuple[str, ...]
    amount: tuple[str, ...]
    seller: tuple[str, ...]
    code: tuple[str, ...] = ()
    is_chinese: bool = False
    is_credit: bool = False


CHINESE = Vocabulary(
    number=("TaxSupervisionInfo/InvoiceNumber", "InvoiceNumber", "InvoiceNo", "NumberOfInvoice", "EIid"),
    code=("InvoiceCode", "CodeOfInvoice"),
    date=("TaxSupervisionInfo/IssueTime", "IssueTime", "IssueDate", "DateOfIssue", "RequestTime"),
    amount=("TotalTax-includedAmount", "TaxInclusiveTotalAmount", "TaxIncludedAmountInFigures"),
    seller=("SellerInformation/SellerName", "SellerName", "NameOfSeller"),
    is_chinese=True,
)
_CROSS_INDUSTRY = Vocabulary(
    number=("ExchangedDocument/ID", "HeaderExchangedDocument/ID"),
    date=("ExchangedDocument/IssueDateTime/DateTimeString", "HeaderExchangedDocument/IssueDateTime/DateTimeString"),
    amount=(
        "SpecifiedTradeSettlementHeaderMonetarySummation/GrandTotalAmount",
        "SpecifiedTradeSettlementMonetarySummation/GrandTotalAmount",
    ),
    seller=("SellerTradeParty/Name",),
)
_UBL = Vocabulary(
    number=("Invoice/ID", "CreditNote/ID"),
    date=("Invoice/IssueDate", "CreditNote/IssueDate"),
    amount=("LegalMonetaryTotal/TaxInclusiveAmount",),
    seller=(
        "AccountingSupplierParty/Party/PartyLegalEntity/RegistrationName",
        "AccountingSupplierParty/Party/PartyName/Name",
    ),
)
_ROOTS: Mapping[str, Vocabulary] = {
    "einvoice": CHINESE,
    "e-invoice": CHINESE,
    "xbrl": CHINESE,
    "crossindustryinvoice": _CROSS_INDUSTRY,
    "crossindustrydocument": _CROSS_INDUSTRY,
}


class Structured(Struct, frozen=True, kw_only=True):
    """An invoice in XML, and whether it is one that takes another back."""

    invoice: SeenInvoice
    is_credit: bool


def parsed(data: bytes) -> etree._Element | None:
    """The root, or None where it cannot be parsed. No entity is resolved, nothing is fetched, no tree is huge."""
    if len(data) > LARGEST_XML:
        return None
    parser = etree.XMLParser(
        resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False, remove_comments=True, recover=True
    )
    try:
        # The larger set reads what is called by the smaller one's name.
        root = etree.fromstring(_DECLARATION.sub(rb'\1 encoding="gb18030"', data.lstrip()), parser)
    except (etree.XMLSyntaxError, ValueError, LookupError):
        return None
    return root if isinstance(root, etree._Element) else None  # noqa: SLF001 - lxml has no public name for it


def invoice_in(root: etree._Element) -> Structured | None:
    """The invoice that XML with this root is, else None."""
    vocabulary = _vocabulary(root)
    if vocabulary is None:
        return None
    number = _first(root, vocabulary.number)
    code = _first(root, vocabulary.code)
    if vocabulary.is_chinese:
        number, code = chinese_number(number, code)
    if number is None:
        return None
    amount = money(_first(root, vocabulary.amount))
    invoice = SeenInvoice(
        by=By.XML,
        number=number,
        code=code,
        date=day_in(_first(root, vocabulary.date)),
        amount=amount,
        seller=_first(root, vocabulary.seller),
    )
    return Structured(invoice=invoice, is_credit=_is_credit(root) or (amount or "").startswith("-"))


def local(element: etree._Element) -> str:
    """The element's name without its namespace; empty for what is no element."""
    return element.tag.rpartition("}")[2] if isinstance(element.tag, str) else ""


def named(root: etree._Element, name: str) -> Iterator[etree._Element]:
    """All elements with this local name, in the document's order."""
    return root.iter(f"{{*}}{name}")


def chinese_number(number: str | None, code: str | None) -> tuple[str | None, str | None]:
    """A number of 20 digits, or one of 8 beside its code; else neither."""
    digits, of_code = "".join((number or "").split()), "".join((code or "").split())
    if not digits.isascii() or not _CHINESE_NUMBER.fullmatch(digits):
        return None, None
    if len(digits) == 20:  # noqa: PLR2004 - such a number has no code
        return digits, None
    return (digits, of_code) if re.fullmatch(r"\d{10}|\d{12}", of_code, re.ASCII) else (None, None)


def day_in(value: str | None) -> date | None:
    """The day that a value begins with: 2026-05-01, 2026年05月01日, 20260501, with or without a time."""
    found = _COMPACT_DAY.fullmatch(value or "") or _DAY.match(value or "")
    return day(*found.groups()) if found else None


def money(value: str | None) -> str | None:
    """A decimal number as it was written, without signs of currency and thousands; else None."""
    plain = (value or "").replace(",", "").strip().lstrip("¥￥").strip()
    if not plain.isascii() or not _MONEY.fullmatch(plain):
        return None
    return plain


def together(one: str | None, other: str | None) -> str | None:
    """The sum of two amounts; None where either is unknown."""
    if one is None or other is None:
        return None
    try:
        return money(str(Decimal(one) + Decimal(other)))
    except InvalidOperation:
        return None


def _vocabulary(root: etree._Element) -> Vocabulary | None:
    name = local(root).lower()
    if name in ("invoice", "creditnote") and "ubl" in (etree.QName(root).namespace or ""):
        return _UBL
    return _ROOTS.get(name)


def _first(root: etree._Element, paths: tuple[str, ...]) -> str | None:
    for path in paths:
        *parents, name = path.split("/")
        for element in named(root, name):
            value = (element.text or "").strip()
            if value and _stands_in(element, parents):
                return value[:LONGEST_VALUE]
    return None


def _stands_in(element: etree._Element, parents: list[str]) -> bool:
    ancestor = element.getparent()
    for parent in reversed(parents):
        if ancestor is None or local(ancestor) != parent:
            return False
        ancestor = ancestor.getparent()
    return True


def _is_credit(root: etree._Element) -> bool:
    if local(root) == "CreditNote":
        return True
    types = ("ExchangedDocument/TypeCode", "HeaderExchangedDocument/TypeCode", "Invoice/InvoiceTypeCode")
    return _first(root, types) in _CREDIT_TYPES
