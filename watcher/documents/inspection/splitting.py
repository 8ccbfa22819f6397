"""Cutting a PDF into files of some of its pages. Runs in the child."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import closing
from typing import IO

import pypdfium2 as pdfium
from pypdfium2 import raw

from watcher.documents.inspection.pdf import opened


class TooLarge(Exception):
    """The parts have more bytes than they may."""


def parts(
    file: IO[bytes], ranges: Sequence[tuple[int, int]], into: Iterator[IO[bytes]], most: int
) -> Iterator[IO[bytes]]:
    """A file for each range of pages (from 1, both inclusive), written to the next of `into`.

    Annotations and rotation are kept; what is filled into a form becomes part of its page. Raises PdfiumError,
    ValueError for pages that there are not, and TooLarge once all have more than `most` bytes: what several pages use
    is in each of their parts.
    """
    with opened(file) as document:
        _fix_forms(document)
        for first, last in ranges:
            if not 1 <= first <= last <= len(document):
                raise ValueError("there are no such pages")
            target = next(into)
            with closing(pdfium.PdfDocument.new()) as part:
                part.import_pages(document, list(range(first - 1, last)))
                part.save(target)
            target.flush()
            most -= target.tell()
            if most < 0:
                raise TooLarge
            yield target


def _fix_forms(document: pdfium.PdfDocument) -> None:
    """The fields of a form do not outlive the cut, so their appearance is drawn into the pages first."""
    if document.get_formtype() == raw.FORMTYPE_NONE:
        return
    document.init_forms()
    for index in range(len(document)):
        with closing(document[index]) as page:
            page.flatten()
