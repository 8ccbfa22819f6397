"""Mails as employees and portals send them, in bytes, so that nothing is made more regular than it comes."""

from __future__ import annotations

import base64
import itertools

_NUMBERS = itertools.count(1)

PDF = b"%PDF-1.4\n1 0 obj\n<< /Type /Catalog >>\nendobj\ntrailer\n<< /Root 1 0 R >>\n%%EOF\n"
PNG = b"\x89PNG\r\n\x1a\n" + bytes(range(64))


def crlf(text: str | bytes) -> bytes:
    raw = text.encode() if isinstance(text, str) else text
    return raw.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")


def encoded(content: bytes) -> bytes:
    return base64.encodebytes(content)


def headers(
    *, sender: str = "zhang@corp.example", subject: str = "invoice", message_id: str | None = None, more: str = ""
) -> bytes:
    """Without the empty line; each call has another Message-ID."""
    message_id = message_id or f"<{next(_NUMBERS)}@corp.example>"
    return crlf(
        f"From: Zhang <{sender}>\nTo: fapiao@corp.example\nSubject: {subject}\n"
        f"Message-ID: {message_id}\nDate: Mon, 23 Nov 2026 09:00:00 +0800\nMIME-Version: 1.0\n{more}"
    )


def part(content: bytes, *, kind: str = "application/pdf", name: str | None = "a.pdf", more: str = "") -> bytes:
    """A base64 part."""
    parameter = f'; name="{name}"' if name else ""
    return crlf(f"Content-Type: {kind}{parameter}\nContent-Transfer-Encoding: base64\n{more}\n") + crlf(
        encoded(content)
    )


TEXT_PART = crlf("Content-Type: text/plain; charset=utf-8\n\nSee the invoice.\n")


def multipart(*parts: bytes, boundary: str = "BOUNDARY", kind: str = "mixed") -> bytes:
    """Its Content-Type, the empty line, and the parts."""
    head = crlf(f'Content-Type: multipart/{kind}; boundary="{boundary}"\n\n')
    mark = f"--{boundary}".encode()
    return head + b"".join(mark + b"\r\n" + each + b"\r\n" for each in parts) + mark + b"--\r\n"


def mail(*parts: bytes, **header: str) -> bytes:
    """A text and these parts."""
    return headers(**header) + multipart(TEXT_PART, *parts)
