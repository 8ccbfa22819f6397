"""A hostile mail as data: named by what it attempts, with what must come of it."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

from tests.support.mails import TEXT_PART, crlf, multipart, part
from tests.support.workplace import pdf

Mailbox = Literal["proving", "refusing", "believing", "limited", "fixed"]
"""Configurations: believes one mail server, and holds what is unproven; believes whichever stands topmost, refuses
what is unproven, and tells unknown colleagues; believes everybody; like the first, and takes three mails an hour of one
sender; like the first, and books all that its senders are allowed to send for one employee."""

Place = Literal["INBOX", "done", "error"]

FROM = "From: Zhang San <zhang@corp.example>"
PROOF = "Authentication-Results: mx.corp.example; dmarc=pass header.from=corp.example"
PROOF_OF_MALLORY = "Authentication-Results: mx.corp.example; dmarc=pass header.from=evil.example"

ZHANG, SMITH, WANG, ZHAO, LI = "903851", "903852", "903853", "903854", "903855"
ASSISTANT, NOBODY, FIXED = "903860", "903870", "903880"
EMPLOYEES = f"""email,user_code,name,language
zhang@corp.example,{ZHANG},张三,zh
zhang.san@corp.example,{ZHANG},张三,zh
smith@corp.example,{SMITH},Ann Smith,en
wang@corp.example,{WANG},王五,zh
zhao@corp.example,{ZHAO},赵六,zh
li@corp.example,{LI},Li,en
assistant@corp.example,{ASSISTANT},Assistant,en
noreply@corp.example,{NOBODY},Scanner,en
"""
DELEGATES = ["assistant@corp.example"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Expected:
    """What must come of a mail."""

    place: Place
    state: Literal["held", "closed"] | None  # None: it is not taken in at all
    reason: str | None = None
    why: str = ""  # a part of what is said about it, in `show` and in the log
    posted: tuple[str, ...] = ()  # the employee of each request with the mail's document
    replied: str | None = None  # the one address that an answer goes to
    code: str | None = None  # of its one document that is none


@dataclass(frozen=True, slots=True)
class Case:
    """`raw` is what lies in the mailbox; `document` what must or must not be posted."""

    name: str
    raw: bytes
    expected: Expected
    document: bytes
    mailbox: Mailbox = "proving"

    answered: str | None = None  # what the endpoint says of the document, which it refuses
    shows: bool = False  # whether what `show` says of it is worth a look, though nothing is to be decided

    @property
    def sha256(self) -> str:
        return hashlib.sha256(self.document).hexdigest()

    @property
    def is_shown(self) -> bool:
        """Whether `show` is asked: each time costs a while."""
        return self.shows or bool(self.expected.why)


def held(why: str) -> Expected:
    """The sender is unproven: it waits in the mailbox for the administrator, and nobody is told."""
    return Expected(place="INBOX", state="held", reason="UNVERIFIED_SENDER", why=why)


def refused(why: str) -> Expected:
    """The same, where the mailbox refuses what is unproven."""
    return Expected(place="error", state="closed", reason="UNVERIFIED_SENDER", why=why)


def unknown(*, told: str | None = None) -> Expected:
    """The sender is proven to be somebody whom the directory lacks, or not worth a proof."""
    why = "the directory does not have the sender"
    return Expected(place="error", state="closed", reason="UNKNOWN_SENDER", why=why, replied=told)


def left_alone() -> Expected:
    """It stays where it is, and the journal never hears of it."""
    return Expected(place="INBOX", state=None)


def booked(user_code: str, replied: str | None) -> Expected:
    return Expected(place="done", state="closed", posted=(user_code,), replied=replied)


def without_document(replied: str | None) -> Expected:
    return Expected(place="error", state="closed", reason="NO_DOCUMENT", replied=replied)


def unusable(code: str, replied: str) -> Expected:
    """It has a document, which cannot be sent."""
    return Expected(place="error", state="closed", code=code, replied=replied)


def case(name: str, expected: Expected, *head: str | bytes, mailbox: Mailbox = "proving") -> Case:
    """A mail with these header lines and a PDF of its own."""
    return Case(name, letter(name, *head), expected, pdf(name), mailbox)


def letter(mark: str, *head: str | bytes, parts: Sequence[bytes] | None = None) -> bytes:
    """Header lines exactly as given, those that any mail has, a text, and a PDF that no other mark has."""
    return opening(mark, *head) + multipart(TEXT_PART, *(parts if parts is not None else [part(pdf(mark))]))


def opening(mark: str, *head: str | bytes) -> bytes:
    """The header without the empty line."""
    lines = [line if isinstance(line, bytes) else line.encode() for line in head]
    given = {line.partition(b":")[0].strip().lower() for line in lines}
    usual = [
        b"To: fapiao@corp.example",
        b"Subject: invoice",
        b"Message-ID: " + message_id(mark).encode(),
        b"Date: Thu, 26 Nov 2026 09:00:00 +0800",
        b"MIME-Version: 1.0",
    ]
    lines += [line for line in usual if line.partition(b":")[0].lower() not in given]
    return b"".join(line + b"\r\n" for line in lines)


def message_id(mark: str) -> str:
    return f"<{hashlib.sha256(mark.encode()).hexdigest()[:20]}@corp.example>"


def text_mail(mark: str, *head: str | bytes, text: str = "Please book this.\n") -> bytes:
    """Without any file."""
    return opening(mark, *head) + crlf(f"Content-Type: text/plain; charset=utf-8\n\n{text}")


def in_mailbox(mailbox: Mailbox, *cases: Case) -> tuple[Case, ...]:
    return tuple(replace(each, mailbox=mailbox) for each in cases)
