"""The documents in a submission are found, and what should have been one is named; nothing is left open."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.support.archives import PDF, PNG, XML, attachment, message, ofd, pdf, zipped
from tests.support.files import BytesLeaf
from tests.support.outlook_files import attached_file, compound_file, outlook_message, tnef, tnef_file
from tests.support.reading import Read, content, names
from watcher.config.sections import Limits
from watcher.documents.reader import DocumentReader
from watcher.errors import SourceUnavailable, Vanished
from watcher.model import LeftOut, Reason

# ------------------------------------------------------------------------------------------ leaves


def test_documents_come_in_order_and_as_what_they_are(read: Read) -> None:
    leaves = [
        BytesLeaf(PDF, name="发票.doc", declared_type="application/msword", path="in/发票.doc"),
        BytesLeaf(ofd(), name="../../x.zip"),
        BytesLeaf(b"hello", name="invoice.txt", declared_type="text/plain"),
        BytesLeaf(pdf(1), name=None),
    ]
    first, second, third = read(*leaves)
    assert (first.name, first.media_type, first.extension) == ("发票.doc", "application/pdf", ".pdf")
    assert (first.path, first.size, content(first), first.reason) == ("in/发票.doc", len(PDF), PDF, None)
    assert (second.name, second.media_type, second.extension) == ("x.zip", "application/ofd", ".ofd")
    assert third.name == "document.pdf"


def test_what_is_no_document_is_left_out(read: Read) -> None:
    office = zipped(("[Content_Types].xml", b"x"), ("word/media/a.pdf", PDF))
    assert read(b"text", b"", PNG, XML, b"<html>", office, zipped(("a.txt", b"x"))) == []


@pytest.mark.parametrize(
    "packed",
    [
        lambda photo: zipped(("a.pdf", PDF), ("IMG_1.jpg", photo), ("logo.png", PNG)),
        lambda photo: message(attachment(PDF), attachment(photo, b'"IMG_1.jpg"'), attachment(PNG, b'"logo.png"')),
        lambda photo: tnef(tnef_file(PDF, b"a.pdf"), tnef_file(photo, b"IMG_1.jpg"), tnef_file(PNG, b"logo.png")),
    ],
    ids=["zip", "mail", "winmail.dat"],
)
def test_a_photo_within_something_else_is_noted_as_what_somebody_may_miss(packed: Callable[[bytes], bytes]) -> None:
    left_out: list[LeftOut] = []
    reader = DocumentReader(accept=("pdf",), limits=Limits())
    leaf = BytesLeaf(packed(b"\xff\xd8\xff" + bytes(60_000)))

    (found,) = reader.documents([leaf], leave_out=left_out.append)

    assert content(found) == PDF
    assert {(each.name, each.missed) for each in left_out} == {("IMG_1.jpg", True), ("logo.png", False)}


def test_an_archive_in_which_there_is_a_small_picture_that_is_accepted_is_not_missed() -> None:
    left_out: list[LeftOut] = []
    reader = DocumentReader(accept=["pdf", "image"], limits=Limits())
    packed = zipped(("1.jpg", b"\xff\xd8\xff\xe0" + bytes(40_000)))

    found = reader.documents([BytesLeaf(packed, name="发票.zip")], leave_out=left_out.append)

    assert (names(found), left_out) == ([("1.jpg", None)], [])


def test_what_mail_programs_put_around_a_mail_is_not_named() -> None:
    left_out: list[LeftOut] = []
    reader = DocumentReader(accept=["pdf"], limits=Limits())

    assert reader.documents([BytesLeaf(tnef(), name="winmail.dat")], leave_out=left_out.append) == []

    assert left_out == []


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


@pytest.mark.parametrize("data", [b"", b"<!DOCTYPE html><html>Please log in", b"hello", PNG], ids=str)
@pytest.mark.parametrize(
    ("name", "declared"), [("发票.PDF", None), ("a.ofd", None), ("invoice", "application/pdf")], ids=str
)
def test_what_is_said_to_be_a_document_and_is_none_is_named(
    read: Read, data: bytes, name: str, declared: str | None
) -> None:
    # Given it alone, in a mail, and in an archive, beside a good one
    leaf = BytesLeaf(data, name=name, declared_type=declared)
    kind = (declared or "application/octet-stream").encode()
    mail = message(attachment(data, name.encode("gbk"), kind), attachment(pdf(1)))
    archive = zipped((name if declared is None else "x.pdf", data), ("a.pdf", pdf(2)))
    # When they are read
    alone, in_mail, good, archived, second = read(leaf, mail, archive)
    # Then it is told, and the good ones are kept
    for told in (alone, in_mail, archived):
        assert told.reason is Reason.UNREADABLE
        assert "内容不是" in str(told.message)
        assert ("but a picture" if data == PNG else "download it anew") in str(told.message)
    assert alone.name == in_mail.name == name
    assert (good.reason, second.reason) == (None, None)


@pytest.mark.parametrize("name", ["发票.zip", "a.7z", "a.RAR", "Fw.msg"])
def test_what_is_said_to_be_an_archive_and_is_none_is_named(read: Read, name: str) -> None:
    told, kept = read(BytesLeaf(b"<!DOCTYPE html>", name=name), message(attachment(PDF)))
    assert (told.name, told.reason, kept.reason) == (name, Reason.UNREADABLE, None)
    assert read(BytesLeaf(zipped(("a.txt", b"x")), name=name)) == []


def test_nobody_misses_what_is_not_accepted_or_was_never_called_a_document(read: Read) -> None:
    assert read(BytesLeaf(b"x", name="a.xml"), BytesLeaf(b"x", name="a.png"), BytesLeaf(b"", name="pdf")) == []
    (told,) = read(BytesLeaf(b"<html>", name="a.xml"), accept=("xml",))
    assert told.reason is Reason.UNREADABLE


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


# ----------------------------------------------------------------------------------------- anything


@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_a_changed_container_never_raises(read: Read, data: st.DataObject) -> None:
    whole = data.draw(st.sampled_from([_ARCHIVE, _MESSAGE, ofd(), _OUTLOOK, _TNEF]))
    changed = bytearray(whole)
    for _ in range(data.draw(st.integers(1, 8))):
        changed[data.draw(st.integers(0, len(changed) - 1))] = data.draw(st.integers(0, 255))
    read(bytes(changed[: data.draw(st.integers(0, len(changed)))]))


_ARCHIVE = zipped(("a.pdf", PDF), ("inner.zip", zipped(("b.pdf", pdf(1)))), ("c.ofd", ofd()))
_MESSAGE = message(attachment(PDF), attachment(_ARCHIVE))
_OUTLOOK = compound_file(outlook_message(attached_file(PDF, "a.pdf"), attached_file(PDF + bytes(5000), "b.pdf")))
_TNEF = tnef(tnef_file(PDF, b"a.pdf"), tnef_file(_ARCHIVE, b"b.zip"))


# ------------------------------------------------------------------------------------------ samples


_ALL = ("pdf", "ofd", "xml")


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


def test_every_sample_of_tnef_gives_what_is_in_it(samples: Path, read: Read) -> None:
    files = json.loads((samples / "tnef" / "manifest.json").read_text(encoding="utf-8"))["files"]
    for sample in files:
        found = read(BytesLeaf((samples / "tnef" / sample["file"]).read_bytes(), name="winmail.dat"), accept=_ALL)
        wanted = [(one["name"] or "document.pdf", one["sha256"]) for one in sample["expected"]]
        got = [(one.name, one.content.sha256) for one in found if one.content is not None]
        # An empty zip is opened, and nothing is in it.
        assert got == [one for one in wanted if one[0] != "b.zip"], sample["file"]
        said = {one.reason for one in found} - {None}
        odd = sample["file"] in ("09-truncated.dat", "15-empty-file.dat")
        assert said == ({Reason.UNREADABLE} if odd else set()), sample["file"]


def test_every_sample_document_is_what_it_is(samples: Path, read: Read) -> None:
    for path in sorted((samples / "ofd").glob("*.ofd")):
        found = read(BytesLeaf(path.read_bytes(), name=path.name))
        expected = ["application/zip" if path.name == "made-zip-without-ofd-xml.ofd" else "application/ofd"]
        assert [one.media_type for one in found] == expected, path.name


def test_every_sample_mail_can_be_read(samples: Path, read: Read) -> None:
    mails = json.loads((samples / "mail" / "manifest.json").read_text(encoding="utf-8"))["mails"]
    for mail in mails:
        data = (samples / "mail" / mail["file"]).read_bytes()
        began = time.thread_time()
        found = read(BytesLeaf(data, declared_type="message/rfc822"), accept=("pdf", "image"))
        assert time.thread_time() - began < 2, mail["file"]
        names = {one.name for one in found}
        wanted = {one["name"] for one in mail["attachments"] if str(one.get("name")).lower().endswith((".pdf", ".png"))}
        assert wanted <= names, mail["file"]
