"""What a mail says: its text parts, decoded within bounds."""

from __future__ import annotations

from collections.abc import Iterable

from watcher.headers import decode_bytes
from watcher.ports import MailText

LARGEST_TEXT_BYTES = 1_000_000
MOST_TEXTS = 40  # of one mail: each costs an exchange with the server
LARGEST_MESSAGE_BYTES = 10_000_000  # of a forwarded mail that came as a file, to be looked into for its texts

_BACK = 4096  # how far back from a cut a line or a tag is looked for


def mail_text(media_type: str, charset: str | None, chunks: Iterable[bytes], mail: str = "") -> MailText:
    """The part's text, read only as far as it is wanted. `mail`: as `MailText` has it."""
    return MailText(text=decode_bytes(_bounded(chunks), charset), html=media_type == "text/html", mail=mail)


def is_message(media_type: str, name: str | None) -> bool:
    """Whether a file is a forwarded mail, which some mailers encode or do not call one."""
    return media_type == "message/rfc822" or (name or "").lower().endswith(".eml")


def _bounded(chunks: Iterable[bytes]) -> bytes:
    data = bytearray()
    for chunk in chunks:
        data += chunk
        if len(data) > LARGEST_TEXT_BYTES:
            return _cut(bytes(data[:LARGEST_TEXT_BYTES]))
    return bytes(data)


def _cut(data: bytes) -> bytes:
    """Ended at a line or a tag: half a character at the end would make a decoder give up on the whole."""
    start = len(data) - _BACK
    end = max(data.rfind(b"\n", start), data.rfind(b">", start))
    return data[: end + 1] if end >= 0 else data[:start]
