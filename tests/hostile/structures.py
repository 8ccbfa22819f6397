"""Mails and files that are built to be misread, to unpack without end, or to lead elsewhere."""

from __future__ import annotations

from tests.hostile.case import (
    LI,
    PROOF,
    PROOF_OF_MALLORY,
    Case,
    Expected,
    booked,
    letter,
    opening,
    text_mail,
    unknown,
    unusable,
    without_document,
)
from tests.hostile.marks import ESCAPED
from tests.support.archives import zipped
from tests.support.mails import TEXT_PART, crlf, encoded, multipart, part
from tests.support.workplace import pdf

_LI = "li@corp.example"
_FROM = "From: Li <li@corp.example>"
_BOOKED = booked(LI, _LI)
_NOTHING = without_document(_LI)


def _files(name: str, expected: Expected, *parts: bytes, document: bytes | None = None) -> Case:
    content = pdf(name) if document is None else document
    return Case(name, letter(name, PROOF, _FROM, parts=parts), expected, content)


def _raw(name: str, expected: Expected, body: bytes) -> Case:
    return Case(name, opening(name, PROOF, _FROM) + body, expected, pdf(name))


def _invoice(name: str, file_name: str = "a.pdf") -> bytes:
    return part(pdf(name), name=file_name)


def _nested(inner: bytes, depth: int) -> bytes:
    for _ in range(depth):
        inner = crlf("Content-Type: message/rfc822\n\nFrom: mallory@evil.example\nMIME-Version: 1.0\n") + inner
    return inner


def _within(inner: bytes, depth: int) -> bytes:
    for number in range(depth):
        inner = multipart(inner, boundary=f"b{number}")
    return inner


def _encoded_badly(content: bytes) -> bytes:
    """Base64 with what belongs to no alphabet between its lines."""
    head = crlf("Content-Type: application/pdf; name=a.pdf\nContent-Transfer-Encoding: base64\n\n")
    return head + encoded(content).replace(b"\n", b"!\x01*~\r\n")


def _archived(depth: int) -> bytes:
    inner = pdf("within archives")
    for _ in range(depth):
        inner = zipped(("a.zip", inner))
    return inner


_MULTIPARTS = (
    _raw(
        "never closes its boundary",
        _BOOKED,
        multipart(TEXT_PART, _invoice("never closes its boundary")).removesuffix(b"--BOUNDARY--\r\n"),
    ),
    _raw(
        "announces one boundary and uses another",
        _BOOKED,
        multipart(TEXT_PART, _invoice("announces one boundary and uses another")).replace(b'="BOUNDARY"', b'="other"'),
    ),
    _raw(
        "announces two boundaries",
        _BOOKED,
        multipart(_invoice("announces two boundaries")).replace(b"; boundary", b"; boundary=x; boundary", 1),
    ),
    _raw(
        "has parts within parts, fifty deep", _BOOKED, _within(_invoice("has parts within parts, fifty deep"), 50)
    ),
    _raw(
        "has parts within parts, five hundred deep",
        Expected(place="error", state="closed", replied=_LI),
        _within(_invoice("has parts within parts, five hundred deep"), 500),
    ),
    _raw(
        "forwards a mail two hundred times within itself",
        Expected(place="error", state="closed", replied=_LI),
        _nested(multipart(_invoice("forwards a mail two hundred times within itself")), 200),
    ),
    _raw(
        "has ten thousand empty parts",
        unusable("TOO_MANY", _LI),
        multipart(*[b"\r\n"] * 10_000, _invoice("has ten thousand empty parts")),
    ),
    _raw("has a text that says it is base64 and has a PDF in it", _NOTHING, crlf("\n") + encoded(pdf("x"))),
    _raw("has no body at all", _NOTHING, b"\r\n"),
    _raw(
        "is to be put together from parts",
        unusable("UNREADABLE", _LI),
        crlf("Content-Type: message/partial; id=x; number=1\n\n")
        + opening("inner", PROOF, _FROM)
        + multipart(_invoice("is to be put together from parts")),
    ),
    _raw(
        "points to a file outside of it",
        _NOTHING,
        crlf(
            'Content-Type: message/external-body; access-type=local-file; name="/etc/passwd"\n\n'
            "Content-Type: application/pdf; name=a.pdf\n\n"
        ),
    ),
    Case(
        "brings a mail of an employee as an attachment",
        letter(
            "brings a mail of an employee", PROOF_OF_MALLORY, "From: mallory@evil.example",
            parts=[crlf(f"Content-Type: message/rfc822\n\n{PROOF}\n{_FROM}\n") + multipart(_invoice("inner"))],
        ),
        unknown(),
        pdf("inner"),
    ),
)  # fmt: skip

