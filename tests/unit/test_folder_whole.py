"""Whether a file is whole, told by its own structure."""

from __future__ import annotations

import io
import random
import struct
from collections.abc import Callable

import pytest
from PIL import Image

from tests.support.archives import attachment, message, zipped
from tests.support.folders import looked_at
from tests.support.outlook_files import attached_file, compound_file, outlook_message, tnef, tnef_file
from tests.support.rar_files import rar4, rar5, rar5_with_locked_names, seven_zip
from tests.support.workplace import pdf
from watcher.sources.folder.whole import is_whole

NOISE = random.Random(1).randbytes(20_000)
RESERVED_BYTES = 4096


def picture(kind: str, pages: int = 1, **how: object) -> bytes:
    images = [Image.frombytes("RGB", (80, 80), NOISE[page : page + 19_200]) for page in range(pages)]
    file = io.BytesIO()
    more = {"save_all": True, "append_images": images[1:]} if pages > 1 else {}
    images[0].save(file, kind, **more, **how)
    return file.getvalue()


def tiff_with_its_directory_first(order: str) -> bytes:
    """Two strips, and a resolution, as scanners write them."""
    first = 8 + 2 + 5 * 12 + 4 + 8 + 8 + 8
    fields = [
        (256, 3, 1, 80),
        (273, 4, 2, first - 24),
        (278, 3, 1, 40),
        (279, 4, 2, first - 16),
        (282, 5, 1, first - 8),
    ]
    made = (b"II*\0" if order == "<" else b"MM\0*") + struct.pack(f"{order}IH", 8, len(fields))
    for tag, kind, count, value in fields:
        short = kind == 3
        made += struct.pack(f"{order}HHIHH", tag, kind, count, value, 0) if short else b""
        made += b"" if short else struct.pack(f"{order}HHII", tag, kind, count, value)
    made += struct.pack(f"{order}I", 0)
    made += struct.pack(f"{order}IIIIII", first, first + 10_000, 10_000, 10_000, 300, 1)
    return made + NOISE


def box(kind: bytes, data: bytes, *, large: bool = False) -> bytes:
    if large:
        return struct.pack(">I4sQ", 1, kind, 16 + len(data)) + data
    return struct.pack(">I4s", 8 + len(data), kind) + data


def heic(*, large: bool = False) -> bytes:
    return box(b"ftyp", b"heic\0\0\0\0mif1heic") + box(b"meta", NOISE[:500]) + box(b"mdat", NOISE, large=large)


def xml(root: str) -> bytes:
    body = "".join(f"<Item><Price>{number}</Price></Item>\n" for number in range(300))
    return f'<?xml version="1.0" encoding="UTF-8"?>\n<!-- a > b -->\n<{root} a="1">{body}</{root}>\n'.encode()


WHOLE = {
    "pdf": pdf("a", 5000),
    "zip": zipped(("a.pdf", NOISE)),
    "zip with a comment": zipped(("a.pdf", NOISE))[:-2] + b"\x05\x00hello",
    "xml": xml("EInvoice"),
    "xml with a prefix": b"\xef\xbb\xbf" + xml("fp:EInvoice"),
    "jpeg": picture("JPEG"),
    "png": picture("PNG"),
    "gif": picture("GIF"),
    "bmp": picture("BMP"),
    "webp": picture("WEBP"),
    "tiff": picture("TIFF"),
    "tiff of a fax": picture("TIFF", pages=3, compression="tiff_deflate"),
    "tiff with its directory first": tiff_with_its_directory_first("<"),
    "tiff of a Mac": tiff_with_its_directory_first(">"),
    "heic": heic(),
    "heic with a long length": heic(large=True),
    "7z": seven_zip(("a.pdf", NOISE)),
    "rar5": rar5(("a.pdf", NOISE)),
    "rar4": rar4((b"a.pdf", NOISE)),
    "msg": compound_file(outlook_message(attached_file(NOISE, "a.pdf"))),
    "winmail.dat": tnef(tnef_file(NOISE, b"a.pdf")),
    "p7m": b"\x30\x82" + struct.pack(">H", len(NOISE)) + NOISE,
    "eml": message(attachment(NOISE)),
    "eml with a footer": message(attachment(NOISE)) + b"_____\r\nthe list\r\n" * 50,
    "something else": b"what else there is",
    "a text": b"Note: whatever\n\nsomebody writes",
    "nothing": b"",
}


@pytest.mark.parametrize("kind", WHOLE)
def test_a_whole_file_is_told_as_one(kind: str) -> None:
    assert is_whole(looked_at(WHOLE[kind]))


@pytest.mark.parametrize("kind", [kind for kind, content in WHOLE.items() if len(content) > 1000])
def test_a_file_of_which_a_part_is_missing_is_not(kind: str) -> None:
    content = WHOLE[kind]
    end = content.rindex(b"--=b--") if kind.startswith("eml") else len(content) - 10
    lengths = [*range(200, end, len(content) // 50), end]

    believed = [length for length in lengths if is_whole(looked_at(content[:length]))]

    assert believed == []


@pytest.mark.parametrize("kind", [kind for kind, content in WHOLE.items() if len(content) > 2 * RESERVED_BYTES])
def test_a_file_that_has_its_size_before_it_has_come_is_not(kind: str) -> None:
    content = WHOLE[kind]
    lengths = range(200, len(content) - RESERVED_BYTES, len(content) // 50)

    believed = [length for length in lengths if is_whole(looked_at(content[:length].ljust(len(content), b"\0")))]

    assert believed == []


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"\n\n%PDF-1.4" + b"%%EOF" + b" " * 3000, "more than a little behind its end"),
        (rar5_with_locked_names(), "its last block is encrypted"),
        (rar4((b"a.pdf", NOISE))[:-7], "before 3.0 there was no last block"),
        (heic() + b"what a camera appends", "something that is no box"),
        (box(b"ftyp", b"heic") + struct.pack(">I4s", 0, b"mdat") + NOISE, "a box that ends with the file"),
        (b"Received: by x\r\nSubject: x\r\n\r\nhello", "a mail of one part"),
        (b"II*\0" + struct.pack("<I", 8) + struct.pack("<HHHIII", 1, 256, 4, 1, 80, 8), "its pages are a circle"),
        (b"7z\xbc\xaf\x27\x1c\0\4" + bytes(24), "an empty archive, or one that is being made"),
        (b"BM" + bytes(50), "no length is given"),
        (b"\x30\x80" + NOISE, "of indefinite length"),
    ],
)
def test_of_what_cannot_be_told_nothing_is_believed(content: bytes, why: str) -> None:
    assert not is_whole(looked_at(content)), why


def cut(content: bytes, place: random.Random) -> bytes:
    return content[: place.randrange(len(content))]


def overwritten(content: bytes, place: random.Random) -> bytes:
    at = place.randrange(len(content))
    return content[:at] + place.randbytes(8) + content[at + 8 :]


@pytest.mark.parametrize("damaged", [cut, overwritten])
@pytest.mark.parametrize("kind", WHOLE)
def test_no_damage_raises_anything(kind: str, damaged: Callable[[bytes, random.Random], bytes]) -> None:
    place = random.Random(2)
    for _ in range(200):
        is_whole(looked_at(damaged(WHOLE[kind][:2000] or b"x", place)))
