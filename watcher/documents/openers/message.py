"""Mails inside mails and .eml files: every leaf, however deep it lies."""

from __future__ import annotations

import re
from collections.abc import Generator, Iterator
from email import message_from_bytes, policy
from email.message import Message

from watcher.documents import words
from watcher.documents.sniff import HEAD_BYTES, Format, kind_of
from watcher.documents.unpacking import Allowance, Entry, Refusal
from watcher.errors import DocumentRefused
from watcher.headers import decode_parameter, split_parameters
from watcher.model import Reason
from watcher.spool import Spooled

# The parser compares each line with each boundary around it.
_MOST_BOUNDARIES = 500
_BOUNDARY = re.compile(rb"boundary\s*=", re.IGNORECASE)
_MBOX_LINE = re.compile(rb"\A(?:\xef\xbb\xbf)?\s*>From [^\n]*\n")


def open_message(content: Spooled, allowance: Allowance) -> Generator[Entry | Refusal, None, None]:
    """Every leaf that may be or hold a document. Raises DocumentRefused for what cannot be parsed."""
    for part in _leaves(_parsed(content.read())):
        allowance.count_entry()
        name = _name(part)
        data = _body(part)
        if data is None:
            yield Refusal(name=name, reason=Reason.UNREADABLE, message=words.DAMAGED)
        elif _is_worth_a_look(part, name, data[:HEAD_BYTES], allowance):
            yield Entry(name=name, content=allowance.spool([data]), declared_type=part.get_content_type())


def _is_worth_a_look(part: Message, name: str | None, head: bytes, allowance: Allowance) -> bool:
    """The text of a mail may begin with a quoted header, or be XHTML: it is no attachment for that."""
    if part.get_content_maintype() == "text" and name is None and kind_of(head) in (Format.MESSAGE, Format.XML):
        return False
    return allowance.wants(head) or part.get_content_maintype() == "message"


def _parsed(data: bytes) -> Message:
    if sum(1 for _ in _BOUNDARY.finditer(data)) > _MOST_BOUNDARIES:
        raise DocumentRefused(Reason.TOO_MANY, words.CROWDED)
    try:
        return message_from_bytes(_MBOX_LINE.sub(b"", data), policy=policy.compat32)
    except Exception as error:  # the parser fails in many ways on broken mail
        raise DocumentRefused(Reason.UNREADABLE, words.DAMAGED) from error


def _leaves(message: Message) -> Iterator[Message]:
    """Depth first, without recursion; a message that is packed in base64 is a leaf of its own."""
    waiting: list[Message] = [message]
    while waiting:
        part = waiting.pop()
        inner = part.get_payload()
        if isinstance(inner, list) and not _is_packed(part):
            waiting.extend(reversed([one for one in inner if isinstance(one, Message)]))
        else:
            yield part


def _is_packed(part: Message) -> bool:
    encoding = str(part.get("content-transfer-encoding", "")).strip().lower()
    return part.get_content_maintype() == "message" and encoding in ("base64", "quoted-printable")


def _body(part: Message) -> bytes | None:
    """The decoded bytes; None where they cannot be had."""
    try:
        inner = part.get_payload()
        if isinstance(inner, list):  # a packed message: what the parser took for a message is its encoded text
            text = Message()
            text["Content-Transfer-Encoding"] = str(part["content-transfer-encoding"])
            text.set_payload("".join(str(one.get_payload()) for one in inner if isinstance(one, Message)))
            part = text
        data = part.get_payload(decode=True)
    except Exception:  # noqa: BLE001 - the parser fails in many ways on broken encodings
        return None
    return data if isinstance(data, bytes) else b""


def _name(part: Message) -> str | None:
    for header, parameter in (("content-disposition", "filename"), ("content-type", "name")):
        for field, value in part.raw_items():
            name = decode_parameter(split_parameters(value)[1], parameter) if field.lower() == header else None
            if name:
                return name
    return None
