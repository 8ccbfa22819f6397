"""Telling the plain PDF of one page by its bytes, so that the most usual document starts no child."""

from __future__ import annotations

import mmap
import re
from collections.abc import Mapping, Sequence
from itertools import islice
from typing import TypeAlias

from watcher.spool import Spooled

_Name: TypeAlias = tuple[bytes, bytes]  # number and generation, by which an object is referred to
_Data: TypeAlias = bytes | mmap.mmap

_LARGEST_BYTES = 8 * 1024 * 1024
_HEADER_WITHIN = 1024
# All that tells of pages begins with "/", so one search finds it: the kinds of objects that are pages or trees of
# pages, what leads to a tree, the trailer by its root, because who appends to a file writes another one, and what may
# hide or replace pages (encryption, objects in compressed streams, changes appended to the file, names in hex, forms
# that make pages, and collections of files).
# White space is what PDF calls so; a comment counts as such too, and a type may stand elsewhere: both are in doubt.
_W = rb"[\0\t\n\f\r ]"
_REFERENCE = rb"%b+(?P<number>\d+)%b+(?P<generation>\d+)%b+R\b" % (_W, _W, _W)
_TELLING = re.compile(
    rb"/(?:Type(?:%b*(?P<kind>/Pages?)\b|%b*%%|%b+\d)|(?P<tree>Pages)\b(?:%b)?|(?P<root>Root)\b"
    rb"|(?P<hiding>Encrypt\b|ObjStm\b|XRef\b|Prev\b|[A-Za-z]*#[0-9A-Fa-f]{2}|XFA\b|Collection\b))"
    % (_W, _W, _W, _REFERENCE)
)
_ONCE = 4  # a page, a tree, what leads to it, and a trailer
# A pattern, because `count` takes ten times as long where a character is repeated.
_ENDS = re.compile(rb"startxref")
# The word that begins an object and ends it, because the search for a literal is ten times as quick as one for numbers.
_OBJECT = re.compile(rb"obj\b")
_MOST_WORDS = 40_000  # of 20,000 objects; a page has hundreds, and each costs memory
_NUMBERED = re.compile(rb"([1-9]\d*)%b+0*(\d+)%b+\Z" % (_W, _W))
_NUMBERED_WITHIN = 64
# The numbers of an object, or one of them, may stand on another line, or beyond what is searched for them.
_PERHAPS_NUMBERED = re.compile(rb"(?:\A|[\r\n])%b*+(?:\d+%b+)?\Z" % (_W, _W))
_WHITE = frozenset(b"\0\t\n\f\r ")
# Nothing in it that could hide anything: no string, no comment, no dictionary.
_PLAIN_DICTIONARY = re.compile(rb"%b*<<[^<>(%%]*>>%b*" % (_W, _W))
_TREE_TYPE = re.compile(rb"/Type%b*/Pages\b" % _W)
_PAGE_TYPE = re.compile(rb"/Type%b*/Page\b" % _W)
_ONE_KID = re.compile(rb"/Kids%b*\[%b*(\d+)%b+(\d+)%b+R%b*\]" % (_W, _W, _W, _W, _W))
_ONE = re.compile(rb"/Count%b+1(?=[\0\s/>])" % _W)


def plainly_one_page(content: Spooled) -> bool:
    """Whether this is a PDF that says in the clear that it has exactly one page. False wherever that is in doubt."""
    if content.size > _LARGEST_BYTES:
        return False
    with content.whole() as data:
        return b"%PDF-" in data[:_HEADER_WITHIN] and _has_one_page(data)


def _has_one_page(data: _Data) -> bool:
    found = _tree_and_trailer(data)
    if found is None or not _ends_once(data, found[1]):
        return False
    objects = _objects(data)
    kid = _only_kid(_one_object(data, objects, found[0]))
    page = _one_object(data, objects, kid) if kid else None
    return page is not None and _PAGE_TYPE.search(page) is not None and b"/Kids" not in page


def _ends_once(data: _Data, trailer: int) -> bool:
    """Whether nothing is appended, which would stand behind the trailer: so what is before it need not be searched."""
    return len(list(islice(_ENDS.finditer(data, trailer), 2))) == 1


def _only_kid(tree: bytes | None) -> _Name | None:
    """Name of the one page of a tree, where the tree says in the clear that it has one."""
    if tree is None or not _PLAIN_DICTIONARY.fullmatch(tree) or not _TREE_TYPE.search(tree) or not _ONE.search(tree):
        return None
    kid = _ONE_KID.search(tree)
    if kid is None or tree.count(b"/Kids") != 1 or tree.count(b"/Count") != 1:
        return None
    return kid[1], kid[2]


def _tree_and_trailer(data: _Data) -> tuple[_Name, int] | None:
    """Name of the tree of pages, and where the trailer is; only where there is one of each, and one page.

    Ends where it is clear that there is not.
    """
    once: set[bytes] = set()
    tree: _Name | None = None
    trailer = 0
    for found in _TELLING.finditer(data):
        what = found["kind"] or found["root"] or found["tree"]
        if what is None or what in once:  # what hides something is nothing of these
            return None
        once.add(what)
        if found["number"]:
            tree = found["number"], found["generation"]
        elif found["root"]:
            trailer = found.end()
    return (tree, trailer) if tree and len(once) == _ONCE else None


def _objects(data: _Data) -> Mapping[_Name, Sequence[int]]:
    """Where what is in each object begins; of one that is there several times, each place.

    Nothing where that is in doubt, or where there are too many objects.
    """
    places: dict[_Name, list[int]] = {}
    for count, found in enumerate(_OBJECT.finditer(data)):
        begin = found.start()
        if data[begin - 1] in _WHITE:
            before = data[max(begin - _NUMBERED_WITHIN, 0) : begin]
            numbered = _NUMBERED.search(before)
            if numbered:
                places.setdefault((numbered[1], numbered[2]), []).append(found.end())
            elif _PERHAPS_NUMBERED.search(before):
                return {}
        if count > _MOST_WORDS:
            return {}
    return places


def _one_object(data: _Data, objects: Mapping[_Name, Sequence[int]], name: _Name) -> bytes | None:
    """The one object of that name, up to its end; None where there is none or there are several."""
    places = objects.get(name, ())
    if len(places) != 1:
        return None
    end = data.find(b"endobj", places[0])
    return data[places[0] : end] if end >= 0 else None
