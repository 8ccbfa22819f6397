"""A multipart/form-data body (RFC 7578) that is read piece by piece and knows its length."""

from __future__ import annotations

import io
import secrets
from collections.abc import Iterator, Mapping

from watcher.clock import boot_seconds
from watcher.spool import Spooled


class MultipartBody:
    """The fields, then one file. The file's name is ours, so nothing in it has to be escaped."""

    def __init__(
        self,
        *,
        form: Mapping[str, str],
        field: str,
        file_name: str,
        media_type: str,
        content: Spooled,
        within_seconds: float,
    ) -> None:
        """Who reads it has `within_seconds` for that; then `read` raises TimeoutError."""
        self._until = boot_seconds() + within_seconds
        self._boundary = f"invoice-watcher-{secrets.token_hex(16)}"
        self._head = b"".join(self._part(name, value.encode(), "") for name, value in form.items())
        opening = f'; filename="{file_name}"\r\nContent-Type: {media_type}'
        self._head += self._part(field, b"", opening).removesuffix(b"\r\n")
        self._tail = f"\r\n--{self._boundary}--\r\n".encode()
        self._content = content
        self._file = content.file()
        self._streams = [io.BytesIO(self._head), self._file, io.BytesIO(self._tail)]

    @property
    def content_type(self) -> str:
        return f"multipart/form-data; boundary={self._boundary}"

    def __len__(self) -> int:
        return len(self._head) + self._content.size + len(self._tail)

    def __iter__(self) -> Iterator[bytes]:
        """requests takes only what can be iterated for a stream; it is read all the same."""
        while piece := self.read(64 * 1024):
            yield piece

    @property
    def is_late(self) -> bool:
        return boot_seconds() > self._until

    def read(self, size: int = -1) -> bytes:
        """As much as is asked for, or as there is: small documents are one piece."""
        if self.is_late:
            raise TimeoutError("the upload takes too long")
        pieces: list[bytes] = []
        left = size
        while self._streams and left != 0:
            if piece := self._streams[0].read(left):
                pieces.append(piece)
                left = left - len(piece) if left > 0 else left
            else:
                self._streams.pop(0)
        return b"".join(pieces)

    def _part(self, name: str, value: bytes, rest: str) -> bytes:
        # As HTML has it: quotes and line ends of a field's name are percent-encoded.
        escaped = name.replace("\r", "%0D").replace("\n", "%0A").replace('"', "%22")
        line = f'--{self._boundary}\r\nContent-Disposition: form-data; name="{escaped}"{rest}\r\n\r\n'
        return line.encode() + value + b"\r\n"
