"""What stands in the text of a mail: files in uuencode, and what only who holds a key can read."""

from __future__ import annotations

import base64
import binascii
import quopri
from contextlib import closing

import pytest

from tests.support.archives import PDF, attachment, message, pdf, zipped
from tests.support.files import BytesLeaf
from tests.support.reading import Read, bounded, content, names
from watcher.config.sections import Limits
from watcher.documents.openers.text import open_text
from watcher.documents.unpacking import Allowance
from watcher.errors import DocumentRefused
from watcher.mime.part import SAID
from watcher.model import Reason
from watcher.spool import Spooled

SEALED = b"-----BEGIN PGP MESSAGE-----\r\nVersion: 2\r\n\r\nhQEMA0\r\n=abcd\r\n-----END PGP MESSAGE-----\r\n"


def uuencoded(data: bytes, name: bytes = b"invoice.pdf", end: bytes = b"\r\n") -> bytes:
    lines = [binascii.b2a_uu(data[at : at + 45]).rstrip(b"\n") for at in range(0, len(data), 45)]
    return end.join([b"begin 644 " + name, *lines, b"`", b"end", b""])


def said(text: bytes) -> BytesLeaf:
    """The text of a mail, as a mailbox hands it over."""
    return BytesLeaf(text, name=None, declared_type=SAID)


def text(body: bytes, *, encoding: str = "8bit") -> bytes:
    return f"Content-Type: text/plain\r\nContent-Transfer-Encoding: {encoding}\r\n\r\n".encode() + body


@pytest.mark.parametrize("end", [b"\r\n", b"\n"])
@pytest.mark.parametrize("name", ["发票.pdf".encode("gb18030"), "发票.pdf".encode(), b"a b.pdf"])
def test_files_in_the_text_of_a_mail_are_found(read: Read, name: bytes, end: bytes) -> None:
    files = [pdf(1) + bytes(range(256)) * 20, zipped(("in.pdf", pdf(2)))]
    body = b"see there" + end * 2 + uuencoded(files[0], name, end) + b"and" + end + uuencoded(files[1], b"a.zip", end)

    found = read(said(body + b"regards" + end))

    assert [content(one) for one in found] == [files[0], pdf(2)]
    assert [one.name for one in found] == ["a b.pdf" if name.startswith(b"a") else "发票.pdf", "in.pdf"]


@pytest.mark.parametrize("encoding", ["8bit", "base64", "quoted-printable"])
def test_files_in_the_text_of_a_nested_mail_add_to_its_others_however_it_is_packed(read: Read, encoding: str) -> None:
    body = b"hello\r\n" + uuencoded(pdf(1))
    packed = {"base64": base64.encodebytes, "quoted-printable": quopri.encodestring}.get(encoding, bytes)(body)

    found = read(BytesLeaf(message(text(packed, encoding=encoding), attachment(pdf(2))), name="a.eml"))

    assert [(one.name, content(one)) for one in found] == [("invoice.pdf", pdf(1)), ("a.pdf", pdf(2))]


def test_spaces_at_the_ends_of_lines_may_be_lost(read: Read) -> None:
    data = pdf(1) + bytes(range(256)) * 4 + bytes(4_500)
    body = uuencoded(data).replace(b"`", b" ")
    stripped = b"\r\n".join(line.rstrip(b" ") for line in body.split(b"\r\n"))

    assert [content(one) for one in read(said(body))] == [data]
    assert [content(one) for one in read(said(stripped))] == [data]


@pytest.mark.parametrize("name", [b"invoice.pdf", b"invoice.uue", None])
def test_a_file_that_is_attached_as_such_a_text_is_found(read: Read, name: bytes | None) -> None:
    data = pdf(1) + bytes(range(256)) * 20
    coded = attachment(uuencoded(data, b"inner.pdf"), name)

    found = read(BytesLeaf(message(coded, attachment(zipped(("a.uue", uuencoded(data + b"2")))))))

    assert [(one.name, content(one)) for one in found] == [("inner.pdf", data), ("invoice.pdf", data + b"2")]


def in_base64(data: bytes, name: bytes = b"invoice.pdf") -> bytes:
    return b"begin-base64 644 " + name + b"\n" + base64.encodebytes(data) + b"====\n"


