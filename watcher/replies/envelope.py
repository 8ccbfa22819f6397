"""The mail around a reply: its headers make it thread, start no loop, and be one mail however often it is sent."""

from __future__ import annotations

import binascii
import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from email.header import Header
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import EmailPolicy, Policy
from email.utils import format_datetime
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from watcher.errors import MailRefused
from watcher.headers import OWN_MARK, clean, mailbox, named_address
from watcher.model import Submission, Thread

_SUBJECT_LENGTH = 180
_MESSAGE_ID = re.compile(r"<[!#-;=?A-Z\[\]^-~]+@[!#-;=?A-Z\[\]^-~]+>")  # visible ASCII, without quotes and backslashes
_LONGEST_MESSAGE_ID = 900
_MOST_REFERENCES = 20
_PLAIN_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9-]{0,63}")
_PREFIXES = re.compile(r"^(?:\s*(?:re|fw|fwd|回复|答复|转发|轉寄)\s*[:：])+\s*", re.IGNORECASE)
_ID_HEADERS = frozenset({"message-id", "in-reply-to", "references"})
_READ_AS_WRITTEN = _ID_HEADERS | {"subject", "content-type", "content-transfer-encoding", "mime-version"}
_LINE_LENGTH, _LONGEST_LINE = 78, 998  # what a line should have at most, and what it must not exceed
_LINE_END = "\r\n"
_BASE64_LINE = 76
_ENCODED_AT_ONCE = 42  # bytes in an encoded word: as many as fit on a line with the name of a field
_BOUNDARY = "=_alternative"  # no line of base64 has an underscore


if TYPE_CHECKING:  # generic for type checkers only
    _Policy = EmailPolicy[EmailMessage]
else:
    _Policy = EmailPolicy


class ReplyPolicy(_Policy):
    """Folds at 78 characters, but never within message ids: the default makes encoded words of long ones.

    A field is kept as it is written. The default parses it each time that it is set, looked at and folded, which takes
    most of the time that a reply takes, and undoes what looks encoded in it.
    """

    def header_max_count(self, name: str) -> int | None:
        return _most(name)

    def header_store_parse(self, name: str, value: Any) -> tuple[str, Any]:
        text = str(value)
        if len(text.splitlines()) > 1:
            raise ValueError("a header is one line")
        return name, text

    def header_fetch_parse(self, name: str, value: str) -> Any:
        return value if name.lower() in _READ_AS_WRITTEN else _parsed(name, value)

    def fold(self, name: str, value: Any) -> str:
        return self.fold_binary(name, value).decode("ascii", "surrogateescape")

    def fold_binary(self, name: str, value: Any) -> bytes:
        return _folded(name, str(value))


_FOLDED: _Policy = EmailPolicy(linesep="\r\n")
_REPLY = ReplyPolicy(linesep="\r\n")


class Reply(EmailMessage):
    """A mail of ours. The standard library's generator writes every line by itself, and copies the whole before."""

    def __init__(self) -> None:
        super().__init__(policy=_REPLY)

    def as_bytes(self, unixfrom: bool = False, policy: Policy[Any] | None = None) -> bytes:  # noqa: FBT001, FBT002 - as there
        if unixfrom or policy not in (None, self.policy):
            return super().as_bytes(unixfrom, policy)
        head = b"".join(_folded(name, value) for name, value in self.raw_items())
        return head + _LINE_END.encode() + self._body()

    def _body(self) -> bytes:
        """What `fill` has put in."""
        content: Any = self.get_payload()
        if isinstance(content, str):
            return content.encode("ascii")
        if content is None:
            return b""
        between = f"--{_BOUNDARY}{_LINE_END}".encode()
        parts = [between + part.as_bytes() + _LINE_END.encode() for part in content]
        return b"".join(parts) + f"--{_BOUNDARY}--{_LINE_END}".encode()


@lru_cache(maxsize=64)
def _most(name: str) -> int | None:
    """How many fields of this name a mail may have; the standard library makes a class each time that it is asked."""
    return _FOLDED.header_max_count(name)


@lru_cache(maxsize=64)
def _parsed(name: str, value: str) -> Any:
    return _FOLDED.header_factory(name, value)


def _folded(name: str, value: str) -> bytes:
    """A field on the wire. What comes from outside is never parsed: that undoes encoded words, line ends too."""
    line = f"{name}: {value}"
    if name.lower() in _ID_HEADERS:
        whole = line if len(line) <= _LONGEST_LINE else line.replace("> <", f">{_LINE_END} <")
        return f"{whole}{_LINE_END}".encode("ascii", "replace")
    if line.isascii() and len(line) <= _LINE_LENGTH and "=?" not in line:
        return f"{line}{_LINE_END}".encode("ascii")
    return _unstructured(name, value) if name.lower() == "subject" else _structured(name, value)


def _unstructured(name: str, value: str) -> bytes:
    if value.isascii() and "=?" not in value:
        folded = Header(value, "us-ascii", maxlinelen=_LINE_LENGTH, header_name=name).encode(linesep=_LINE_END)
    else:
        folded = f"{_LINE_END} ".join(_encoded_words(value.encode("utf-8", "replace")))
    return f"{name}: {folded}{_LINE_END}".encode("ascii")


