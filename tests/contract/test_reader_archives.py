"""What is in archives is found within bounds, and what cannot be had is named."""

from __future__ import annotations

import io
import struct
import zipfile
import zlib

import pytest

from tests.support.archives import PDF, named_zip, pdf, zipped
from tests.support.files import BytesLeaf
from tests.support.reading import Read, bounded, content, names
from watcher.model import Reason

# ---------------------------------------------------------------------------------------- archives


def test_archives_within_archives_are_opened_and_their_documents_have_no_path(read: Read) -> None:
    inner = zipped(("x/行程单.pdf", pdf(2)), ("note.txt", b"x"))
    outer = zipped(("a.pdf", pdf(1)), ("inner.bin", inner), ("b.pdf", pdf(3)))
    found = read(BytesLeaf(outer, name="all.zip", path="all.zip"))
    assert names(found) == [("a.pdf", None), ("行程单.pdf", None), ("b.pdf", None)]
    assert [one.path for one in found] == [None] * 3
    assert [content(one) for one in found] == [pdf(1), pdf(2), pdf(3)]


@pytest.mark.parametrize(
    "archive",
    [
        named_zip("发票.pdf".encode("gbk"), PDF),
        named_zip("发票.pdf".encode(), PDF),
        named_zip("发票.pdf".encode(), PDF, flags=0x800),
        named_zip(b"?.pdf", PDF, extra=struct.pack("<HHBI", 0x7075, 15, 1, zlib.crc32(b"?.pdf")) + "发票.pdf".encode()),
    ],
    ids=["gbk", "utf-8", "flag", "extra field"],
)
def test_a_name_is_read_as_the_packer_wrote_it(read: Read, archive: bytes) -> None:
    assert names(read(archive)) == [("发票.pdf", None)]


def test_a_name_in_gbk_that_is_marked_as_utf_8_is_read_all_the_same(read: Read) -> None:
    # Given a packer that marks every name, whatever it writes, and one name in UTF-8 beside it
    sound = zipped(("placeholde.pdf", PDF), ("行程单.pdf", pdf(1)))
    marked = bytearray(sound.replace(b"placeholde.pdf", "电子发票一.pdf".encode("gbk")))
    for signature, flags in ((b"PK\x03\x04", 7), (b"PK\x01\x02", 9)):
        marked[marked.index(signature) + flags] |= 0x8
    # When it is read, its documents are there with their names
    found = read(bytes(marked))
    assert names(found) == [("电子发票一.pdf", None), ("行程单.pdf", None)]
    assert [content(one) for one in found] == [PDF, pdf(1)]


@pytest.mark.parametrize(
    ("local", "central"),
    [
        ("改名以前.pdf".encode(), "发票.pdf".encode("gbk")),
        ("发票.pdf".encode("gbk"), "发票.pdf".encode()),
        (b"", "发票.pdf".encode("gbk")),
    ],
    ids=["renamed", "another character set", "no name"],
)
@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_an_entry_is_what_the_directory_calls_it_and_not_its_own_header(
    read: Read, local: bytes, central: bytes, method: int
) -> None:
    assert [(one.name, content(one)) for one in read(_renamed(local, central, method=method))] == [("发票.pdf", PDF)]


def test_an_entry_of_two_names_that_is_damaged_is_named(read: Read) -> None:
    damaged = _renamed(b"a.pdf", b"b.pdf").replace(PDF, PDF.replace(b"obj", b"OBJ"))
    assert names(read(damaged)) == [("b.pdf", Reason.UNREADABLE)]


