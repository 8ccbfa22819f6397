"""Keys and addresses of stored documents: the section's templates, filled."""

from __future__ import annotations

import re
from datetime import timedelta
from urllib.parse import quote

from msgspec import Struct

from watcher.durations import parse_duration

_EXTENSION = re.compile(r"\.[a-z0-9]{1,10}")


def key_of(template: str, digest: str, extension: str) -> str:
    """``invoices/{sha256}{ext}`` filled: the same content is the same key."""
    known = extension if _EXTENSION.fullmatch(extension) else ""
    return template.replace("{sha256}", digest).replace("{ext}", known)


class Addressing(Struct, frozen=True, kw_only=True):
    """What is posted for a key: the key, a URL made of it, or one that is signed anew for each try."""

    template: str = "{key}"
    signed_for: timedelta | None = None

    @classmethod
    def of(cls, text: str) -> Addressing:
        """``key``, ``presigned: 1d`` or a URL with ``{key}``, as the section has checked it."""
        form, _, lifetime = text.partition(":")
        if form == "presigned":
            return cls(signed_for=parse_duration(lifetime.strip()))
        return cls() if text == "key" else cls(template=text)

    @property
    def place(self) -> str:
        """What it is called in findings."""
        return "the signed address" if self.signed_for is not None else "attachment_url"

    @property
    def is_key(self) -> bool:
        """Whether the key itself is posted."""
        return self.signed_for is None and self.template == "{key}"

    def url(self, key: str) -> str | None:
        """What is posted; None where it has to be signed."""
        if self.signed_for is not None:
            return None
        return key if self.is_key else self.template.replace("{key}", quote(key, safe="/"))
