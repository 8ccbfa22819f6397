"""What an IMAP server answers, as values: RFC 9051 section 4, and what servers make of it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from itertools import product
from typing import TypeAlias

# A string or atom, NIL, or a list.
Value: TypeAlias = "bytes | list[Value] | None"
# A line without what imaplib cuts out of it: literals come as a pair, of the text before and the bytes.
Piece: TypeAlias = "bytes | tuple[bytes, bytes]"

# A quoted string without escapes; an atom; or a bracket, another quoted string, or a mark that opens one without end.
_TOKEN = re.compile(rb'"([^"\\]*+)"|([^\s()"]++)|([()]|"(?:[^"\\]++|\\.)*+"|")', re.DOTALL)
_LITERAL_MARK = re.compile(rb"~?\{\d+\+?\}$")
_NIL = frozenset(map(bytes, product(b"Nn", b"Ii", b"Ll")))
_MOST_NAMES = 64  # of attributes: the same ones come with every mail
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
    for quoted, atom, other in _TOKEN.findall(text):
        if atom:
            into.append(None if atom in _NIL else atom)
        elif not other:
            into.append(quoted)
        elif other == b"(":
            inner: list[Value] = []
            into.append(inner)
            stack.append(inner)
            into = inner
        elif other == b")":
            stack.pop()
            if not stack:
                raise Malformed("a list is closed that was not opened")
            into = stack[-1]
        else:
            into.append(_unquoted(other))


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
        found[_attribute(name)] = value
    return found


@lru_cache(maxsize=_MOST_NAMES)
def _attribute(name: bytes) -> str:
    """In capitals; pymap answers BINARY.PEEK under that name, and nobody else has a use for it there."""
    return name.decode("ascii", "replace").upper().replace(".PEEK[", "[")


def number(value: Value) -> int | None:
    return int(value) if isinstance(value, bytes) and value.isdigit() else None
