"""What Outlook makes of mails: winmail.dat, .msg and S/MIME envelopes."""

from __future__ import annotations

import base64
import binascii
import struct
import subprocess
import zlib
from collections.abc import Callable

import pytest

from tests.support.archives import PDF, attachment, message, pdf, zipped
from tests.support.files import BytesLeaf
from tests.support.outlook_files import (
    MESSAGE_INTERFACE,
    attached_file,
    attached_message,
    compound_file,
    outlook_message,
    tnef,
    tnef_attribute,
    tnef_file,
)
from tests.support.reading import Read, bounded, content, names
from tests.support.servers.process import program
from watcher.config.sections import Limits
from watcher.documents.reader import DocumentReader
from watcher.model import LeftOut, Reason

# -------------------------------------------------------------------------------------- winmail.dat


def test_files_in_winmail_dat_are_found_with_what_is_packed_in_them(read: Read) -> None:
    packed = tnef(tnef_file(pdf(1), "发票.pdf".encode("gbk")), tnef_file(zipped(("b.pdf", pdf(2))), b"b.zip"))
    found = read(message(attachment(packed, b"winmail.dat", b"application/ms-tnef")))
    assert names(found) == [("发票.pdf", None), ("b.pdf", None)]
    assert [content(one) for one in found] == [pdf(1), pdf(2)]


def test_messages_in_winmail_dat_are_opened_but_not_without_an_end(read: Read) -> None:
    inner = tnef(tnef_file(PDF, b"a.pdf"))
    for _ in range(3):
        inner = _embedded(inner)
    assert names(read(inner)) == [("a.pdf", None)]
    for _ in range(6):
        inner = _embedded(inner)
    assert [one.reason for one in read(inner)] == [Reason.UNREADABLE]


def _embedded(inner: bytes) -> bytes:
    """A winmail.dat that holds another as a message."""
    data = MESSAGE_INTERFACE + inner
    value = struct.pack("<II", 1, len(data)) + data + bytes(-len(data) % 4)
    properties = struct.pack("<IHH", 1, 0x000D, 0x3701) + value
    return tnef(tnef_attribute(2, 0x9002, bytes(14)), tnef_attribute(2, 0x9005, properties))


def test_a_winmail_dat_that_is_cut_is_told(read: Read) -> None:
    whole = tnef(tnef_attribute(1, 0x800C, bytes(500)), tnef_file(PDF, b"a.pdf"), tnef_file(pdf(1), b"b.pdf"))
    assert names(read(whole[:-20])) == [("a.pdf", None), ("b.pdf", Reason.UNREADABLE)]
    assert names(read(BytesLeaf(whole[:300], name="winmail.dat"))) == [("winmail.dat", Reason.UNREADABLE)]


@pytest.mark.parametrize(
    "attribute",
    [tnef_attribute(1, 0x8004, b""), tnef_attribute(2, 0x9002, b"")],
    ids=["attributes", "attachments"],
)
def test_a_winmail_dat_of_very_many_things_is_read_or_refused_in_time(read: Read, attribute: bytes) -> None:
    packed = tnef(tnef_file(PDF, b"a.pdf"), attribute * 200_000)
    found = bounded(lambda: read(BytesLeaf(packed, name="winmail.dat")))
    assert names(found)[0] == ("a.pdf", None)
    assert {one.reason for one in found[1:]} <= {Reason.TOO_MANY}


def test_counts_in_winmail_dat_that_are_lies_are_not_followed(read: Read) -> None:
    huge = struct.pack("<IHHI", 0xFFFFFFFF, 0x101F, 0x3707, 0xFFFFFFFF) + bytes(1000)
    packed = tnef(tnef_file(PDF, b"a.pdf"), tnef_attribute(2, 0x9005, huge))
    assert names(bounded(lambda: read(packed))) == [("a.pdf", None)]


# -------------------------------------------------------------------------------------------- .msg


def test_attachments_of_a_saved_message_are_found_those_of_attached_messages_too(read: Read) -> None:
    innermost = outlook_message(attached_file(pdf(3), "最里.pdf"), nested=True)
    inner = outlook_message(attached_file(pdf(2), "内.pdf"), attached_message(innermost), nested=True)
    saved = compound_file(
        outlook_message(
            attached_file(pdf(1) + bytes(9000), "发票.pdf"),
            attached_message(inner),
            attached_file(zipped(("z.pdf", pdf(4))), "z.zip"),
            attached_file(message(attachment(pdf(5), b"m.pdf")), None, mime="message/rfc822"),
        )
    )
    found = read(message(attachment(saved, b"m.msg")))
    assert [one.name for one in found] == ["发票.pdf", "z.pdf", "m.pdf", "内.pdf", "最里.pdf"]
    assert content(found[0]) == pdf(1) + bytes(9000)


