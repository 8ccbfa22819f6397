"""What is seen in documents of every kind, by the child as it runs."""

from __future__ import annotations

import io
import math
import re
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pypdfium2 as pdfium
import pytest
from PIL import Image

from tests.support.inspecting import look
from tests.support.invoice_files import (
    Page,
    Paper,
    Words,
    framed_picture_pdf,
    invoice_page,
    lines_page,
    ofd,
    pdf,
    qr_pixels,
    zipped,
)
from watcher.documents.formats import Format
from watcher.documents.inspection import looking
from watcher.documents.inspection.inspector import Inspector
from watcher.documents.sniff import format_of
from watcher.seen import NOTHING_SEEN, By, Mark, Seen, SeenInvoice
from watcher.spool import Spooled

DAY = date(2026, 5, 1)
PAPER = Paper()
OLD = Paper(number="12345678", code="033002200211")


@pytest.fixture(scope="module")
def inspector() -> Iterator[Inspector]:
    found = Inspector(time_limit=60)  # however busy the machine is
    yield found
    found.close()


def _expected(by: By, paper: Paper = PAPER, *, first: int = 1, last: int = 1) -> SeenInvoice:
    return SeenInvoice(
        by=by,
        number=paper.number,
        code=paper.code,
        date=paper.day,
        amount=paper.amount,
        seller=paper.seller,
        first=first,
        last=last,
    )


# ------------------------------------------------------------------------------------------- PDF


@pytest.mark.parametrize("paper", [PAPER, OLD])
def test_a_printed_invoice_is_read_by_its_code_and_completed_by_its_words(inspector: Inspector, paper: Paper) -> None:
    seen = look(inspector, pdf(invoice_page(paper)))
    assert seen.invoices == (_expected(By.QR, paper),)
    assert (seen.pages, seen.searched) == (1, 1)
    labels = {Mark.TAX_IDS, Mark.NUMBER_LABEL, Mark.DATE_LABEL, Mark.AMOUNT_LABEL}
    assert seen.marks == {Mark.INVOICE} | labels
    assert seen.title is not None
    assert "发票" in seen.title


@pytest.mark.parametrize("paper", [PAPER, OLD])
@pytest.mark.parametrize("rotation", [0, 90, 180, 270])
def test_without_a_code_the_words_are_read_as_they_stand(inspector: Inspector, paper: Paper, rotation: int) -> None:
    seen = look(inspector, pdf(invoice_page(paper, qr=False, rotation=rotation)))
    assert seen.invoices == (_expected(By.TEXT, paper),)


def test_a_scan_is_read_by_its_code(inspector: Inspector) -> None:
    seen = look(inspector, pdf(invoice_page(PAPER, words=False)))
    assert seen.invoices == (
        SeenInvoice(by=By.QR, number=PAPER.number, date=DAY, amount=PAPER.amount, first=1, last=1),
    )
    assert Mark.INVOICE in seen.marks


def test_where_code_and_print_differ_the_code_is_right(inspector: Inspector) -> None:
    other = Paper(number="26117000009999999999", amount="1.00")
    page = Page(words=invoice_page(other).words, qr=PAPER.qr)
    (found,) = look(inspector, pdf(page)).invoices
    assert (found.by, found.number, found.amount, found.seller) == (By.QR, PAPER.number, PAPER.amount, None)


def test_several_invoices_in_a_file_have_their_pages(inspector: Inspector) -> None:
    papers = [Paper(number=f"2611700000123456789{digit}") for digit in range(3)]
    goods = lines_page("销货清单", "项目\t金额")
    pages = [invoice_page(papers[0]), goods, invoice_page(papers[1]), invoice_page(papers[1]), invoice_page(papers[2])]
    seen = look(inspector, pdf(*pages))
    assert [(found.number, found.first, found.last) for found in seen.invoices] == [
        (papers[0].number, 1, 2),
        (papers[1].number, 3, 4),
        (papers[2].number, 5, 5),
    ]


def test_of_a_very_long_file_the_first_two_hundred_pages_are_searched() -> None:
    papers = [Paper(number=f"261170000012345{number:05}") for number in range(205)]
    patient = Inspector(time_limit=300)
    try:
        seen = look(patient, pdf(*(invoice_page(paper, qr=False) for paper in papers)))
    finally:
        patient.close()
    assert (seen.pages, seen.searched) == (205, 200)
    assert [found.number for found in seen.invoices] == [paper.number for paper in papers[:200]]
    assert seen.invoices[-1].last == 200


