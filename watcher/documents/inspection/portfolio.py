"""The files that a PDF portfolio brings, and whether its own pages are but the cover. Runs in the child."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from typing import IO, Any

import pypdfium2 as pdfium
from pypdfium2 import raw

from watcher.documents.inspection import text
from watcher.documents.inspection.pdf import LOCKED, opened
from watcher.documents.inspection.pdf_text import words_on
from watcher.documents.portfolio import says_so
from watcher.documents.sniff import HEAD_BYTES, kind_of
from watcher.seen import Mark

MOST_FILES = 1_000
_LONGEST_NAME = 500  # characters
# What the covers of such programs say: to open it with them.
_COVER = re.compile(r"acrobat|adobe\s?reader|portfolio|foxit|福昕|pdf\s?包|文件包", re.IGNORECASE)
# A cover does not speak of such: programs are sold by invoices that name them.
_PAPER = re.compile(r"发票|票据|收据|账单|客票|行程单|invoice|receipt|(?<![a-z])folio", re.IGNORECASE)


class Locked(Exception):
    """It cannot be opened without its password."""


def brought(file: IO[bytes]) -> Iterator[tuple[Mapping[str, Any], bytes | None]]:
    """First what is said of the whole: what each file in it is by its first bytes, and whether the pages are a cover.

    Then each file with its name, and without its bytes where these cannot be had. A PDF that was locked, and is no
    collection of files, brings none. Raises Locked, PdfiumError.
    """
    with _unlocked(file) as document:
        if not _is_collection(document):
            yield {"cover": False, "forms": []}, None
            return
        count = min(document.count_attachments(), MOST_FILES + 1)
        forms = [_form(_file(document, index)[1]) for index in range(count)]
        yield {"cover": _is_cover(document), "forms": forms}, None
        for index in range(count):
            name, data = _file(document, index)
            yield {"name": name[:_LONGEST_NAME]}, data


@contextmanager
def _unlocked(file: IO[bytes]) -> Iterator[pdfium.PdfDocument]:
    try:
        with opened(file) as document:
            yield document
    except pdfium.PdfiumError as error:
        if error.err_code in LOCKED:
            raise Locked from error
        raise


def _is_collection(document: pdfium.PdfDocument) -> bool:
    """Nobody asks about one that is not locked and does not say so; of others pdfium writes what it has unlocked."""
    if raw.FPDF_GetSecurityHandlerRevision(document) < 0:
        return True
    unlocked = io.BytesIO()
    document.save(unlocked, flags=raw.FPDF_REMOVE_SECURITY)
    return says_so(unlocked.getvalue())


def _file(document: pdfium.PdfDocument, index: int) -> tuple[str, bytes | None]:
    try:
        found = document.get_attachment(index)
        return found.get_name(), bytes(found.get_data())
    except pdfium.PdfiumError:  # damaged, or empty
        return "", None


def _form(data: bytes | None) -> str | None:
    return None if data is None else kind_of(data[:HEAD_BYTES]).value


def _is_cover(document: pdfium.PdfDocument) -> bool:
    """One page that is empty, or says which program opens it, and does not speak of invoices."""
    if len(document) != 1:
        return False
    with closing(document[0]) as page:
        words = text.plain(words_on(page, ("发票",)))
        if not words.strip():
            return bool(raw.FPDFPage_CountObjects(page) == 0)
    is_paper = _PAPER.search(words) is not None or Mark.TAX_IDS in text.marks_of(words)
    return _COVER.search(words) is not None and not is_paper
