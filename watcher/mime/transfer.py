"""Content-Transfer-Encoding undone piece by piece, tolerant of what mailers send."""

from __future__ import annotations

import binascii
import contextlib
import re
from collections.abc import Iterable, Iterator

import pybase64  # reads what binascii reads, at seven times the speed: half of the CPU of a large mail went there

_LONGEST_LINE = 64 * 1024
_BASE64 = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/="
_NOT_BASE64 = bytes(set(range(256)) - set(_BASE64))
_AFTER_THE_END = b"=\r\n\t "
_UUENCODE = frozenset({"x-uuencode", "uuencode", "x-uue", "uue"})
_UU_BEGIN = re.compile(rb"begin[ \t]+[0-7]{3,4}(?:[ \t].*)?", re.DOTALL)


def decoded(encoding: str, chunks: Iterable[bytes]) -> Iterator[bytes]:
    """What was encoded in base64, quoted-printable or uuencode; anything else comes as it is."""
    if encoding == "base64":
        return from_base64(chunks)
    if encoding == "quoted-printable":
        return from_quoted_printable(chunks)
    if encoding in _UUENCODE:
        return from_uuencode(chunks)
    return iter(chunks)


def decoded_at_once(encoding: str, data: bytes) -> bytes:
    """The same, of what is in hand: base64 that is in order is read as it stands."""
    if encoding == "base64":
        padding = data.find(b"=")
        if padding < 0 or not data[padding:].strip(_AFTER_THE_END):
            with contextlib.suppress(binascii.Error):
                return pybase64.b64decode(data)
    return b"".join(decoded(encoding, [data]))


def from_base64(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """Foreign characters are passed over; what stands after a padding is another piece of base64."""
    rest = b""
    for chunk in chunks:
        plain, text = _plain_lines(rest + chunk)
        yield plain
        if plain and b"=" not in text:
            rest = text
            continue
        *ended, rest = text.translate(None, _NOT_BASE64).split(b"=")
        yield b"".join(map(_base64_end, ended))
        whole = len(rest) - len(rest) % 4
        yield binascii.a2b_base64(rest[:whole])
        rest = rest[whole:]
    *ended, rest = rest.translate(None, _NOT_BASE64).split(b"=")
    yield b"".join(map(_base64_end, [*ended, rest]))


def _plain_lines(text: bytes) -> tuple[bytes, bytes]:
    """The lines without padding before any with it, decoded, where they are of whole groups of four; and the rest."""
    padding = text.find(b"=")
    end = text.rfind(b"\n", 0, padding if padding >= 0 else len(text)) + 1
    try:
        return pybase64.b64decode(memoryview(text)[:end]), text[end:]  # a megabyte that need not be copied
    except binascii.Error:  # a group goes on in the next line
        return b"", text


def _base64_end(text: bytes) -> bytes:
    """One piece without its padding; a single last character carries no byte."""
    text = text[: len(text) - (len(text) % 4 == 1)]
    return binascii.a2b_base64(text + b"=" * (-len(text) % 4))


def from_quoted_printable(chunks: Iterable[bytes]) -> Iterator[bytes]:
    rest = b""
    for chunk in chunks:
        text = rest + chunk
        end = text.rfind(b"\n") + 1
        if not end and len(text) > _LONGEST_LINE:
            # No line ends anywhere: an escape that is cut, and spaces that may turn out trailing, wait.
            end = len(text[:-2].rstrip(b" \t")) if b"=" in text[-2:] else len(text.rstrip(b" \t"))
        yield binascii.a2b_qp(text[:end])
        rest = text[end:]
    yield binascii.a2b_qp(rest)


def from_uuencode(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """What stands between the lines ``begin`` and ``end``; a line that is none of the code is passed over."""
    begun = False
    for lines in _whole_lines(chunks):
        piece = b""
        for line in lines:
            if not begun:
                begun = _UU_BEGIN.fullmatch(line) is not None
            elif line.rstrip() == b"end":
                yield piece
                return
            else:
                piece += _uu_line(line)
        yield piece


def _whole_lines(chunks: Iterable[bytes]) -> Iterator[list[bytes]]:
    rest = b""
    for chunk in chunks:
        *lines, rest = (rest + chunk)[-_LONGEST_LINE - len(chunk) :].split(b"\n")
        yield [line.rstrip(b"\r") for line in lines]
    yield [rest.rstrip(b"\r")]


def _uu_line(line: bytes) -> bytes:
    """The first character tells how many bytes follow; some mailers write more than that, or cut spaces off."""
    if not line:
        return b""
    octets = (line[0] - 32) & 63
    try:
        return binascii.a2b_uu(line[: 1 + (octets * 8 + 5) // 6])
    except binascii.Error:
        return b""
