"""CMS structures (RFC 5652), in DER or BER, read by ranges: what a signed mail holds lies in one, perhaps cut up."""

from __future__ import annotations

import binascii
import re
from collections.abc import Callable, Iterator
from enum import Enum

from msgspec import Struct

Read = Callable[[int, int], bytes]
"""Bytes from a position, at most so many; fewer at the end."""

_SEQUENCE, _SET, _CONTEXT_0, _INTEGER, _OCTETS, _OBJECT_ID = 0x30, 0x31, 0xA0, 0x02, 0x04, 0x06
_CONSTRUCTED = 0x20
_OCTET_PIECES = _OCTETS | _CONSTRUCTED
_LONG_FORM, _INDEFINITE = 0x80, 0x80
_LONGEST_LENGTH = 8  # octets of a length
_MOST_NESTED = 20
_LONGEST_ID = 32

_PKCS7 = bytes.fromhex("2a864886f70d0107")
_SMIME_TYPES = bytes.fromhex("2a864886f70d01091001")
_ARMOUR = re.compile(rb"\A\s*-----BEGIN (?:PKCS7|CMS|PKCS #7 SIGNED DATA)-----\s")
_BASE64_OF_SEQUENCE = re.compile(rb"\A\s*MI[A-Za-z0-9+/\r\n]{60}")


class NotCms(Exception):
    """It is no CMS structure, or its end is missing."""


class Kind(Enum):
    """What a structure is for, by the last octet of its object identifier."""

    SIGNED = (_PKCS7, 2)
    ENVELOPED = (_PKCS7, 3)
    SIGNED_AND_ENVELOPED = (_PKCS7, 4)
    ENCRYPTED = (_PKCS7, 6)
    COMPRESSED = (_SMIME_TYPES, 9)
    AUTH_ENVELOPED = (_SMIME_TYPES, 23)

    @property
    def is_locked(self) -> bool:
        """Whether its content cannot be had without a key."""
        return self not in (Kind.SIGNED, Kind.COMPRESSED)


_KINDS = {arc + bytes([last]): kind for kind in Kind for arc, last in [kind.value]}


class _Element(Struct, frozen=True):
    """One element: its tag, and where its content lies; `end` is None where only a mark ends it."""

    tag: int
    begin: int
    end: int | None


class Structure:
    """A CMS structure. Everything raises NotCms where it is none, or is cut."""

    def __init__(self, read: Read) -> None:
        self._read = read
        outer = self._element(0, _SEQUENCE)
        kind = self._element(outer.begin, _OBJECT_ID)
        found = _KINDS.get(self._whole(kind))
        if found is None:
            raise NotCms
        self.kind = found
        self._inner = self._after(kind)

    def carries_content(self) -> bool:
        """False for a signature of something that lies beside it."""
        return self.kind.is_locked or self._encapsulated() is not None

    def content(self) -> Iterator[tuple[int, int]]:
        """Position and length of each piece of what it carries, in their order. Of locked content: nothing."""
        found = None if self.kind.is_locked else self._encapsulated()
        if found is not None:
            yield from self._pieces(found)

    def _encapsulated(self) -> _Element | None:
        """The octets that it signs or has compressed: behind the version and the algorithms."""
        data = self._element(self._element(self._inner, _CONTEXT_0).begin, _SEQUENCE)
        version = self._element(data.begin, _INTEGER)
        algorithms = self._element(self._after(version), _SET if self.kind is Kind.SIGNED else _SEQUENCE)
        info = self._element(self._after(algorithms), _SEQUENCE)
        kind = self._element(info.begin, _OBJECT_ID)
        position = self._after(kind)
        if (info.end is not None and position >= info.end) or self._read(position, 1) != bytes([_CONTEXT_0]):
            return None
        return self._element(self._element(position, _CONTEXT_0).begin, _OCTETS, _OCTET_PIECES)

    def _pieces(self, whole: _Element) -> Iterator[tuple[int, int]]:
        """Octets may be cut into pieces, and those again; without recursion."""
        open_ones, position = [whole], whole.begin
        if whole.tag == _OCTETS:
            yield whole.begin, self._end(whole) - whole.begin
            return
        while open_ones:
            if self._is_over(open_ones[-1], position):
                done = open_ones.pop()
                position += 0 if done.end is not None else 2
                continue
            piece = self._element(position, _OCTETS, _OCTET_PIECES)
            position = piece.begin
            if piece.tag == _OCTET_PIECES:
                if len(open_ones) >= _MOST_NESTED:
                    raise NotCms
                open_ones.append(piece)
            else:
                end = self._end(piece)
                yield piece.begin, end - piece.begin
                position = end

    def _is_over(self, element: _Element, position: int) -> bool:
        if element.end is not None:
            return position >= element.end
        return self._read(position, 2) == b"\0\0"

    def _after(self, element: _Element) -> int:
        """Where what follows an element begins. Those without a length are gone through."""
        if element.end is not None:
            return element.end
        open_ones, position = 1, element.begin
        while open_ones:
            if self._read(position, 2) == b"\0\0":
                open_ones, position = open_ones - 1, position + 2
                continue
            inner = self._element(position)
            if inner.end is None:
                open_ones += 1
            position = inner.begin if inner.end is None else inner.end
        return position

    def _end(self, element: _Element) -> int:
        if element.end is None:
            raise NotCms
        return element.end

    def _whole(self, element: _Element) -> bytes:
        return self._read(element.begin, min(self._end(element) - element.begin, _LONGEST_ID))

    def _element(self, position: int, *tags: int) -> _Element:
        head = self._read(position, 2 + _LONGEST_LENGTH)
        if len(head) < 2 or (tags and head[0] not in tags):  # noqa: PLR2004 - tag and length
            raise NotCms
        begin, first = position + 2, head[1]
        if first < _LONG_FORM:
            return _Element(head[0], begin, begin + first)
        octets = first & ~_LONG_FORM
        if first == _INDEFINITE:
            return _Element(head[0], begin, None)
        if octets > _LONGEST_LENGTH or len(head) < 2 + octets:
            raise NotCms
        return _Element(head[0], begin + octets, begin + octets + int.from_bytes(head[2 : 2 + octets], "big"))


def carries_content(head: bytes) -> bool:
    """By its first bytes: true for signed data that holds what it signs, and for encrypted data.

    False for a detached signature. It may be in base64, with or without the lines of PEM around it.
    """
    plain = unarmoured(head) if is_armoured(head) else head
    try:
        return Structure(lambda position, length: plain[position : position + length]).carries_content()
    except NotCms:
        return False


def is_armoured(head: bytes) -> bool:
    """Whether it begins as a structure does that is written in base64."""
    return bool(_ARMOUR.match(head) or _BASE64_OF_SEQUENCE.match(head))


def armour_bytes(head: bytes) -> int:
    """How many bytes stand before the base64."""
    found = _ARMOUR.match(head)
    return found.end() if found else 0


def unarmoured(head: bytes) -> bytes:
    """The first bytes of the structure itself."""
    text = b"".join(head[armour_bytes(head) :].split())
    try:
        return binascii.a2b_base64(text[: len(text) & ~3])
    except binascii.Error:
        return b""
