"""What a file is, told from its first bytes (and, of a zip and of an OLE file, from its directory)."""

from __future__ import annotations

import re
import struct
import zipfile
from collections.abc import Collection

from watcher.documents.directory import entry_names
from watcher.documents.formats import Format
from watcher.documents.signed import carries_content, is_armoured
from watcher.spool import Spooled

HEAD_BYTES = 4096
_PDF_WITHIN = 1024  # readers of PDF allow this much before it


_SIGNATURES = (
    (b"%PDF-", Format.PDF),
    (b"\xff\xd8\xff", Format.JPEG),
    (b"\x89PNG\r\n\x1a\n", Format.PNG),
    (b"II*\x00", Format.TIFF),
    (b"MM\x00*", Format.TIFF),
    (b"GIF87a", Format.GIF),
    (b"GIF89a", Format.GIF),
    (b"PK\x05\x06", Format.ZIP),
    (b"7z\xbc\xaf\x27\x1c", Format.SEVEN_ZIP),
    (b"Rar!\x1a\x07", Format.RAR),
    (b"\x78\x9f\x3e\x22", Format.TNEF),
    (b"-----BEGIN PGP MESSAGE-----", Format.SEALED),
    (b"\x76\xe8\x04\x60\xc4\x11\xe3\x86", Format.SEALED),  # message.rpmsg (MS-OXORMMS)
)
_LOCAL_ENTRY = b"PK\x03\x04"
_PROGRAM = b"MZ"  # perhaps a self-extracting archive
_OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_OLE_MESSAGE_CLASS = bytes.fromhex("0b0d020000000000c000000000000046")  # of the root storage of a .msg
_OLE_NO_MESSAGE = tuple(text.encode("utf-16-le") for text in ("WordDocument", "Workbook", "PowerPoint Document"))
_OLE_NO_MESSAGE_AT_512 = (b"\xec\xa5\xc1", b"\x09\x08", b"\x00\x6e\x1e\xf0")  # Word, Excel, PowerPoint
_HEIC_BRANDS = (b"heic", b"heix", b"heim", b"heis", b"hevc", b"mif1", b"msf1", b"avif")
_ONE_THING = re.compile(r"\[content_types\]\.xml|mimetype|meta-inf/.*|androidmanifest\.xml", re.IGNORECASE)
# What Office files begin with. These very parts, and only where the directory is out of sight: an archive may well have
# a folder that is called so.
_OFFICE_PART = re.compile(
    r"_rels/\.rels|docprops/(?:app|core|custom)\.xml|(?:word|xl|ppt)/_rels/[a-z]+\.xml\.rels"
    r"|word/(?:document|numbering|settings|styles)\.xml|ppt/(?:presentation|slides/slide1)\.xml"
    r"|xl/(?:workbook|styles|sharedstrings|worksheets/sheet1|drawings/drawing1)\.xml",
    re.IGNORECASE,
)
# Atomic, because a comment that could also swallow the next one is tried in 2 ** n ways: a few lines would take years.
_XML_START = re.compile(
    rb"\s*+(?P<declaration><\?xml\s[^>]*>)?(?:\s|<!--(?>.*?-->)|<\?(?>.*?\?>)|<!DOCTYPE[^>\[]*>)*"
    rb"<(?:[\w.-]{1,80}:)?(?P<root>[^\W\d][\w.-]*)[\s/>]",
    re.DOTALL | re.IGNORECASE,
)
_NO_DOCUMENT_ROOTS = frozenset({b"html", b"svg", b"rss", b"feed", b"plist", b"worddocument", b"workbook", b"office"})
# Its first line, and one of the code below it, which is full.
_UUENCODED = re.compile(
    rb"begin[ \t]+[0-7]{3,4}[ \t][^\r\n]{1,255}\r?\n(?:[!-`][ -`]{0,60}\r?\n)*?M[ -`]{60}\r?\n"
    rb"|begin-base64[ \t]+[0-7]{3,4}[ \t][^\r\n]{1,255}\r?\n[A-Za-z0-9+/]{4,90}={0,2}[ \t]*\r?\n"
    rb"|=ybegin [^\r\n]{0,200}?size=[0-9]|\(This file must be converted with BinHex"
)
_WRITTEN = (b"begin", b"=ybegin ", b"(This file must be converted with BinHex")
_HEADER_LINE = re.compile(rb"([!-9;-~]{1,76})[ \t]*:[^\n]*")
_MAIL_FIELDS = frozenset(
    b"received from to cc subject date message-id return-path mime-version content-type delivered-to sender reply-to "
    b"dkim-signature authentication-results x-mailer x-originating-ip content-transfer-encoding in-reply-to".split()
)
_SURE_FIELDS = frozenset({b"received", b"message-id", b"mime-version", b"return-path", b"dkim-signature"})
_AUTHOR_AND_SUBJECT = frozenset({b"from", b"subject"})


def kind_of(head: bytes) -> Format:
    """What a file is by its first 4096 bytes. An OFD that does not begin so is a ZIP here: see `format_of`."""
    for signature, found in _SIGNATURES:
        if head.startswith(signature):
            return found
    if head.startswith(_LOCAL_ENTRY):
        return _zip_by_first_entry(head)
    if head.startswith(_OLE):
        return Format.OTHER if _is_office_file(head) else Format.OUTLOOK
    return _picture(head) or _text_or_enveloped(head)