@pytest.mark.parametrize(
    ("data", "form"),
    [(pdf(Page(), Page()), Format.PDF), (ofd([[], []], custom={"发票号码": PAPER.number}), Format.OFD)],
)
def test_when_time_is_up_the_pages_are_told_that_were_searched(data: bytes, form: Format) -> None:
    seen = looking.look(io.BytesIO(data), form, deep=True, until=0)
    assert (seen.pages, seen.searched) == (2, 0)


def test_embedded_xml_of_an_invoice_from_abroad_is_read(inspector: Inspector) -> None:
    xml = b"""<rsm:CrossIndustryInvoice xmlns:rsm="urn:a" xmlns:ram="urn:b"><rsm:ExchangedDocument><ram:ID>R-1</ram:ID>
    <ram:TypeCode>381</ram:TypeCode></rsm:ExchangedDocument></rsm:CrossIndustryInvoice>"""
    embedded = {"factur-x.xml": xml, "note.txt": b"hello", "broken.xml": b"<a"}
    seen = look(inspector, pdf(Page(), Page(), embedded=embedded))
    assert seen.invoices == (SeenInvoice(by=By.XML, number="R-1", first=1, last=2),)
    assert seen.marks == {Mark.INVOICE, Mark.CREDIT_NOTE}


def test_the_properties_of_a_pdf_are_read(inspector: Inspector) -> None:
    properties = {
        "InvoiceNumber": PAPER.number,
        "IssueTime": "2026-05-01",
        "TotalTax-includedAmount": "318.00",
        "SellerName": PAPER.seller,
    }
    seen = look(inspector, pdf(Page(), properties=properties))
    assert seen.invoices == (_expected(By.XML),)


@pytest.mark.parametrize(
    ("lines", "mark"),
    [
        (("滴滴出行-行程单", "DIDI TRAVEL - TRIP TABLE", "序号\t金额", "1\t20.00"), Mark.TRIP_SHEET),
        (("宾客账单", "房号：801\t到店：2026-05-01"), Mark.FOLIO),
        (("通行费电子票据汇总单（票据）", "26117000001234567890", "26117000001234567891"), Mark.TOLL_SUMMARY),
        (("顺丰电子发票 — 运单明细", "发票号码：26117000001234567890"), Mark.GOODS_LIST),
    ],
)
def test_what_comes_with_an_invoice_is_marked(inspector: Inspector, lines: tuple[str, ...], mark: Mark) -> None:
    assert mark in look(inspector, pdf(lines_page(*lines))).marks


def test_a_summary_of_many_numbers_is_no_invoice(inspector: Inspector) -> None:
    numbers = [f"261170000012345678{number}" for number in range(10, 16)]
    seen = look(inspector, pdf(lines_page("通行费电子票据汇总单（票据）", *(f"{number}\t9.50" for number in numbers))))
    assert seen.invoices == ()


@pytest.mark.parametrize("title", ["电子发票（铁路电子客票）", "电子发票（航空运输电子客票行程单）"])
def test_tickets_that_count_as_invoices_are_read(inspector: Inspector, title: str) -> None:
    lines = (title, f"发票号码：{PAPER.number}\t开票日期：2026年05月01日", "票价：￥56.00")
    seen = look(inspector, pdf(lines_page(*lines)))
    assert seen.invoices == (SeenInvoice(by=By.TEXT, number=PAPER.number, date=DAY, amount="56.00", first=1, last=1),)
    assert Mark.INVOICE in seen.marks
    assert Mark.TRIP_SHEET not in seen.marks


def test_a_pdf_without_an_invoice_has_none(inspector: Inspector) -> None:
    page = Page(words=[Words(x=40, y=300, text="Minutes of the meeting of 2026-05-01, 26117000001234567890")])
    seen = look(inspector, pdf(page))
    assert (seen.invoices, seen.marks) == ((), frozenset())


def test_without_depth_only_the_pages_are_told(inspector: Inspector) -> None:
    assert look(inspector, pdf(invoice_page(PAPER), Page()), deep=False) == Seen(pages=2)


