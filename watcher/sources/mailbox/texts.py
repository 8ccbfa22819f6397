"""What a mail says: its text parts, decoded within bounds."""

from __future__ import annotations

from collections.abc import Iterable

from watcher.mime.said import said_text
from watcher.ports import MailText

MOST_TEXTS = 40  # of one mail: each costs an exchange with the server
LARGEST_MESSAGE_BYTES = 10_000_000  # of a forwarded mail that came as a file, to be looked into for its texts


def mail_text(media_type: str, charset: str | None, chunks: Iterable[bytes], mail: str = "") -> MailText:
    """The part's text, read only as far as it is wanted. `mail`: as `MailText` has it."""
    return MailText(text=said_text(chunks, charset), html=media_type == "text/html", mail=mail)


def is_message(media_type: str, name: str | None) -> bool:
    """Whether a file is a forwarded mail, which some mailers encode or do not call one."""
    return media_type == "message/rfc822" or (name or "").lower().endswith(".eml")
