"""Invoices in XML that was made for machines."""

from __future__ import annotations

from datetime import date

import pytest

from watcher.documents.inspection.structured import day_in, invoice_in, money, parsed, together
from watcher.seen import By, SeenInvoice

NUMBER = "26427000000375586818"

DIGITAL = f"""<?xml version="1.0" encoding="utf-8"?><EInvoice><Header><EIid>{NUMBER}</EIid></Header><EInvoiceData>
<SellerInformation><SellerName>杭州示例有限公司</SellerName></SellerInformation><BasicInformation>
<TotalAmWithoutTax>300.00</TotalAmWithoutTax><TotalTaxAm>18.00</TotalTaxAm>
<TotalTax-includedAmount>318.00</TotalTax-includedAmount><RequestTime>2026-04-29 10:00:00</RequestTime>
</BasicInformation></EInvoiceData><TaxSupervisionInfo><InvoiceNumber>{NUMBER}</InvoiceNumber>
<IssueTime>2026-04-30</IssueTime></TaxSupervisionInfo></EInvoice>"""

OLDER = """<?xml version="1.0" encoding="utf-8"?><eInvoice xmlns:fp="http://www.example.org/2019">
<fp:InvoiceCode>033002200211</fp:InvoiceCode><fp:InvoiceNo>12345678</fp:InvoiceNo>
<fp:IssueDate><![CDATA[2026年04月30日]]></fp:IssueDate><fp:Seller><fp:SellerName>杭州示例有限公司</fp:SellerName></fp:Seller>
<fp:TaxInclusiveTotalAmount>318.00</fp:TaxInclusiveTotalAmount></eInvoice>"""

XBRL = """<xbrl xmlns="http://www.xbrl.org/2003/instance" xmlns:inv="http://xbrl.example.org/inv">
<inv:UniqueCodeOfInvoice>03300220021112345678</inv:UniqueCodeOfInvoice>
<inv:CodeOfInvoice>033002200211</inv:CodeOfInvoice><inv:NumberOfInvoice>12345678</inv:NumberOfInvoice>
<inv:DateOfIssue>2026-04-30</inv:DateOfIssue><inv:NameOfSeller>杭州示例有限公司</inv:NameOfSeller>
<inv:TaxIncludedAmountInFigures>318.00</inv:TaxIncludedAmountInFigures></xbrl>"""

_CII = """<rsm:{root} xmlns:rsm="urn:a" xmlns:ram="urn:b" xmlns:udt="urn:c"><rsm:{document}><ram:ID>R-1</ram:ID>
<ram:TypeCode>{type}</ram:TypeCode><ram:IssueDateTime><udt:DateTimeString format="102">20260430</udt:DateTimeString>
</ram:IssueDateTime></rsm:{document}><rsm:T><ram:BuyerTradeParty><ram:ID>B</ram:ID><ram:Name>Buyer</ram:Name>
</ram:BuyerTradeParty><ram:SellerTradeParty><ram:Name>Seller GmbH</ram:Name></ram:SellerTradeParty>
<ram:{sums}><ram:LineTotalAmount>300</ram:LineTotalAmount>
<ram:GrandTotalAmount>318.00</ram:GrandTotalAmount></ram:{sums}></rsm:T></rsm:{root}>"""


def _cii(kind: str = "380") -> str:
    return _CII.format(
        root="CrossIndustryInvoice",
        document="ExchangedDocument",
        sums="SpecifiedTradeSettlementHeaderMonetarySummation",
        type=kind,
    )


def _zugferd_1() -> str:
    return _CII.format(
        root="CrossIndustryDocument",
        document="HeaderExchangedDocument",
        sums="SpecifiedTradeSettlementMonetarySummation",
        type="380",
    )


def _ubl(root: str = "Invoice") -> str:
    space = f"urn:oasis:names:specification:ubl:schema:xsd:{root}-2"
    return f"""<{root} xmlns="{space}" xmlns:cac="urn:a" xmlns:cbc="urn:b">
<cac:OrderReference><cbc:ID>O-9</cbc:ID></cac:OrderReference><cbc:ID>R-1</cbc:ID>
<cbc:IssueDate>2026-04-30</cbc:IssueDate><cac:AccountingCustomerParty><cac:Party><cac:PartyName><cbc:Name>Buyer
</cbc:Name></cac:PartyName></cac:Party></cac:AccountingCustomerParty><cac:AccountingSupplierParty><cac:Party>
<cac:PartyName><cbc:Name>Seller GmbH</cbc:Name></cac:PartyName></cac:Party></cac:AccountingSupplierParty>
<cac:LegalMonetaryTotal><cbc:TaxInclusiveAmount currencyID="EUR">318.00</cbc:TaxInclusiveAmount>
</cac:LegalMonetaryTotal></{root}>"""