def test_a_large_saved_message_is_read(read: Read) -> None:
    data = PDF + bytes(range(256)) * 32_000
    (found,) = read(compound_file(outlook_message(attached_file(data, "a.pdf"))))
    assert content(found) == data


@pytest.mark.parametrize("code_page", [936, 54936, 1252, 99999, None])
def test_a_name_in_the_code_page_of_the_message_is_read(read: Read, code_page: int | None) -> None:
    name = "invoice.pdf" if code_page == 1252 else "发票.pdf"
    attached = attached_file(PDF, name.encode("gbk"))
    assert names(read(compound_file(outlook_message(attached, code_page=code_page)))) == [(name, None)]


def test_a_signed_message_that_outlook_saved_is_opened(read: Read) -> None:
    signed = b"Content-Type: multipart/signed; boundary=x\r\n\r\n--x\r\n" + attachment(PDF) + b"\r\n--x--\r\n"
    saved = compound_file(outlook_message(attached_file(signed, "smime.p7m", mime="multipart/signed")))
    assert names(read(saved)) == [("a.pdf", None)]


def test_a_saved_message_that_is_cut_is_told(read: Read) -> None:
    saved = compound_file(outlook_message(attached_file(PDF + bytes(20_000), "a.pdf")))
    assert names(read(BytesLeaf(saved[:5000], name="m.msg"))) == [("m.msg", Reason.UNREADABLE)]


def _patched(saved: bytes, at: int, form: str, *values: int) -> bytes:
    changed = bytearray(saved)
    struct.pack_into(form, changed, at, *values)
    return bytes(changed)


@pytest.mark.parametrize(
    "change",
    [
        lambda saved: _patched(saved, 30, "<H", 28),
        lambda saved: _patched(saved, 44, "<I", 0x7FFFFFFF),
        lambda saved: _patched(saved, 68, "<II", 0, 0x7FFFFFFF),
        lambda saved: _patched(saved, 76, "<109I", *[0] * 109),
        lambda saved: saved[:-512] + struct.pack("<128I", *[1] * 128),
        lambda saved: saved[:-512] + struct.pack("<128I", *range(128)),
    ],
    ids=["huge sectors", "many tables", "a chain of tables", "one table again and again", "a loop", "loops of one"],
)
def test_a_saved_message_with_lies_in_its_tables_comes_to_an_end(read: Read, change: Callable[[bytes], bytes]) -> None:
    saved = compound_file(outlook_message(attached_file(PDF + bytes(20_000), "a.pdf")))
    found = bounded(lambda: read(BytesLeaf(change(saved), name="m.msg")))
    assert PDF + bytes(20_000) not in [content(one) for one in found if one.reason is None]


def test_a_storage_of_thousands_of_names_in_a_row_is_told(read: Read) -> None:
    saved = compound_file({f"{number:05}": b"" for number in range(5000)})
    assert {one.reason for one in bounded(lambda: read(BytesLeaf(saved, name="m.msg")))} <= {Reason.UNREADABLE}


# ------------------------------------------------------------------------------------------- S/MIME


@pytest.fixture(scope="module")
def cms(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., bytes]:
    """The command of openssl, with a key of its own: `cms(data, "-sign", …)` gives what it puts out."""
    openssl, folder = str(program("openssl", "openssl")), tmp_path_factory.mktemp("cms")
    key, certificate = str(folder / "key.pem"), str(folder / "certificate.pem")
    new = ["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", key, "-out", certificate, "-subj", "/CN=test"]
    subprocess.run([openssl, *new], capture_output=True, check=True)

    def run(data: bytes, action: str, *options: str) -> bytes:
        who = ["-signer", certificate, "-inkey", key] if action == "-sign" else []
        whom = [certificate] if action == "-encrypt" else []
        command = [openssl, "cms", action, "-binary", *who, *options, *whom]
        return subprocess.run(command, input=data, capture_output=True, check=True).stdout

    return run


MAIL = message(attachment(PDF + bytes(9000), '"发票.pdf"'.encode("gbk")), attachment(pdf(2), b"b.pdf"))
CONTENT = MAIL[MAIL.index(b"Content-Type") :]  # one header field, as a signed mail has it inside


