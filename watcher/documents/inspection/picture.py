"""What is in a picture: its size, its pages, and the QR codes on it. Runs in the child."""

from __future__ import annotations

import io
import time
import warnings
from typing import IO

from PIL import Image

from watcher.documents.inspection import codes
from watcher.documents.inspection.gathering import PageFound, gathered, unread
from watcher.seen import By, Mark, Seen, SeenInvoice

# What may be opened at all, so that no other decoder is within reach.
_FORMATS = ("JPEG", "PNG", "TIFF", "GIF", "BMP", "WEBP")
_MOST_PIXELS = 50_000_000
_MOST_PAGES = 20
_LARGEST_SIDE = 4_000  # that codes are looked for in: they are found, and faster, in a smaller one
_DAMAGE = (OSError, SyntaxError, ValueError, EOFError, TypeError, KeyError, IndexError, OverflowError)

Image.MAX_IMAGE_PIXELS = None  # the size is looked at before anything is decoded


def look(file: IO[bytes], *, deep: bool, until: float) -> Seen:
    """What is known of a picture; only a TIFF has more than one page. The size is the first page's."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with Image.open(io.BytesIO(file.read()), formats=_FORMATS) as image:
                return _looked_at(image, deep=deep, until=until)
    except _DAMAGE:
        return Seen(damaged=True)


def _looked_at(image: Image.Image, *, deep: bool, until: float) -> Seen:
    width, height = image.size
    count = int(getattr(image, "n_frames", 1)) if image.format == "TIFF" else 1
    if not deep:
        return Seen(pages=count, width=width, height=height)
    pages: list[PageFound] = []
    for index in range(min(count, _MOST_PAGES)):
        if time.monotonic() > until:
            break
        # One page that is all there is may be what its name says.
        found = _codes(image, index)
        pages.append(PageFound(words=SeenInvoice(by=By.TEXT), codes=found, opaque=count > 1))
    invoices = gathered(pages, count=count)
    marks = frozenset({Mark.INVOICE} if invoices else ())
    return Seen(
        pages=count,
        deep=True,
        searched=len(pages),
        invoices=invoices,
        marks=marks,
        unread=unread(pages),
        width=width,
        height=height,
    )


def _codes(image: Image.Image, index: int) -> tuple[SeenInvoice, ...]:
    if index:
        image.seek(index)
    if image.width * image.height > _MOST_PIXELS:
        return ()
    image.draft("L", (_LARGEST_SIDE, _LARGEST_SIDE))  # a JPEG is decoded smaller at once
    grey = image.convert("L")
    grey.thumbnail((_LARGEST_SIDE, _LARGEST_SIDE))
    return codes.invoices_on(grey)
