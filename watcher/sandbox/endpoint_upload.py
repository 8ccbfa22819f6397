"""The platform's upload route: a multipart form whose field `file` becomes an attachment URL."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from pathlib import PurePosixPath

from msgspec import Struct

_BOUNDARY = re.compile(r'boundary="?([^";]+)"?', re.IGNORECASE)
_FIELD = re.compile(r'\bname="([^"]*)"')
_FILE_NAME = re.compile(r'\bfilename="([^"]*)"')


class Upload(Struct, frozen=True, kw_only=True):
    """A file that was uploaded; the same content has the same address."""

    name: str
    size: int
    sha256: str

    @property
    def attachment_url(self) -> str:
        return f"21774/sandbox/{self.sha256[:32]}{PurePosixPath(self.name).suffix}"


def read_upload(content_type: str, body: bytes) -> Upload | None:
    """The form's field `file`; None where there is none, or it is empty."""
    boundary = _BOUNDARY.search(content_type)
    if boundary is None or not content_type.lower().startswith("multipart/form-data"):
        return None
    for head, content in _parts(body, boundary[1].encode()):
        field, name = _FIELD.search(head), _FILE_NAME.search(head)
        if field is not None and field[1] == "file" and content:
            digest = hashlib.sha256(content).hexdigest()
            return Upload(name=name[1] if name else "file", size=len(content), sha256=digest)
    return None


def _parts(body: bytes, boundary: bytes) -> Iterator[tuple[str, bytes]]:
    """Header block and content of each part (RFC 2046: the line end before a boundary belongs to it)."""
    for part in (b"\r\n" + body).split(b"\r\n--" + boundary)[1:]:
        head, found, content = part.partition(b"\r\n\r\n")
        if found and not part.startswith(b"--"):
            yield head.decode("utf-8", "replace"), content