def _encoded_words(text: bytes) -> Iterator[str]:
    """RFC 2047; no character is cut in two."""
    begin = 0
    while begin < len(text):
        end = begin + _ENCODED_AT_ONCE
        while end < len(text) and text[end] & 0xC0 == 0x80:  # noqa: PLR2004 - it goes on in this byte
            end -= 1
        word = binascii.b2a_base64(text[begin:end], newline=False).decode("ascii")
        yield f"=?utf-8?b?{word}?="
        begin = end


@lru_cache(maxsize=64)
def _structured(name: str, value: str) -> bytes:
    """As the standard library does it; the sender is the same in every reply."""
    return _FOLDED.fold_binary(name, _FOLDED.header_factory(name, value))


@dataclass(frozen=True, slots=True, kw_only=True)
class Sender:
    """From, as it is configured: ``发票助手 <fapiao@corp.example>``."""

    name: str
    address: str

    @property
    def domain(self) -> str:
        return self.address.rpartition("@")[2]


def parse_sender(text: str) -> Sender:
    """Raises ValueError for what holds no address."""
    name, address = named_address(text)
    if mailbox(address)[0] is None:
        raise ValueError("not a sender: write Name <name@example.com>")
    return Sender(name=clean(name, 100), address=address)


def message_id(submission: str, number: int, domain: str) -> str:
    """The same for the same submission and answer, always."""
    plain = _PLAIN_ID.fullmatch(submission) is not None
    local = submission if plain else hashlib.sha256(submission.encode("utf-8", "replace")).hexdigest()
    return f"<{local}.{number}@{domain}>"


def subject_of(answered: str | None, verdict: str) -> str:
    """``Re: [verdict] what it was about``, in one clean line."""
    about = _PREFIXES.sub("", clean(answered or "", _SUBJECT_LENGTH))
    return clean(f"Re: [{verdict}] {about}", _SUBJECT_LENGTH)


def thread_headers(thread: Thread) -> dict[str, str]:
    """In-Reply-To and References of what are surely message ids."""
    answered = _valid([thread.message_id or ""])
    chain = [reference for reference in _valid(thread.references) if reference not in answered]
    headers = {"In-Reply-To": answered[0]} if answered else {}
    if references := [*chain[:1], *chain[1:][-_MOST_REFERENCES:], *answered]:
        headers["References"] = " ".join(references)
    return headers


def _valid(ids: tuple[str, ...] | list[str]) -> list[str]:
    stripped = (text.strip() for text in ids)
    return [text for text in stripped if len(text) <= _LONGEST_MESSAGE_ID and _MESSAGE_ID.fullmatch(text)]


def compose(submission: Submission, number: int, *, sender: Sender, verdict: str, sent_at: datetime) -> EmailMessage:
    """A reply without its body. Raises MailRefused where there is nobody it may go to."""
    name = message_id(submission.id, number, sender.domain)
    subject = subject_of(submission.subject, verdict)
    return addressed(submission.thread or Thread(), name=name, subject=subject, sender=sender, sent_at=sent_at)


def addressed(thread: Thread, *, name: str, subject: str, sender: Sender, sent_at: datetime) -> EmailMessage:
    """A mail to whoever began the thread, with the Message-ID `name`, without its body. Raises MailRefused."""
    recipient = mailbox(thread.reply_to or "")[0]
    if recipient is None:
        raise MailRefused("there is no one address that the reply may go to")
    message = Reply()
    message["From"] = _author(sender)
    message["To"] = recipient
    message["Subject"] = subject
    message["Date"] = format_datetime(sent_at)
    message["Message-ID"] = name
    for header, value in thread_headers(thread).items():
        message[header] = value
    message["Auto-Submitted"] = "auto-replied"
    message["X-Auto-Response-Suppress"] = "All"
    message[OWN_MARK] = "reply"  # so that no mailbox of ours ever takes it for an invoice
    return message


@lru_cache(maxsize=8)
def _author(sender: Sender) -> str:
    return str(Address(display_name=sender.name, addr_spec=sender.address))


def fill(message: EmailMessage, *, text: str, html: str) -> None:
    """Give it its body, in both forms."""
    message["MIME-Version"] = "1.0"
    message["Content-Type"] = f'multipart/alternative; boundary="{_BOUNDARY}"'
    message.set_payload([_part("plain", text), _part("html", html)])


def _part(subtype: str, text: str) -> EmailMessage:
    part = Reply()
    part["Content-Type"] = f'text/{subtype}; charset="utf-8"'
    part["Content-Transfer-Encoding"] = "base64"
    encoded = binascii.b2a_base64(text.encode("utf-8", "replace"), newline=False).decode("ascii")
    lines = [encoded[at : at + _BASE64_LINE] for at in range(0, len(encoded), _BASE64_LINE)]
    part.set_payload(_LINE_END.join([*lines, ""]))
    return part