@pytest.mark.parametrize("end", [b"\r\n", b"\n"])
@pytest.mark.parametrize("size", [1, 2, 3, 5_000])
def test_files_in_the_text_of_a_mail_may_be_in_base64(read: Read, end: bytes, size: int) -> None:
    data = pdf(1) + bytes(size)
    body = b"hello\n" + in_base64(data) + b"and\n" + in_base64(pdf(2), "发票.pdf".encode())

    found = read(said(body.replace(b"\n", end)))

    assert [(one.name, content(one)) for one in found] == [("invoice.pdf", data), ("发票.pdf", pdf(2))]


def test_a_file_that_is_attached_as_such_a_text_may_be_in_base64(read: Read) -> None:
    found = read(BytesLeaf(message(attachment(in_base64(pdf(1), b"inner.pdf"), b"a.uue"))))

    assert [(one.name, content(one)) for one in found] == [("inner.pdf", pdf(1))]


YENC = b"=ybegin line=128 size=123456 name=invoice.pdf\r\n\x93\x7f\x00\xff\r\n=yend size=123456\r\n"


def binhex(name: bytes) -> bytes:
    signs = b"!\"#$%&'()*+,-012345689@ABCDEFGHIJKLMNPQRSTUVXYZ[`abcdefhijklmpqr"
    header = (bytes([len(name)]) + name + b"\0PDF CARO").ljust(48, b"\0")
    code = bytes(
        signs[int.from_bytes(header[at : at + 3], "big") >> shift & 63]
        for at in range(0, 48, 3)
        for shift in (18, 12, 6, 0)
    )
    return b"(This file must be converted with BinHex 4.0)\r\n\r\n:" + code + b":\r\n"


@pytest.mark.parametrize(
    "body",
    [
        YENC,
        YENC.replace(b"=ybegin", b"=ybegin part=1") + YENC.replace(b"=ybegin", b"=ybegin part=2"),
        binhex(b"invoice.pdf"),
    ],
    ids=["yEnc", "yEnc in pieces", "BinHex"],
)
def test_a_file_in_what_nobody_opens_is_told(read: Read, body: bytes) -> None:
    assert names(read(said(b"see there\r\n\r\n" + body))) == [("invoice.pdf", Reason.UNREADABLE)]
    for name in (b"x.hqx", None):
        part = attachment(body, name).replace(b"application/pdf", b"application/mac-binhex40")
        assert names(read(BytesLeaf(message(part), name="a.eml"))) == [("invoice.pdf", Reason.UNREADABLE)]


@pytest.mark.parametrize("body", [YENC.replace(b"invoice.pdf", b"a.mp3"), binhex(b"notes")])
def test_what_nobody_would_miss_is_not_told_for_it(read: Read, body: bytes) -> None:
    assert read(said(body)) == []


@pytest.mark.parametrize(
    "body",
    [
        b"> " + YENC,
        b"=ybegin is how it begins",
        b"This file must be converted with BinHex 4.0",
        b"begin-base64 644 invoice.pdf\r\nThat is how it begins.\r\n====\r\n",
        b"begin-base64 644 invoice.pdf\r\nword\r\n",
        b"> " + in_base64(pdf(1)).replace(b"\n", b"\n> "),
        b"we begin 644 invoice.pdf\r\nM" + b"A" * 60 + b"\r\nend\r\n",
        b"begin 644 invoice.pdf\r\nThat is how it begins.\r\nend\r\n",
        b"begin 644 invoice.pdf\r\nMANY THINGS\r\nend\r\n",
        b"begin 644 invoice.pdf\r\n\r\nend\r\n",
        b"begin 644 invoice.pdf",
        b"> " + uuencoded(pdf(1)).replace(b"\r\n", b"\r\n> "),
        b"this is what %PDF-1.4 begins with",
        b"From: a@b.example\r\nSubject: c\r\nDate: d\r\n\r\n" + attachment(PDF),
        message(attachment(PDF)),
        b"<?xml version='1.0'?><invoice/>",
        b"",
    ],
)
def test_what_only_speaks_of_a_file_is_none(read: Read, body: bytes) -> None:
    assert read(said(body), accept=("pdf", "xml")) == []


