"""Authentication-Results (RFC 8601) as mail servers really write them, Microsoft 365's form included.

What cannot be read without doubt is no result: an unbalanced bracket or quote voids the header, a property
that is given twice voids all properties of its method.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence

from msgspec import Struct

TOPMOST = "topmost"

_SEGMENT = re.compile(r'(?:"(?:[^"\\]|\\.)*"|[^;"])+', re.DOTALL)
# A value goes on to the next blank: what looks like a property inside an address is none.
_PAIR = re.compile(r'(?<!\S)([\w./-]+)\s*=\s*((?:"(?:[^"\\]|\\.)*"|[^\s"])*)', re.ASCII | re.DOTALL)
_METHOD = re.compile(r"\s*([a-z0-9-]+)(?:\s*/\s*\d+)?\s*=", re.ASCII | re.IGNORECASE)
# Who speaks, beyond doubt, or the first method where nobody is said to (Microsoft 365).
_PLAIN_START = re.compile(rb"\s*([A-Za-z0-9._-]+)(?=[ \t\r\n;(]|\Z)|\s*[A-Za-z0-9-]+=")
_LONGEST = 100_000  # bytes: one signature takes sixty of them, and some mails bear hundreds


class Result(Struct, frozen=True, kw_only=True):
    """What one method found: ``dkim=pass header.d=corp.example``.

    `doubtful`: it names a property twice, so that it has none.
    """

    method: str
    value: str
    properties: Mapping[str, str]
    doubtful: bool = False


class Results(Struct, frozen=True, kw_only=True):
    """One header: who speaks (None: it does not say, as Microsoft 365 does) and what was found."""

    authserv_id: str | None
    results: Sequence[Result]


def believed_results(headers: Iterable[bytes], results_from: str) -> Results | None:
    """The one header that counts: the topmost of all, or the topmost of that authserv-id. `headers` from the top.

    None, too, where one above it may be that server's own and cannot be read: what a sender writes may make it so
    (a quotation mark in the envelope sender, hundreds of signatures), and what stands below may be forged.
    """
    for raw in headers:
        if results_from == TOPMOST:
            return read_results(raw)
        if not _is_of_another(raw, results_from):
            read = read_results(raw)
            is_theirs = read is not None and read.authserv_id is not None and _same(read.authserv_id, results_from)
            return read if is_theirs else None
    return None


def _is_of_another(raw: bytes, results_from: str) -> bool:
    """By its first word alone: a server writes its own name before anything that a sender may have a part in."""
    found = _PLAIN_START.match(raw)
    return found is not None and (found[1] is None or not _same(found[1].decode("ascii"), results_from))


def _same(one: str, other: str) -> bool:
    return one.rstrip(".").lower() == other.rstrip(".").lower()


# ---------------------------------------------------------------------------------- reading


def read_results(raw: bytes) -> Results | None:
    """None where it cannot be read without doubt."""
    text = _without_comments(raw.decode("utf-8", "replace").strip()) if len(raw) <= _LONGEST else None
    if text is None:
        return None
    segments = _SEGMENT.findall(text)
    # A first part with "=" in it is a result already: Microsoft 365 leaves the authserv-id out.
    named = bool(segments) and "=" not in segments[0]
    found = (_result(segment) for segment in (segments[1:] if named else segments))
    return Results(
        authserv_id=_server(raw, segments[0]) if named else None,
        results=[result for result in found if result is not None],
    )


def _server(raw: bytes, first: str) -> str | None:
    """The authserv-id where it stands there plainly, with no more than a version after it.

    A server that takes headers in its own name out of what comes in may not know them in a disguise.
    """
    name, *version = first.split() or [""]
    is_plain = '"' not in name and raw.lstrip().startswith(name.encode())
    return name if name and is_plain and (not version or (len(version) == 1 and version[0].isdigit())) else None


def _without_comments(text: str) -> str | None:
    """Comments become a space. None where brackets or quotes do not match, or a comment holds a quote.

    Servers repeat the envelope sender in comments: a quoted local part could close the comment there.
    """
    kept: list[str] = []
    depth, quoted, position = 0, False, 0
    while position < len(text):
        sign = text[position]
        pair = text[position : position + 2] if sign == "\\" and (quoted or depth) else sign
        position += len(pair)
        if not quoted and sign in "()":
            depth += 1 if sign == "(" else -1
            kept.append(" ")
        elif not depth:
            quoted ^= sign == '"'
            kept.append(pair)
        elif sign == '"':
            return None
        if depth < 0:
            return None
    return None if depth or quoted else "".join(kept)


def _result(segment: str) -> Result | None:
    """``method=value``, then ``property=value`` as often as there are; other words are passed over."""
    pairs = [(found[1].lower(), _unquoted(found[2])) for found in _PAIR.finditer(segment)]
    method = _METHOD.match(segment)
    names = [name for name, _ in pairs]
    if method is None:
        return None
    doubtful = len(set(names)) < len(names)
    properties = {} if doubtful else dict(pairs[1:])
    return Result(method=method[1].lower(), value=pairs[0][1].lower(), properties=properties, doubtful=doubtful)


def _unquoted(word: str) -> str:
    if word.startswith('"') and word.endswith('"') and len(word) > 1:
        word = re.sub(r"\\(.)", r"\1", word[1:-1])
    return word
