"""A part of a mail: its header, and where in the file its content lies."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import IO

from msgspec import Struct

from watcher.headers import MailHeader, file_name, split_parameters
from watcher.mime.transfer import decoded

CHUNK_BYTES = 256 * 1024
_BODY_TEXT = frozenset({"text/plain", "text/html"})
_TOKEN = re.compile(r"[\w-]*")


def is_file(media_type: str, disposition: str, name: str | None) -> bool:
    """Whether a part without parts is a file, and not the text of the mail. Only text without a name is that."""
    return media_type not in _BODY_TEXT or disposition == "attachment" or bool(name)


WALKED = "message/x-walked"
"""The type by which the header of a nested message is handed over, after what is in it was, part by part.

Nobody else has it: what a mail declares to be a header alone (text/rfc822-headers) may be a whole one.
"""

SAID = "text/x-said"
"""The type by which what a mail says in plain text is handed over: it is no file, but some write files into it."""

SAID_AS_PAGE = "text/x-said-page"
"""The same of HTML, where nobody else reads it: the beginning, in UTF-8."""

_LARGEST_DECORATION = 70_000  # octets, as transferred
_SIGNATURES = frozenset({"application/pkcs7-signature", "application/x-pkcs7-signature", "application/pgp-signature"})


def is_decoration(media_type: str, octets: int) -> bool:
    """Whether it is a signature, or a small picture, as stand in and under mails, and no file that anybody misses."""
    return media_type in _SIGNATURES or (media_type.startswith("image/") and octets < _LARGEST_DECORATION)


class MimePart(Struct, frozen=True, kw_only=True):
    """A part that has no parts of its own. `begin` and `end` are offsets in the file of the mail."""

    header: MailHeader
    begin: int
    end: int
    default_type: str = "text/plain"  # within a digest it is another one
    within: str = ""  # the trail of the nested message that it is a part of
    is_walked: bool = False  # the header of a nested message, what is in it being parts before it

    @property
    def trail(self) -> str:
        """Its own, as `watcher.ports` has it: of nothing but where it begins."""
        return f"{self.within}/{self.begin}"

    @property
    def media_type(self) -> str:
        """In lower case; what is no type is the default."""
        if self.is_walked:
            return WALKED
        given = split_parameters(self.header.first("content-type") or b"")[0]
        return given if given.count("/") == 1 else self.default_type

    @property
    def disposition(self) -> str:
        return split_parameters(self.header.first("content-disposition") or b"")[0]

    @property
    def encoding(self) -> str:
        """The Content-Transfer-Encoding, in lower case; empty where there is none."""
        given = (self.header.first("content-transfer-encoding") or b"").decode("ascii", "replace")
        found = _TOKEN.match(given.strip(" \t\"'").lower())
        return found[0] if found else ""

    @property
    def name(self) -> str | None:
        """Decoded, not cleaned."""
        return file_name(self.header.fields)

    @property
    def is_body(self) -> bool:
        """Whether it is the text of the mail, and no file."""
        return not is_file(self.media_type, self.disposition, self.name)

    def parameter(self, name: str) -> bytes | None:
        """A parameter of its Content-Type, as it came."""
        given = split_parameters(self.header.first("content-type") or b"")[1]
        found = next((value for key, value in given if key == name), None)
        return found.encode("utf-8", "surrogateescape") if isinstance(found, str) else found

    @property
    def charset(self) -> str | None:
        """Which one it declares."""
        declared = self.parameter("charset")
        return declared.decode("ascii", "replace") if declared else None

    def content(self, file: IO[bytes]) -> Iterator[bytes]:
        """What it holds, decoded, piece by piece; others may read the file meanwhile."""
        return self._raw(file) if self.is_walked else decoded(self.encoding, self._raw(file))

    def _raw(self, file: IO[bytes]) -> Iterator[bytes]:
        position = self.begin
        while position < self.end:
            file.seek(position)
            piece = file.read(min(CHUNK_BYTES, self.end - position))
            if not piece:
                return
            position += len(piece)
            yield piece