@pytest.mark.parametrize(("name", "reasons"), [(b"invoice.pdf", [Reason.UNREADABLE]), (b"notes.txt", [])])
def test_a_file_in_a_text_that_is_cut_off_is_told_where_it_would_be_missed(
    read: Read, name: bytes, reasons: list[Reason]
) -> None:
    whole = uuencoded(bytes(9_000), name)

    assert [one.reason for one in read(said(whole[: len(whole) // 2]))] == reasons


def test_a_text_that_is_itself_a_file_is_a_document(read: Read) -> None:
    assert names(read(said(PDF))) == [("document.pdf", None)]


def test_texts_of_very_many_lines_are_read_in_time(read: Read) -> None:
    begins = b"begin 644 a.pdf\r\n" * 300_000
    lines = uuencoded(bytes(20_000_000), b"a.bin")
    plain = in_base64(bytes(20_000_000), b"a.bin")
    strange = b"=ybegin size=1 " * 600_000 + b"\n" + b"=ybegin size=1 \n" * 600_000
    blocks = uuencoded(b"x" * 45, b"a.pdf") * 11_000

    assert bounded(lambda: read(said(begins))) == []
    assert bounded(lambda: read(said(lines))) == []
    assert bounded(lambda: read(said(plain))) == []
    assert bounded(lambda: read(said(strange))) == []
    assert [one.reason for one in bounded(lambda: read(said(blocks)))][-1] is Reason.TOO_MANY
    others = blocks.replace(b"a.pdf", b"a.bin")
    assert [one.reason for one in bounded(lambda: read(said(others)))] == [Reason.TOO_MANY]
    larger = uuencoded(b"%PDF-1.4\n" + bytes(20_000_000))
    assert [one.reason for one in bounded(lambda: read(said(larger)))] == [Reason.TOO_LARGE]


def test_a_text_whose_lines_take_too_long_is_refused() -> None:
    allowance = Allowance(accept=["pdf"], limits=Limits(), seconds=-1)

    with closing(Spooled([b"begin 644 a.pdf\r\n\r\n"])) as spooled, pytest.raises(DocumentRefused):
        list(open_text(spooled, allowance))


# ------------------------------------------------------------------------------------------ encrypted


@pytest.mark.parametrize("before", [b"", b"\r\n", "外部邮件\r\n\r\n".encode()])
def test_a_mail_of_which_the_text_is_encrypted_is_told_as_that(read: Read, before: bytes) -> None:
    (found,) = read(BytesLeaf(before + SEALED, name=None, declared_type=SAID, trail="/1"))
    assert found.reason is Reason.ENCRYPTED_MAIL

    (found,) = read(BytesLeaf(message(text(before + SEALED)), name="a.eml"))
    assert (found.name, found.reason) == ("a.eml", Reason.ENCRYPTED_MAIL)


def test_each_mail_in_the_mail_is_judged_by_itself(read: Read) -> None:
    nested = [
        b"Content-Type: message/rfc822; name=1.eml\r\n\r\n" + message(text(SEALED)).replace(b"=b", b"=c"),
        b"Content-Type: message/rfc822\r\n\r\n" + message(text(SEALED), attachment(pdf(2))).replace(b"=b", b"=d"),
    ]

    found = read(BytesLeaf(message(attachment(pdf(1)), *nested), name="a.eml"))

    assert names(found) == [("a.pdf", None), ("1.eml", Reason.ENCRYPTED_MAIL), ("a.pdf", None)]


def test_what_is_encrypted_beside_a_document_or_only_quoted_is_not_told(read: Read) -> None:
    answer = b"I cannot read this:\r\n" + b"".join(b"> " + line + b"\r\n" for line in SEALED.splitlines())

    assert names(read(message(text(SEALED), attachment(PDF)))) == [("a.pdf", None)]
    assert read(BytesLeaf(answer, name=None, declared_type=SAID, trail="/1")) == []
    assert names(read(BytesLeaf(SEALED, name=None, declared_type=SAID, trail="/1"), BytesLeaf(PDF, name="a.pdf"))) == [
        ("a.pdf", None)
    ]