@pytest.mark.parametrize(
    "options",
    [
        ("-outform", "DER"),
        ("-outform", "DER", "-stream"),
        ("-outform", "PEM"),
        ("-outform", "PEM", "-stream"),
        ("-outform", "SMIME"),
    ],
    ids=["DER", "BER in pieces", "PEM", "PEM of BER", "a mail"],
)
def test_a_signed_mail_is_opened_however_it_is_written(
    read: Read, cms: Callable[..., bytes], options: tuple[str, ...]
) -> None:
    signed = cms(CONTENT, "-sign", "-nodetach", *options)
    found = read(signed, BytesLeaf(base64.encodebytes(signed), name="smime.p7m") if options[1] == "DER" else pdf(9))
    assert [one.name for one in found][:2] == ["发票.pdf", "b.pdf"]
    assert [content(one) for one in found][:2] == [PDF + bytes(9000), pdf(2)]
    assert len(found) == (4 if options[1] == "DER" else 3)


def test_a_file_that_is_signed_by_itself_is_found(read: Read, cms: Callable[..., bytes]) -> None:
    (found,) = read(cms(PDF, "-sign", "-nodetach", "-outform", "DER", "-stream"))
    assert content(found) == PDF


def test_a_signature_beside_the_mail_is_no_document(read: Read, cms: Callable[..., bytes]) -> None:
    beside = cms(CONTENT, "-sign", "-outform", "SMIME")
    assert names(read(beside, cms(CONTENT, "-sign", "-outform", "DER"))) == [("发票.pdf", None), ("b.pdf", None)]


@pytest.mark.parametrize("cipher", ["-aes256", "-aes-256-gcm"])
def test_an_encrypted_mail_is_named_as_such(read: Read, cms: Callable[..., bytes], cipher: str) -> None:
    locked = cms(CONTENT, "-encrypt", cipher, "-outform", "DER", "-stream")
    (told,) = read(message(attachment(locked, b"smime.p7m", b"application/pkcs7-mime")))
    assert (told.name, told.reason) == ("smime.p7m", Reason.ENCRYPTED_MAIL)
    assert "已加密" in str(told.message)
    assert "it is encrypted" in str(told.message)


PGP = b"-----BEGIN PGP MESSAGE-----\r\n\r\nhQEMA3J1\r\n-----END PGP MESSAGE-----\r\n"
RIGHTS_MANAGED = bytes.fromhex("76e80460c411e386") + bytes(500)


@pytest.mark.parametrize("locked", [PGP, RIGHTS_MANAGED], ids=["PGP", "Microsoft's rights management"])
def test_a_mail_that_is_encrypted_in_another_way_is_named_as_such(read: Read, locked: bytes) -> None:
    (told,) = read(message(b"Content-Type: text/plain\r\n\r\n", attachment(locked, b"encrypted.asc")))
    assert (told.name, told.reason) == ("encrypted.asc", Reason.ENCRYPTED_MAIL)


def test_what_pgp_has_signed_or_brings_as_a_key_is_not_encrypted(read: Read) -> None:
    signature = PGP.replace(b"MESSAGE", b"SIGNATURE")
    key = PGP.replace(b"MESSAGE", b"PUBLIC KEY BLOCK")
    beside = (attachment(signature, b"signature.asc"), attachment(key, b"0x1234.asc"))
    assert names(read(message(attachment(PDF), *beside))) == [("a.pdf", None)]


def test_a_signed_mail_that_is_cut_is_told(read: Read, cms: Callable[..., bytes]) -> None:
    cut = cms(CONTENT, "-sign", "-nodetach", "-outform", "DER")[:2000]
    (told,) = read(BytesLeaf(cut, name="smime.p7m"))
    assert (told.name, told.reason) == ("smime.p7m", Reason.UNREADABLE)


def test_a_compressed_mail_is_opened_and_a_bomb_is_not(read: Read) -> None:
    assert names(read(_compressed(CONTENT))) == [("发票.pdf", None), ("b.pdf", None)]
    bomb = bounded(lambda: read(BytesLeaf(_compressed(CONTENT + bytes(100_000_000)), name="smime.p7m")))
    assert names(bomb) == [("smime.p7m", Reason.TOO_LARGE)]


def _compressed(data: bytes) -> bytes:
    """RFC 3274."""
    octets = _der(0xA0, _der(0x04, zlib.compress(data, 9)))
    info = _der(0x30, bytes.fromhex("06092a864886f70d010701") + octets)
    method = _der(0x30, bytes.fromhex("060b2a864886f70d0109100308"))
    body = _der(0x30, b"\x02\x01\x00" + method + info)
    return _der(0x30, bytes.fromhex("060b2a864886f70d0109100109") + _der(0xA0, body))