@pytest.mark.parametrize(
    ("data", "form"),
    [
        (b"%PDF-1.4\nnothing", Format.PDF),
        (b"", Format.PDF),
        (b"PK\x03\x04nothing", Format.OFD),
        (b"\xff\xd8\xffnothing", Format.JPEG),
        (b"\x89PNG\r\n\x1a\nnothing", Format.PNG),
        (b"II*\0nothing", Format.TIFF),
        (b"<?xml", Format.XML),
    ],
)
def test_damage_is_told(inspector: Inspector, data: bytes, form: Format) -> None:
    assert look(inspector, data, form) == Seen(damaged=True)


@pytest.mark.parametrize("form", [Format.HEIC, Format.ZIP, Format.OTHER])
def test_of_what_nobody_can_look_into_nothing_is_known(inspector: Inspector, form: Format) -> None:
    assert look(inspector, b"whatever", form) == NOTHING_SEEN


# ------------------------------------------------------------------------- what could not be read


STAMP = [Words(x=200, y=10, text="Scanned with CamScanner")]
NO_INVOICE = "https://example.com/no-invoice"
PROPERTIES = {"InvoiceNumber": PAPER.number}
OTHER = Paper(number="26117000009999999999")


@pytest.mark.parametrize("properties", [{}, PROPERTIES], ids=["", "with the bureau's properties"])
@pytest.mark.parametrize("words", [[], STAMP], ids=["wordless", "stamped"])
def test_an_appended_scan_is_read_by_its_code_whatever_is_stamped_upon_it(
    inspector: Inspector, words: list[Words], properties: dict[str, str]
) -> None:
    seen = look(
        inspector, pdf(invoice_page(PAPER), Page(qr=OTHER.qr, words=words, is_scan=True), properties=properties)
    )
    assert [(found.number, found.first) for found in seen.invoices] == [(PAPER.number, 1), (OTHER.number, 2)]
    assert seen.hidden == ()


@pytest.mark.parametrize("properties", [{}, PROPERTIES], ids=["", "with the bureau's properties"])
@pytest.mark.parametrize("words", [[], STAMP], ids=["wordless", "stamped"])
def test_a_scan_without_a_code_is_unread_whatever_is_stamped_upon_it(
    inspector: Inspector, words: list[Words], properties: dict[str, str]
) -> None:
    scan = Page(qr=NO_INVOICE, words=words, is_scan=True)
    assert look(inspector, pdf(invoice_page(PAPER), scan, scan, properties=properties)).hidden == (2, 3)


@pytest.mark.parametrize(
    "page",
    [
        Page(qr=NO_INVOICE, words=[Words(x=200, y=300, text="A letter with the code of its sender")]),
        Page(qr=NO_INVOICE, words=[Words(x=200, y=340, text="滴滴出行-行程单"), *STAMP], is_scan=True),
        Page(qr=NO_INVOICE, words=invoice_page(OTHER).words, is_scan=True),
        lines_page("货物名称\t数量", "纸\t1"),
    ],
    ids=["small picture", "says what it is", "has a number", "no picture"],
)
def test_a_page_that_could_be_read_is_not_unread(inspector: Inspector, page: Page) -> None:
    assert look(inspector, pdf(invoice_page(PAPER), page)).hidden == ()


def test_a_file_that_says_which_invoice_it_is_is_read_where_its_pages_are_pictures_on_letter_paper(
    inspector: Inspector,
) -> None:
    paper = Page(qr=NO_INVOICE, words=[Words(x=40, y=30 + 9 * row, text="a line of words" * 3) for row in range(9)])
    pages = [invoice_page(PAPER, words=False, qr=False), *[replace(paper, is_scan=True)] * 5]
    assert look(inspector, pdf(*pages, properties=PROPERTIES)).hidden == ()
    assert look(inspector, pdf(Page(qr=NO_INVOICE, is_scan=True), properties=PROPERTIES)).hidden == ()


@pytest.mark.parametrize("is_scan", [True, False])
def test_a_picture_within_a_form_covers_what_it_covers(inspector: Inspector, *, is_scan: bool) -> None:
    seen = look(inspector, framed_picture_pdf("Scanned with CamScanner", scale=0.9 if is_scan else 0.2))
    assert seen.hidden == ((1,) if is_scan else ())


