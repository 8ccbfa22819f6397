"""The words on a page of a PDF, at their places. Runs in the child."""

from __future__ import annotations

import ctypes
import math
from collections.abc import Collection, Iterator

import pypdfium2 as pdfium
from pypdfium2 import raw

from watcher.documents.inspection.layout import Piece, laid_out

_MOST_CHARACTERS = 20_000
# Of a character's height: how near the next one of a piece stands, and how far it may overlap or be off the line.
_NEAR = 0.25
_OVERLAP = 0.5
_OFF_LINE = 0.3
_NO_CHARACTER = frozenset({0, 0xFFFE, 0xFFFF})


def words_on(page: pdfium.PdfPage, hints: Collection[str]) -> str:
    """The page's text; laid out as a reader sees it where it has one of `hints`, else as it stands in the file.

    Laying out takes a few milliseconds, and only Chinese invoices are read by where their words stand.
    """
    layer = page.get_textpage()
    try:
        count = min(layer.count_chars(), _MOST_CHARACTERS)
        plain: str = layer.get_text_range(0, count) if count else ""
        hinted = max(plain.find(hint) for hint in hints)
        if hinted < 0:
            return plain.replace("\r", "")
        return laid_out(_pieces(layer, count, _turned(layer, hinted)))
    finally:
        layer.close()


def _pieces(layer: pdfium.PdfTextPage, count: int, rotation: int) -> Iterator[Piece]:
    """The runs of characters that stand side by side."""
    run: list[str] = []
    left = right = top = bottom = 0.0
    for character, box in _characters(layer, count, rotation):
        height = max(box[3] - box[1], 0.1)
        beside = -_OVERLAP * height < box[0] - right < _NEAR * height
        if run and beside and abs(box[1] + box[3] - top - bottom) < 2 * _OFF_LINE * height:
            run.append(character)
            right = max(right, box[2])
            continue
        if run:
            yield Piece(text="".join(run), left=left, right=right, top=top, bottom=bottom)
        run, (left, top, right, bottom) = [character], box
    if run:
        yield Piece(text="".join(run), left=left, right=right, top=top, bottom=bottom)


def _characters(
    layer: pdfium.PdfTextPage, count: int, rotation: int
) -> Iterator[tuple[str, tuple[float, float, float, float]]]:
    """Each that is more than a blank, with its left, top, right and bottom on the turned page."""
    rectangle = raw.FS_RECTF()
    place = ctypes.byref(rectangle)
    for index in range(count):
        code = raw.FPDFText_GetUnicode(layer, index)
        if code in _NO_CHARACTER or code > 0x10FFFF or chr(code).isspace():  # noqa: PLR2004 - the end of Unicode
            continue
        if raw.FPDFText_GetLooseCharBox(layer, index, place):
            box = (rectangle.left, rectangle.bottom, rectangle.right, rectangle.top)
            yield chr(code), _as_shown(*box, rotation)


def _turned(layer: pdfium.PdfTextPage, index: int) -> int:
    """The degrees, a multiple of 90, by which a page is turned clockwise where that letter is read upright.

    The page's own rotation does not tell: many a page is turned so that its words stand on their heads.
    """
    return round(-math.degrees(raw.FPDFText_GetCharAngle(layer, index)) / 90) * 90 % 360


def _as_shown(left: float, bottom: float, right: float, top: float, rotation: int) -> tuple[float, float, float, float]:
    """From the page's own coordinates, in which y grows upward, to those of a reader."""
    if rotation == 90:  # noqa: PLR2004 - degrees
        return bottom, left, top, right
    if rotation == 180:  # noqa: PLR2004
        return -right, bottom, -left, top
    if rotation == 270:  # noqa: PLR2004
        return -top, -right, -bottom, -left
    return left, -top, right, -bottom
