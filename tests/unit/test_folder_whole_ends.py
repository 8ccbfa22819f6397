"""A file that is cut behind an end which is not its own: of a version, of a first page, of what it holds."""

from __future__ import annotations

import binascii
import io
import random
import struct
import zipfile

import pytest
from msgspec.structs import replace
from PIL import Image

from tests.support.archives import attachment, message, zipped
from tests.support.folders import looked_at
from watcher.sources.folder.whole import is_whole

NOISE = random.Random(1).randbytes(20_000)


def written_pdf(*objects: bytes, begin: bytes = b"%PDF-1.7\n") -> bytes:
    """With a table of its objects where its end says that it is."""
    made = begin
    places = []
    for number, content in enumerate(objects, 1):
        places.append(len(made))
        made += b"%d 0 obj\n" % number + content + b"\nendobj\n"
    return made + table(len(made), 1, places)


def table(at: int, first: int, places: list[int], more: bytes = b"") -> bytes:
    rows = b"".join(b"%010d 00000 n \n" % place for place in places)
    head = b"xref\n%d %d\n" % (first, len(places)) + rows + b"trailer\n<</Root 1 0 R/Size %d" % (first + len(places))
    return head + more + b">>\nstartxref\n%d\n%%%%EOF\n" % at


PLAIN = written_pdf(b"<</Type/Catalog>>", b"% " + NOISE.hex().encode())


def signed_pdf() -> bytes:
    """A second version, behind the first one."""
    signature = b"\n9 0 obj\n<</Type/Sig/Contents<" + b"0" * 16_000 + b">>>\nendobj\n"
    return PLAIN + signature + table(len(PLAIN) + len(signature), 9, [len(PLAIN) + 1], b"/Prev 9")


def linearized_pdf() -> bytes:
    """Made to be shown while it comes: its first page, with a table and an end of its own, comes first."""
    rest = b"\n".join(b"%d 0 obj\n%% " % number + NOISE[:400].hex().encode() + b"\nendobj" for number in range(4, 30))
    first = b"%%PDF-1.7\n1 0 obj\n<</Linearized 1/L %06d/H [ 600 100]/O 2/E 900/N 1/T 9>>\nendobj\n"
    page = (
        b"xref\n0 1\n0000000000 65535 f \ntrailer\n<</Root 1 0 R/Size 9>>\nstartxref\n0\n%%EOF\n2 0 obj\n<<>>\nendobj\n"
    )
    start = len(first % 0) + len(page) + len(rest) + 1
    end = b"\n" + table(start, 4, [700])
    return first % (start - 1 + len(end)) + page + rest + end


def picture(kind: str, noise: bytes = NOISE, **how: object) -> bytes:
    file = io.BytesIO()
    Image.frombytes("RGB", (80, 80), noise[:19_200]).save(file, kind, **how)
    return file.getvalue()


def photo() -> bytes:
    """With a small picture in its header, as cameras make it."""
    small = picture("JPEG", quality=30)
    return b"\xff\xd8\xff\xe1" + struct.pack(">H", 8 + len(small)) + b"Exif\0\0" + small + picture("JPEG")[2:]


def small_page_first() -> bytes:
    """A TIFF whose page is a small picture that refers to the whole one."""

    def directory(at: int, length: int, *more: tuple[int, int]) -> bytes:
        fields = [(256, 80), (257, 80), (273, at), (279, length), *more]
        entries = b"".join(struct.pack("<HHII", tag, 4, 1, value) for tag, value in fields)
        return struct.pack("<H", len(fields)) + entries + bytes(4)

    begin = 8 + len(directory(0, 0, (330, 0))) + 500
    whole = directory(begin + len(directory(0, 0)), len(NOISE))
    return b"II*\0" + struct.pack("<I", 8) + directory(begin - 500, 500, (330, begin)) + NOISE[:500] + whole + NOISE


def large_zip() -> bytes:
    """With the end record of zips that are too large for the old one, as some programs always write it."""
    made = zipped(("a.pdf", NOISE))
    at = made.rindex(b"PK\5\6")
    count, length, start = struct.unpack("<HII", made[at + 10 : at + 20])
    record = struct.pack("<4sQHHLLQQQQ", b"PK\6\6", 44, 45, 45, 0, 0, count, count, length, start)
    locator = struct.pack("<4sLQL", b"PK\6\7", 0, at, 1)
    old = struct.pack("<4sHHHHIIH", b"PK\5\6", 0, 0, 0xFFFF, 0xFFFF, 0xFFFFFFFF, 0xFFFFFFFF, 0)
    return made[:at] + record + locator + old


def stored(*files: bytes) -> bytes:
    named = [(f"{number}.bin", content) for number, content in enumerate(files)]
    return zipped(*named, method=zipfile.ZIP_STORED)


ROWS = "".join(f"<行><金额>{number}</金额></行>\n" for number in range(600))