def test_a_page_that_cannot_be_loaded_is_unread(inspector: Inspector) -> None:
    broken = re.sub(rb"/Kids\[(\d+ 0 R) \d\d 0 R\]", rb"/Kids[\1 99 0 R]", pdf(invoice_page(PAPER), Page()))
    seen = look(inspector, broken)
    assert (seen.pages, seen.searched, seen.hidden) == (2, 2, (2,))


def test_a_page_that_names_two_invoices_and_has_one_code_is_unread(inspector: Inspector) -> None:
    words = [Words(x=40, y=20 + 15 * row, text=f"发票号码：{paper.number}") for row, paper in enumerate((PAPER, OTHER))]
    seen = look(inspector, pdf(Page(words=words, qr=PAPER.qr)))
    assert ([found.number for found in seen.invoices], seen.hidden) == ([PAPER.number], (1,))


def test_only_what_may_have_a_code_is_drawn(monkeypatch: pytest.MonkeyPatch) -> None:
    drawn: list[float] = []
    render = pdfium.PdfPage.render

    def counted(page: pdfium.PdfPage, **options: Any) -> Any:
        drawn.append(options["scale"])
        return render(page, **options)

    def times(*pages: Page, **more: Any) -> int:
        drawn.clear()
        looking.look(io.BytesIO(pdf(*pages, **more)), Format.PDF, deep=True, until=math.inf)
        return len(drawn)

    monkeypatch.setattr(pdfium.PdfPage, "render", counted)
    assert times(invoice_page(PAPER)) == 1
    assert times(invoice_page(PAPER), properties=PROPERTIES) == 0
    assert times(Page(words=[Words(x=40, y=300, text="Minutes of the meeting")], qr=NO_INVOICE)) == 0
    assert times(Page(words=STAMP, qr=NO_INVOICE, is_scan=True)) == 2


# ------------------------------------------------------------------------------------------- OFD


CUSTOM = {"发票号码": PAPER.number, "开票日期": "2026年05月01日", "合计金额": "300.00", "合计税额": "18.00"}
WORDS = [
    (140.0, 10.0, "发票号码："),
    (140.0, 16.0, "开票日期："),
    (158.0, 10.2, PAPER.number),
    (158.0, 16.2, "2026年05月01日"),
    (20.0, 40.0, f"销售方：{PAPER.seller}"),
    (120.0, 90.0, "（小写）￥318.00"),
]


@pytest.mark.parametrize("prefix", ["ofd:", "", "x:"])
@pytest.mark.parametrize("encoding", ["utf-8", "gbk"])
def test_the_data_of_an_ofd_is_read_and_completed_by_its_words(
    inspector: Inspector, prefix: str, encoding: str
) -> None:
    seen = look(inspector, ofd([WORDS], custom=CUSTOM, prefix=prefix, encoding=encoding), Format.OFD)
    assert seen.pages == 1
    assert seen.invoices == (_expected(By.OFD),)
    assert Mark.INVOICE in seen.marks


def test_an_ofd_without_data_is_read_by_its_words(inspector: Inspector) -> None:
    assert look(inspector, ofd([WORDS]), Format.OFD).invoices == (_expected(By.TEXT),)


@pytest.mark.parametrize("location", ["invoice.xml", "/Doc_0/Attachs/invoice.xml", "Doc_0\\Attachs\\invoice.xml"])
def test_an_attached_xml_is_read_wherever_its_path_begins(inspector: Inspector, location: str) -> None:
    listing = f'<Attachments><Attachment Name="x"><FileLoc>{location}</FileLoc></Attachment></Attachments>'
    invoice = (
        f"<EInvoice><InvoiceNumber>{PAPER.number}</InvoiceNumber><IssueTime>2026-05-01</IssueTime>"
        f"<SellerName>{PAPER.seller}</SellerName><TotalTax-includedAmount>318.00</TotalTax-includedAmount></EInvoice>"
    )
    files = {"Doc_0/Attachs/List.xml": listing.encode(), "Doc_0/Attachs/invoice.xml": invoice.encode()}
    document = "<P:Attachments>Attachs/List.xml</P:Attachments>"
    seen = look(inspector, ofd([[], []], files=files, document=document), Format.OFD)
    assert seen.invoices == (_expected(By.XML, last=2),)


