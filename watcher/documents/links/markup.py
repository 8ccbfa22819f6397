"""HTML of mails and of platforms' pages, as far as links need it; read as events, because a tree has no bounds."""

from __future__ import annotations

import html
import re
from collections.abc import Mapping
from typing import Any, TypeAlias, cast

from msgspec import Struct

_LABEL_LENGTH = 80
_REFERENCE = re.compile(r"&(?:#\d{1,7}|#[xX][0-9a-fA-F]{1,6}|[A-Za-z][A-Za-z0-9]{1,31});")
_LONE_AMPERSAND = re.compile(r"&(?!(?:#\d{1,7}|#[xX][0-9a-fA-F]{1,6}|[A-Za-z][A-Za-z0-9]{1,31});)")
_ESCAPED_TWICE = 3
_LINES = frozenset(
    "address article blockquote br center dd div dl dt fieldset footer form h1 h2 h3 h4 h5 h6 header hr li ol p pre "
    "section table tbody tr ul".split()
)
_CELLS = frozenset({"td", "th"})
_UNREAD = frozenset({"script", "style", "noscript", "template", "title"})


class Anchor(Struct, frozen=True):
    """A link. `before` is what stands on its line between it and the link before it."""

    target: str
    text: str
    before: str


class Picture(Struct, frozen=True):
    """Never to be fetched: banners and QR codes lie on the same hosts as invoices."""

    source: str


class Words(Struct, frozen=True):
    """Text between links."""

    text: str


class Field(Struct, frozen=True):
    """An input of a form."""

    name: str
    value: str


Piece: TypeAlias = Anchor | Picture | Words | Field


def markup(text: str) -> list[Piece]:
    """What is in it, in order. Never raises; what cannot be parsed ends it."""
    from lxml import etree

    events = _Events()
    # A parameter such as &paramList= is no ¶ and &copy= no ©: only what ends in a semicolon is a reference.
    source = _LONE_AMPERSAND.sub("&amp;", text.replace("\0", ""))
    parser: Any = etree.HTMLParser(target=cast("Any", events), encoding="utf-8")
    try:
        parser.feed(source.encode("utf-8", "replace"))
        parser.close()
    except etree.LxmlError:
        events.close()
    return events.pieces


def unescaped(text: str) -> str:
    """Character references undone, as often as they were made."""
    for _ in range(_ESCAPED_TWICE):
        plain = _REFERENCE.sub(lambda found: html.unescape(found[0]), text)
        if plain == text:
            break
        text = plain
    return text


class _Events:
    """What lxml tells of the document, kept as pieces."""

    def __init__(self) -> None:
        self.pieces: list[Piece] = []
        self._words: list[str] = []
        self._target: str | None = None  # of the anchor that is open
        self._before = ""
        self._unread = 0

    def start(self, tag: str, attributes: Mapping[str, str]) -> None:
        if tag in _UNREAD:
            self._unread += 1
        if tag in ("a", "area"):
            self._end_piece()
            self._target = attributes.get("href")
        elif tag == "img" and "src" in attributes:
            self.pieces.append(Picture(attributes["src"]))
        elif tag == "input":
            name = attributes.get("name") or attributes.get("id") or ""
            self.pieces.append(Field(name, attributes.get("value", "")))
        self._space(tag)

    def end(self, tag: str) -> None:
        if tag in _UNREAD:
            self._unread = max(0, self._unread - 1)
        if tag in ("a", "area"):
            self._end_piece()
        self._space(tag)

    def data(self, data: str) -> None:
        if not self._unread:
            self._words.append(data)

    def comment(self, text: str) -> None:
        """Nobody sees it."""

    def close(self) -> None:
        self._end_piece()

    def _space(self, tag: str) -> None:
        if tag in _LINES:
            self._words.append("\n")
        elif tag in _CELLS:
            self._words.append(" ")

    def _end_piece(self) -> None:
        text, self._words = "".join(self._words), []
        if self._target is not None:
            self.pieces.append(Anchor(self._target, text, self._before))
            self._target, self._before = None, ""
        else:
            self._before = text.rpartition("\n")[2].strip()[-_LABEL_LENGTH:]
            if text.strip():
                self.pieces.append(Words(text))