def format_of(content: Spooled) -> Format:
    """What a file is, by all that has to be looked at."""
    head = content.head(HEAD_BYTES)
    found = kind_of(head)
    if head.startswith(_LOCAL_ENTRY) or (found is Format.OTHER and head.startswith(_PROGRAM)):
        return _zip_by_directory(content, found)
    if found is Format.OUTLOOK and not _is_outlook(content):
        return Format.OTHER
    return found


def may_hold_documents(head: bytes, accept: Collection[str]) -> bool:
    """Whether a file that begins so (4096 bytes) may be or hold a document: then it is worth taking in."""
    found = kind_of(head)
    return found.is_container or found.is_accepted(accept)


def looks_like_a_message(head: bytes, *, declared: bool = False) -> bool:
    """Whether it begins with the header lines of a mail; one field is enough where somebody declares it a message."""
    known = _field_names(head)
    if declared:
        return bool(known & _MAIL_FIELDS)
    return len(known) > 1 and bool(known & _SURE_FIELDS or known >= _AUTHOR_AND_SUBJECT)


def _field_names(head: bytes) -> set[bytes]:
    """Of the header lines that it begins with; nothing where some other line stands among them."""
    lines = head.lstrip(b"\xef\xbb\xbf\r\n").split(b"\n")
    if lines[0].startswith((b"From ", b">From ")):
        lines = lines[1:]
    known: set[bytes] = set()
    for number, line in enumerate(lines):
        if not line.strip():
            break
        if number and line[:1] in (b" ", b"\t"):
            continue
        found = _HEADER_LINE.fullmatch(line)
        if found is None:
            # The head may end within a line; only that line may be incomplete.
            return known if number == len(lines) - 1 else set()
        known.add(found[1].lower())
    return known


def _zip_by_first_entry(head: bytes) -> Format:
    length = int.from_bytes(head[26:28], "little")
    name = head[30 : 30 + length].decode("utf-8", "replace")
    if_none = Format.OFFICE if _OFFICE_PART.fullmatch(name) else Format.ZIP
    return _zip_by_names([name], if_none=if_none)


def _zip_by_directory(content: Spooled, by_head: Format) -> Format:
    try:
        return _zip_by_names(entry_names(content), if_none=Format.ZIP)
    except zipfile.BadZipFile:
        return by_head


def _zip_by_names(names: list[str], *, if_none: Format) -> Format:
    plain = [name.replace("\\", "/").removeprefix("./").lstrip("/") for name in names]
    if any(name.lower() == "ofd.xml" for name in plain):
        return Format.OFD
    if plain and (_ONE_THING.fullmatch(plain[0]) or "[Content_Types].xml" in plain):
        return Format.OFFICE
    return if_none


def _picture(head: bytes) -> Format | None:
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return Format.WEBP
    if head[4:8] == b"ftyp" and head[8:12] in _HEIC_BRANDS:
        return Format.HEIC
    if (
        head[:2] == b"BM"
        and head[6:10] == bytes(4)
        and head[14:18] in (b"\x0c\0\0\0", b"\x28\0\0\0", b"\x6c\0\0\0", b"\x7c\0\0\0")
    ):
        return Format.BMP
    return None


def _text_or_enveloped(head: bytes) -> Format:
    if (head[:1] == b"\x30" or is_armoured(head)) and carries_content(head):
        return Format.SIGNED
    if looks_like_a_message(head):
        return Format.MESSAGE
    if head.startswith(_WRITTEN) and _UUENCODED.match(head):
        return Format.UUENCODED
    if b"%PDF-" in head[:_PDF_WITHIN]:
        return Format.PDF
    return Format.XML if _is_xml(head) else Format.OTHER


def _is_xml(head: bytes) -> bool:
    """Declared XML whose root is no page or picture; without the declaration only what is called an invoice."""
    text = head.removeprefix(b"\xef\xbb\xbf")
    if text.startswith((b"\xff\xfe", b"\xfe\xff")):
        text = text.decode("utf-16", "ignore").encode()
    found = _XML_START.match(text)
    if found is None:
        return False
    root = found["root"].lower()
    return b"invoice" in root or (found["declaration"] is not None and root not in _NO_DOCUMENT_ROOTS)


def _is_office_file(head: bytes) -> bool:
    return head[512:].startswith(_OLE_NO_MESSAGE_AT_512) or any(text in head for text in _OLE_NO_MESSAGE)


def _is_outlook(content: Spooled) -> bool:
    """The root storage of a .msg bears the class of messages; it is the first entry of the file's directory."""
    file = content.file()
    header = file.read(512)
    if len(header) < 512:  # noqa: PLR2004 - the size of the header
        return False
    shift, first = struct.unpack_from("<H", header, 30)[0], struct.unpack_from("<I", header, 48)[0]
    position = (first + 1) << min(shift, 12)
    if position >= content.size:
        return False
    file.seek(position)
    sector = file.read(HEAD_BYTES)
    return sector[80:96] == _OLE_MESSAGE_CLASS or "__properties_version1.0".encode("utf-16-le") in sector
