"""The files and texts of a mail that was fetched whole: where the server's word on its structure is not enough."""

from __future__ import annotations

import email
import re
from collections.abc import Iterator
from email.message import Message
from typing import TypeAlias

from watcher.headers import decode_parameter, file_name, split_parameters
from watcher.ports import MailText
from watcher.sources.mailbox.structure import is_file
from watcher.sources.mailbox.texts import MOST_TEXTS, is_message, mail_text
from watcher.sources.mailbox.transfer import decoded_at_once
from watcher.spool import Spooled

# As the default policy makes it: raw text, with surrogates for what is not ASCII.
_Message: TypeAlias = "Message[str, str]"

_BOUNDARY = re.compile(rb"^--([^\r\n]{1,200}?)[ \t]*\r?\nContent-", re.MULTILINE | re.IGNORECASE)
_DEEPEST = 60
_DEEPEST_FILES = 3  # mails as files within mails as files
# The parser's own, on what was made to break it.
_PARSER_FAILURES = (RecursionError, ValueError, LookupError, TypeError, AttributeError, AssertionError)


class WholeLeaf:
    """A file within a mail that is in hand."""

    path = None

    def __init__(self, name: str | None, declared_type: str | None, content: bytes) -> None:
        self.name = name
        self.declared_type = declared_type
        self.least_bytes = len(content)
        self.content = content

    def fetch(self) -> Spooled:
        return Spooled([self.content])


def whole_leaves(raw: bytes) -> Iterator[WholeLeaf]:
    """All files in it, in order. Never raises: what defies parsing is handed over as it is."""
    try:
        found = [each for each in _contents(email.message_from_bytes(raw), 0) if isinstance(each, WholeLeaf)]
    except _PARSER_FAILURES:
        # Somebody else has to judge the mail.
        found = [WholeLeaf(None, "message/rfc822", raw)]
    yield from found


def whole_texts(raw: bytes, deepest: int = _DEEPEST_FILES) -> list[MailText]:
    """All that it says, in order, and then what mails say that it has as files.

    Never raises: what defies parsing says nothing.
    """
    try:
        found = list(_contents(email.message_from_bytes(raw), 0))
    except _PARSER_FAILURES:
        return []
    texts = [each for each in found if isinstance(each, MailText)]
    for each in found:
        if deepest and isinstance(each, WholeLeaf) and is_message(each.declared_type or "", each.name):
            texts += whole_texts(each.content, deepest - 1)
    return texts[:MOST_TEXTS]


def _contents(part: _Message, depth: int) -> Iterator[WholeLeaf | MailText]:
    media_type, encoding, name = part.get_content_type(), _encoding(part), file_name(part.raw_items())
    nested = _children(part)
    if nested is not None:
        if media_type.startswith("message/") and encoding in ("base64", "quoted-printable"):
            yield WholeLeaf(name, media_type, decoded_at_once(encoding, _bytes_of(nested)))
            return
        if depth < _DEEPEST:
            for child in nested:
                yield from _contents(child, depth + 1)
            return
    if media_type.startswith("multipart/"):
        yield from _rescued(part, depth)
    elif is_file(media_type, part.get_content_disposition() or "", name):
        yield WholeLeaf(name, media_type, _content(part, encoding))
    else:
        yield mail_text(media_type, _charset(part), [_content(part, encoding)])


def _rescued(part: _Message, depth: int) -> Iterator[WholeLeaf | MailText]:
    """A multipart whose boundary is missing or wrong: the first line that looks like one is tried."""
    text = _content(part, "")
    found = _BOUNDARY.search(text)
    if found is None or depth >= _DEEPEST:
        return
    head = b'Content-Type: multipart/mixed; boundary="' + found[1] + b'"\r\n\r\n'
    again = email.message_from_bytes(head + text)
    if isinstance(again.get_payload(), list):
        yield from _contents(again, depth + 1)


def _children(part: _Message) -> list[_Message] | None:
    payload = part.get_payload()
    return [each for each in payload if isinstance(each, Message)] if isinstance(payload, list) else None


def _bytes_of(nested: list[_Message]) -> bytes:
    """The text of an encoded message, which the parser took for a message itself."""
    return b"".join(message.as_bytes() for message in nested)


def _content(part: _Message, encoding: str) -> bytes:
    text = part.get_payload()
    if encoding == "base64" and isinstance(text, str):
        return decoded_at_once(encoding, text.encode("utf-8", "replace"))
    payload = part.get_payload(decode=True)  # undecoded it would have lost what is not ASCII
    return payload if isinstance(payload, bytes) else b""


def _encoding(part: _Message) -> str:
    return _raw(part, "content-transfer-encoding").split(";")[0].strip().lower()


def _charset(part: _Message) -> str | None:
    return decode_parameter(split_parameters(_raw(part, "content-type"))[1], "charset")


def _raw(part: _Message, name: str) -> str:
    return next((value for key, value in part.raw_items() if key.lower() == name), "")
