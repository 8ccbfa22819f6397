"""Telling a PDF portfolio by its bytes: a PDF that is a collection of files, whose own pages are but the cover.

Its catalog says so. That may stand in a packed stream, and where such are locked, only a reader of PDFs can tell; what
it brings may not, so that most PDFs are searched but once.
"""

from __future__ import annotations

import mmap
import re
import zlib
from collections.abc import Iterator
from itertools import islice

from watcher.documents.inspection.plain import plainly_one_page
from watcher.spool import Spooled

_BRINGS_FILES = re.compile(rb"/(?:EmbeddedFile|Collection)")
_LOCKED = re.compile(rb"/Encrypt\b")
_W = rb"[\0\t\n\f\r ]*"
_COLLECTION = re.compile(rb"/Collection%b(?:<<|\d{1,10}%b\d{1,5}%bR\b)" % (_W, _W, _W))
_PACKED = re.compile(rb"/ObjStm\b[^%]{0,1024}?\bstream\r?\n", re.DOTALL)
_MOST_PACKED = 2_000  # streams of objects
_MOST_BYTES = 16 * 1024 * 1024  # that they may come to, all together


def is_portfolio(content: Spooled) -> bool:
    """Whether a PDF says that it is a collection of the files in it, or may say so in what is locked."""
    # What is plain says nothing of a collection, and will be asked for; so the most usual document is searched once.
    if content.told(plainly_one_page) or not content.holds(_BRINGS_FILES):
        return False
    return content.told(_says_so) or content.told(hides_its_catalog)


def hides_its_catalog(content: Spooled) -> bool:
    """Whether it may say so where only who unlocks it can look: many that are locked open without a password."""
    with content.whole() as data:
        return not says_so(data) and _LOCKED.search(data) is not None and _PACKED.search(data) is not None


def says_so(data: bytes | mmap.mmap) -> bool:
    """Whether this, which is not locked, says that it is a collection of the files in it."""
    return _COLLECTION.search(data) is not None or any(_COLLECTION.search(each) for each in _unpacked(data))


def _says_so(content: Spooled) -> bool:
    with content.whole() as data:
        return says_so(data)


def _unpacked(data: bytes | mmap.mmap) -> Iterator[bytes]:
    """What is in the streams of objects, as far as they can be unpacked."""
    left = _MOST_BYTES
    for found in islice(_PACKED.finditer(data), _MOST_PACKED):
        inflater = zlib.decompressobj()
        try:
            plain = inflater.decompress(data[found.end() : found.end() + left], left)
        except zlib.error:
            continue
        yield plain
        left -= len(plain)
        if left <= 0:
            return
