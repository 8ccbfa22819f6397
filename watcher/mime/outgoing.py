"""Mails that this program writes: fields that are never parsed, and bodies in base64."""

from __future__ import annotations

import binascii
from collections.abc import Iterator, Mapping
from email.header import Header
from email.message import EmailMessage
from email.policy import EmailPolicy, Policy
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import pybase64

_ID_HEADERS = frozenset({"message-id", "in-reply-to", "references"})
_READ_AS_WRITTEN = _ID_HEADERS | {"subject", "content-type", "content-transfer-encoding", "mime-version"}
_LINE_LENGTH, _LONGEST_LINE = 78, 998  # what a line should have at most, and what it must not exceed
_LINE_END = "\r\n"
_ENCODED_AT_ONCE = 42  # bytes in an encoded word: as many as fit on a line with the name of a field
_BOUNDARY = "=_alternative"  # no line of base64 has an underscore

if TYPE_CHECKING:  # generic for type checkers only
    _Policy = EmailPolicy[EmailMessage]
else:
    _Policy = EmailPolicy


class OutgoingPolicy(_Policy):
    """Folds at 78 characters, but never within message ids: the default makes encoded words of long ones.

    A field is kept as it is written. The default parses it each time that it is set, looked at and folded, which takes
    most of the time that a mail takes, and undoes what looks encoded in it: line ends, too, which begin other fields.
    """

    def header_max_count(self, name: str) -> int | None:
        return _most(name)

    def header_store_parse(self, name: str, value: Any) -> tuple[str, Any]:
        return name, _one_line(str(value))

    def header_fetch_parse(self, name: str, value: str) -> Any:
        return value if name.lower() in _READ_AS_WRITTEN else _parsed(name, value)

    def fold(self, name: str, value: Any) -> str:
        return self.fold_binary(name, value).decode("ascii", "surrogateescape")

    def fold_binary(self, name: str, value: Any) -> bytes:
        return _folded(name, str(value))


_FOLDED: _Policy = EmailPolicy(linesep="\r\n")
_OUTGOING = OutgoingPolicy(linesep="\r\n")


class OutgoingMail(EmailMessage):
    """A mail of ours. The standard library's generator writes every line by itself, and copies the whole before."""

    def __init__(self, fields: Mapping[str, str] | None = None) -> None:
        """Raises ValueError for a field that is more than a line."""
        super().__init__(policy=_OUTGOING)
        if not fields:
            return
        _one_line("\t".join((*fields.values(), "")))  # one look for all: also a line end that ends a field is within it
        for name, value in fields.items():
            self.set_raw(name, value)  # a mapping has no field twice, and so none has to be looked for

    def fill(self, text: str, *, html: str | None = None) -> None:
        """Give it its body, once, in both forms where there are two."""
        self.set_raw("MIME-Version", "1.0")
        if html is None:
            self._set_text("plain", text)
            return
        self.set_raw("Content-Type", f'multipart/alternative; boundary="{_BOUNDARY}"')
        self.set_payload([_part("plain", text), _part("html", html)])

    def _set_text(self, subtype: str, text: str) -> None:
        self.set_raw("Content-Type", f'text/{subtype}; charset="utf-8"')
        self.set_raw("Content-Transfer-Encoding", "base64")
        lines = pybase64.encodebytes(text.encode("utf-8", "replace")).replace(b"\n", _LINE_END.encode())
        self.set_payload(lines.decode("ascii"))

    def as_bytes(self, unixfrom: bool = False, policy: Policy[Any] | None = None) -> bytes:  # noqa: FBT001, FBT002 - as there
        if unixfrom or policy not in (None, self.policy):
            return super().as_bytes(unixfrom, policy)
        head = b"".join([_folded(name, value) for name, value in self.raw_items()])
        return head + _LINE_END.encode() + self._body()

    def _body(self) -> bytes:
        """What `fill` has put in."""
        content: Any = self.get_payload()
        if isinstance(content, str):
            return content.encode("ascii")
        if content is None:
            return b""
        between = f"--{_BOUNDARY}{_LINE_END}".encode()
        parts = [between + part.as_bytes() + _LINE_END.encode() for part in content]
        return b"".join(parts) + f"--{_BOUNDARY}--{_LINE_END}".encode()


def _part(subtype: str, text: str) -> OutgoingMail:
    part = OutgoingMail()
    part._set_text(subtype, text)  # noqa: SLF001 - of its own kind
    return part


def _one_line(text: str) -> str:
    """Else it would begin another field."""
    if len(text.splitlines()) > 1:
        raise ValueError("a header is one line")
    return text


@lru_cache(maxsize=64)
def _most(name: str) -> int | None:
    """How many fields of this name a mail may have; the standard library makes a class each time that it is asked."""
    return _FOLDED.header_max_count(name)


@lru_cache(maxsize=64)
def _parsed(name: str, value: str) -> Any:
    return _FOLDED.header_factory(name, value)


@lru_cache(maxsize=64)  # most fields are the same in every reply
def _folded(name: str, value: str) -> bytes:
    """A field on the wire. What comes from outside is never parsed: that undoes encoded words, line ends too."""
    line = f"{name}: {value}"
    if name.lower() in _ID_HEADERS:
        whole = line if len(line) <= _LONGEST_LINE else line.replace("> <", f">{_LINE_END} <")
        return f"{whole}{_LINE_END}".encode("ascii", "replace")
    if line.isascii() and len(line) <= _LINE_LENGTH and "=?" not in line:
        return f"{line}{_LINE_END}".encode("ascii")
    return _unstructured(name, value) if name.lower() == "subject" else _structured(name, value)


def _unstructured(name: str, value: str) -> bytes:
    if value.isascii() and "=?" not in value:
        folded = Header(value, "us-ascii", maxlinelen=_LINE_LENGTH, header_name=name).encode(linesep=_LINE_END)
    else:
        folded = f"{_LINE_END} ".join(_encoded_words(value.encode("utf-8", "replace")))
    return f"{name}: {folded}{_LINE_END}".encode("ascii")


def _encoded_words(text: bytes) -> Iterator[str]:
    """RFC 2047; no character is cut in two."""
    begin = 0
    while begin < len(text):
        end = begin + _ENCODED_AT_ONCE
        while end < len(text) and text[end] & 0xC0 == 0x80:  # noqa: PLR2004 - it goes on in this byte
            end -= 1
        word = binascii.b2a_base64(text[begin:end], newline=False).decode("ascii")
        yield f"=?utf-8?b?{word}?="
        begin = end


def _structured(name: str, value: str) -> bytes:
    """As the standard library does it."""
    return _FOLDED.fold_binary(name, _FOLDED.header_factory(name, value))
