"""Mails inside mails and .eml files: every leaf, however deep it lies, with the mail itself left on the disk."""

from __future__ import annotations

from collections.abc import Generator
from typing import IO

from watcher.documents import words
from watcher.documents.claims import is_fragment
from watcher.documents.formats import Format
from watcher.documents.sniff import HEAD_BYTES, kind_of
from watcher.documents.unpacking import Allowance, Entry, Refusal
from watcher.errors import DocumentRefused
from watcher.mime.part import SAID, SAID_AS_PAGE, MimePart
from watcher.mime.said import said_text
from watcher.mime.walk import TooDeep, parts
from watcher.model import Reason
from watcher.spool import Spooled

_ELSEWHERE = frozenset({"message/external-body", "message/delivery-status"})


def open_message(content: Spooled, allowance: Allowance) -> Generator[Entry | Refusal, None, None]:
    """Every leaf that may be or hold a document. Raises DocumentRefused where it is nested without an end."""
    file = content.file()
    try:
        for part in parts(file, look_up=allowance.check_time):
            allowance.count_entry()
            found = _leaf(part, file, allowance)
            if found is not None:
                yield found
    except TooDeep as error:
        raise DocumentRefused(Reason.UNREADABLE, words.TOO_DEEP) from error


def _leaf(part: MimePart, file: IO[bytes], allowance: Allowance) -> Entry | Refusal | None:
    if is_fragment(part.media_type):
        return Refusal(
            name=part.name,
            reason=Reason.UNREADABLE,
            message=words.FRAGMENT,
            size=part.end - part.begin,
            trail=part.trail,
        )
    if part.is_body and part.media_type == "text/plain":
        return allowance.entry(part.content(file), declared_type=SAID, trail=part.trail)
    if part.media_type in _ELSEWHERE:
        return None
    if part.is_body and not _is_file(part, file):
        return _page(part, file, allowance) if part.media_type == "text/html" else None
    return allowance.entry(part.content(file), name=part.name, declared_type=part.media_type, trail=part.trail)


def _page(part: MimePart, file: IO[bytes], allowance: Allowance) -> Entry | None:
    """Who looks for links in it does not know its character set any more."""
    said = said_text(part.content(file), part.charset).encode("utf-8", "replace")
    return allowance.entry([said], declared_type=SAID_AS_PAGE, trail=part.trail)


def _is_file(part: MimePart, file: IO[bytes]) -> bool:
    """The page that a mail is may begin with a quoted header, or be XHTML: it is no attachment for that."""
    head = next(part.content(file), b"")[:HEAD_BYTES]
    kind = kind_of(head)
    return kind not in (Format.MESSAGE, Format.XML) and (kind is not Format.OTHER or part.media_type != "text/html")
