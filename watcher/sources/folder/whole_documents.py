"""Whether a PDF or an XML file is whole, by its own structure. All of it raises OSError."""

from __future__ import annotations

import codecs
import re

from watcher.sources.folder.looked import Looked

PDF_BEGIN = b"%PDF-"
_PDF_END = b"%%EOF"
_PDF_GOES_ON = re.compile(rb"\d\s+obj\b|\b(?:endobj|endstream|xref)\b")
_PDF_TABLE_IS_AT = re.compile(rb"startxref\s*(\d+)\s*$")
_PDF_TABLE = re.compile(rb"\s*(?:xref\b|\d+\s+\d+\s+obj\b)")
_PDF_LINEARIZED = re.compile(rb"<<[^>]*/Linearized\b[^>]*")
_PDF_LENGTH = re.compile(rb"/L\s+(\d+)")
_XML_BEFORE_ROOT = re.compile(r"\ufeff|<\?.*?\?>|<!--.*?-->|<!DOCTYPE[^>\[]*>|\s+", re.DOTALL | re.IGNORECASE)
_XML_ROOT = re.compile(r"<([^\s/>]+)")
_XML_BEHIND_ROOT = re.compile(r"(?:<\?(?>.*?\?>)|<!--(?>.*?-->)|[\s\0])*+", re.DOTALL)
_UTF_16 = {codecs.BOM_UTF16_LE: "utf-16-le", codecs.BOM_UTF16_BE: "utf-16-be"}


def pdf(file: Looked) -> bool:
    """An end behind which nothing of it goes on, and a table where that end says that it is.

    An end alone says little: each version of a file that was signed or added to has its own, and so have the first page
    of one that is made to be shown while it comes, and a PDF that is attached to it.
    """
    end = file.near_end.rfind(_PDF_END)
    if end < 0 or _PDF_GOES_ON.search(file.near_end, end):
        return False
    return _least_length(file.head) <= file.size and _has_table(file, end)


def _least_length(head: bytes) -> int:
    """One that is made to be shown while it comes says how long it is. What is added to it later makes it longer."""
    first = _PDF_LINEARIZED.search(head)
    length = _PDF_LENGTH.search(first[0]) if first else None
    return int(length[1]) if length else 0


def _has_table(file: Looked, end: int) -> bool:
    """Whether it is where it is said to be. Where nothing is said, readers search for it, and nobody can tell."""
    said = _PDF_TABLE_IS_AT.search(file.near_end, 0, end)
    at = int(said[1]) if said else 0
    begins = {0, file.head.find(PDF_BEGIN)}  # some count from there, where something stands before it
    return not at or any(_PDF_TABLE.match(file.part(begin + at, 40)) for begin in begins)


def looks_like_xml(head: bytes) -> bool:
    return _text(head, head).lstrip("\ufeff \t\r\n").startswith("<")


def xml(file: Looked) -> bool:
    """The end of its root, and nothing behind that but comments."""
    head = _text(file.head, file.head)
    start = 0
    while (found := _XML_BEFORE_ROOT.match(head, start)) is not None:
        start = found.end()
    root = _XML_ROOT.match(head, start)
    if root is None:
        return False
    near_end = _text(file.head, file.near_end[(file.size - len(file.near_end)) % 2 :])
    ends = [found.end() for found in re.finditer(rf"</{re.escape(root[1])}\s*>", near_end)]
    return bool(ends) and _XML_BEHIND_ROOT.fullmatch(near_end, ends[-1]) is not None


def _text(head: bytes, some: bytes) -> str:
    """Some of it, from where a character begins. Only characters of ASCII, and those of the root, have to be right."""
    return some.decode(_UTF_16.get(head[:2], "utf-8"), "backslashreplace")
