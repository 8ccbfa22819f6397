"""The documents in a submission are found, and what should have been one is named; nothing is left open."""

from __future__ import annotations

import base64
import io
import json
import quopri
import resource
import struct
import time
import zipfile
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.support.archives import PDF, PNG, XML, attachment, message, named_zip, ofd, pdf, zipped
from tests.support.files import BytesLeaf
from watcher.config.sections import Limits
from watcher.documents.reader import DocumentReader
from watcher.errors import SourceUnavailable, Vanished
from watcher.model import Reason
from watcher.ports import FoundDocument

Read = Callable[..., list[FoundDocument]]


@pytest.fixture
def read() -> Iterator[Read]:
    """Reads leaves (bytes, or leaves), and closes what was found after the test."""
    found: list[FoundDocument] = []

    def reading(
        *leaves: bytes | BytesLeaf, accept: tuple[str, ...] = ("pdf", "ofd"), **limits: int
    ) -> list[FoundDocument]:
        reader = DocumentReader(accept=accept, limits=Limits.model_validate(limits))
        given = [BytesLeaf(leaf) if isinstance(leaf, bytes) else leaf for leaf in leaves]
        documents = reader.documents(given)
        found.extend(documents)
        kept = [one.content for one in documents]
        for leaf in given:
            if leaf.fetched is not None:
                assert leaf.fetched in kept or leaf.fetched._file.closed
        return documents

    yield reading
    for one in found:
        if one.content is not None:
            one.content.close()


def _names(documents: list[FoundDocument]) -> list[tuple[str, str | None]]:
    return [(one.name, one.reason) for one in documents]


def _bytes(document: FoundDocument) -> bytes:
    assert document.content is not None
    return document.content.read()


# ------------------------------------------------------------------------------------------ leaves


def test_documents_come_in_order_and_as_what_they_are(read: Read) -> None:
    leaves = [
        BytesLeaf(PDF, name="发票.doc", declared_type="application/msword", path="in/发票.doc"),
        BytesLeaf(ofd(), name="../../x.zip"),
        BytesLeaf(b"hello", name="invoice.pdf", declared_type="application/pdf"),
        BytesLeaf(pdf(1), name=None),
    ]
    first, second, third = read(*leaves)
    assert (first.name, first.media_type, first.extension) == ("发票.doc", "application/pdf", ".pdf")
    assert (first.path, first.size, _bytes(first), first.reason) == ("in/发票.doc", len(PDF), PDF, None)
    assert (second.name, second.media_type, second.extension) == ("x.zip", "application/ofd", ".ofd")
    assert third.name == "document.pdf"


def test_what_is_no_document_is_left_out(read: Read) -> None:
    office = zipped(("[Content_Types].xml", b"x"), ("word/media/a.pdf", PDF))
    assert read(b"text", b"", PNG, XML, b"<html>", office, zipped(("a.txt", b"x"))) == []


def test_what_is_larger_than_all_limits_is_refused_without_being_fetched(read: Read) -> None:
    huge = BytesLeaf(AssertionError("it was fetched"), name="huge.zip", least_bytes=60_000_000)
    film = BytesLeaf(AssertionError("it was fetched"), name="film.mp4", declared_type="video/mp4", least_bytes=10**9)
    refused, kept = read(huge, film, PDF)
    assert (refused.name, refused.reason, refused.size, refused.content) == (
        "huge.zip", Reason.TOO_LARGE, 60_000_000, None,
    )  # fmt: skip
    assert kept.reason is None


def test_pictures_and_xml_are_documents_where_they_are_accepted(read: Read) -> None:
    found = read(PNG, XML, PDF, accept=("image", "xml"))
    assert [one.media_type for one in found] == ["image/png", "application/xml"]


def test_a_document_that_is_too_large_is_named(read: Read) -> None:
    small, large = read(PDF, PDF + bytes(2000), document=1000)
    assert small.reason is None
    assert large.reason is Reason.TOO_LARGE
    assert large.size == len(PDF) + 2000


def test_documents_that_are_too_large_together_are_named(read: Read) -> None:
    found = read(PDF + bytes(900), PDF + bytes(900), PDF, document=1000, submission=1500)
    assert [one.reason for one in found] == [None, Reason.TOO_LARGE, None]


def test_too_many_documents_are_told_once_and_the_rest_is_not_fetched(read: Read) -> None:
    leaves = [BytesLeaf(pdf(number)) for number in range(6)]
    found = read(*leaves, documents=3)
    assert [one.reason for one in found] == [None, None, None, Reason.TOO_MANY]
    assert [leaf.fetched is not None for leaf in leaves] == [True] * 4 + [False] * 2


