"""What a file is, is told by its content."""

from __future__ import annotations

import base64
import subprocess
import sys
import zipfile

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.archives import PDF, PNG, XML, message, named_zip, ofd, zipped
from watcher.documents.formats import Format
from watcher.documents.sniff import format_of, kind_of, may_hold_documents
from watcher.spool import Spooled

OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
SIGNED_HOLDING = bytes.fromhex(
    "308006092a864886f70d010702a0803080020101310f300d0609608648016503040201050030800609"
) + bytes.fromhex("2a864886f70d010701a0802480")
SIGNED_DETACHED = bytes.fromhex(
    "308006092a864886f70d010702a0803080020101310f300d06096086480165030402010500300b0609"
) + bytes.fromhex("2a864886f70d010701a082")
ENCRYPTED = bytes.fromhex("3082010006092a864886f70d010703a0820100")


def _ole(sector: bytes, *, first: int = 0) -> bytes:
    """An OLE file whose directory is its sector `first`."""
    header = bytearray(512)
    header[:8] = OLE
    header[30] = 9
    header[48:52] = first.to_bytes(4, "little")
    return bytes(header) + bytes(512 * first) + sector.ljust(512, b"\0")


MSG = _ole(bytes(80) + bytes.fromhex("0b0d020000000000c000000000000046"))
LATE_MSG = _ole(bytes(80) + bytes.fromhex("0b0d020000000000c000000000000046"), first=20)

