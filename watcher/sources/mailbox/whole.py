"""The files of a mail that was fetched whole: where the server's word on its structure is not enough."""

from __future__ import annotations

import email
import re
from collections.abc import Iterator
from email.message import Message
from typing import TypeAlias

from watcher.headers import file_name
from watcher.sources.mailbox.structure import is_file
from watcher.sources.mailbox.transfer import decoded
from watcher.spool import Spooled

# As the default policy makes it: raw text, with surrogates for what is not ASCII.
_Message: TypeAlias = "Message[str, str]"

_BOUNDARY = re.compile(rb"^--([^\r\n]{1,200}?)[ \t]*\r?\nContent-", re.MULTILINE | re.IGNORECASE)
_DEEPEST = 60


class WholeLeaf:
    """A file within a mail that is in hand."""

    path = None

    def __init__(self, name: str | None, declared_type: str | None, content: bytes) -> None:
        self.name = name
        self.declared_type = declared_type
        self.least_bytes = len(content)
        self._content = content

    def fetch(self) -> Spooled:
        return Spooled([self._content])


def whole_leaves(raw: bytes) -> Iterator[WholeLeaf]:
    """All files in it, in order. Never raises: what defies parsing is handed over as it is."""
    try:
        found = list(_files(email.message_from_bytes(raw), 0))
    except (RecursionError, ValueError, LookupError, TypeError, AttributeError, AssertionError):
        # The parser's own failures on what was made to break it: somebody else has to judge the mail.
        found = [WholeLeaf(None, "message/rfc822", raw)]
    yield from found


def _files(part: _Message, depth: int) -> Iterator[WholeLeaf]:
    media_type, encoding, name = part.get_content_type(), _encoding(part), file_name(part.raw_items())
    nested = _children(part)
    if nested is not None:
        if media_type.startswith("message/") and encoding in ("base64", "quoted-printable"):
            yield WholeLeaf(name, media_type, _undone(encoding, _bytes_of(nested)))
            return
        if depth < _DEEPEST:
            for child in nested:
                yield from _files(child, depth + 1)
            return
    if media_type.startswith("multipart/"):
        yield from _rescued(part, depth)
    elif is_file(media_type, part.get_content_disposition() or "", name):
        yield WholeLeaf(name, media_type, _content(part, encoding))


def _rescued(part: _Message, depth: int) -> Iterator[WholeLeaf]:
    """A multipart whose boundary is missing or wrong: the first line that looks like one is tried."""
    text = _content(part, "")
    found = _BOUNDARY.search(text)
    if found is None or depth >= _DEEPEST:
        return
    head = b'Content-Type: multipart/mixed; boundary="' + found[1] + b'"\r\n\r\n'
    again = email.message_from_bytes(head + text)
    if isinstance(again.get_payload(), list):
        yield from _files(again, depth + 1)


def _children(part: _Message) -> list[_Message] | None:
    payload = part.get_payload()
    return [each for each in payload if isinstance(each, Message)] if isinstance(payload, list) else None


def _bytes_of(nested: list[_Message]) -> bytes:
    """The text of an encoded message, which the parser took for a message itself."""
    return b"".join(message.as_bytes() for message in nested)


def _content(part: _Message, encoding: str) -> bytes:
    text = part.get_payload()
    if encoding == "base64" and isinstance(text, str):
        return _undone(encoding, text.encode("utf-8", "replace"))
    payload = part.get_payload(decode=True)  # undecoded it would have lost what is not ASCII
    return payload if isinstance(payload, bytes) else b""


def _undone(encoding: str, raw: bytes) -> bytes:
    return b"".join(decoded(encoding, [raw]))


def _encoding(part: _Message) -> str:
    return _raw(part, "content-transfer-encoding").split(";")[0].strip().lower()


def _raw(part: _Message, name: str) -> str:
    return next((value for key, value in part.raw_items() if key.lower() == name), "")