def test_what_tags_point_to_is_read(inspector: Inspector) -> None:
    page = [(10.0, 10.0, PAPER.number), (10.0, 20.0, "2026年05月01日"), (10.0, 30.0, PAPER.seller),
            (10.0, 40.0, "¥"), (20.0, 40.0, "318.00")]  # fmt: skip
    tags = (
        "<invoice><InvoiceNo><ObjectRef>0</ObjectRef></InvoiceNo><IssueDate><ObjectRef>1</ObjectRef></IssueDate>"
        "<Seller><SellerName><ObjectRef>2</ObjectRef></SellerName></Seller>"
        "<TaxInclusiveTotalAmount><ObjectRef>3</ObjectRef><ObjectRef>4</ObjectRef></TaxInclusiveTotalAmount></invoice>"
    )
    listing = "<CustomTags><CustomTag><FileLoc>CustomTag.xml</FileLoc></CustomTag></CustomTags>"
    files = {"Doc_0/Tags/CustomTags.xml": listing.encode(), "Doc_0/Tags/CustomTag.xml": tags.encode()}
    document = "<P:CustomTags>/Doc_0/Tags/CustomTags.xml</P:CustomTags>"
    seen = look(inspector, ofd([page], files=files, document=document), Format.OFD)
    assert seen.invoices == (_expected(By.OFD),)


def test_labels_in_a_template_stand_beside_the_values_of_the_page(inspector: Inspector) -> None:
    template = (
        '<Page><TextObject Boundary="140 10 40 5" Size="3"><TextCode X="0" Y="3">发票号码：</TextCode></TextObject>'
        "</Page>"
    )
    page = (
        '<Page><Template TemplateID="7"/><TextObject Boundary="158 10 40 5" Size="10.5" '
        f'CTM="0.2857 0 0 0.2857 0 0"><TextCode X="0" Y="10.5">{PAPER.number}</TextCode></TextObject></Page>'
    )
    files = {"Doc_0/Tpls/T.xml": template.encode(), "Doc_0/Pages/Page_0/Content.xml": page.encode()}
    document = '<P:CommonData><P:TemplatePage ID="7" BaseLoc="Tpls/T.xml"/></P:CommonData>'
    seen = look(inspector, ofd([], files=files, document=f'{document}<P:Page BaseLoc="Pages/Page_0/Content.xml"/>'),
                Format.OFD)  # fmt: skip
    assert [found.number for found in seen.invoices] == [PAPER.number]


def test_an_ofd_of_a_picture_alone_is_read_by_its_code(inspector: Inspector) -> None:
    files = {"Doc_0/Res/scan.png": _picture("PNG", PAPER), "Doc_0/Res/logo.png": b"no picture"}
    seen = look(inspector, ofd([[], []], files=files), Format.OFD)
    assert seen.invoices == (
        SeenInvoice(by=By.QR, number=PAPER.number, date=DAY, amount=PAPER.amount, first=1, last=2),
    )


def test_a_page_of_an_ofd_that_is_a_picture_is_unread(inspector: Inspector) -> None:
    picture = {"Doc_0/Res/scan.png": b"\x89PNG\r\n\x1a\n" + bytes(99)}
    assert look(inspector, ofd([WORDS, []], custom=CUSTOM, files=picture), Format.OFD).hidden == (2,)
    assert look(inspector, ofd([WORDS, []], custom=CUSTOM), Format.OFD).hidden == ()
    assert look(inspector, ofd([[]], custom=CUSTOM, files=picture), Format.OFD).hidden == ()


def test_a_page_of_an_ofd_that_names_two_invoices_is_unread(inspector: Inspector) -> None:
    two = [*WORDS, (20.0, 60.0, f"发票号码：{OTHER.number}")]
    assert look(inspector, ofd([two], custom=CUSTOM), Format.OFD).hidden == (1,)


