"""What is in a PDF, by pdfium. Runs in the child."""

from __future__ import annotations

import ctypes
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from typing import IO

import pypdfium2 as pdfium
from pypdfium2 import raw

from watcher.documents.inspection import codes, structured, text
from watcher.documents.inspection.gathering import PageFound, gathered
from watcher.documents.inspection.pdf_text import words_on
from watcher.seen import By, Mark, Seen, SeenInvoice

_MOST_PAGES = 200
_MOST_ATTACHMENTS = 20
_LARGEST_PROPERTY = 1_000
_SCALE = 108 / 72
_SCAN_SCALE = 216 / 72
_MOST_PIXELS = 4_000_000
# Codes are looked for where words hint at an invoice, and where there are hardly any words: those may be scans.
_HINTS = ("发票", "票据", "客票", "行程单")
_SCAN_CHARACTERS = 20
_LOCKED = (raw.FPDF_ERR_PASSWORD, raw.FPDF_ERR_SECURITY)


def look(file: IO[bytes], *, deep: bool, until: float) -> Seen:
    """What is known of a PDF. Pages that are not reached by `until` (monotonic time) are not searched."""
    try:
        with opened(file) as document:
            return _searched(document, until) if deep else Seen(pages=len(document))
    except pdfium.PdfiumError as error:
        locked = error.err_code in _LOCKED
        return Seen(locked=locked, damaged=not locked)


@contextmanager
def opened(file: IO[bytes]) -> Iterator[pdfium.PdfDocument]:
    """The document. Raises PdfiumError, with its `err_code`, where it cannot be opened or has no page."""
    with closing(pdfium.PdfDocument(file.read())) as document:
        yield document


def _searched(document: pdfium.PdfDocument, until: float) -> Seen:
    embedded = _embedded(document)
    whole = [*(found.invoice for found in embedded), *_in_properties(document)]
    marks = {Mark.INVOICE} if whole else set()
    if any(found.is_credit for found in embedded):
        marks.add(Mark.CREDIT_NOTE)
    pages: list[PageFound] = []
    unread: list[int] = []
    later: list[int] = []
    title = None
    for index in range(min(len(document), _MOST_PAGES)):
        if time.monotonic() > until:
            break
        words, page = _page(document, index, with_codes=len(whole) != 1)
        pages.append(page)
        if _is_scan(words) and not page.codes and page.drawn:
            unread.append(index + 1)
        if text.is_later_page(words):
            later.append(index + 1)
        marks |= text.marks_of(words)
        if page.codes:
            marks.add(Mark.INVOICE)
        title = title or text.title_of(words)
    return Seen(
        pages=len(document),
        deep=True,
        searched=len(document) if len(whole) == 1 else len(pages),  # what speaks of the whole file speaks of all pages
        invoices=gathered(pages, whole, count=len(document)),
        marks=frozenset(marks),
        unread=() if len(whole) == 1 else tuple(unread),
        later=tuple(later),
        title=title,
    )


def _page(document: pdfium.PdfDocument, index: int, *, with_codes: bool) -> tuple[str, PageFound]:
    """Its words, and what was found on it; a page that cannot be loaded has none."""
    try:
        page = document[index]
    except pdfium.PdfiumError:
        return "", PageFound(words=SeenInvoice(by=By.TEXT))
    with closing(page):
        words = text.plain(words_on(page, _HINTS))
        found = _codes(page, words) if with_codes else ()
        return words, PageFound(words=text.invoice_of(words), codes=found, drawn=_is_drawn_on(page))


def _is_drawn_on(page: pdfium.PdfPage) -> bool:
    """Whether there is more on it than text: pictures, or letters that are drawn as lines."""
    kinds = (raw.FPDFPageObj_GetType(raw.FPDFPage_GetObject(page, i)) for i in range(raw.FPDFPage_CountObjects(page)))
    return any(kind != raw.FPDF_PAGEOBJ_TEXT for kind in kinds)


def _is_scan(words: str) -> bool:
    """Whether the page may be a picture: it has hardly any words."""
    return len(words.strip()) < _SCAN_CHARACTERS


def _codes(page: pdfium.PdfPage, words: str) -> tuple[SeenInvoice, ...]:
    is_scan = _is_scan(words)
    if not is_scan and not any(hint in words for hint in _HINTS):
        return ()
    found = codes.invoices_on(_rendered(page, _SCALE))
    return codes.invoices_on(_rendered(page, _SCAN_SCALE)) if is_scan and not found else found


def _rendered(page: pdfium.PdfPage, scale: float) -> memoryview:
    """The page in grey, a byte for each pixel, as rows of them; coarser where it would be too large."""
    width, height = page.get_size()
    scale = min(scale, (_MOST_PIXELS / max(width * height, 1)) ** 0.5)
    bitmap = page.render(scale=scale, grayscale=True)
    return memoryview(bitmap.buffer).cast("B").cast("B", (bitmap.height, bitmap.stride))


def _embedded(document: pdfium.PdfDocument) -> list[structured.Structured]:
    """The invoices in XML files that are embedded."""
    found = []
    for index in range(min(document.count_attachments(), _MOST_ATTACHMENTS)):
        with suppress(pdfium.PdfiumError):
            data = _attached(document.get_attachment(index))
            root = structured.parsed(data) if data else None
            invoice = None if root is None else structured.invoice_in(root)
            if invoice is not None:
                found.append(invoice)
    return found


def _attached(attachment: pdfium.PdfAttachment) -> bytes:
    """An attached XML file that is not too large, else nothing. The format of a name is not relied on."""
    size = ctypes.c_ulong()
    raw.FPDFAttachment_GetFile(attachment, None, 0, size)
    if not 0 < size.value <= structured.LARGEST_XML:
        return b""
    data = bytes(attachment.get_data())
    return data if data.lstrip(b"\xef\xbb\xbf \t\r\n")[:1] == b"<" or data[:2] in (b"\xff\xfe", b"\xfe\xff") else b""


def _in_properties(document: pdfium.PdfDocument) -> list[SeenInvoice]:
    """The programs of the tax bureaus write an invoice's data into the properties of its PDF."""

    def value(name: str) -> str:
        size = raw.FPDF_GetMetaText(document, f"{name}\0".encode(), None, 0)
        return document.get_metadata_value(name) if size <= _LARGEST_PROPERTY else ""

    number, _ = structured.chinese_number(value("InvoiceNumber"), None)
    if number is None:
        return []
    day, amount = structured.day_in(value("IssueTime")), structured.money(value("TotalTax-includedAmount"))
    seller = value("SellerName").strip()[: structured.LONGEST_VALUE] or None
    return [SeenInvoice(by=By.XML, number=number, date=day, amount=amount, seller=seller)]
