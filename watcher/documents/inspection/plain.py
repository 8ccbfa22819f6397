"""Telling the plain PDF of one page by its bytes, so that the most usual document starts no child."""

from __future__ import annotations

import re

from watcher.spool import Spooled

_LARGEST_BYTES = 8 * 1024 * 1024  # it is in memory meanwhile
_HEADER_WITHIN = 1024
# All that tells of pages begins with "/", so one search finds it: the kinds of objects that are pages or trees of
# pages, what leads to a tree, and what may hide or replace pages (encryption, objects in compressed streams, changes
# appended to the file, names in hex, forms that make pages, and collections of files).
_TELLING = re.compile(
    rb"/(?:Type(?=\s*(?P<kind>/Pages?)\b)|Pages\s+(?P<number>\d+)\s+(?P<generation>\d+)\s+R\b"
    rb"|(?P<hiding>Encrypt\b|ObjStm\b|XRef\b|Prev\b|[A-Za-z]*#[0-9A-Fa-f]{2}|XFA\b|Collection\b))"
)
# A pattern, because `count` takes ten times as long where a character is repeated.
_ENDS = re.compile(rb"startxref")
_TREE_TYPE = re.compile(rb"/Type\s*/Pages\b")
_PAGE_TYPE = re.compile(rb"/Type\s*/Page\b")
_ONE_KID = re.compile(rb"/Kids\s*\[\s*(\d+)\s+(\d+)\s+R\s*\]")
_ONE = re.compile(rb"/Count\s+1(?=[\s/>])")


def plainly_one_page(content: Spooled) -> bool:
    """Whether this is a PDF that says in the clear that it has exactly one page. False wherever that is in doubt."""
    if content.size > _LARGEST_BYTES:
        return False
    data = content.read()
    if b"%PDF-" not in data[:_HEADER_WITHIN]:
        return False
    root = _only_tree(data)
    if root is None or len(_ENDS.findall(data)) != 1:
        return False
    tree = _object(data, *root)
    if tree is None or not _TREE_TYPE.search(tree) or not _ONE.search(tree):
        return False
    kid = _ONE_KID.search(tree)
    page = _object(data, *kid.groups()) if kid else None
    return page is not None and _PAGE_TYPE.search(page) is not None


def _only_tree(data: bytes) -> tuple[bytes, bytes] | None:
    """Number and generation of the tree of pages, where there are one tree and one page; ends where it is clear."""
    kinds: set[bytes] = set()
    tree: tuple[bytes, bytes] | None = None
    for found in _TELLING.finditer(data):
        kind = found["kind"]
        if found["hiding"] or kind in kinds or (kind is None and tree is not None):
            return None
        if kind:
            kinds.add(kind)
        else:
            tree = found["number"], found["generation"]
    return tree if len(kinds) == 2 else None  # noqa: PLR2004 - a page and a tree


def _object(data: bytes, number: bytes, generation: bytes) -> bytes | None:
    """The one object of that number, up to its end; None where there is none or there are several."""
    # Without a look behind, because the search for a literal beginning is ten times as quick.
    begun = re.finditer(rb"%b\s+%b\s+obj\b" % (number, generation), data)
    found = [each for each in begun if not data[each.start() - 1 : each.start()].isdigit()]
    if len(found) != 1:
        return None
    end = data.find(b"endobj", found[0].end())
    return data[found[0].end() : end] if end >= 0 else None