def test_an_ofd_of_two_documents_has_two_invoices_on_their_pages(inspector: Inspector) -> None:
    other = "26117000009999999999"
    bodies = "".join(
        f'<DocBody><DocInfo><CustomDatas><CustomData Name="发票号码">{number}</CustomData></CustomDatas></DocInfo>'
        f"<DocRoot>{root}</DocRoot></DocBody>"
        for number, root in ((PAPER.number, "Doc_0/Document.xml"), (other, "Doc_1/Document.xml"))
    )
    pages = b'<Document><Pages><Page BaseLoc="a"/><Page BaseLoc="b"/></Pages></Document>'
    files = {"OFD.xml": f"<OFD>{bodies}</OFD>".encode(), "Doc_0/Document.xml": pages, "Doc_1/Document.xml": pages}
    seen = look(inspector, zipped(files), Format.OFD)
    assert seen.pages == 4
    assert [(found.number, found.first, found.last) for found in seen.invoices] == [
        (PAPER.number, 1, 2),
        (other, 3, 4),
    ]


def test_an_amount_without_tax_is_not_taken_for_one_with_it(inspector: Inspector) -> None:
    custom = {"发票号码": PAPER.number, "合计金额": "300.00"}
    (found,) = look(inspector, ofd(custom=custom), Format.OFD).invoices
    assert found.amount is None


def test_the_check_code_of_an_ofd_is_no_number(inspector: Inspector) -> None:
    custom = {"发票号码": "12345678", "校验码": "14754822929856772523"}  # and no 发票代码
    assert look(inspector, ofd(custom=custom), Format.OFD).invoices == ()


def test_an_ofd_with_a_password_is_locked(inspector: Inspector) -> None:
    data = bytearray(ofd(custom=CUSTOM))
    for signature, flags in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        place = data.find(signature)
        while place >= 0:
            data[place + flags] |= 1
            place = data.find(signature, place + 1)
    assert look(inspector, bytes(data), Format.OFD) == Seen(locked=True)


def test_a_zip_bomb_in_an_ofd_is_not_unpacked(inspector: Inspector) -> None:
    bomb = {"OFD.xml": b"<OFD>" + b" " * 60_000_000 + b"</OFD>"}
    assert look(inspector, zipped(bomb), Format.OFD) == Seen(damaged=True)


# ------------------------------------------------------------------------------- XML and pictures


def test_an_invoice_in_xml_has_no_pages(inspector: Inspector) -> None:
    xml = f"<EInvoice><InvoiceNumber>{PAPER.number}</InvoiceNumber></EInvoice>".encode()
    found = (SeenInvoice(by=By.XML, number=PAPER.number),)
    assert look(inspector, xml, Format.XML) == Seen(deep=True, invoices=found, marks=frozenset({Mark.INVOICE}))
    assert look(inspector, b"<?xml version='1.0'?><a/>", Format.XML) == Seen(deep=True)


def _picture(form: str, *papers: Paper) -> bytes:
    """A photograph-like picture of each paper's code."""
    frames = []
    for paper in papers:
        pixels = qr_pixels(paper.qr, scale=5)
        code = Image.frombytes("L", (pixels.shape[1], pixels.shape[0]), pixels.tobytes())  # type: ignore[index]
        frame = Image.new("RGB", (1000, 700), "white")
        frame.paste(code, (80, 60))
        frames.append(frame)
    buffer = io.BytesIO()
    more = {"save_all": True, "append_images": frames[1:], "compression": "tiff_lzw"} if form == "TIFF" else {}
    frames[0].save(buffer, form, **more)
    return buffer.getvalue()


@pytest.mark.parametrize("form", [Format.JPEG, Format.PNG, Format.TIFF, Format.GIF, Format.BMP, Format.WEBP])
def test_a_picture_of_an_invoice_is_read_by_its_code(inspector: Inspector, form: Format) -> None:
    data = _picture(form.value.upper(), PAPER)
    seen = look(inspector, data, form)
    assert (seen.pages, seen.width, seen.height) == (1, 1000, 700)
    assert seen.invoices == (
        SeenInvoice(by=By.QR, number=PAPER.number, date=DAY, amount=PAPER.amount, first=1, last=1),
    )
    assert look(inspector, data, form, deep=False) == Seen(pages=1, width=1000, height=700)


def test_a_tiff_has_the_pages_it_has(inspector: Inspector) -> None:
    papers = [Paper(number=f"2611700000123456789{digit}") for digit in range(3)]
    seen = look(inspector, _picture("TIFF", *papers), Format.TIFF)
    assert seen.pages == 3
    assert [(found.number, found.first) for found in seen.invoices] == [
        (paper.number, page) for page, paper in enumerate(papers, 1)
    ]


