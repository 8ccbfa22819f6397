"""Every file in mails within mails is found, however the mails are written."""

from __future__ import annotations

import base64
import binascii
import os
import quopri
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.archives import PDF, PNG, XML, attachment, message, pdf, zipped
from tests.support.files import BytesLeaf
from tests.support.reading import Read, bounded, content, names
from watcher.config.sections import Limits
from watcher.documents.reader import DocumentReader
from watcher.model import LeftOut, Reason

# ---------------------------------------------------------------------------------------- messages


def test_every_attachment_of_a_nested_mail_is_found(read: Read) -> None:
    nested = message(
        b"Content-Type: text/plain\r\n\r\nhello",
        attachment(pdf(1), '"发票.pdf"'.encode("gbk")),
        attachment(pdf(2), b'"=?gb2312?B?t6LGsQ==?=.pdf"'),
        attachment(pdf(3), None, b"application/pdf"),
        attachment(zipped(("in.pdf", pdf(4)))),
        b"Content-Type: message/rfc822\r\n\r\n" + message(attachment(pdf(5), b'"b.pdf"')).replace(b"=b", b"=c"),
        attachment(message(attachment(pdf(6), b"c.pdf")), b"fw.eml", b"message/rfc822"),
        attachment(PNG, b"logo.png", b"image/png"),
    )
    found = read(BytesLeaf(nested, name="Fw: 发票.eml", path="fw.eml"))
    assert [one.name for one in found] == ["发票.pdf", "发票.pdf", "document.pdf", "in.pdf", "b.pdf", "c.pdf"]
    assert [content(one) for one in found] == [pdf(number) for number in range(1, 7)]
    assert {one.path for one in found} == {None}


@pytest.mark.parametrize("encoding", ["base64", "quoted-printable"])
def test_a_mail_that_is_wrongly_packed_or_wrongly_said_to_be_is_opened(read: Read, encoding: str) -> None:
    inner = message(attachment(PDF)).replace(b"=b", b"=_c")
    packed = base64.encodebytes(inner) if encoding == "base64" else quopri.encodestring(inner)
    head = f"Content-Type: message/rfc822\r\nContent-Transfer-Encoding: {encoding}\r\n\r\n".encode()
    assert names(read(message(head + packed))) == [("a.pdf", None)]
    assert names(read(message(head + inner))) == [("a.pdf", None)]


def test_a_part_that_cannot_be_decoded_does_not_hide_the_others(read: Read) -> None:
    broken = b'Content-Type: text/plain; charset="a\x00b"\r\n\r\n\xff\xfe'
    assert names(read(message(broken, attachment(PDF)))) == [("a.pdf", None)]


def test_a_mail_that_is_itself_the_document_is_found(read: Read) -> None:
    mail = b"From: a@x.example\r\nMIME-Version: 1.0\r\nDate: now\r\n" + attachment(PDF)
    assert names(read(mail)) == [("a.pdf", None)]


def test_a_message_by_declaration_needs_but_one_header_line(read: Read) -> None:
    mail = attachment(PDF)
    assert names(read(BytesLeaf(mail, declared_type="message/rfc822"))) == [("a.pdf", None)]
    assert read(BytesLeaf(b"no header", declared_type="message/rfc822")) == []


def _within(mail: bytes) -> bytes:
    """Another mail that it is attached to as it is."""
    return message(b"Content-Type: message/rfc822\r\n\r\n" + mail).replace(b"=b", b"=outer", 2)


@pytest.mark.parametrize("encoding", ["x-uuencode", "UUENCODE", "x-uue"])
def test_an_attachment_in_uuencode_is_decoded(read: Read, encoding: str) -> None:
    data = pdf(1) + bytes(range(256)) * 20
    lines = [binascii.b2a_uu(data[at : at + 45]) for at in range(0, len(data), 45)]
    coded = b"begin 644 x.pdf\n" + b"".join(lines) + b"`\nend\n"
    head = f"Content-Type: application/pdf; name=a.pdf\r\nContent-Transfer-Encoding: {encoding}\r\n\r\n".encode()
    (found,) = read(message(head + coded))
    assert content(found) == data


@pytest.mark.parametrize("end", [b"\r\n", b"\n", b"\r"])
def test_a_file_that_is_not_encoded_keeps_its_bytes_whatever_ends_lines(read: Read, end: bytes) -> None:
    data = PDF + b"\r\x00\n--="
    head = message(b"Content-Type: application/pdf; name=a.pdf\r\n\r\n").removesuffix(b"\r\n--=b--\r\n")
    mail = head.replace(b"\r\n", end) + data + end + b"--=b--" + end
    (found,) = read(_within(mail))
    assert content(found) == data


