"""From a format to the module that looks into it. Runs in the child."""

from __future__ import annotations

from typing import IO, Protocol

from watcher.documents.inspection import structured
from watcher.documents.sniff import Format
from watcher.seen import NOTHING_SEEN, Mark, Seen

_PICTURES = frozenset({Format.JPEG, Format.PNG, Format.TIFF, Format.GIF, Format.BMP, Format.WEBP})


class Look(Protocol):
    """Says what is known of a file. `until` is a monotonic time after which it only hands over what it has."""

    def __call__(self, file: IO[bytes], *, deep: bool, until: float) -> Seen: ...


def look(file: IO[bytes], form: Format, *, deep: bool, until: float) -> Seen:
    """What is known of a file of that format; nothing where there is nobody who could look into it."""
    looked = _of(form)
    return looked(file, deep=deep, until=until) if looked else NOTHING_SEEN


def _of(form: Format) -> Look | None:
    """Each library is loaded when the first document wants it."""
    if form is Format.PDF:
        from watcher.documents.inspection import pdf

        return pdf.look
    if form is Format.OFD:
        from watcher.documents.inspection import ofd

        return ofd.look
    if form in _PICTURES:
        from watcher.documents.inspection import picture

        return picture.look
    return _xml if form is Format.XML else None


def _xml(file: IO[bytes], *, deep: bool, until: float) -> Seen:  # noqa: ARG001 - it is soon done
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
