"""What a file is said to be, by its name and its declared type: that decides nothing, but somebody would miss it."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import PurePosixPath

from watcher.documents.formats import Format
from watcher.documents.sniff import looks_like_a_message
from watcher.mime.part import SAID, SAID_AS_PAGE, WALKED

_BY_EXTENSION = {
    ".pdf": Format.PDF,
    ".ofd": Format.OFD,
    ".xml": Format.XML,
    ".jpg": Format.JPEG,
    ".jpeg": Format.JPEG,
    ".png": Format.PNG,
    ".tif": Format.TIFF,
    ".tiff": Format.TIFF,
    ".heic": Format.HEIC,
    ".zip": Format.ZIP,
    ".7z": Format.SEVEN_ZIP,
    ".rar": Format.RAR,
    ".msg": Format.OUTLOOK,
}
_BY_TYPE = {
    "application/pdf": Format.PDF,
    "application/x-pdf": Format.PDF,
    "application/ofd": Format.OFD,
}
_LONGEST_NAME = 1000


def claimed_format(name: str | None, declared_type: str | None, accept: Collection[str]) -> Format | None:
    """The accepted kind of document, or of container, that somebody says this is; None: nobody does.

    Names of pictures and XML count, their declared types do not: mails are full of such parts that nobody misses.
    """
    extension = PurePosixPath((name or "")[-_LONGEST_NAME:].rstrip(" .\0").lower()).suffix
    found = _BY_EXTENSION.get(extension) or _BY_TYPE.get((declared_type or "").lower())
    return found if found is not None and (found.is_container or found.is_accepted(accept)) else None


def is_declared_message(head: bytes, declared_type: str | None) -> bool:
    """Whether it is said to be a mail, or a part of one with its header, and begins like that."""
    declared = (declared_type or "").lower()
    if declared not in ("message/rfc822", "message/global", WALKED) and not declared.startswith("multipart/"):
        return False
    return looks_like_a_message(head, declared=True)


def is_fragment(declared_type: str | None) -> bool:
    """Whether it is one piece of a mail that was cut into several on its way: by itself it holds nothing whole."""
    return declared_type is not None and declared_type.lower() == "message/partial"


def is_said(declared_type: str | None) -> bool:
    """Whether it is what a mail says, in plain text or as a page, and no file."""
    return declared_type in (SAID, SAID_AS_PAGE)


def is_walked(declared_type: str | None) -> bool:
    """Whether it stands for a mail in the mail: it is not opened, because all that it has came before it."""
    return declared_type == WALKED
