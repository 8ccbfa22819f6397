"""Telling the plain PDF of one page by its bytes, so that the most usual document starts no child."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import TypeAlias

from watcher.spool import Spooled

_Name: TypeAlias = tuple[bytes, bytes]  # number and generation, by which an object is referred to

_LARGEST_BYTES = 8 * 1024 * 1024  # it is in memory meanwhile
_HEADER_WITHIN = 1024
# All that tells of pages begins with "/", so one search finds it: the kinds of objects that are pages or trees of
# pages, what leads to a tree, the trailer by its root, because who appends to a file writes another one, and what may
# hide or replace pages (encryption, objects in compressed streams, changes appended to the file, names in hex, forms
# that make pages, and collections of files).
_TELLING = re.compile(
    rb"/(?:Type(?=\s*(?P<kind>/Pages?)\b)|Pages\s+(?P<number>\d+)\s+(?P<generation>\d+)\s+R\b|(?P<root>Root)\b"
    rb"|(?P<hiding>Encrypt\b|ObjStm\b|XRef\b|Prev\b|[A-Za-z]*#[0-9A-Fa-f]{2}|XFA\b|Collection\b))"
)
_ONCE = 3  # a page, a tree, and a trailer
# A pattern, because `count` takes ten times as long where a character is repeated.
_ENDS = re.compile(rb"startxref")
# The word that begins an object and ends it, because the search for a literal is ten times as quick as one for numbers.
_OBJECT = re.compile(rb"obj\b")
_NUMBERED = re.compile(rb"(\d+)\s+(\d+)\s+\Z")
_NUMBERED_WITHIN = 64
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
    objects = _objects(data)
    tree = _one_object(data, objects, root)
    if tree is None or not _TREE_TYPE.search(tree) or not _ONE.search(tree):
        return False
    kid = _ONE_KID.search(tree)
    page = _one_object(data, objects, (kid[1], kid[2])) if kid else None
    return page is not None and _PAGE_TYPE.search(page) is not None


def _only_tree(data: bytes) -> _Name | None:
    """Name of the tree of pages, where there are one tree, one page and one trailer; ends where it is clear."""
    once: set[bytes] = set()
    tree: _Name | None = None
    for found in _TELLING.finditer(data):
        what = found["kind"] or found["root"]
        if found["hiding"] or what in once or (what is None and tree is not None):
            return None
        if what:
            once.add(what)
        else:
            tree = found["number"], found["generation"]
    return tree if len(once) == _ONCE else None


def _objects(data: bytes) -> Mapping[_Name, Sequence[int]]:
    """Where what is in each object begins; of one that is there several times, each place."""
    places: dict[_Name, list[int]] = {}
    for found in _OBJECT.finditer(data):
        begin = found.start()
        if data[begin - 1 : begin].isspace():
            numbered = _NUMBERED.search(data[max(begin - _NUMBERED_WITHIN, 0) : begin])
            if numbered:
                places.setdefault((numbered[1], numbered[2]), []).append(found.end())
    return places


def _one_object(data: bytes, objects: Mapping[_Name, Sequence[int]], name: _Name) -> bytes | None:
    """The one object of that name, up to its end; None where there is none or there are several."""
    places = objects.get(name, ())
    if len(places) != 1:
        return None
    end = data.find(b"endobj", places[0])
    return data[places[0] : end] if end >= 0 else None
