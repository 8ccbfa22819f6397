"""Mails inside mails and .eml files: every leaf, however deep it lies."""

from __future__ import annotations

import base64
import quopri
import re
from collections.abc import Generator, Iterator
from email import message_from_bytes, policy
from email.message import Message

from watcher.documents import words
from watcher.documents.sniff import HEAD_BYTES, Format, kind_of
from watcher.documents.unpacking import Allowance, Entry, Refusal
from watcher.errors import DocumentRefused
from watcher.headers import file_name
from watcher.model import Reason
from watcher.spool import Spooled

# The parser compares each line with each boundary around it, and makes an object of each line. 50 MB in base64
# are 650,000 lines.
_MOST_BOUNDARIES = 500
_MOST_LINES = 1_000_000
_MOST_COMPARISONS = 50_000_000
_BOUNDARY = re.compile(rb"boundary\s*=", re.IGNORECASE)
_MBOX_LINE = re.compile(rb"\A(?:\xef\xbb\xbf)?\s*>From [^\n]*\n")


def open_message(content: Spooled, allowance: Allowance) -> Generator[Entry | Refusal, None, None]:
    """Every leaf that may be or hold a document. Raises DocumentRefused for what cannot be parsed."""
    for part in _leaves(_parsed(content.read())):
        allowance.count_entry()
        found = _leaf(part, allowance)
        if found is not None:
            yield found


def _leaf(part: Message, allowance: Allowance) -> Entry | Refusal | None:
    try:
        name, data = file_name(part.raw_items()), _body(part)
        if not _is_worth_a_look(part, name, data[:HEAD_BYTES], allowance):
            return None
        return Entry(name=name, content=allowance.spool([data]), declared_type=part.get_content_type())
    except (DocumentRefused, OSError):
        raise
    except Exception:  # noqa: BLE001 - the parser fails in many ways on broken mail
        return Refusal(name=None, reason=Reason.UNREADABLE, message=words.DAMAGED)


def _is_worth_a_look(part: Message, name: str | None, head: bytes, allowance: Allowance) -> bool:
    """The text of a mail may begin with a quoted header, or be XHTML: it is no attachment for that."""
    if part.get_content_maintype() == "text" and name is None and kind_of(head) in (Format.MESSAGE, Format.XML):
        return False
    return allowance.wants(head) or part.get_content_maintype() == "message"


def _parsed(data: bytes) -> Message:
    lines, boundaries = data.count(b"\n"), sum(1 for _ in _BOUNDARY.finditer(data))
    if lines > _MOST_LINES or boundaries > _MOST_BOUNDARIES or lines * boundaries > _MOST_COMPARISONS:
        raise DocumentRefused(Reason.TOO_MANY, words.CROWDED)
    try:
        return message_from_bytes(_MBOX_LINE.sub(b"", data), policy=policy.compat32)
    except Exception as error:  # the parser fails in many ways on broken mail
        raise DocumentRefused(Reason.UNREADABLE, words.DAMAGED) from error


def _leaves(message: Message) -> Iterator[Message]:
    """Depth first, without recursion; a message that is packed is a leaf of its own."""
    waiting: list[Message] = [message]
    while waiting:
        part = waiting.pop()
        if part.is_multipart() and not _packed(part):
            waiting.extend(reversed(_inner(part)))
        else:
            yield part


def _inner(part: Message) -> list[Message]:
    # Asked of text, get_payload would decode it by whatever character set is named.
    payload = part.get_payload() if part.is_multipart() else None
    return [one for one in payload if isinstance(one, Message)] if isinstance(payload, list) else []


def _packed(part: Message) -> bytes | None:
    """The encoded text of a message that was put into base64 or quoted-printable, against RFC 2046; else None.

    The parser takes that text for a message without a header, or for one whose header is full of "=3D".
    """
    inner = _inner(part)
    if len(inner) != 1 or part.get_content_maintype() != "message":
        return None
    encoding, whole = _encoding(part), inner[0].as_bytes() if _encoding(part) else b""
    if encoding == "base64" and not inner[0].keys():
        return whole
    if encoding == "quoted-printable" and b"=3D" in whole.partition(b"\n\n")[0]:
        return whole
    return None


def _encoding(part: Message) -> str:
    encoding = str(part.get("content-transfer-encoding", "")).strip().lower()
    return encoding if encoding in ("base64", "quoted-printable") else ""


def _body(part: Message) -> bytes:
    """The decoded bytes. Raises whatever the parser raises."""
    packed = _packed(part)
    if packed is not None:
        return base64.b64decode(packed) if _encoding(part) == "base64" else quopri.decodestring(packed)
    data = part.get_payload(decode=True)
    return data if isinstance(data, bytes) else b""