@pytest.mark.parametrize("failure", [Vanished("gone"), SourceUnavailable("cut off")])
def test_a_leaf_that_cannot_be_had_raises_and_closes_the_others(failure: Exception) -> None:
    first = BytesLeaf(PDF)
    with pytest.raises(type(failure)):
        DocumentReader(accept=["pdf"], limits=Limits()).documents([first, BytesLeaf(failure)])
    assert first.fetched is not None
    assert first.fetched._file.closed


def test_a_disk_without_room_makes_the_submission_wait() -> None:
    with pytest.raises(SourceUnavailable):
        DocumentReader(accept=["pdf"], limits=Limits()).documents([BytesLeaf(OSError(28, "No space left on device"))])


# ---------------------------------------------------------------------------------------- archives


def test_archives_within_archives_are_opened_and_their_documents_have_no_path(read: Read) -> None:
    inner = zipped(("x/行程单.pdf", pdf(2)), ("note.txt", b"x"))
    outer = zipped(("a.pdf", pdf(1)), ("inner.bin", inner), ("b.pdf", pdf(3)))
    found = read(BytesLeaf(outer, name="all.zip", path="all.zip"))
    assert _names(found) == [("a.pdf", None), ("行程单.pdf", None), ("b.pdf", None)]
    assert [one.path for one in found] == [None] * 3
    assert [_bytes(one) for one in found] == [pdf(1), pdf(2), pdf(3)]


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
    assert _names(read(archive)) == [("发票.pdf", None)]


@pytest.mark.parametrize(
    "name", [b"../../etc/evil.pdf", b"/evil.pdf", b"C:\\x\\evil.pdf", b"x/\x00/../evil.pdf", b"x/\x00evil.pdf"]
)
def test_a_name_in_an_archive_is_no_path(read: Read, name: bytes) -> None:
    assert [one.name for one in read(named_zip(name, PDF))] == ["evil.pdf"]


def test_litter_in_an_archive_is_left_out(read: Read) -> None:
    link = zipfile.ZipInfo("link.pdf")
    link.create_system, link.external_attr = 3, 0o120777 << 16
    file = io.BytesIO(
        zipped(("__MACOSX/._a.pdf", PDF), ("._b.pdf", PDF), ("Thumbs.db", PDF), ("d/", b""), ("a.pdf", PDF))
    )
    with zipfile.ZipFile(file, "a") as archive:
        archive.writestr(link, PDF)
    assert _names(read(file.getvalue())) == [("a.pdf", None)]


def test_a_locked_archive_is_named_beside_what_could_be_read(read: Read) -> None:
    locked = named_zip(b"a.pdf", PDF, flags=1)
    found = read(BytesLeaf(locked, name="locked.zip", path="locked.zip"))
    assert _names(found) == [("locked.zip", Reason.ENCRYPTED)]
    assert found[0].path == "locked.zip"
    assert "密码" in str(found[0].message)
    assert "password" in str(found[0].message)
    inside = read(zipped(("b.pdf", PDF), ("locked.zip", locked)))
    assert _names(inside) == [("b.pdf", None), ("locked.zip", Reason.ENCRYPTED)]


def test_a_damaged_entry_is_named_beside_the_sound_ones(read: Read) -> None:
    damaged = zipped(("a.pdf", PDF), ("b.pdf", pdf(7)), method=zipfile.ZIP_STORED).replace(PDF, PDF.lower(), 1)
    damaged = damaged.replace(PDF.lower(), b"%PDF" + PDF.lower()[4:], 1)
    assert _names(read(damaged)) == [("a.pdf", Reason.UNREADABLE), ("b.pdf", None)]


@pytest.mark.parametrize("method", [9, 12, 14, 99])
def test_an_entry_packed_in_an_unknown_way_is_named(read: Read, method: int) -> None:
    (found,) = read(named_zip(b"a.pdf", PDF, method=method))
    assert (found.name, found.reason) == ("a.pdf", Reason.UNREADABLE)
    assert "zip" in str(found.message)


@pytest.mark.parametrize(
    "data",
    [
        b"7z\xbc\xaf\x27\x1c" + bytes(40),
        b"Rar!\x1a\x07\x01\x00" + bytes(40),
    ],
)
def test_a_container_that_is_not_opened_is_named(read: Read, data: bytes) -> None:
    assert _names(read(BytesLeaf(data, name="all.bin"))) == [("all.bin", Reason.UNREADABLE)]


