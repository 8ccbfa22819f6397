"""Requests and answers of the platforms that tests play."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import IO, Any
from urllib.parse import parse_qsl


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A request as it came."""

    method: str
    host: str
    path: str
    query: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""

    @property
    def form(self) -> dict[str, str]:
        return dict(parse_qsl(self.body.decode(), keep_blank_values=True))

    @property
    def data(self) -> Any:
        return json.loads(self.body or b"null")


def _write(out: IO[bytes], body: bytes) -> None:
    out.write(body)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """An answer; `writing` sends its body otherwise than at once, `interim` are answers before it."""

    status: int = 200
    interim: bytes = b""
    body: bytes = b""
    headers: Mapping[str, str | bytes] = field(default_factory=dict)
    writing: Callable[[IO[bytes], bytes], None] = _write

    def send(self, out: IO[bytes]) -> None:
        self.writing(out, self.body)


def pdf(text: str, disposition: str | bytes | None = None) -> Reply:
    headers: dict[str, str | bytes] = {"Content-Type": "application/octet-stream"}
    if disposition is not None:
        headers["Content-Disposition"] = disposition
    return Reply(body=pdf_bytes(text), headers=headers)


def pdf_bytes(text: str) -> bytes:
    return f"%PDF-1.4\n% {text}\n%%EOF\n".encode()


def ofd(text: str) -> Reply:
    return Reply(body=zipped({"OFD.xml": text}), headers={"Content-Type": "application/pdf"})


def xml(text: str) -> Reply:
    return Reply(body=f'<?xml version="1.0"?><EInvoice>{text}</EInvoice>'.encode())


def of_format(word: str, text: str) -> Reply:
    """The file in the format that a platform was asked for."""
    makers = {"pdf": pdf, "ofd": ofd, "xml": xml}
    maker = makers.get(word.lower())
    return maker(text) if maker is not None else expired()


class _GbkEntry(zipfile.ZipInfo):
    """Its name stands there as Chinese Windows writes it, without saying so."""

    def _encodeFilenameFlags(self) -> tuple[bytes, int]:  # noqa: N802 - what zipfile asks
        return self.filename.encode("gbk"), 0


def zipped(entries: Mapping[str, str | bytes], kind: type[zipfile.ZipInfo] = zipfile.ZipInfo) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for name, content in entries.items():
            archive.writestr(kind(name, (2026, 11, 1, 0, 0, 0)), content)
    return file.getvalue()


def gbk_zipped(entries: Mapping[str, str | bytes]) -> bytes:
    return zipped(entries, _GbkEntry)


def page(html: str) -> Reply:
    return Reply(
        body=f"<!DOCTYPE html><html><body>{html}</body></html>".encode(),
        headers={"Content-Type": "text/html; charset=utf-8"},
    )


def expired() -> Reply:
    """What platforms say instead of 404."""
    return page('<div id="app">文件下载失败</div>')


def redirect(location: str | bytes, status: int = 302) -> Reply:
    return Reply(status=status, headers={"Location": location})


def answer(value: Any) -> Reply:
    return Reply(body=json.dumps(value).encode(), headers={"Content-Type": "application/json"})