def test_pages_of_a_tiff_without_a_code_are_unread(inspector: Inspector) -> None:
    blank = Paper(number="not a number of an invoice")
    assert look(inspector, _picture("TIFF", PAPER, blank, OTHER, blank), Format.TIFF).hidden == (2, 4)
    assert look(inspector, _picture("TIFF", blank), Format.TIFF).hidden == ()  # it may be what its name says


def test_a_picture_that_would_be_too_large_is_not_decoded(inspector: Inspector) -> None:
    buffer = io.BytesIO()
    Image.new("1", (8_000, 8_000)).save(buffer, "PNG")
    seen = look(inspector, buffer.getvalue(), Format.PNG)
    assert (seen.width, seen.height, seen.invoices) == (8_000, 8_000, ())


# --------------------------------------------------------------------------------------- samples

_PDF_NUMBERS = {
    "AzureInterior.pdf": "INV/2023/03/0008",
    "EN16931_1_Teilrechnung.pdf": "471102",
    "EN16931_Einfach.pdf": "471102",
    "Facture_F20180027.pdf": "F20180027",
    "MustangBeispiel20221026.pdf": "RE1001",
    "invoice_EN16931.pdf": "F20260023",
    "validV1WithAdditionalData.pdf": "R87654321012345",
    "validV2PDF.pdf": "RE-20171118/506",
    "validXRechnung.pdf": "RE-20190610/507",
    "zugferd_invoice.pdf": "2014-03",
}
_PDF_PAGES = {
    "EN16931_1_Teilrechnung.pdf": 3,
    "EN16931_Einfach.pdf": 2,
    "pdflatex-4-pages.pdf": 4,
    "imagemagick-images.pdf": 6,
}
_LOCKED = {"libreoffice-writer-password.pdf", "made-password-123456.pdf"}
_DAMAGED = {"made-truncated.pdf", "corrupt-factur-x-waytoosmall.pdf"}
_OFD_NUMBERS = {
    "old-plain.ofd": ("050001700111", "99999951", "318.00"),
    "old-plain-signed.ofd": ("050001700111", "99999951", "318.00"),
    "old-plain-test-many-lines.ofd": ("011002680026", "71500013", "10000.00"),
    "old-plain-template-only.ofd": ("033002200211", "99934328", "11.20"),
    "made-dzfp-plain-26317000000012345678.ofd": (None, "26317000000012345678", "43.50"),
    "made-dzfp-special-26317000000087654321.ofd": (None, "26317000000087654321", "43.50"),
}


def test_every_sample_pdf_is_seen_as_it_is(inspector: Inspector, samples: Path) -> None:
    for path in sorted((samples / "pdf").iterdir()):
        form = _format(path)
        if form is not Format.PDF:
            continue
        seen = look(inspector, path.read_bytes())
        assert (seen.locked, seen.damaged) == (path.name in _LOCKED, path.name in _DAMAGED), path.name
        pages = None if seen.locked or seen.damaged else _PDF_PAGES.get(path.name, 1)
        assert seen.pages == pages, path.name
        assert not _is_plain(path) or pages == 1, path.name
        numbers = [found.number for found in seen.invoices]
        assert numbers == ([_PDF_NUMBERS[path.name]] if path.name in _PDF_NUMBERS else []), path.name


def test_every_sample_ofd_is_seen_as_it_is(inspector: Inspector, samples: Path) -> None:
    for path in sorted((samples / "ofd").iterdir()):
        if _format(path) is not Format.OFD:
            continue
        seen = look(inspector, path.read_bytes(), Format.OFD)
        assert seen.damaged == (path.name == "made-truncated.ofd"), path.name
        found = [(invoice.code, invoice.number, invoice.amount) for invoice in seen.invoices]
        assert found == ([_OFD_NUMBERS[path.name]] if path.name in _OFD_NUMBERS else []), path.name
        if found:
            assert seen.invoices[0].date is not None, path.name
            assert seen.invoices[0].seller is not None, path.name
            assert (seen.invoices[0].first, seen.invoices[0].last) == (1, seen.pages), path.name


def _is_plain(path: Path) -> bool:
    with closing(Spooled([path.read_bytes()])) as content, closing(Inspector()) as inspector:
        return inspector.plainly_one_page(content)


def _format(path: Path) -> Format:
    with closing(Spooled([path.read_bytes()])) as content:
        return format_of(content)
