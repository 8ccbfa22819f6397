"""What an IMAP server answers, as values: RFC 9051 section 4, and what servers make of it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from itertools import product
from typing import TypeAlias

# A string or atom, NIL, or a list.
Value: TypeAlias = "bytes | list[Value] | None"
# A line without what imaplib cuts out of it: literals come as a pair, of the text before and the bytes.
Piece: TypeAlias = "bytes | tuple[bytes, bytes]"

# A bracket, a quoted string, an atom, or a quotation mark that opens a string without an end.
_TOKEN = re.compile(rb'[()]|"(?:[^"\\]++|\\.)*+"|[^\s()"]++|"', re.DOTALL)
_LITERAL_MARK = re.compile(rb"~?\{\d+\+?\}$")
_QUOTE = ord('"')
_NIL = frozenset(map(bytes, product(b"Nn", b"Ii", b"Ll")))
_ESCAPED = re.compile(rb"\\(.)", re.DOTALL)


class Malformed(ValueError):
    """It is not what the grammar allows."""


def responses(pieces: Iterable[Piece | None]) -> Iterator[list[Piece]]:
    """Untagged responses, each with its literals, out of the flat list that imaplib makes of them."""
    gathered: list[Piece] = []
    for piece in pieces:
        if piece is None:
            continue
        gathered.append(piece)
        if not isinstance(piece, tuple):
            yield gathered
            gathered = []


def parse(pieces: Sequence[Piece]) -> list[Value]:
    """The values of one response. Raises Malformed."""
    root: list[Value] = []
    stack: list[list[Value]] = [root]
    for piece in pieces:
        text, literal = piece if isinstance(piece, tuple) else (piece, None)
        _scan(text if literal is None else _LITERAL_MARK.sub(b"", text), stack)
        if literal is not None:
            stack[-1].append(bytes(literal))
    if len(stack) != 1:
        raise Malformed("a list is not closed")
    return root


def _scan(text: bytes, stack: list[list[Value]]) -> None:
    """Add its values to the innermost list. As few calls as can be: every mail has dozens of tokens."""
    into = stack[-1]
    for token in _TOKEN.findall(text):
        if token == b"(":
            inner: list[Value] = []
            into.append(inner)
            stack.append(inner)
            into = inner
        elif token == b")":
            stack.pop()
            if not stack:
                raise Malformed("a list is closed that was not opened")
            into = stack[-1]
        elif token[0] == _QUOTE:
            into.append(_unquoted(token) if b"\\" in token or token == b'"' else token[1:-1])
        else:
            into.append(None if token in _NIL else token)


def _unquoted(token: bytes) -> bytes:
    if len(token) == 1:
        raise Malformed("a quoted string is not closed")
    return _ESCAPED.sub(rb"\1", token[1:-1])


def attributes(pieces: Sequence[Piece]) -> dict[str, Value]:
    """The attributes of a FETCH response, by their names in capitals. Raises Malformed."""
    values = parse(pieces)
    items = next((value for value in values if isinstance(value, list)), None)
    if items is None or len(items) % 2:
        raise Malformed("a FETCH response has no pairs")
    found: dict[str, Value] = {}
    for name, value in zip(items[::2], items[1::2], strict=True):
        if not isinstance(name, bytes):
            raise Malformed("an attribute has no name")
        attribute = name.decode("ascii", "replace").upper()
        if ".PEEK[" in attribute:  # pymap answers BINARY.PEEK under that name; nobody else has a use for it there
            attribute = attribute.replace(".PEEK[", "[")
        found[attribute] = value
    return found


def number(value: Value) -> int | None:
    return int(value) if isinstance(value, bytes) and value.isdigit() else None