FILES = [
    (PDF, Format.PDF),
    (b"\xef\xbb\xbf\r\n" + PDF, Format.PDF),
    (bytes(1000) + PDF, Format.PDF),
    (bytes(1020) + PDF, Format.OTHER),
    (ofd(), Format.OFD),
    (ofd(first="OFD.xml"), Format.OFD),
    (zipped(("./OFD.xml", b"x")), Format.OFD),
    (ofd()[:-30], Format.ZIP),
    (zipped(("sub/OFD.xml", b"x")), Format.ZIP),
    (zipped(("a.ofd", ofd(first="OFD.xml")), method=zipfile.ZIP_STORED), Format.ZIP),
    (zipped(("a.pdf", PDF), method=zipfile.ZIP_STORED), Format.ZIP),
    (zipped(), Format.ZIP),
    (b"MZ" + bytes(510) + zipped(("a.pdf", PDF)), Format.ZIP),
    (b"MZ" + bytes(510), Format.OTHER),
    (zipped(("[Content_Types].xml", b"x"), ("word/document.xml", b"x")), Format.OFFICE),
    (zipped(("_rels/.rels", b"x"), ("[Content_Types].xml", b"x")), Format.OFFICE),
    (zipped(("word/document.xml", b"x"), ("[Content_Types].xml", b"x")), Format.OFFICE),
    (zipped(("docProps/app.xml", b"x"), ("xl/workbook.xml", b"x"), ("[Content_Types].xml", b"x")), Format.OFFICE),
    (zipped(("ppt/theme/theme1.xml", b"x"), ("[Content_Types].xml", b"x")), Format.OFFICE),
    (zipped(("word/发票.pdf", PDF)), Format.ZIP),
    (zipped(("xl/a.pdf", PDF), ("b.pdf", PDF)), Format.ZIP),
    (zipped(("ppt/", b""), ("ppt/invoice.xml", XML)), Format.ZIP),
    (zipped(("docProps/a.pdf", PDF)), Format.ZIP),
    (zipped(("_rels/a.pdf", PDF)), Format.ZIP),
    (zipped(("mimetype", b"application/vnd.oasis.opendocument.text")), Format.OFFICE),
    (zipped(("META-INF/MANIFEST.MF", b"x")), Format.OFFICE),
    (XML, Format.XML),
    (b"\xef\xbb\xbf" + XML, Format.XML),
    ("\ufeff<?xml version='1.0' encoding='utf-16'?><EInvoice/>".encode("utf-16-le"), Format.XML),
    (b"<Invoice xmlns='urn:x'>", Format.XML),
    (b"<?xml version='1.0'?><!-- a --><rsm:CrossIndustryInvoice>", Format.XML),
    (b"<?xml version='1.0'?>\n<!-- a -- > b -->\n<?c d?e?>\n\n<!-- --><?f?><EInvoice>", Format.XML),
    (b"<?xml version='1.0'?>\n<!DOCTYPE html>\n<html>", Format.OTHER),
    (b"<?xml version='1.0'?><?mso-application progid='Word.Document'?><w:wordDocument xmlns:w='x'>", Format.OTHER),
    (b"<?xml version='1.0'?><svg xmlns='x'>", Format.OTHER),
    (b"<html><body>invoice", Format.OTHER),
    (b"<note>hello</note>", Format.OTHER),
    (b"\xff\xd8\xff\xe0", Format.JPEG),
    (PNG, Format.PNG),
    (b"II*\x00\x08", Format.TIFF),
    (b"MM\x00*\x08", Format.TIFF),
    (b"GIF89a", Format.GIF),
    (b"BM\x46\x00\x00\x00\x00\x00\x00\x00\x36\x00\x00\x00\x28\x00\x00\x00", Format.BMP),
    (b"BMW is a car", Format.OTHER),
    (b"RIFF\x00\x00\x00\x00WEBPVP8 ", Format.WEBP),
    (b"RIFF\x00\x00\x00\x00WAVEfmt ", Format.OTHER),
    (b"\x00\x00\x00\x18ftypheic", Format.HEIC),
    (b"\x00\x00\x00\x18ftypmp42", Format.OTHER),
    (b"7z\xbc\xaf\x27\x1c\x00\x04", Format.SEVEN_ZIP),
    (b"Rar!\x1a\x07\x01\x00", Format.RAR),
    (b"Rar!\x1a\x07\x00", Format.RAR),
    (b"\x78\x9f\x3e\x22\x01\x00", Format.TNEF),
    (message(), Format.MESSAGE),
    (b"From a@b Mon Nov 23\n" + message(), Format.MESSAGE),
    (b"Received: from a\n\tby b\nX-Long: " + b"x" * 5000 + b"\nFrom: a@b\nSubject: c\n\n", Format.MESSAGE),
    (b"Received: from a\nSubject: " + b"c" * 5000, Format.MESSAGE),
    (b"From: here\nTo: there\nit is far", Format.OTHER),
    (b"from: a\nto: b\nname: c\n", Format.OTHER),
    (b"Dear all,\nSubject: x\nFrom: y\n", Format.OTHER),
    (MSG, Format.OUTLOOK),
    (LATE_MSG, Format.OUTLOOK),
    (_ole("WordDocument".encode("utf-16-le")), Format.OTHER),
    (_ole(b"\x09\x08\x10\x00", first=0), Format.OTHER),
    (_ole(b"something else", first=20), Format.OTHER),
    (OLE, Format.OTHER),
    (SIGNED_HOLDING, Format.SIGNED),
    (SIGNED_DETACHED, Format.OTHER),
    (ENCRYPTED, Format.SIGNED),
    (ENCRYPTED.replace(b"\x07\x03", b"\x07\x01"), Format.OTHER),
    (bytes.fromhex("3080060b2a864886f70d0109100117a080"), Format.SIGNED),
    (bytes.fromhex("3080060b2a864886f70d0109100102a080"), Format.OTHER),
    (base64.encodebytes(SIGNED_HOLDING), Format.SIGNED),
    (b"-----BEGIN PKCS7-----\n" + base64.encodebytes(SIGNED_HOLDING), Format.SIGNED),
    (b"-----BEGIN CMS-----\r\n" + base64.encodebytes(ENCRYPTED), Format.SIGNED),
    (b"-----BEGIN PKCS7-----\n" + base64.encodebytes(SIGNED_DETACHED), Format.OTHER),
    (b"-----BEGIN CERTIFICATE-----\n" + base64.encodebytes(SIGNED_HOLDING), Format.OTHER),
    (b"-----BEGIN PGP MESSAGE-----\r\n\r\nhQEMA3J1", Format.SEALED),
    (b"-----BEGIN PGP SIGNED MESSAGE-----\r\n", Format.OTHER),
    (b"-----BEGIN PGP SIGNATURE-----\r\n", Format.OTHER),
    (bytes.fromhex("76e80460c411e386") + bytes(8), Format.SEALED),
    (b"0123456789", Format.OTHER),
    (b"just text", Format.OTHER),
    (b"", Format.OTHER),
]


