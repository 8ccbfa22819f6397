"""What is in a PDF, by pdfium. Runs in the child."""

from __future__ import annotations

import ctypes
import itertools
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from typing import IO

import pypdfium2 as pdfium
from msgspec import Struct
from pypdfium2 import raw

from watcher.documents.inspection import codes, structured, text
from watcher.documents.inspection.gathering import PageFound, gathered, unread
from watcher.documents.inspection.pdf_text import words_on
from watcher.seen import By, Mark, Seen, SeenInvoice

_MOST_PAGES = 200
_MOST_ATTACHMENTS = 20
_LARGEST_PROPERTY = 1_000
_SCALE = 108 / 72
_SCAN_SCALE = 216 / 72
_MOST_PIXELS = 4_000_000
# Codes are looked for where words hint at an invoice, and on what may be a scan.
_HINTS = ("发票", "票据", "客票", "行程单")
# Of a page: a photograph of an invoice in a letter covers as much, and the seal and the code of an invoice do not.
_MUCH = 0.15
_LONGEST_STAMP = 200  # characters
_FEWEST_PIXELS = 10_000  # fewer are no invoice: a background is often a single one
_MOST_OBJECTS = 2_000
_DEEPEST = 4  # forms in forms
_Box = tuple[float, float, float, float]  # left, bottom, right, top
_MAY_BE_PICTURES = (raw.FPDF_PAGEOBJ_IMAGE, raw.FPDF_PAGEOBJ_FORM)
LOCKED = (raw.FPDF_ERR_PASSWORD, raw.FPDF_ERR_SECURITY)


def look(file: IO[bytes], *, deep: bool, until: float) -> Seen:
    """What is known of a PDF. Pages that are not reached by `until` (monotonic time) are not searched."""
    try:
        with opened(file) as document:
            return _searched(document, until) if deep else Seen(pages=len(document))
    except pdfium.PdfiumError as error:
        locked = error.err_code in LOCKED
        return Seen(locked=locked, damaged=not locked)


@contextmanager
def opened(file: IO[bytes]) -> Iterator[pdfium.PdfDocument]:
    """The document. Raises PdfiumError, with its `err_code`, where it cannot be opened or has no page."""
    with closing(pdfium.PdfDocument(file.read())) as document:
        yield document


def _searched(document: pdfium.PdfDocument, until: float) -> Seen:
    embedded = _embedded(document)
    whole = [*(found.invoice for found in embedded), *_in_properties(document)]
    is_known = len(whole) == 1
    marks = {Mark.INVOICE} if whole else set()
    if any(found.is_credit for found in embedded):
        marks.add(Mark.CREDIT_NOTE)
    pages: list[PageFound] = []
    later: list[int] = []
    title = None
    for index in range(min(len(document), _MOST_PAGES)):
        if time.monotonic() > until:
            break
        page = _page(document, index, is_known=is_known)
        pages.append(page.found)
        if text.is_later_page(page.words):
            later.append(index + 1)
        marks |= page.marks
        if page.found.codes:
            marks.add(Mark.INVOICE)
        title = title or text.title_of(page.words)
    hidden = unread(pages, whole)
    return Seen(
        pages=len(document),
        deep=True,
        # What speaks of the whole file speaks of all pages, where nothing else seems to be in it.
        searched=len(document) if is_known and not hidden else len(pages),
        invoices=gathered(pages, whole, count=len(document)),
        marks=frozenset(marks),
        unread=hidden,
        later=tuple(later),
        title=title,
    )


class _Page(Struct, frozen=True, kw_only=True):
    """What a page says, what it says that it is, and what was found on it."""

    words: str
    marks: frozenset[Mark]
    found: PageFound


def _page(document: pdfium.PdfDocument, index: int, *, is_known: bool) -> _Page:
    """A page that cannot be loaded says nothing. `is_known`: data of the file says which invoice it is."""
    try:
        page = document[index]
    except pdfium.PdfiumError:
        return _Page(words="", marks=frozenset(), found=PageFound(words=SeenInvoice(by=By.TEXT), opaque=True))
    with closing(page):
        words = text.plain(words_on(page, _HINTS))
        marks, invoice = text.marks_of(words), text.invoice_of(words)
        is_other = text.comes_with_invoices(marks)
        is_read = is_other or invoice.number is not None
        is_opaque = _is_opaque(page, words, is_read=is_read, is_known=is_known)
        found = _codes(page, words, is_opaque=is_opaque, is_known=is_known)
    numbers = frozenset[str]() if is_other else text.numbers_in(words)
    return _Page(
        words=words, marks=marks, found=PageFound(words=invoice, codes=found, numbers=numbers, opaque=is_opaque)
    )


def _is_opaque(page: pdfium.PdfPage, words: str, *, is_read: bool, is_known: bool) -> bool:
    """Whether it may be a picture of an invoice: whatever the program of a scanner has stamped upon it.

    In a file whose data says which invoice it is, letters drawn as lines and pages on letter paper are its own.
    """
    if text.is_wordless(words) and not is_known:
        return _is_drawn_on(page)
    if is_read or (is_known and len(words) > _LONGEST_STAMP):
        return False
    return _is_covered(page)


def _is_drawn_on(page: pdfium.PdfPage) -> bool:
    """Whether there is more on it than text: pictures, or letters that are drawn as lines."""
    return any(kind != raw.FPDF_PAGEOBJ_TEXT for kind in _kinds(page))


def _kinds(page: pdfium.PdfPage) -> Iterator[int]:
    """Of the objects that are drawn on it; hardly dearer than counting them."""
    for index in range(raw.FPDFPage_CountObjects(page)):
        yield raw.FPDFPageObj_GetType(raw.FPDFPage_GetObject(page, index))


def _is_covered(page: pdfium.PdfPage) -> bool:
    """Whether pictures cover much of it, as far as can be told."""
    if not any(kind in _MAY_BE_PICTURES for kind in itertools.islice(_kinds(page), _MOST_OBJECTS)):
        return False
    visible: _Box = page.get_bbox()
    objects = itertools.islice(page.get_objects(max_depth=_DEEPEST), _MOST_OBJECTS)
    try:
        covered = sum(_area(each, visible) for each in objects if each.type == raw.FPDF_PAGEOBJ_IMAGE)
    except pdfium.PdfiumError:  # something on it that is nowhere
        return True
    return covered >= _MUCH * (visible[2] - visible[0]) * (visible[3] - visible[1])


def _area(picture: pdfium.PdfImage, visible: _Box) -> float:
    """How much of the page it covers, in square points."""
    width, height = picture.get_px_size()
    if width * height < _FEWEST_PIXELS:
        return 0.0
    place: _Box = picture.get_bounds()
    form = picture.container
    while form is not None:
        place, form = form.get_matrix().on_rect(*place), form.container
    width = min(place[2], visible[2]) - max(place[0], visible[0])
    height = min(place[3], visible[3]) - max(place[1], visible[1])
    return max(width, 0.0) * max(height, 0.0)


def _codes(page: pdfium.PdfPage, words: str, *, is_opaque: bool, is_known: bool) -> tuple[SeenInvoice, ...]:
    is_scan = is_opaque or (text.is_wordless(words) and not is_known)
    if not is_scan and (is_known or not any(hint in words for hint in _HINTS)):
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