_FILES = (
    _files(
        "sends a web page as a PDF",
        unusable("UNREADABLE", _LI),
        part(b"<html><script>alert(1)</script></html>", name="a.pdf"),
    ),
    _files("sends an empty file as a PDF", unusable("UNREADABLE", _LI), part(b"", name="a.pdf")),
    _files("sends a program as a PDF", unusable("UNREADABLE", _LI), part(b"MZ\x90\x00" + bytes(2000), name="a.pdf")),
    _files(
        "sends a PDF as a program",
        _BOOKED,
        part(pdf("sends a PDF as a program"), kind="application/x-msdownload", name="a.exe"),
    ),
    _files(
        "sends a PDF that is a zip as well",
        _BOOKED,
        part(pdf("pdf and zip") + zipped((f"../{ESCAPED}.pdf", pdf("in the zip"))), name="a.pdf"),
        document=pdf("pdf and zip") + zipped((f"../{ESCAPED}.pdf", pdf("in the zip"))),
    ),
    _files(
        "sends an archive whose files lie above it",
        _BOOKED,
        part(
            zipped((f"../../../../tmp/{ESCAPED}.pdf", pdf("sends an archive whose files lie above it"))), name="a.zip"
        ),
    ),
    _files(
        "sends an archive whose files have absolute paths",
        _BOOKED,
        part(zipped((f"/tmp/{ESCAPED}.pdf", pdf("sends an archive whose files have absolute paths"))), name="a.zip"),
    ),
    _files(
        "sends an archive that unpacks to sixty megabytes",
        Expected(place="error", state="closed", replied=_LI),
        part(zipped(("a.pdf", pdf("bomb") + bytes(60_000_000))), name="a.zip"),
        document=pdf("bomb") + bytes(60_000_000),
    ),
    _files(
        "sends archives within archives, twenty deep",
        Expected(place="error", state="closed", replied=_LI),
        part(_archived(20), name="a.zip"),
        document=pdf("within archives"),
    ),
    _files(
        "sends a thousand files in an archive",
        Expected(place="done", state="closed", posted=(LI,), replied=_LI),
        part(zipped(*((f"{n}.pdf", pdf(f"one of a thousand {n}")) for n in range(1000))), name="a.zip"),
        document=pdf("one of a thousand 0"),
    ),
    _files(
        "puts what is no base64 between its lines",
        _BOOKED,
        _encoded_badly(pdf("puts what is no base64 between its lines")),
    ),
    _files(
        "encodes its file in a way that nobody knows",
        _BOOKED,
        crlf("Content-Type: application/pdf; name=a.pdf\nContent-Transfer-Encoding: x-own\n\n")
        + crlf(pdf("encodes its file in a way that nobody knows")),
        document=crlf(pdf("encodes its file in a way that nobody knows")),
    ),
    Case(
        "says that it is ten gigabytes long",
        letter("says that it is ten gigabytes long", PROOF, _FROM, "Content-Length: 10000000000", "Lines: -1"),
        _BOOKED,
        pdf("says that it is ten gigabytes long"),
    ),
    _files(
        "says that its file is ten gigabytes long",
        _BOOKED,
        part(
            pdf("says that its file is ten gigabytes long"),
            more="Content-Disposition: attachment; filename=a.pdf; size=10000000000\nContent-Length: 10000000000\n",
        ),
    ),
    _files(
        "sends one file twice under two names",
        _BOOKED,
        _invoice("sends one file twice under two names", "a.pdf"),
        _invoice("sends one file twice under two names", "b.pdf"),
    ),
)

LINKS = tuple(
    Case(f"links to {what}", text_mail(f"links to {what}", PROOF, _FROM, text=f"发票下载: {link}\n"), _NOTHING, b"")
    for what, link in (
        ("a file of this machine", "file:///etc/passwd"),
        ("this machine", "http://127.0.0.1/a.pdf"),
        ("this machine by a number", "http://2130706433/a.pdf"),
        ("this machine by an address of the sixth version", "http://[::ffff:127.0.0.1]/a.pdf"),
        ("the figures of a cloud", "http://169.254.169.254/latest/meta-data/"),
        ("an invoice platform by name before an at sign", "https://nnfp.jss.com.cn@127.0.0.1/ab-_CD12="),
        ("a host that ends like an invoice platform", "https://evilnnfp.jss.com.cn.evil.example/ab-_CD12="),
        ("a host that nobody allows", "https://evil.example/invoice.pdf"),
        ("a script", "javascript:alert(1)"),
        ("another protocol", "gopher://127.0.0.1:25/_MAIL%20FROM:<x>"),
    )
)

CASES = (*_MULTIPARTS, *_FILES)