def _renamed(local: bytes, central: bytes, *, method: int = zipfile.ZIP_STORED) -> bytes:
    """A zip of one entry that its own header calls otherwise than the directory."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", method) as archive:
        archive.writestr("x.pdf", PDF)
    data = file.getvalue()
    at = data.rindex(b"PK\x01\x02")
    own = data[:26] + struct.pack("<H", len(local)) + data[28:30] + local + data[35:at]
    directory = data[at : at + 28] + struct.pack("<H", len(central)) + data[at + 30 : at + 46] + central
    return own + directory + struct.pack("<4sHHHHIIH", b"PK\x05\x06", 0, 0, 1, 1, len(directory), len(own), 0)


@pytest.mark.parametrize(
    "name", [b"../../etc/evil.pdf", b"/evil.pdf", b"C:\\x\\evil.pdf", b"x/\x00/../evil.pdf", b"x/\x00evil.pdf"]
)
def test_a_name_in_an_archive_is_no_path(read: Read, name: bytes) -> None:
    assert [one.name for one in read(named_zip(name, PDF))] == ["evil.pdf"]


def test_litter_in_an_archive_is_left_out(read: Read) -> None:
    link = zipfile.ZipInfo("link.pdf")
    link.create_system, link.external_attr = 3, 0o120777 << 16
    file = io.BytesIO(
        zipped(
            ("__MACOSX/._a.pdf", PDF),
            ("._b.pdf", PDF),
            ("Thumbs.db", PDF),
            ("d/", b""),
            ("e.pdf/", b""),
            ("f.pdf\\", b""),
            ("a.pdf", PDF),
        )
    )
    with zipfile.ZipFile(file, "a") as archive:
        archive.writestr(link, PDF)
    assert names(read(file.getvalue())) == [("a.pdf", None)]


def test_a_locked_archive_is_named_beside_what_could_be_read(read: Read) -> None:
    locked = named_zip(b"a.pdf", PDF, flags=1)
    found = read(BytesLeaf(locked, name="locked.zip", path="locked.zip"))
    assert names(found) == [("locked.zip", Reason.ENCRYPTED)]
    assert found[0].path == "locked.zip"
    assert "密码" in str(found[0].message)
    assert "password" in str(found[0].message)
    inside = read(zipped(("b.pdf", PDF), ("locked.zip", locked)))
    assert names(inside) == [("b.pdf", None), ("locked.zip", Reason.ENCRYPTED)]


def test_a_damaged_entry_is_named_beside_the_sound_ones(read: Read) -> None:
    damaged = zipped(("a.pdf", PDF), ("b.pdf", pdf(7)), method=zipfile.ZIP_STORED).replace(PDF, PDF.lower(), 1)
    damaged = damaged.replace(PDF.lower(), b"%PDF" + PDF.lower()[4:], 1)
    assert names(read(damaged)) == [("a.pdf", Reason.UNREADABLE), ("b.pdf", None)]


@pytest.mark.parametrize("method", [9, 12, 14, 99])
def test_an_entry_packed_in_an_unknown_way_is_named(read: Read, method: int) -> None:
    (found,) = read(named_zip(b"a.pdf", PDF, method=method))
    assert (found.name, found.reason) == ("a.pdf", Reason.UNREADABLE)
    assert "zip" in str(found.message)


@pytest.mark.parametrize(
    "data",
    [
        b"7z\xbc\xaf\x27\x1c" + b"\x01" * 40,
        b"Rar!\x1a\x07\x01\x00" + bytes(40),
        b"Rar!\x1a\x07\x00" + bytes(40),
    ],
)
def test_a_container_that_is_damaged_is_named(read: Read, data: bytes) -> None:
    assert names(read(BytesLeaf(data, name="all.bin"))) == [("all.bin", Reason.UNREADABLE)]


def test_containers_nested_too_deep_are_named_and_not_opened(read: Read) -> None:
    deep = zipped(("a.pdf", PDF))
    for _ in range(7):
        deep = zipped(("inner.zip", deep))
    assert names(read(deep)) == [("a.pdf", None)]
    assert names(read(zipped(("outermost.zip", deep)))) == [("inner.zip", Reason.UNREADABLE)]


# ------------------------------------------------------------------------------------------- bombs


def test_an_archive_that_declares_too_much_is_refused(read: Read) -> None:
    bomb = zipped(("a.pdf", PDF + bytes(60_000_000)))
    assert names(bounded(lambda: read(BytesLeaf(bomb, name="bomb.zip")))) == [("bomb.zip", Reason.TOO_LARGE)]


def test_a_bomb_that_lies_of_its_size_is_refused(read: Read) -> None:
    bomb = bytearray(zipped(("a.pdf", PDF + bytes(50_000_000))))
    at = bomb.rindex(b"PK\x01\x02")
    bomb[at + 24 : at + 28] = (1000).to_bytes(4, "little")
    assert names(bounded(lambda: read(bytes(bomb)))) == [("a.pdf", Reason.UNREADABLE)]


def test_a_bomb_within_the_ratio_is_stopped_by_what_comes_out(read: Read) -> None:
    # Given archives in archives, each within the limits of one file
    inner = zipped(*((f"{number}.zip", zipped(("x.pdf", pdf(number) + bytes(900_000)))) for number in range(30)))
    bomb = zipped(*((f"{number}.zip", inner) for number in range(30)))
    # When all of it would be 800 MB
    found = bounded(lambda: read(BytesLeaf(bomb, name="bomb.zip"), documents=100_000))
    # Then it is stopped, and said
    assert Reason.TOO_LARGE in {one.reason for one in found}
    assert sum(one.size for one in found if one.reason is None) <= 50_000_000


def test_a_document_too_large_in_an_archive_is_not_unpacked(read: Read) -> None:
    archive = zipped(("big.pdf", PDF + bytes(3000)), ("a.pdf", PDF), method=zipfile.ZIP_STORED)
    assert names(read(archive, document=2000)) == [("big.pdf", Reason.TOO_LARGE), ("a.pdf", None)]


def test_an_archive_of_very_many_entries_is_refused_in_time(read: Read) -> None:
    many = zipped(*((f"{number}.txt", b"x") for number in range(10_001)))
    assert names(bounded(lambda: read(BytesLeaf(many, name="many.zip")))) == [("many.zip", Reason.TOO_MANY)]


def test_a_directory_that_would_fill_the_memory_is_refused(read: Read) -> None:
    entry = named_zip(b"a.pdf", PDF)
    at, end = entry.rindex(b"PK\x01\x02"), entry.rindex(b"PK\x05\x06")
    central = entry[at:end] * 60_000
    forged = entry[:at] + central + struct.pack("<4sHHHHIIH", b"PK\x05\x06", 0, 0, 60_000, 60_000, len(central), at, 0)
    assert names(bounded(lambda: read(BytesLeaf(forged, name="many.zip")))) == [("many.zip", Reason.UNREADABLE)]


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_LZMA])
def test_entries_that_all_lie_upon_the_same_bytes_are_a_bomb(read: Read, method: int) -> None:
    entry = named_zip(b"a.pdf", PDF + bytes(range(256)) * 200, method=method)
    at, end = entry.rindex(b"PK\x01\x02"), entry.rindex(b"PK\x05\x06")
    central = entry[at:end] * 5000
    forged = entry[:at] + central + struct.pack("<4sHHHHIIH", b"PK\x05\x06", 0, 0, 5000, 5000, len(central), at, 0)
    assert names(bounded(lambda: read(BytesLeaf(forged, name="bomb.zip")))) == [("bomb.zip", Reason.TOO_LARGE)]


def test_a_zip_of_itself_comes_to_an_end(read: Read) -> None:
    data = zipped(("r.zip", zipped(("r.zip", b"PK\x03\x04 r"))))
    assert names(bounded(lambda: read(data)))[-1][1] == Reason.UNREADABLE