@pytest.mark.parametrize(("data", "form"), FILES)
def test_a_file_is_what_its_bytes_say(data: bytes, form: Format) -> None:
    content = Spooled([data])
    assert format_of(content) is form
    content.close()


@pytest.mark.parametrize(("data", "form"), FILES)
def test_what_may_be_a_document_is_never_left_alone_by_its_first_bytes(data: bytes, form: Format) -> None:
    if form.is_container and not data.startswith(b"MZ"):
        assert may_hold_documents(data[:4096], [])
    if form.is_accepted(["pdf", "ofd", "xml", "image"]):
        assert may_hold_documents(data[:4096], ["pdf", "ofd", "xml", "image"])


@pytest.mark.parametrize(
    "data",
    [
        b"just text",
        b"",
        b"MZ\x90\x00",
        b"\x7fELF",
        XML,
        PNG,
        zipped(("[Content_Types].xml", b"x"), ("xl/workbook.xml", b"x")),
        zipped(("mimetype", b"x")),
        _ole(b"\xec\xa5\xc1\x00"),
        SIGNED_DETACHED,
        zipped(("docProps/app.xml", b"x"), ("[Content_Types].xml", b"x")),
        zipped(("_rels/.rels", b"x"), ("[Content_Types].xml", b"x")),
        zipped(("xl/worksheets/sheet1.xml", b"x"), ("[Content_Types].xml", b"x")),
        zipped(("word/document.xml", b"x"), ("[Content_Types].xml", b"x")),
        ofd(first="OFD.xml").replace(b"%PDF", b""),
    ],
)
def test_what_is_no_document_here_stays_alone(data: bytes) -> None:
    assert not may_hold_documents(data[:4096], ["pdf"])


def test_a_document_is_one_only_where_it_is_accepted() -> None:
    assert may_hold_documents(PDF, ["pdf"])
    assert not may_hold_documents(PDF, ["ofd"])
    assert may_hold_documents(PNG, ["image"])
    assert may_hold_documents(XML, ["xml"])


def test_a_zip_that_begins_as_office_files_do_is_an_archive_where_its_directory_says_nothing_of_the_kind() -> None:
    content = Spooled([zipped(("word/document.xml", b"x"), ("a.pdf", PDF))])
    assert format_of(content) is Format.ZIP
    content.close()


def test_a_zip_that_names_the_ofd_file_in_gbk_is_still_a_zip() -> None:
    assert kind_of(named_zip("发票.pdf".encode("gbk"), PDF)) is Format.ZIP


def test_no_head_of_four_kilobytes_holds_the_daemon_up() -> None:
    # Given what can be read in many ways: one that is tried in all of them takes years
    pieces = [
        b"<!---->",
        b"<??>",
        b"<?xml ?>",
        b"<!DOCTYPE a>",
        b"<!--",
        b"<?",
        b"<!",
        b"-->",
        b"<!-- -->\n",
        b"\n",
        b"a",
    ]
    heads = [(begin, piece) for piece in pieces for begin in (b"", b"<?xml version='1.0'?>")]
    # When they are told in a process of its own, which can be ended
    program = f"""
from watcher.documents.sniff import kind_of
for begin, piece in {heads!r}:
    print(kind_of((begin + piece * 4096)[:4094] + b"<1"))
"""
    told = subprocess.run([sys.executable, "-c", program], capture_output=True, check=True, text=True, timeout=60)
    # Then they are nothing of ours, each of them
    assert told.stdout.split() == ["other"] * len(heads)


@given(st.binary())
def test_any_bytes_are_something(data: bytes) -> None:
    for prefix in (
        b"",
        OLE,
        b"PK\x03\x04",
        b"PK\x05\x06",
        b"0\x80\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x07\x02",
        b"<?xml ",
    ):
        content = Spooled([prefix + data])
        assert format_of(content) in Format
        may_hold_documents(prefix + data, ["pdf"])
        content.close()