@pytest.mark.parametrize(
    "parameters",
    [
        "filename*=GBK''%B7%A2%C6%B1.pdf",
        "filename*0*=utf-8''%E5%8F%91; filename*1*=%E7%A5%A8.pdf",
        'filename="=?GBK?B?t6LGsQ==?=.pdf"',
        'filename="=?utf-8?Q?=E5=8F=91?=\r\n =?utf-8?Q?=E7=A5=A8.pdf?="',
        "filename=发票.pdf",
    ],
)
@pytest.mark.parametrize("charset", ["gb18030", "utf-8"])
def test_a_name_is_read_however_it_is_written(read: Read, parameters: str, charset: str) -> None:
    head = f"Content-Type: application/pdf\r\nContent-Disposition: attachment; {parameters}\r\n".encode(charset)
    assert names(read(message(head + b"Content-Transfer-Encoding: binary\r\n\r\n" + PDF))) == [("发票.pdf", None)]


def test_the_text_of_a_mail_is_no_document(read: Read) -> None:
    quoted = b"Content-Type: text/plain\r\n\r\nFrom: a@b\r\nSubject: c\r\nDate: d\r\n\r\n" + attachment(PDF)
    page = b"Content-Type: text/html\r\n\r\n" + XML
    assert read(message(quoted, page), accept=("pdf", "xml")) == []
    file = b"Content-Type: text/xml\r\nContent-Disposition: attachment\r\n\r\n" + XML
    assert names(read(message(file), accept=("xml",))) == [("document.xml", None)]


def test_of_a_file_in_two_halves_the_half_that_a_mac_keeps_beside_it_is_no_damaged_document(read: Read) -> None:
    beside = b"\x00\x05\x16\x07" + bytes(80)
    (found,) = read(message(attachment(beside, media_type=b"application/applefile"), attachment(PDF)))
    assert (found.name, found.reason, content(found)) == ("a.pdf", None, PDF)


def test_a_signature_beside_the_mail_is_left_out(read: Read) -> None:
    detached = bytes.fromhex("300d06092a864886f70d010702a000")
    mail = message(attachment(PDF), attachment(detached, b"smime.p7s", b"application/pkcs7-signature"))
    assert names(read(mail.replace(b"multipart/mixed", b"multipart/signed"))) == [("a.pdf", None)]


def test_a_fragment_of_a_mail_is_named_and_what_lies_elsewhere_is_left_out(read: Read) -> None:
    fragment = b"Content-Type: message/partial; id=x; number=1; total=2; name=f.eml\r\n\r\n" + message(attachment(PDF))
    elsewhere = b"Content-Type: message/external-body; access-type=URL\r\n\r\n" + attachment(pdf(1))
    (told,) = read(message(fragment.replace(b"=b", b"=c"), elsewhere))
    assert (told.name, told.reason) == ("f.eml", Reason.UNREADABLE)
    assert "拆成了几封" in str(told.message)


def test_what_is_declared_a_header_alone_and_is_a_whole_mail_is_opened(read: Read) -> None:
    inner = message(attachment(PDF)).replace(b"=b", b"=c")
    assert names(read(message(b"Content-Type: text/rfc822-headers\r\n\r\n" + inner))) == [("a.pdf", None)]


def test_a_mail_in_the_mail_that_has_but_its_signature_is_one_without_a_document() -> None:
    detached = attachment(bytes.fromhex("300d06092a864886f70d010702a000"), b"smime.p7s", b"application/pkcs7-signature")
    signed = message(b"Content-Type: text/plain\r\n\r\nhttps://x.example", detached, subject="your invoice")
    nested = b"Content-Type: message/rfc822\r\n\r\n" + signed.replace(b"=b", b"=c")
    left_out: list[LeftOut] = []

    (found,) = DocumentReader(accept=["pdf"], limits=Limits()).documents(
        [BytesLeaf(message(attachment(PDF), nested))], leave_out=left_out.append
    )

    assert (found.name, [each.name for each in left_out if each.missed]) == ("a.pdf", ["your invoice"])


def test_a_picture_that_is_called_a_pdf_is_told_as_a_picture_and_nothing_else_is(read: Read) -> None:
    mail = b"Subject: invoice\r\nFrom: a@b.example\r\n" + message(attachment(PNG, b"a.pdf"))
    left_out: list[LeftOut] = []
    reader = DocumentReader(accept=["pdf"], limits=Limits())

    (told,) = reader.documents([BytesLeaf(mail, name="m.eml")], leave_out=left_out.append)

    assert (told.name, told.reason, left_out) == ("a.pdf", Reason.UNREADABLE, [])
    assert "内容不是 PDF 而是图片" in str(told.message)
    assert "its content is no PDF but a picture" in str(told.message)