WHOLE = {
    "pdf": PLAIN,
    "pdf that counts from behind what stands before it": b"HTTP/1.1 200 OK\r\n\r\n" + PLAIN,
    "pdf that was signed": signed_pdf(),
    "pdf to be shown while it comes": linearized_pdf(),
    "pdf with a pdf": written_pdf(
        b"<<>>", b"<</Length 1>>stream\n" + PLAIN + b"\nendstream", b"% " + NOISE.hex().encode()
    ),
    "zip of zips": stored(zipped(("a", NOISE)), zipped(("b", NOISE)), zipped(("c", NOISE))),
    "zip of pdfs": stored(*[PLAIN] * 30),
    "zip of one pdf": stored(PLAIN),
    "large zip": large_zip(),
    "zip with a long comment": zipped(("a", NOISE))[:-2] + struct.pack("<H", 40_000) + b"c" * 40_000,
    "jpeg with a small picture": photo(),
    "jpeg of two pictures": picture("JPEG") + picture("JPEG", quality=95),
    "png": picture("PNG"),
    "tiff with a small page": small_page_first(),
    "xml without a declaration": f"\n<EInvoice>{ROWS}</EInvoice>\n".encode(),
    "xml in UTF-16": f'<?xml version="1.0" encoding="UTF-16"?>\n<发票>{ROWS}</发票>\n'.encode("utf-16"),
    "xml with its own name within": f'<?xml version="1.0"?>\n<表>{ROWS}<表></表>{ROWS}</表><!-- > -->\n'.encode(),
    "uuencoded": b"begin 644 a.pdf\n" + b"".join(map(binascii.b2a_uu, [NOISE[:45]] * 300)) + b"`\nend\n",
    "armoured": b"-----BEGIN PKCS7-----\n" + NOISE.hex().encode() + b"\n-----END PKCS7-----\n",
    "eml behind empty lines": b"\xef\xbb\xbf\r\n" + message(attachment(NOISE)),
}
LAST = {
    "eml behind empty lines": len("--=b--"),
    "xml in UTF-16": 4,
    "xml with its own name within": len("></表><!-- > -->"),
}
COULD_BE = {
    "pdf that was signed": range(len(PLAIN) - 1, len(PLAIN) + len("\n9 0 obj")),
    "jpeg of two pictures": range(len(picture("JPEG")), len(picture("JPEG")) + 3),
}


@pytest.mark.parametrize("kind", WHOLE)
def test_a_whole_file_is_told_as_one(kind: str) -> None:
    assert is_whole(looked_at(WHOLE[kind]))


@pytest.mark.parametrize("kind", WHOLE)
def test_a_file_that_is_cut_behind_an_end_within_it_is_not(kind: str) -> None:
    content = WHOLE[kind]
    end = len(content.rstrip()) - LAST.get(kind, 1)
    lengths = {*range(300, end, len(content) // 200), *range(end - 30, end + 1)}

    believed = [length for length in lengths if is_whole(looked_at(content[:length]))]

    # Right behind the end of what could be the whole of it nobody can tell.
    assert [length for length in believed if length not in COULD_BE.get(kind, ())] == []


def test_a_file_to_a_part_of_which_nobody_has_written_is_not() -> None:
    assert not is_whole(looked_at(PLAIN, has_hole=True))


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (PLAIN.replace(b"startxref\n", b"startxref\n1"), "its table is not where it should be"),
        (PLAIN[:9000] + bytes(4000) + PLAIN[len(PLAIN) // 2 :], "a part of its middle is missing"),
        (written_pdf(b"<<>>")[:-7] + b"9" * 40 + b"\n%%EOF", "no file is so long"),
        (large_zip().replace(b"PK\6\7", b"PK\6\7\xff\xff\xff\xff"), "its end records are damaged"),
        (picture("JPEG") + struct.pack(">I", 24) + b"ftypmp42", "a film of which the end is missing"),
        (b"\xff\xd8" + b"\xff\xe0\0\0" + NOISE[:100] + b"\xff\xd9", "its header is damaged"),
    ],
)
def test_of_what_cannot_be_told_nothing_is_believed(content: bytes, why: str) -> None:
    assert not is_whole(looked_at(content)), why


def test_comments_behind_the_root_take_no_time() -> None:
    assert not is_whole(looked_at(b"<invoice></invoice>" + b"<!---->" * 280 + b"<"))


def test_of_a_tiff_that_refers_to_very_much_little_is_read() -> None:
    referring = b"".join(struct.pack("<HHII", 330, 4, 65_536, 1000) for _ in range(80))
    content = b"II*\0" + struct.pack("<IH", 8, 80) + referring + bytes(4) + b"\1" * 400_000
    read = 0

    def counted(start: int, length: int) -> bytes:
        nonlocal read
        read += length
        return content[start : start + length]

    assert not is_whole(replace(looked_at(content), read=counted))
    assert read < 10_000
