"""Cutting a PDF into files of some of its pages."""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pypdfium2 as pdfium
import pytest
from pypdfium2 import raw

from tests.support.inspecting import children, look, split
from tests.support.invoice_files import Page, Paper, Words, invoice_page, pdf, shared_picture_pdf
from watcher.documents.inspection.inspector import Inspector
from watcher.errors import DocumentRefused
from watcher.model import Reason
from watcher.spool import Spooled


@pytest.fixture(scope="module")
def inspector() -> Iterator[Inspector]:
    found = Inspector(time_limit=60)  # however busy the machine is
    yield found
    found.close()


def _text(data: bytes) -> list[str]:
    with closing(pdfium.PdfDocument(data)) as document:
        return [_of_page(page) for page in document]


def _of_page(page: pdfium.PdfPage) -> str:
    layer = page.get_textpage()
    try:
        text: str = layer.get_text_range()
        return text
    finally:
        layer.close()
        page.close()


def _numbered(count: int) -> bytes:
    return pdf(*(Page(words=[Words(x=40, y=300, text=f"Page {number}")]) for number in range(1, count + 1)))


def test_each_part_has_its_pages(inspector: Inspector) -> None:
    parts = split(inspector, _numbered(10), (1, 3), (4, 4), (5, 10))
    assert [_text(part) for part in parts] == [
        ["Page 1", "Page 2", "Page 3"],
        ["Page 4"],
        [f"Page {number}" for number in range(5, 11)],
    ]


def test_a_part_is_read_like_the_whole(inspector: Inspector) -> None:
    papers = [Paper(number=f"2611700000123456789{digit}") for digit in range(4)]
    parts = split(inspector, pdf(*(invoice_page(paper) for paper in papers)), (1, 2), (3, 4))
    found = [[invoice.number for invoice in look(inspector, part).invoices] for part in parts]
    assert found == [[papers[0].number, papers[1].number], [papers[2].number, papers[3].number]]


def test_turned_pages_stay_turned_and_notes_stay(inspector: Inspector) -> None:
    (part,) = split(inspector, pdf(Page(), Page(rotation=90, note="seen")), (2, 2))
    with closing(pdfium.PdfDocument(part)) as document, closing(document[0]) as page:
        assert page.get_rotation() == 90
        assert raw.FPDFPage_GetAnnotCount(page) == 1


def test_what_is_filled_into_a_form_can_be_read_in_the_part(inspector: Inspector) -> None:
    (part,) = split(inspector, pdf(Page(), Page(typed="318.00")), (2, 2))
    assert "318.00" in _text(part)[0]


def test_many_parts_are_made(inspector: Inspector) -> None:
    parts = split(inspector, _numbered(120), *((page, page) for page in range(1, 121)))
    assert [_text(part) for part in parts] == [[f"Page {page}"] for page in range(1, 121)]


@pytest.mark.parametrize("ranges", [[(0, 1)], [(1, 3)], [(2, 1)], [(1, 1), (9, 9)]])
def test_pages_that_there_are_not_are_refused(inspector: Inspector, ranges: list[tuple[int, int]]) -> None:
    with pytest.raises(DocumentRefused) as refused:
        split(inspector, _numbered(2), *ranges)
    assert refused.value.reason is Reason.UNREADABLE
    assert split(inspector, _numbered(2), (1, 1))


def test_parts_of_more_bytes_than_they_may_have_are_refused_and_the_child_is_kept(inspector: Inspector) -> None:
    shared = shared_picture_pdf(3)
    split(inspector, _numbered(1), (1, 1))  # the child is there, whichever test is the first
    before = children()
    with closing(Spooled([shared])) as content:
        with pytest.raises(DocumentRefused) as refused:
            inspector.split(content, [(1, 1), (2, 2), (3, 3)], most=700_000)
        kept = inspector.split(content, [(1, 1), (2, 2)], most=700_000)
    assert refused.value.reason is Reason.UNREADABLE
    assert [part.size // 100_000 for part in kept] == [3, 3]
    assert children() == before
    for part in kept:
        part.close()


@pytest.mark.parametrize("data", [b"", b"%PDF-1.4 nothing", b"PK\x03\x04"])
def test_what_cannot_be_opened_cannot_be_split(inspector: Inspector, data: bytes) -> None:
    with pytest.raises(DocumentRefused):
        split(inspector, data, (1, 1))


def test_samples_are_split_and_open_again(inspector: Inspector, samples: Path) -> None:
    for name, pages in (("pdflatex-4-pages.pdf", 4), ("EN16931_1_Teilrechnung.pdf", 3), ("imagemagick-images.pdf", 6)):
        data = (samples / "pdf" / name).read_bytes()
        parts = split(inspector, data, *((page, page) for page in range(1, pages + 1)))
        assert [text for part in parts for text in _text(part)] == _text(data), name
        with closing(pdfium.PdfDocument(io.BytesIO(data))) as whole:
            sizes = [whole.get_page_size(index) for index in range(pages)]
        for part, size in zip(parts, sizes, strict=True):
            with closing(pdfium.PdfDocument(part)) as document:
                assert document.get_page_size(0) == size, name


def test_a_pdf_with_an_owner_password_alone_is_split(inspector: Inspector, samples: Path) -> None:
    data = (samples / "pdf" / "made-owner-password-only.pdf").read_bytes()
    (part,) = split(inspector, data, (1, 1))
    assert _text(part) == _text(data)


def test_a_locked_pdf_is_refused(inspector: Inspector, samples: Path) -> None:
    with pytest.raises(DocumentRefused):
        split(inspector, (samples / "pdf" / "made-password-123456.pdf").read_bytes(), (1, 1))