@pytest.mark.parametrize("number", [1, 2])
def test_a_mail_that_is_a_piece_of_another_is_told_and_not_opened(read: Read, number: int) -> None:
    whole = message(attachment(PDF))
    piece = (whole[: len(whole) // 2], whole[len(whole) // 2 :])[number - 1]
    (told,) = read(BytesLeaf(piece, name=None, declared_type="message/partial"))
    assert (told.reason, told.content) == (Reason.UNREADABLE, None)
    assert "拆成了几封" in str(told.message)


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        (b'; boundary="=b"', b""),
        (b'boundary="=b"', b"boundary=other"),
        (b"--=b--", b""),
        (b"\r\n\r\n--=b", b"\r\n--=b"),
        (b"MIME-Version: 1.0\r\n", b"MIME-Version: 1.0\r\nno field at all\r\n"),
        (b"--=b\r\nContent-Type: app", b"--=b--\r\n--=b\r\nContent-Type: app"),
        (b"\r\n", b"\n"),
        (b"\r\n", b"\r"),
        (b"base64", b'"BASE64" (as it is)'),
        (b"--=b", b"--=b \t"),
    ],
    ids=[
        "no boundary", "wrong boundary", "no end", "no preamble", "a bad line in the header", "parts after the end",
        "LF", "CR", "odd encoding", "spaces behind a boundary",
    ],
)  # fmt: skip
def test_a_mail_with_mistakes_is_read_as_it_was_meant(read: Read, written: bytes, meant: bytes) -> None:
    mail = message(attachment(PDF))
    assert written in mail
    assert names(read(_within(mail.replace(written, meant)))) == [("a.pdf", None)]


def test_messages_in_a_digest_need_no_type(read: Read) -> None:
    inner = b"\r\n" + message(attachment(PDF)).replace(b"=b", b"=c")
    assert names(read(message(inner).replace(b"multipart/mixed", b"multipart/digest"))) == [("a.pdf", None)]


# ------------------------------------------------------------------------------------------- bombs


def test_a_mail_of_very_many_lines_is_read_in_time(read: Read) -> None:
    mail = message(attachment(PDF)).replace(b"--=b--", b"--=x\r\n" * 1_000_000 + b"--=b--")
    assert names(bounded(lambda: read(BytesLeaf(mail, name="a.eml")))) == [("a.pdf", None)]


def test_a_mail_of_very_many_parts_is_refused_in_time(read: Read) -> None:
    mail = message(attachment(PDF), *[b"Content-Type: text/plain\r\n\r\nx"] * 11_000)
    found = bounded(lambda: read(BytesLeaf(mail, name="a.eml")))
    assert names(found) == [("a.pdf", None), ("a.eml", Reason.TOO_MANY)]


@pytest.mark.parametrize(
    "level",
    [
        b"Content-Type: multipart/mixed; boundary=b%d\r\n\r\n--b%d\r\n",
        b"Content-Type: message/rfc822\r\nX-Level: %d %d\r\n\r\n",
    ],
    ids=["multiparts", "messages"],
)
def test_a_mail_nested_without_an_end_is_refused_in_time(read: Read, level: bytes) -> None:
    levels = b"".join(level % (number, number) for number in range(20_000))
    mail = b"From: a@b\r\nSubject: x\r\n" + levels
    (told,) = bounded(lambda: read(BytesLeaf(mail, name="a.eml")))
    assert (told.name, told.reason) == ("a.eml", Reason.UNREADABLE)
    assert "嵌套" in str(told.message)


def test_mails_attached_to_one_another_come_to_an_end(read: Read) -> None:
    mail = message(attachment(PDF))
    for _ in range(9):
        mail = message(attachment(mail, b"m.eml"))
    (told,) = bounded(lambda: read(mail))
    assert (told.name, told.reason) == ("m.eml", Reason.UNREADABLE)


def test_a_mail_of_50_megabytes_is_not_held_in_memory(tmp_path: Path) -> None:
    # Given a mail of two attachments
    data = b"%PDF-1.7\n" + os.urandom(17_500_000)
    file = tmp_path / "large.eml"
    file.write_bytes(message(attachment(data, b"a.pdf"), attachment(data[:-1], b"b.pdf")))
    # When another process reads it
    program = Path(__file__).parents[1] / "support" / "read_large.py"
    ran = subprocess.run([sys.executable, program, file], capture_output=True, check=True, text=True)
    # Then that process has grown by little
    sizes, grown = ran.stdout.splitlines()
    assert sizes == f"{len(data)} {len(data) - 1}"
    assert int(grown) < 30 * 1024  # kB


def test_of_a_nested_mail_that_is_itself_a_file_the_header_is_no_second_one(read: Read) -> None:
    inner = b"From: a@b.example\r\nSubject: c\r\n" + attachment(PDF, media_type=b"application/pdf")

    found = read(BytesLeaf(message(b"Content-Type: message/rfc822\r\n\r\n" + inner), name="a.eml"))

    assert names(found) == [("a.pdf", None)]