def _read(xml: str | bytes) -> SeenInvoice | None:
    root = parsed(xml if isinstance(xml, bytes) else xml.encode())
    assert root is not None
    found = invoice_in(root)
    return found.invoice if found else None


def _expected(number: str = NUMBER, *, code: str | None = None, seller: str = "杭州示例有限公司") -> SeenInvoice:
    return SeenInvoice(by=By.XML, number=number, code=code, date=date(2026, 4, 30), amount="318.00", seller=seller)


def test_a_digital_invoice_is_read() -> None:
    assert _read(DIGITAL) == _expected()


@pytest.mark.parametrize("xml", [OLDER, XBRL])
def test_an_older_invoice_is_read(xml: str) -> None:
    assert _read(xml) == _expected(number="12345678", code="033002200211")


@pytest.mark.parametrize("xml", [_cii(), _zugferd_1(), _ubl(), _ubl("CreditNote")])
def test_an_invoice_from_abroad_is_read(xml: str) -> None:
    assert _read(xml) == _expected(number="R-1", seller="Seller GmbH")


@pytest.mark.parametrize(
    ("xml", "is_credit"),
    [(_cii(), False), (_cii("381"), True), (_ubl("CreditNote"), True), (DIGITAL.replace(">318", ">-318"), True)],
)
def test_what_takes_an_invoice_back_is_told(xml: str, is_credit: bool) -> None:
    root = parsed(xml.encode())
    assert root is not None
    found = invoice_in(root)
    assert found is not None
    assert found.is_credit is is_credit


@pytest.mark.parametrize("declared", ["GBK", "gb2312", "GB18030"])
def test_chinese_encodings_are_read(declared: str) -> None:
    assert _read(DIGITAL.replace('"utf-8"', f'"{declared}"').encode("gb18030")) == _expected()


@pytest.mark.parametrize(
    "xml",
    [
        "<html><body>发票号码</body></html>",
        "<EInvoice><InvoiceNumber>12</InvoiceNumber></EInvoice>",
        "<eInvoice><InvoiceNo>12345678</InvoiceNo></eInvoice>",  # no code beside it
        "<Invoice><ID>1</ID></Invoice>",  # of no vocabulary that is known
        '<CrossIndustryInvoice xmlns="urn:a"/>',
    ],
)
def test_other_xml_is_no_invoice(xml: str) -> None:
    assert _read(xml) is None


@pytest.mark.parametrize("data", [b"", b"\x00\x01", b"%PDF-1.4", b"<" + b" " * 9_000_000])
def test_what_is_no_xml_has_no_root(data: bytes) -> None:
    assert parsed(data) is None


def test_entities_are_neither_resolved_nor_fetched(tmp_path: pytest.TempPathFactory) -> None:
    secret = f"{tmp_path}/secret"
    with open(secret, "w", encoding="utf-8") as file:  # noqa: PTH123 - as the entity names it
        file.write(NUMBER)
    head = f'<!DOCTYPE EInvoice [<!ENTITY x SYSTEM "file://{secret}"><!ENTITY y "{NUMBER}">]>'
    for entity in ("&x;", "&y;"):
        root = parsed(f"{head}<EInvoice><InvoiceNumber>{entity}</InvoiceNumber></EInvoice>".encode())
        assert root is None or invoice_in(root) is None


def test_a_bomb_of_entities_stays_small() -> None:
    lines = "".join(f'<!ENTITY a{n} "{f"&a{n - 1};" * 10}">' for n in range(1, 12))
    root = parsed(f'<!DOCTYPE E [<!ENTITY a0 "ha">{lines}]><E>&a11;</E>'.encode())
    assert root is None or len("".join(map(str, root.itertext()))) < 1000


@pytest.mark.parametrize(
    ("value", "day"),
    [
        ("2026-04-30", date(2026, 4, 30)),
        ("2026-04-30 13:02:50", date(2026, 4, 30)),
        ("2026-04-30T13:02:50+08:00", date(2026, 4, 30)),
        ("2026年4月30日", date(2026, 4, 30)),
        ("20260430", date(2026, 4, 30)),
        ("20260430130250", date(2026, 4, 30)),
        ("2026043", None),
        ("20261301", None),
        ("202604301", None),
        (None, None),
    ],
)
def test_days_are_read_in_every_form(value: str | None, day: date | None) -> None:
    assert day_in(value) == day


@pytest.mark.parametrize(
    ("value", "amount"),
    [("1,318.00", "1318.00"), ("¥318.00", "318.00"), ("-1.5", "-1.5"), ("٣", None), ("1e9", None), ("", None)],
)
def test_amounts_are_decimal_numbers_or_nothing(value: str, amount: str | None) -> None:
    assert money(value) == amount


def test_amounts_are_added_as_decimals() -> None:
    assert together("42.23", "1.27") == "43.50"
    assert together("42.23", None) is None
