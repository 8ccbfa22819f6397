"""Zips, messages and documents made of bytes, well-formed and not."""

from __future__ import annotations

import base64
import io
import struct
import zipfile
import zlib

PDF = b"%PDF-1.7\n1 0 obj\nendobj\ntrailer\n%%EOF\n"
PNG = b"\x89PNG\r\n\x1a\n" + bytes(40)
XML = b'<?xml version="1.0" encoding="UTF-8"?>\n<EInvoice><Number>26317000000012345678</Number></EInvoice>'


def pdf(number: int = 0) -> bytes:
    """A PDF that no other number gives."""
    return PDF + str(number).encode()


def zipped(*entries: tuple[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    """A zip with UTF-8 names."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", method) as archive:
        for name, data in entries:
            info = zipfile.ZipInfo(name)
            info.compress_type = method
            archive.writestr(info, data)
    return file.getvalue()


def named_zip(name: bytes, data: bytes, *, flags: int = 0, extra: bytes = b"", method: int = 0) -> bytes:
    """A zip of one stored entry whose name is these very bytes."""
    common = struct.pack("<HHHHHIIIHH", 20, flags, method, 0, 33, zlib.crc32(data), len(data), len(data), len(name), 0)
    local = b"PK\x03\x04" + common + name + data
    central = b"PK\x01\x02" + struct.pack("<H", 20) + common[:-2] + struct.pack("<HHHHII", len(extra), 0, 0, 0, 0, 0)
    central += name + extra
    end = b"PK\x05\x06" + struct.pack("<HHHHIIH", 0, 0, 1, 1, len(central), len(local), 0)
    return local + central + end


def ofd(*, first: str = "Doc_0/Document.xml") -> bytes:
    """An OFD, with OFD.xml not at its begin."""
    return zipped((first, b"<ofd:Document/>"), ("OFD.xml" if first != "OFD.xml" else "Doc_0/x.xml", b"<ofd:OFD/>"))


def message(*parts: bytes, subject: str = "invoice") -> bytes:
    """A mail of these parts, each with its own header lines."""
    lines = [b"From: a@x.example", f"Subject: {subject}".encode(), b"MIME-Version: 1.0"]
    lines += [b'Content-Type: multipart/mixed; boundary="=b"', b""]
    for part in parts:
        lines += [b"--=b", part]
    return b"\r\n".join([*lines, b"--=b--", b""])


def attachment(data: bytes, name: bytes | None = b'"a.pdf"', media_type: bytes = b"application/octet-stream") -> bytes:
    """A part in base64."""
    disposition = b"attachment" if name is None else b"attachment; filename=" + name
    head = b"Content-Type: " + media_type + b"\r\nContent-Disposition: " + disposition
    return head + b"\r\nContent-Transfer-Encoding: base64\r\n\r\n" + base64.encodebytes(data)