def test_containers_nested_too_deep_are_named_and_not_opened(read: Read) -> None:
    deep = zipped(("a.pdf", PDF))
    for _ in range(7):
        deep = zipped(("inner.zip", deep))
    assert _names(read(deep)) == [("a.pdf", None)]
    assert _names(read(zipped(("outermost.zip", deep)))) == [("inner.zip", Reason.UNREADABLE)]


# ------------------------------------------------------------------------------------------- bombs


def _bounded(read: Callable[[], list[FoundDocument]]) -> list[FoundDocument]:
    before, began = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, time.perf_counter()
    found = read()
    assert time.perf_counter() - began < 10
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 100 * 1024  # kB
    return found


def test_an_archive_that_declares_too_much_is_refused(read: Read) -> None:
    bomb = zipped(("a.pdf", PDF + bytes(60_000_000)))
    assert _names(_bounded(lambda: read(BytesLeaf(bomb, name="bomb.zip")))) == [("bomb.zip", Reason.TOO_LARGE)]


def test_a_bomb_that_lies_of_its_size_is_refused(read: Read) -> None:
    bomb = bytearray(zipped(("a.pdf", PDF + bytes(50_000_000))))
    at = bomb.rindex(b"PK\x01\x02")
    bomb[at + 24 : at + 28] = (1000).to_bytes(4, "little")
    assert _names(_bounded(lambda: read(bytes(bomb)))) == [("a.pdf", Reason.UNREADABLE)]


def test_a_bomb_within_the_ratio_is_stopped_by_what_comes_out(read: Read) -> None:
    # Given archives in archives, each within the limits of one file
    inner = zipped(*((f"{number}.zip", zipped(("x.pdf", pdf(number) + bytes(900_000)))) for number in range(30)))
    bomb = zipped(*((f"{number}.zip", inner) for number in range(30)))
    # When all of it would be 800 MB
    found = _bounded(lambda: read(BytesLeaf(bomb, name="bomb.zip"), documents=100_000))
    # Then it is stopped, and said
    assert Reason.TOO_LARGE in {one.reason for one in found}
    assert sum(one.size for one in found if one.reason is None) <= 50_000_000


def test_a_document_too_large_in_an_archive_is_not_unpacked(read: Read) -> None:
    archive = zipped(("big.pdf", PDF + bytes(3000)), ("a.pdf", PDF), method=zipfile.ZIP_STORED)
    assert _names(read(archive, document=2000)) == [("big.pdf", Reason.TOO_LARGE), ("a.pdf", None)]


def test_an_archive_of_very_many_entries_is_refused_in_time(read: Read) -> None:
    many = zipped(*((f"{number}.txt", b"x") for number in range(10_001)))
    assert _names(_bounded(lambda: read(BytesLeaf(many, name="many.zip")))) == [("many.zip", Reason.TOO_MANY)]


def test_a_directory_that_would_fill_the_memory_is_refused(read: Read) -> None:
    entry = named_zip(b"a.pdf", PDF)
    at, end = entry.rindex(b"PK\x01\x02"), entry.rindex(b"PK\x05\x06")
    central = entry[at:end] * 60_000
    forged = entry[:at] + central + struct.pack("<4sHHHHIIH", b"PK\x05\x06", 0, 0, 60_000, 60_000, len(central), at, 0)
    assert _names(_bounded(lambda: read(BytesLeaf(forged, name="many.zip")))) == [("many.zip", Reason.UNREADABLE)]


def test_a_zip_of_itself_comes_to_an_end(read: Read) -> None:
    data = zipped(("r.zip", zipped(("r.zip", b"PK\x03\x04 r"))))
    assert _names(_bounded(lambda: read(data)))[-1][1] == Reason.UNREADABLE


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
    assert [_bytes(one) for one in found] == [pdf(number) for number in range(1, 7)]
    assert {one.path for one in found} == {None}


@pytest.mark.parametrize("encoding", ["base64", "quoted-printable"])
def test_a_mail_that_is_wrongly_packed_or_wrongly_said_to_be_is_opened(read: Read, encoding: str) -> None:
    inner = message(attachment(PDF)).replace(b"=b", b"=_c")
    packed = base64.encodebytes(inner) if encoding == "base64" else quopri.encodestring(inner)
    head = f"Content-Type: message/rfc822\r\nContent-Transfer-Encoding: {encoding}\r\n\r\n".encode()
    assert _names(read(message(head + packed))) == [("a.pdf", None)]
    assert _names(read(message(head + inner))) == [("a.pdf", None)]


