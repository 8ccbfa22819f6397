"""Whether a CMS structure (RFC 5652) carries a message, or is only the signature of one beside it."""

from __future__ import annotations

_OIDS = bytes.fromhex("06092a864886f70d0107")  # pkcs7; the next byte says which
_OID_BYTES = 11
_SIGNED_DATA = 2
_WITH_CONTENT = (3, 4, 23)  # enveloped, signed and enveloped, compressed (9.16.1.9 is not of this arc)
_SEQUENCE, _SET, _CONTEXT_0, _INTEGER = 0x30, 0x31, 0xA0, 0x02


class _NotDer(Exception):
    """It is no CMS structure."""


def carries_content(head: bytes) -> bool:
    """True for signed data that holds what it signs, and for encrypted data; False for a detached signature."""
    try:
        position = _enter(head, 0, _SEQUENCE)
        kind = _pkcs7(head, position)
        if kind != _SIGNED_DATA:
            return kind in _WITH_CONTENT
        position = _enter(head, position + _OID_BYTES, _CONTEXT_0)
        position = _skip(head, _enter(head, position, _SEQUENCE), _INTEGER)
        position, length = _header(head, _skip(head, position, _SET), _SEQUENCE)
        _pkcs7(head, position)
        goes_on = length is None or length > _OID_BYTES
        return goes_on and head[position + _OID_BYTES : position + _OID_BYTES + 1] == bytes([_CONTEXT_0])
    except _NotDer:
        return False


def _pkcs7(head: bytes, position: int) -> int:
    if not head.startswith(_OIDS, position) or len(head) < position + _OID_BYTES:
        raise _NotDer
    return head[position + _OID_BYTES - 1]


def _enter(head: bytes, position: int, tag: int) -> int:
    """Where the content of the element at `position` begins."""
    return _header(head, position, tag)[0]


def _skip(head: bytes, position: int, tag: int) -> int:
    begin, length = _header(head, position, tag)
    if length is None:
        raise _NotDer
    return begin + length


def _header(head: bytes, position: int, tag: int) -> tuple[int, int | None]:
    """Where the content begins, and its length; None for the indefinite form."""
    if len(head) < position + 2 or head[position] != tag:
        raise _NotDer
    first = head[position + 1]
    if first < 0x80:  # noqa: PLR2004 - the short form of X.690
        return position + 2, first
    if first == 0x80:  # noqa: PLR2004 - the indefinite form
        return position + 2, None
    octets = first & 0x7F
    return position + 2 + octets, int.from_bytes(head[position + 2 : position + 2 + octets], "big")
