"""What becomes of the documents of one submission: looked into by the real child, then sent, skipped or cut."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pypdfium2
import pytest

from tests.support.files import BytesLeaf
from tests.support.inspecting import children
from tests.support.invoice_files import (
    Page,
    Paper,
    Words,
    invoice_page,
    lines_page,
    ofd,
    pdf,
    shared_picture_pdf,
)
from watcher.config.sections import Limits
from watcher.documents.choosing import DocumentChooser
from watcher.documents.inspection.inspector import Inspector
from watcher.documents.reader import DocumentReader
from watcher.model import Reason
from watcher.ports import FoundDocument

PAPER = Paper()
OTHER = Paper(number="26117000009999999999")
TRIPS = lines_page(
    "滴滴出行-行程单", "TRIP TABLE", "申请日期：2026-05-01  行程起止日期：2026-04-01", "共2笔行程，合计318.00元"
)
PNG = b"\x89PNG\r\n\x1a\n" + bytes(60_000)
Choose = Callable[..., list[FoundDocument]]


@pytest.fixture
def inspector() -> Iterator[Inspector]:
    made = Inspector()
    yield made
    made.close()


@pytest.fixture
def choose(inspector: Inspector) -> Iterator[Choose]:
    """Finds documents in named files and decides what becomes of them; closes them after the test."""
    kept: list[FoundDocument] = []

    def choosing(*files: tuple[str, bytes], look: bool = True, **limits: Any) -> list[FoundDocument]:
        bounds = Limits.model_validate(limits)
        reader = DocumentReader(accept=["pdf", "ofd", "xml", "image"], limits=bounds)
        chooser = DocumentChooser(inspector=inspector if look else None, most=3, limits=bounds)
        found = reader.documents([BytesLeaf(content, name=name) for name, content in files])
        kept.extend(chooser.choose(found))
        return kept

    yield choosing
    for document in kept:
        if document.content is not None:
            document.content.close()


AIRLINE = lines_page("航空运输电子客票行程单 ITINERARY/RECEIPT OF E-TICKET", "印刷序号：1234567890", "旅客姓名 张三")


def papers(count: int) -> list[Paper]:
    return [Paper(number=f"261170000012345678{number:02}") for number in range(count)]


def ofd_of(paper: Paper) -> bytes:
    return ofd(custom={"发票号码": paper.number, "开票日期": f"{paper.day:%Y年%m月%d日}", "合计金额": paper.amount})


def became(documents: list[FoundDocument]) -> list[tuple[str, Reason | None]]:
    return [(document.name, document.reason) for document in documents]


def words_of(document: FoundDocument) -> list[str]:
    """The text of each page."""
    assert document.content is not None
    opened = pypdfium2.PdfDocument(document.content.read())
    try:
        return [page.get_textpage().get_text_range() for page in opened]
    finally:
        opened.close()


def test_one_invoice_as_pdf_and_ofd_is_sent_as_pdf_and_the_other_is_named(choose: Choose) -> None:
    found = choose(("a.ofd", ofd_of(PAPER)), ("b.pdf", pdf(invoice_page(PAPER))))

    assert became(found) == [("a.ofd", Reason.SAME_INVOICE), ("b.pdf", None)]
    assert found[0].skipped
    assert "b.pdf" in (found[0].message or "")
    assert found[0].content is not None  # so that it can be sent when somebody says so
    assert found[1].read[0].number == PAPER.number


@pytest.mark.parametrize("name", ["行程单.pdf", "携程行程单.pdf"])
@pytest.mark.parametrize("is_scan", [False, True], ids=["printed", "scanned"])
def test_an_airlines_paper_is_sent_by_what_its_text_says_whatever_it_is_called(
    choose: Choose, name: str, *, is_scan: bool
) -> None:
    page = Page(words=AIRLINE.words, qr="no invoice" if is_scan else None, is_scan=is_scan)

    found = choose((name, pdf(page)), (name.replace("行程单", "发票"), pdf(invoice_page(PAPER))))

    assert [reason for _, reason in became(found)] == [None, None]


def test_a_trip_sheet_beside_its_invoice_is_skipped(choose: Choose) -> None:
    found = choose(("行程单.pdf", pdf(TRIPS)), ("发票.pdf", pdf(invoice_page(PAPER))))

    assert became(found) == [("行程单.pdf", Reason.NOT_INVOICE), ("发票.pdf", None)]
    assert "行程单" in (found[0].message or "")


def test_the_same_file_twice_is_left_to_the_booking_that_both_are(choose: Choose) -> None:
    invoice, trips = pdf(invoice_page(PAPER)), pdf(TRIPS)

    found = choose(("a.pdf", invoice), ("b.pdf", invoice), ("c.ofd", ofd_of(PAPER)), ("d.pdf", trips), ("e.pdf", trips))

    assert [reason for _, reason in became(found)] == [
        None,
        None,
        Reason.SAME_INVOICE,
        Reason.NOT_INVOICE,
        Reason.NOT_INVOICE,
    ]


def test_a_single_page_is_sent_and_nobody_looks_inside(choose: Choose) -> None:
    before = children()

    assert became(choose(("行程单.pdf", pdf(TRIPS)))) == [("行程单.pdf", None)]

    assert children() == before


def test_a_locked_pdf_is_named_with_advice(choose: Choose, samples: Any) -> None:
    locked = (samples / "pdf" / "made-password-123456.pdf").read_bytes()

    (found,) = choose(("a.pdf", locked))

    assert (found.reason, found.skipped) == (Reason.ENCRYPTED, False)
    assert "密码" in (found.message or "")


def test_a_pdf_that_only_its_owner_may_change_is_sent(choose: Choose, samples: Any) -> None:
    locked = (samples / "pdf" / "made-owner-password-only.pdf").read_bytes()

    assert became(choose(("a.pdf", locked))) == [("a.pdf", None)]


def test_a_damaged_pdf_is_sent(choose: Choose, samples: Any) -> None:
    damaged = (samples / "pdf" / "made-truncated.pdf").read_bytes()

    assert became(choose(("a.pdf", damaged), ("b.pdf", pdf(invoice_page(PAPER))))) == [("a.pdf", None), ("b.pdf", None)]


def test_ten_invoices_in_a_file_become_parts_of_three(choose: Choose) -> None:
    many = papers(10)
    whole = pdf(*(invoice_page(paper) for paper in many))

    found = choose(("发票合集.pdf", whole))

    assert [document.name for document in found] == [
        "发票合集 p1-3.pdf",
        "发票合集 p4-6.pdf",
        "发票合集 p7-9.pdf",
        "发票合集 p10.pdf",
    ]
    assert [document.pages for document in found] == [(1, 3), (4, 6), (7, 9), (10, 10)]
    assert len({document.parent for document in found}) == 1
    numbers = [[paper.number for paper in many if paper.number in text] for one in found for text in words_of(one)]
    assert numbers == [[paper.number] for paper in many]
    assert [[invoice.first for invoice in one.read] for one in found] == [[1, 2, 3], [1, 2, 3], [1, 2, 3], [1]]


def test_a_list_of_goods_stays_with_its_invoice(choose: Choose) -> None:
    goods = lines_page("货物名称\t数量", "纸\t1")
    pages = [page for paper in papers(4) for page in (invoice_page(paper), goods)]

    found = choose(("a.pdf", pdf(*pages)))

    assert [document.pages for document in found] == [(1, 6), (7, 8)]


def test_scans_without_a_code_are_cut_by_pages(choose: Choose) -> None:
    scan = Page(qr="https://example.com/no-invoice")

    found = choose(("scan.pdf", pdf(*[scan] * 5)))

    assert [document.pages for document in found] == [(1, 3), (4, 5)]


def test_an_invoice_and_four_scans_are_cut_so_that_none_is_missed(choose: Choose) -> None:
    scan = Page(qr="https://example.com/no-invoice")

    found = choose(("scan.pdf", pdf(invoice_page(PAPER), *[scan] * 4)))

    assert [document.pages for document in found] == [(1, 3), (4, 5)]


SCAN = Page(words=[Words(x=200, y=10, text="Scanned with CamScanner")], qr="https://example.com/x", is_scan=True)
BUREAU = {"InvoiceNumber": PAPER.number, "IssueTime": "2026-05-01", "TotalTax-includedAmount": PAPER.amount}


@pytest.mark.parametrize("properties", [{}, BUREAU], ids=["", "with the bureau's properties"])
def test_an_invoice_and_scans_with_a_stamp_are_cut_so_that_none_is_missed(
    choose: Choose, properties: dict[str, str]
) -> None:
    found = choose(("报销.pdf", pdf(invoice_page(PAPER), *[SCAN] * 8, properties=properties)))

    assert [document.pages for document in found] == [(1, 3), (4, 6), (7, 9)]


@pytest.mark.parametrize("properties", [{}, BUREAU], ids=["", "with the bureau's properties"])
def test_a_file_with_an_invoice_that_nobody_could_read_is_not_taken_for_the_one_that_was_read(
    choose: Choose, properties: dict[str, str]
) -> None:
    both = pdf(invoice_page(PAPER), SCAN, properties=properties)

    assert became(choose(("A.pdf", pdf(invoice_page(PAPER))), ("报销.pdf", both))) == [
        ("A.pdf", None),
        ("报销.pdf", None),
    ]


def test_a_trip_sheet_with_an_invoice_scanned_behind_it_is_sent(choose: Choose) -> None:
    assert became(choose(("打车.pdf", pdf(TRIPS, SCAN)))) == [("打车.pdf", None)]


def _two_up(one: Paper, other: Paper) -> Page:
    """Two invoices printed on a page; the code of the first can be read."""
    numbers = [Words(x=40, y=20 + 15 * row, text=f"发票号码：{paper.number}") for row, paper in enumerate((one, other))]
    return Page(words=numbers, qr=one.qr)


def test_two_invoices_on_a_page_with_one_code_are_not_taken_for_the_one_that_was_read(choose: Choose) -> None:
    two = pdf(_two_up(PAPER, OTHER))

    assert became(choose(("A.pdf", pdf(invoice_page(PAPER))), ("合打.pdf", two))) == [
        ("A.pdf", None),
        ("合打.pdf", None),
    ]


def test_pages_with_two_invoices_each_are_cut_so_that_none_is_missed(choose: Choose) -> None:
    pages = [_two_up(one, other) for one, other in zip(papers(6)[::2], papers(6)[1::2], strict=True)]

    found = choose(("合打.pdf", pdf(*pages)))

    assert [document.pages for document in found] == [(1, 1), (2, 2), (3, 3)]


def test_an_ofd_with_a_page_that_is_a_picture_is_not_taken_for_the_invoice_on_its_first(choose: Choose) -> None:
    words = [(10.0, 10.0, "电子发票（普通发票）"), (100.0, 10.0, f"发票号码：{PAPER.number}")]
    two = ofd([words, []], custom={"发票号码": PAPER.number}, files={"Doc_0/Res/scan.png": PNG})

    assert became(choose(("A.pdf", pdf(invoice_page(PAPER))), ("A.ofd", two))) == [("A.pdf", None), ("A.ofd", None)]


def test_an_invoice_of_many_pages_stays_whole(choose: Choose) -> None:
    found = choose(("a.pdf", pdf(invoice_page(PAPER), *[lines_page("清单\t1", "纸\t2")] * 5)))

    assert became(found) == [("a.pdf", None)]


def test_a_foreign_invoice_of_many_pages_stays_whole_by_what_its_pages_say(choose: Choose) -> None:
    pages = [lines_page("Some Company Ltd", "Invoice RE-17", f"Page {number} of 5") for number in range(1, 6)]

    assert became(choose(("a.pdf", pdf(*pages)))) == [("a.pdf", None)]


def test_a_file_whose_parts_would_be_too_large_together_goes_whole(choose: Choose) -> None:
    # Given 24 pages that all use one picture, which then is in each of eight parts
    shared = shared_picture_pdf(24)

    # When they would be 2.4 MB
    found = choose(("a.pdf", shared), document="1MB", submission="1MB")

    # Then the file is sent as it came
    assert [(document.name, document.reason, document.size) for document in found] == [("a.pdf", None, len(shared))]


def test_what_cutting_adds_to_all_files_of_a_submission_is_bounded_together(choose: Choose) -> None:
    names = ["a.pdf", "b.pdf", "c.pdf"]
    shared = [shared_picture_pdf(9) + name.encode() for name in names]

    found = choose(*zip(names, shared, strict=True), document="1MB", submission="1MB")

    assert [document.name for document in found] == ["a p1-3.pdf", "a p4-6.pdf", "a p7-9.pdf", "b.pdf", "c.pdf"]


def test_parts_count_as_documents(choose: Choose) -> None:
    found = choose(("a.pdf", pdf(*(invoice_page(paper) for paper in papers(9)))), documents=2)

    assert became(found) == [
        ("a p1-3.pdf", None),
        ("a p4-6.pdf", None),
        ("a p7-9.pdf", Reason.TOO_MANY),
    ]
    assert found[2].content is None


def test_what_is_skipped_beyond_the_limit_is_told_as_too_many_like_all_else(choose: Choose) -> None:
    invoices = pdf(*(invoice_page(paper) for paper in papers(6)))

    found = choose(("a.pdf", invoices), ("trips.pdf", pdf(TRIPS)), ("b.ofd", ofd_of(papers(1)[0])), documents=2)

    assert [(each.reason, each.skipped) for each in found] == [(None, False), (None, False), (Reason.TOO_MANY, False)]
    assert found[2].content is None


def test_where_nobody_looks_inside_all_is_sent_but_what_its_name_tells(choose: Choose) -> None:
    files = [
        ("滴滴电子发票.pdf", pdf(invoice_page(PAPER))),
        ("滴滴出行行程报销单.pdf", pdf(TRIPS)),
        ("a.ofd", ofd_of(PAPER)),
    ]

    assert [reason for _, reason in became(choose(*files, look=False))] == [None, Reason.NOT_INVOICE, None]


def test_what_cannot_be_used_stays_as_it_was_found(choose: Choose) -> None:
    found = choose(("a.pdf", pdf(invoice_page(PAPER))), ("large.pdf", b"%PDF-1.4" + bytes(300_000)), document="200KB")

    assert became(found) == [("a.pdf", None), ("large.pdf", Reason.TOO_LARGE)]


@pytest.mark.parametrize("look", [True, False], ids=["looked into", "not looked into"])
@pytest.mark.parametrize("name", ["invoice.pdf", "滴滴出行行程单.pdf", "酒店水单.pdf", "image001.png"])
def test_a_document_that_came_alone_is_sent_as_it_is_whether_or_not_it_was_chosen_plainly(
    inspector: Inspector, name: str, *, look: bool
) -> None:
    limits = Limits()
    chooser = DocumentChooser(inspector=inspector if look else None, most=3, limits=limits)
    reader = DocumentReader(accept=["pdf", "image"], limits=limits)
    content = PNG if name.endswith(".png") else pdf(invoice_page(PAPER))
    (document,) = reader.documents([BytesLeaf(content, name=name, path=name)])
    try:
        plainly = chooser.choose_plainly([document])

        assert plainly is not None
        assert became(plainly) == became(chooser.choose([document])) == [(name, None)]
    finally:
        assert document.content is not None
        document.content.close()
