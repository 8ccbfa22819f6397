"""What a part of a mail says, as text: within bounds, and by the character set that it declares."""

from __future__ import annotations

from collections.abc import Iterable

from watcher.headers import decode_bytes

LARGEST_TEXT_BYTES = 1_000_000

_BACK = 4096  # how far back from a cut a line or a tag is looked for


def said_text(chunks: Iterable[bytes], charset: str | None = None) -> str:
    """Read only as far as it is wanted; without a character set, or where the text is in another one, by guess."""
    return decode_bytes(_bounded(chunks), charset)


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
