"""The lines that give a mail its structure: boundaries, and where a header ends. Lines may end in any way."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

LONGEST_BOUNDARY = 1200
LINE = re.compile(rb"([^\r\n]*)(\r\n|\r|\n|\Z)")
FIELD = re.compile(rb"[!-9;-~]{1,200}[ \t]*:")

_ENVELOPE = (b"From ", b">From ")
# A pattern that begins with plain bytes is far faster than one with a choice, which few mails need.
_MARK = rb"--([^\r\n]{1,%d})(?=[\r\n]|\Z)" % LONGEST_BOUNDARY
_MARK_LINE, _MARK_LINE_AFTER_ANY = re.compile(rb"\n" + _MARK), re.compile(rb"[\r\n]" + _MARK)


def mark_lines(data: bytes) -> Iterator[re.Match[bytes]]:
    """Every line that begins with two hyphens, what follows them as its group, from the line end before it."""
    return (_MARK_LINE_AFTER_ANY if b"\r--" in data else _MARK_LINE).finditer(data)


def header_end(data: bytes, *, is_all: bool, is_mark: Callable[[bytes], bool]) -> tuple[int, int] | None:
    """Where the header at the begin of `data` ends, and where the body begins; None: more has to be read to tell."""
    at = 0
    while at < len(data):
        line, end = _line(data, at)
        following, following_end = _line(data, end)
        if not is_all and following_end == len(data):
            return None
        if not line:
            return at, end
        if is_mark(line) or not _belongs(line, following, is_first=at == 0, is_mark=is_mark):
            return at, at
        at = end
    return at, at


def _line(data: bytes, position: int) -> tuple[bytes, int]:
    """The line that begins there, without its end, and where the next one begins."""
    found = LINE.match(data, position)
    return (found[1], found.end()) if found else (b"", len(data))


def _belongs(line: bytes, following: bytes, *, is_first: bool, is_mark: Callable[[bytes], bool]) -> bool:
    """Whether a line is of the header: also where it is no field, but a field follows it at once.

    What looks like a boundary never is: some leave out the empty line before the first one.
    """
    if line[:1] in (b" ", b"\t") or FIELD.match(line) or (is_first and line.startswith(_ENVELOPE)):
        return True
    return not line.startswith(b"--") and FIELD.match(following) is not None and not is_mark(following)