def _der(tag: int, data: bytes) -> bytes:
    return bytes([tag, 0x84]) + len(data).to_bytes(4, "big") + data


def test_a_structure_of_empty_pieces_without_an_end_is_told(read: Read) -> None:
    begin = bytes.fromhex("308006092a864886f70d010702a0803080020101310030800609") + bytes.fromhex(
        "2a864886f70d010701a0802480"
    )
    found = bounded(lambda: read(BytesLeaf(begin + b"\x04\x00" * 50_000, name="a.p7m")))
    assert names(found) == [("a.p7m", Reason.UNREADABLE)]
    deep = bounded(lambda: read(BytesLeaf(begin + b"\x24\x80" * 50_000, name="a.p7m")))
    assert names(deep) == [("a.p7m", Reason.UNREADABLE)]


@pytest.mark.parametrize(("name", "reasons"), [("发票.pdf", [Reason.UNREADABLE]), ("notes.docx", [])])
def test_an_attachment_that_outlook_only_refers_to_is_told_where_it_would_be_missed(
    read: Read, name: str, reasons: list[Reason]
) -> None:
    tree = attached_file(b"", name)
    del tree["__substg1.0_37010102"]
    tree["__substg1.0_370D001F"] = "https://corp.sharepoint.com/x".encode("utf-16-le")
    saved = compound_file(outlook_message(tree, attached_file(pdf(1), "a.pdf")))
    winmail = tnef(
        tnef_attribute(2, 0x9002, bytes(14)) + tnef_attribute(2, 0x8010, name.encode("gbk") + b"\0"),
        tnef_file(pdf(1), b"a.pdf"),
    )

    for packed in (saved, winmail):
        told, found = [each for each in read(packed) if each.reason], [each for each in read(packed) if not each.reason]
        assert [each.reason for each in told] == reasons
        assert [content(each) for each in found] == [pdf(1)]
        assert all("附件只是一个云端链接" in str(each.message) for each in told)


CLOUD = "https://mail.qq.com/cgi-bin/ftnExs_download?k=1"
_WORDS = f"超大附件 五月发票.pdf <{CLOUD}>"
_HTML = f'<a href="{CLOUD}">五月发票.pdf</a>'


@pytest.mark.parametrize(
    ("said", "names_told"),
    [
        ({"1000001F": _WORDS.encode("utf-16-le")}, ["mail.qq.com"]),
        ({"1000001E": _WORDS.encode("gbk")}, ["mail.qq.com"]),
        ({"1000001F": ("x\n" * 600_000 + _WORDS).encode("utf-16-le")}, []),
        ({"1000001F": (_WORDS + "\nx" * 600_000).encode("utf-16-le")}, ["mail.qq.com"]),
        ({"10130102": _HTML.encode("gbk")}, ["五月发票.pdf"]),
        ({"1013001F": _HTML.encode("utf-16-le")}, ["五月发票.pdf"]),
        ({"1000001F": b"hello", "10090102": b"packed"}, []),
    ],
)
@pytest.mark.parametrize("is_nested", [False, True])
def test_links_into_the_cloud_are_told_from_what_a_saved_message_says(
    read: Read, said: dict[str, bytes], names_told: list[str], *, is_nested: bool
) -> None:
    left_out: list[LeftOut] = []
    tree = outlook_message(attached_file(PDF, "a.pdf"), code_page=936, nested=is_nested, said=said)
    whole = compound_file(outlook_message(attached_message(tree)) if is_nested else tree)

    found = DocumentReader(accept=["pdf"], limits=Limits()).documents(
        [BytesLeaf(whole, name="a.msg")], leave_out=left_out.append
    )

    assert names(found) == [("a.pdf", None)]
    assert [each.name for each in left_out if each.is_link and each.missed] == names_told


def test_files_that_a_saved_message_has_in_its_text_are_documents(read: Read) -> None:
    data = pdf(1) + bytes(300)
    lines = [binascii.b2a_uu(data[at : at + 45]) for at in range(0, len(data), 45)]
    text = b"see\r\nbegin 644 in.pdf\r\n" + b"".join(lines).replace(b"\n", b"\r\n") + b"end\r\n"

    whole = compound_file(outlook_message(said={"1000001F": text.decode().encode("utf-16-le")}))

    assert [(one.name, content(one)) for one in read(BytesLeaf(whole, name="a.msg"))] == [("in.pdf", data)]
