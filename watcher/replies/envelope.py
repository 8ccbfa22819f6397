"""The mail around a reply: its headers make it thread, start no loop, and be one mail however often it is sent."""

from __future__ import annotations

import hashlib
import re
from datetime import datetime
from email.headerregistry import Address
from email.utils import format_datetime
from functools import lru_cache

from msgspec import Struct

from watcher.errors import MailRefused
from watcher.headers import OWN_MARK, clean, mailbox, named_address
from watcher.mime.outgoing import OutgoingMail
from watcher.model import Submission, Thread

_SUBJECT_LENGTH = 180
_MESSAGE_ID = re.compile(r"<[!#-;=?A-Z\[\]^-~]+@[!#-;=?A-Z\[\]^-~]+>")  # visible ASCII, without quotes and backslashes
_LONGEST_MESSAGE_ID = 900
_MOST_REFERENCES = 20
_PLAIN_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9-]{0,63}")
_PREFIXES = re.compile(r"^(?:\s*(?:re|fw|fwd|回复|答复|转发|轉寄)\s*[:：])+\s*", re.IGNORECASE)


class Sender(Struct, frozen=True, kw_only=True):
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


def compose(submission: Submission, number: int, *, sender: Sender, verdict: str, sent_at: datetime) -> OutgoingMail:
    """A reply without its body. Raises MailRefused where there is nobody it may go to."""
    name = message_id(submission.id, number, sender.domain)
    subject = subject_of(submission.subject, verdict)
    return addressed(submission.thread or Thread(), name=name, subject=subject, sender=sender, sent_at=sent_at)


def addressed(thread: Thread, *, name: str, subject: str, sender: Sender, sent_at: datetime) -> OutgoingMail:
    """A mail to whoever began the thread, with the Message-ID `name`, without its body. Raises MailRefused."""
    recipient = mailbox(thread.reply_to or "")[0]
    if recipient is None:
        raise MailRefused("there is no one address that the reply may go to")
    return OutgoingMail(
        {
            "From": _author(sender),
            "To": recipient,
            "Subject": subject,
            "Date": format_datetime(sent_at),
            "Message-ID": name,
            **thread_headers(thread),
            "Auto-Submitted": "auto-replied",
            "X-Auto-Response-Suppress": "All",
            OWN_MARK: "reply",  # so that no mailbox of ours ever takes it for an invoice
        }
    )


@lru_cache(maxsize=8)
def _author(sender: Sender) -> str:
    return str(Address(display_name=sender.name, addr_spec=sender.address))
