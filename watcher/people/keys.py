"""The public keys of DKIM in the DNS (RFC 6376, section 3.6.1)."""

from __future__ import annotations

from collections.abc import Callable

from msgspec import Struct

from watcher.people.tags import Unacceptable, read_tags

TextLookup = Callable[[str], bytes | None]

SMALLEST_KEY_BITS = 1024

_LARGEST_RECORD = 2_000  # bytes: RSA of 8192 bits has 1400, and larger ones take minutes of our time


class Key(Struct, frozen=True, kw_only=True):
    """A key record that may prove something; dkimpy reads the key itself out of it."""

    record: bytes
    strict: bool  # i= of the signature must be of d= itself, and not of a domain below


def mail_key(look_up: TextLookup, name: str) -> Key | None:
    """The key of a name, None where there is none.

    Raises Unacceptable for what dkimpy does not look at: keys that are revoked, for tests, for other services or
    other hashes. Raises what `look_up` raises.
    """
    record = look_up(name)
    if record is None:
        return None
    if len(record) > _LARGEST_RECORD:
        raise Unacceptable("the DKIM key is too long")
    tags = read_tags(record)
    flags = _list(tags.get(b"t", b""))
    if not tags.get(b"p"):
        raise Unacceptable("the DKIM key is revoked")
    if b"y" in flags:
        raise Unacceptable("the DKIM key is for tests only")
    if not {b"*", b"email"} & _list(tags.get(b"s", b"*")):
        raise Unacceptable("the DKIM key is not for mail")
    if b"sha256" not in _list(tags.get(b"h", b"sha256")):
        raise Unacceptable("the DKIM key is not for SHA-256")
    return Key(record=record, strict=b"s" in flags)


def _list(value: bytes) -> set[bytes]:
    return {item.strip() for item in value.split(b":")}
