"""What is in an OFD: a zip of XML files. Runs in the child.

Invoices have their data in the CustomData of OFD.xml, in an attached XML, behind tags that point into the pages, or
only in the words of the pages; mostly in several of these.
"""

from __future__ import annotations

import io
import posixpath
import time
import zipfile
import zlib
from collections.abc import Mapping
from typing import IO

from lxml import etree
from msgspec import Struct
from msgspec.structs import replace

from watcher.documents.directory import opened_file
from watcher.documents.inspection import picture, structured, text
from watcher.documents.inspection.gathering import MOST_INVOICES, PageFound, filled, gathered, unread
from watcher.documents.inspection.ofd_files import OfdFiles
from watcher.documents.inspection.ofd_pages import OfdPages, texts_of
from watcher.documents.inspection.structured import Structured, named
from watcher.seen import By, Mark, Seen, SeenInvoice

_MOST_DOCUMENTS = 50
_MOST_PAGES = 200
_MOST_ATTACHMENTS = 20
_PICTURES = (".png", ".jpg", ".jpeg", ".bmp")  # that codes are looked for in
_DRAWN = (*_PICTURES, ".tif", ".tiff", ".gif", ".jb2", ".gbig2")
_MOST_PICTURES = 8
_LARGEST_PICTURE = 2 * 1024 * 1024
_DAMAGE = (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, ValueError)


def look(file: IO[bytes], *, deep: bool, until: float) -> Seen:
    """What is known of an OFD. Pages that are not reached by `until` (monotonic time) are not searched."""
    try:
        with opened_file(file) as archive:
            files = OfdFiles(archive)
            root = files.xml("OFD.xml")
            if root is None:
                return Seen(damaged=True)
            bodies = [_Body(files, element) for element in list(named(root, "DocBody"))[:_MOST_DOCUMENTS]]
            pages = sum(len(body.pages.paths) for body in bodies) or None
            return replace(_searched(files, bodies, until), pages=pages) if deep else Seen(pages=pages)
    except _DAMAGE:
        return Seen(damaged=True)
    except RuntimeError:  # what zipfile raises where a password is wanted
        return Seen(locked=True)


class _Body:
    """One document of an OFD, which is mostly the only one."""

    def __init__(self, files: OfdFiles, element: etree._Element) -> None:
        self.custom = {data.get("Name", ""): (data.text or "").strip() for data in named(element, "CustomData")}
        path = files.resolve(_text_of(element, "DocRoot"), "")
        root = files.xml(path)
        self._files = files
        self._folder = posixpath.dirname(path)
        self.pages = OfdPages(files, path, root)
        self._attachments = self._listed(root, "Attachments")
        self._tags = self._listed(root, "CustomTags")

    def attached(self) -> list[Structured]:
        """The invoices in attached XML files."""
        roots = [self._files.xml(path) for path in self._attachments]
        found = (structured.invoice_in(root) for root in roots if root is not None)
        return [invoice for invoice in found if invoice is not None]

    def tagged(self, objects: Mapping[str, str]) -> SeenInvoice:
        """What the tags point to among the objects of the pages."""
        tags = [root for path in self._tags if (root := self._files.xml(path)) is not None]

        def value(name: str) -> str | None:
            return next((found for tag in tags for at in named(tag, name) if (found := texts_of(at, objects))), None)

        number, code = structured.chinese_number(value("InvoiceNo"), value("InvoiceCode"))
        return SeenInvoice(
            by=By.OFD,
            number=number,
            code=code,
            date=structured.day_in(value("IssueDate")),
            amount=structured.money(value("TaxInclusiveTotalAmount")),
            seller=(value("SellerName") or "")[: structured.LONGEST_VALUE] or None,
        )

    def _listed(self, root: etree._Element | None, name: str) -> list[str]:
        """The files that a list of the document names, which lies in a file of its own."""
        path = "" if root is None else _text_of(root, name)
        if not path:
            return []
        path = self._files.resolve(path, self._folder)
        listing, folder = self._files.xml(path), posixpath.dirname(path)
        locations = [] if listing is None else list(named(listing, "FileLoc"))[:_MOST_ATTACHMENTS]
        return [self._files.resolve(location.text or "", folder) for location in locations]


