"""From a format to the module that looks into it. Runs in the child."""

from __future__ import annotations

import codecs
import importlib
from typing import IO

from PIL import Image

from watcher.documents.formats import Format
from watcher.documents.inspection import codes, ofd, pdf, picture, structured
from watcher.seen import NOTHING_SEEN, Mark, Seen

_PICTURES = frozenset({Format.JPEG, Format.PNG, Format.TIFF, Format.GIF, Format.BMP, Format.WEBP})
_ENCODINGS = ("cp437", "gb18030", "utf-16", "utf-16-le", "utf-32", "latin-1", "ascii")  # of names, texts, properties
_MODULES = ("copy",)  # Pillow loads it when it reads a GIF


def load() -> None:
    """Loads what the libraries would load when they first need it."""
    Image.init()
    for module in _MODULES:
        importlib.import_module(module)
    for encoding in _ENCODINGS:
        codecs.lookup(encoding)
    codes.invoices_on(Image.new("L", (8, 8)))


def look(file: IO[bytes], form: Format, *, deep: bool, until: float) -> Seen:
    """What is known of a file of that format; nothing where there is nobody who could look into it.

    `until` is a monotonic time after which it only hands over what it has.
    """
    if form is Format.PDF:
        return pdf.look(file, deep=deep, until=until)
    if form is Format.OFD:
        return ofd.look(file, deep=deep, until=until)
    if form in _PICTURES:
        return picture.look(file, deep=deep, until=until)
    return _xml(file, deep=deep) if form is Format.XML else NOTHING_SEEN


def _xml(file: IO[bytes], *, deep: bool) -> Seen:
    """An XML file has no pages; one that is too large for an invoice is not looked into."""
    data = file.read(structured.LARGEST_XML + 1)
    if len(data) > structured.LARGEST_XML:
        return NOTHING_SEEN
    root = structured.parsed(data)
    if root is None:
        return Seen(damaged=True)
    if not deep:
        return NOTHING_SEEN
    found = structured.invoice_in(root)
    if found is None:
        return Seen(deep=True)
    marks = {Mark.INVOICE, Mark.CREDIT_NOTE} if found.is_credit else {Mark.INVOICE}
    return Seen(deep=True, invoices=(found.invoice,), marks=frozenset(marks))