def test_a_part_that_cannot_be_decoded_does_not_hide_the_others(read: Read) -> None:
    broken = b'Content-Type: text/plain; charset="a\x00b"\r\n\r\n\xff\xfe'
    assert _names(read(message(broken, attachment(PDF)))) == [("a.pdf", None)]


def test_a_mail_that_is_itself_the_document_is_found(read: Read) -> None:
    mail = b"From: a@x.example\r\nMIME-Version: 1.0\r\nDate: now\r\n" + attachment(PDF)
    assert _names(read(mail)) == [("a.pdf", None)]


def test_a_message_by_declaration_needs_but_one_header_line(read: Read) -> None:
    mail = attachment(PDF)
    assert _names(read(BytesLeaf(mail, declared_type="message/rfc822"))) == [("a.pdf", None)]
    assert read(BytesLeaf(b"no header", declared_type="message/rfc822")) == []


@pytest.mark.parametrize(("depth", "lines"), [(501, 10), (400, 200_000), (1, 1_000_001)])
def test_a_mail_of_very_many_parts_or_lines_is_refused_in_time(read: Read, depth: int, lines: int) -> None:
    part = b"Content-Type: multipart/mixed; boundary=b%d\r\n\r\n--b%d\r\n"
    parts = b"".join(part % (number, number) for number in range(depth))
    mail = b"From: a@b\r\nSubject: x\r\n" + parts + b"line\r\n" * lines
    assert _names(_bounded(lambda: read(BytesLeaf(mail, name="a.eml")))) == [("a.eml", Reason.TOO_MANY)]


# ----------------------------------------------------------------------------------------- anything


@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_a_changed_archive_never_raises(read: Read, data: st.DataObject) -> None:
    whole = data.draw(st.sampled_from([_ARCHIVE, _MESSAGE, ofd()]))
    changed = bytearray(whole)
    for _ in range(data.draw(st.integers(1, 8))):
        changed[data.draw(st.integers(0, len(changed) - 1))] = data.draw(st.integers(0, 255))
    read(bytes(changed[: data.draw(st.integers(0, len(changed)))]))


_ARCHIVE = zipped(("a.pdf", PDF), ("inner.zip", zipped(("b.pdf", pdf(1)))), ("c.ofd", ofd()))
_MESSAGE = message(attachment(PDF), attachment(_ARCHIVE))


# ------------------------------------------------------------------------------------------ samples


def _manifest(samples: Path) -> list[dict[str, Any]]:
    files: list[dict[str, Any]] = json.loads((samples / "zip" / "manifest.json").read_text(encoding="utf-8"))["files"]
    return files


def test_every_sample_archive_gives_what_is_in_it_or_says_why_not(samples: Path, read: Read) -> None:
    for sample in _manifest(samples):
        data = (samples / "zip" / sample["file"]).read_bytes()
        began = time.perf_counter()
        found = read(BytesLeaf(data, name=sample["file"]), accept=("pdf", "ofd", "xml"))
        assert time.perf_counter() - began < 5
        wanted = [(one["name"].rsplit("/", 1)[-1], one["sha256"]) for one in sample["expected"]]
        got = [(one.name, one.content.sha256 if one.content else "") for one in found]
        said = {one.reason for one in found}
        if sample["policy"].startswith("say it needs a password"):
            assert said == {Reason.ENCRYPTED}, sample["file"]
        elif not wanted and sample["file"] not in ("empty.zip", "many-entries.zip"):
            assert said <= {Reason.UNREADABLE, Reason.TOO_LARGE}, sample["file"]
            assert said, sample["file"]
        else:
            assert got == wanted or (said == {Reason.UNREADABLE} and sample["policy"] != "read"), sample["file"]


def test_every_sample_document_is_what_it_is(samples: Path, read: Read) -> None:
    for path in sorted((samples / "ofd").glob("*.ofd")):
        found = read(BytesLeaf(path.read_bytes(), name=path.name))
        expected = [] if path.name == "made-zip-without-ofd-xml.ofd" else ["application/ofd"]
        assert [one.media_type for one in found] == expected, path.name


def test_every_sample_mail_can_be_read(samples: Path, read: Read) -> None:
    mails = json.loads((samples / "mail" / "manifest.json").read_text(encoding="utf-8"))["mails"]
    for mail in mails:
        data = (samples / "mail" / mail["file"]).read_bytes()
        found = read(BytesLeaf(data, declared_type="message/rfc822"), accept=("pdf", "image"))
        names = {one.name for one in found}
        wanted = {one["name"] for one in mail["attachments"] if str(one.get("name")).lower().endswith((".pdf", ".png"))}
        assert wanted <= names, mail["file"]