class _Words(Struct, frozen=True, kw_only=True):
    """What the pages of one document say."""

    pages: tuple[PageFound, ...]
    marks: frozenset[Mark]
    title: str | None
    objects: Mapping[str, str]


def _searched(files: OfdFiles, bodies: list[_Body], until: float) -> Seen:
    invoices: list[SeenInvoice] = []
    marks: set[Mark] = set()
    hidden: list[int] = []
    title = None
    has_pictures = any(path.endswith(_DRAWN) for path in files.names())
    before = searched = 0
    for body in bodies:
        words, attached = _words(body, until, has_pictures=has_pictures), body.attached()
        whole = [found.invoice for found in attached]
        own = filled(_custom(body.custom), body.tagged(words.objects))
        if own.number is not None:
            whole.append(own)
        if not whole and len(bodies) == 1 and not any(page.words.number for page in words.pages):
            whole = _pictured(files, until)
        here = gathered(words.pages, whole, count=len(body.pages.paths))
        invoices += (_moved(invoice, before) for invoice in here)
        hidden += (before + page for page in unread(words.pages, whole))
        marks |= words.marks | ({Mark.INVOICE} if whole else set())
        marks |= {Mark.CREDIT_NOTE} if any(found.is_credit for found in attached) else set()
        title = title or words.title
        # What follows pages that were not reached does not count.
        searched += len(words.pages) if searched == before else 0
        before += len(body.pages.paths)
    return Seen(
        deep=True,
        searched=searched,
        invoices=tuple(invoices[:MOST_INVOICES]),
        marks=frozenset(marks),
        unread=tuple(hidden),
        title=title,
    )


def _pictured(files: OfdFiles, until: float) -> list[SeenInvoice]:
    """The invoices whose codes are on the pictures of an OFD that says nothing else."""
    paths = [path for path in files.names() if path.endswith(_PICTURES)][:_MOST_PICTURES]
    pictures = (data for path in paths if (data := files.read(path, _LARGEST_PICTURE)))
    seen = (picture.look(io.BytesIO(data), deep=True, until=until) for data in pictures)
    return [replace(invoice, first=0, last=0) for found in seen for invoice in found.invoices]


def _words(body: _Body, until: float, *, has_pictures: bool) -> _Words:
    """`has_pictures`: a page without words may be one of them."""
    pages: list[PageFound] = []
    marks: frozenset[Mark] = frozenset()
    objects: dict[str, str] = {}
    title = None
    for path in body.pages.paths[:_MOST_PAGES]:
        if time.monotonic() > until:
            break
        found = body.pages.words(path)
        words = text.plain(found.text)
        objects |= found.objects
        of_page = text.marks_of(words)
        numbers = frozenset[str]() if text.comes_with_invoices(of_page) else text.numbers_in(words)
        is_opaque = has_pictures and text.is_wordless(words)
        pages.append(PageFound(words=text.invoice_of(words), numbers=numbers, opaque=is_opaque))
        marks |= of_page
        title = title or text.title_of(words)
    return _Words(pages=tuple(pages), marks=marks, title=title, objects=objects)


def _custom(data: Mapping[str, str]) -> SeenInvoice:
    """合计金额 is without tax where 合计税额 stands beside it, and else it cannot be told."""
    number, code = structured.chinese_number(data.get("发票号码"), data.get("发票代码"))
    total = structured.money(data.get("价税合计"))
    net, tax = structured.money(data.get("合计金额")), structured.money(data.get("合计税额"))
    return SeenInvoice(
        by=By.OFD,
        number=number,
        code=code,
        date=structured.day_in(data.get("开票日期")),
        amount=total or structured.together(net, tax),
        seller=data.get("销售方名称", "")[: structured.LONGEST_VALUE] or None,
    )


def _moved(invoice: SeenInvoice, pages: int) -> SeenInvoice:
    if not invoice.first:
        return invoice
    return replace(invoice, first=invoice.first + pages, last=invoice.last + pages)


def _text_of(element: etree._Element, name: str) -> str:
    found = next(named(element, name), None)
    return "" if found is None else (found.text or "").strip()
