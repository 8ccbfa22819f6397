"""What the fuzzer starts from: a little of everything that has a shape of its own."""

from __future__ import annotations

import base64
import zipfile
from collections.abc import Iterator

from tests.support.archives import PDF, PNG, XML, attachment, message, named_zip, ofd, zipped

_GBK_WORD = b"=?gb2312?B?" + base64.b64encode("镕喆堃.pdf".encode("gb18030")) + b"?="
_HEADERS = (
    b"=?utf-8?B?5Y+R56Wo?= =?utf-8?Q?=E5=8F=91?=\r\n =?iso-2022-jp?b?GyRCRnxLXBsoQg==?=",
    _GBK_WORD,
    "发票".encode("gb18030"),
    b"=?utf-8*zh?q?a_b?= =?x-unknown?q?=ff?= =?utf-7?b?K1N0Qi0=?=",
    b'attachment; filename*0*=gb18030\'zh\'%B7%A2; filename*1="a.pdf"; filename="C:\\x\\a.pdf"',
    b'application/pdf; name="' + _GBK_WORD + b'"; x=',
    b'"Zhang, San" <a@x.example>, group: b@y.example, (c) d@z.example;',
    b"a@x(<b@y.example>)",
    b"From: a@x.example\r\nSubject: =?utf-8?B?5Y+R?=\r\n =?utf-8?B?56Wo?=\r\nTo: b@x\nReferences: <a@b> <c@d>\r\n\r\n",
)
_TWO_PARTS = (
    b'(("text" "plain" ("charset" "utf-8") NIL NIL "7bit" 100 2 NIL NIL NIL NIL)'
    b'("application" "pdf" ("name" "a.pdf") NIL NIL "base64" 5000 NIL ("attachment" ("filename" "b\\"c.pdf")) NIL NIL)'
    b' "mixed" ("boundary" "x") NIL NIL)'
)
_FORWARDED = (
    b'("message" "rfc822" NIL NIL NIL "7bit" 600 (NIL NIL NIL NIL NIL NIL NIL NIL NIL NIL)'
    b' ("image" "png" NIL "<a@b>" NIL "base64" 68 NIL ("inline" NIL) NIL NIL) 20 NIL "inline" NIL NIL)'
)
_FETCHED = (
    b'12 (UID 7 RFC822.SIZE 99 INTERNALDATE "01-Nov-2026 00:00:00 +0800" BODY[HEADER]<0> "x" FLAGS (\\Seen $Done))'
)
_SIGNED = bytes.fromhex("308006092a864886f70d010702a08030800201013100308006092a864886f70d010701a080")


def seeds() -> Iterator[bytes]:
    yield from _HEADERS
    yield from (_TWO_PARTS, _FORWARDED, _FETCHED)
    yield from _mails()
    yield from _files()


def _mails() -> Iterator[bytes]:
    yield message(attachment(PDF), attachment(PNG, None, b"image/png"))
    yield message(b"Content-Type: message/rfc822\r\n\r\n" + message(attachment(PDF)).replace(b"=b", b"=c"))
    yield message(attachment(message(attachment(XML, _GBK_WORD)), b"fw.eml", b"message/rfc822"))
    yield b"From: a@x.example\r\nSubject: x\r\n" + attachment(PDF)
    yield b"From: a@x.example\nSubject: x\nContent-Type: multipart/mixed\n\n--b\nContent-Type: text/plain\n\nx\n--b--\n"
    yield (
        b"From: a@x.example\r\nSubject: x\r\nContent-Transfer-Encoding: quoted-printable\r\n"
        b"Content-Type: application/xml; charset=gb2312\r\n\r\n<?xml version=3D'1.0'?>=\r\n<a/>"
    )


def _files() -> Iterator[bytes]:
    yield from (PDF, PNG, XML, ofd())
    yield zipped(("发票.pdf", PDF), ("a/b.xml", XML), ("__MACOSX/._a", b"x"))
    yield zipped(("a.pdf", PDF), ("in.zip", zipped(("b.pdf", PDF))), method=zipfile.ZIP_STORED)
    yield zipped(("fw.eml", message(attachment(zipped(("c.pdf", PDF))))))
    yield zipped(("bomb.pdf", PDF + bytes(400_000)))
    yield named_zip("发票.pdf".encode("gb18030"), PDF)
    yield named_zip(b"locked.pdf", PDF, flags=1)
    yield b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(504) + "Root Entry".encode("utf-16-le").ljust(512, b"\0")
    yield b"\x78\x9f\x3e\x22\x01\x00" + bytes(60)
    yield b"7z\xbc\xaf\x27\x1c\x00\x04" + bytes(40)
    yield _SIGNED
