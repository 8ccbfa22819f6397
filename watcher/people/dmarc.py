"""What a domain's DMARC record asks of those who verify its mail (RFC 7489, section 6.3)."""

from __future__ import annotations

from watcher.people.alignment import organisation_of
from watcher.people.keys import TextLookup
from watcher.people.tags import Unacceptable, read_tags


def wants_its_own_signature(domain: str, look_up: TextLookup) -> bool:
    """Whether a signature of another domain of the organisation does not stand for this one (``adkim=s``).

    Raises what `look_up` raises.
    """
    for name in dict.fromkeys((domain, organisation_of(domain))):
        record = look_up(f"_dmarc.{name}") if name is not None else None
        if record is not None and record.startswith(b"v=DMARC1"):
            return _alignment(record) == b"s"
    return False


def _alignment(record: bytes) -> bytes:
    try:
        return read_tags(record).get(b"adkim", b"r").lower()
    except Unacceptable:
        return b"r"
