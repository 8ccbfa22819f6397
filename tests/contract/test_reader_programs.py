"""7z, rar and oddly packed zips are opened within bounds where bsdtar is installed, and named where it is not."""

from __future__ import annotations

import io
import subprocess
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.support.archives import PDF, named_zip, pdf, zipped
from tests.support.files import BytesLeaf
from tests.support.rar_files import rar4, rar5, rar5_with_locked_names, seven_zip
from tests.support.reading import Read, bounded, content, names
from tests.support.servers.process import program
from watcher.documents import confined
from watcher.model import Reason

ENTRIES = [("目录/发票.pdf", pdf(1)), ("../../b.pdf", pdf(2)), ("a.txt", b"x"), ("__MACOSX/._a.pdf", PDF)]
IN_GBK = [(name.encode("gb18030"), data) for name, data in ENTRIES]
IN_UTF8 = [(name.encode(), data) for name, data in ENTRIES]


@pytest.fixture(autouse=True)
def _looked_up_anew() -> Iterator[None]:
    confined.found.cache_clear()
    yield
    confined.found.cache_clear()


@pytest.fixture
def bsdtar() -> Path:
    return program("bsdtar", "libarchive-tools")


@pytest.fixture
def without_bsdtar(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """As on a machine that lacks it."""
    monkeypatch.setenv("PATH", str(tmp_path))


@pytest.mark.usefixtures("bsdtar")
@pytest.mark.parametrize(
    "archive",
    [seven_zip(*ENTRIES), rar5(*ENTRIES), rar4(*IN_GBK), rar4(*IN_UTF8)],
    ids=["7z", "rar 5", "rar 4 in GBK", "rar 4 in UTF-8"],
)
def test_documents_in_an_archive_are_found(read: Read, archive: bytes) -> None:
    found = read(BytesLeaf(archive, name="a.bin"), zipped(("inner", archive)))
    assert names(found) == [("发票.pdf", None), ("b.pdf", None)] * 2
    assert [content(one) for one in found] == [pdf(1), pdf(2)] * 2


@pytest.mark.usefixtures("bsdtar")
@pytest.mark.parametrize("pack", [seven_zip, rar5, lambda *entries: rar4(*((n.encode(), d) for n, d in entries))])
def test_an_archive_that_ends_with_a_zip_is_not_taken_for_it(read: Read, pack: Callable[..., bytes]) -> None:
    inner = zipped(("b.pdf", pdf(2)), method=zipfile.ZIP_STORED)
    found = read(pack(("a.pdf", pdf(1)), ("last.zip", inner)))
    assert names(found) == [("a.pdf", None), ("b.pdf", None)]


@pytest.mark.usefixtures("bsdtar")
@pytest.mark.parametrize(
    "archive",
    [
        seven_zip(*ENTRIES, locked=True),
        rar5(*ENTRIES, locked=True),
        rar5_with_locked_names(),
        rar4(*IN_GBK, locked=True),
    ],
    ids=["7z", "rar 5", "rar 5, names too", "rar 4"],
)
def test_a_locked_archive_is_named_as_such_and_nobody_is_asked(read: Read, archive: bytes) -> None:
    (told,) = read(BytesLeaf(archive, name="a.bin"))
    assert (told.name, told.reason) == ("a.bin", Reason.ENCRYPTED)
    assert "密码" in str(told.message)


@pytest.mark.usefixtures("bsdtar")
def test_a_damaged_archive_gives_no_document_that_is_not_what_was_packed(read: Read) -> None:
    whole = read(BytesLeaf(seven_zip(*ENTRIES, damaged=True), name="a.7z"))
    assert names(whole) == [("a.7z", Reason.UNREADABLE)]
    by_entry = read(rar5(("a.pdf", PDF + bytes(9000)), ("b.txt", bytes(9000)), damaged=True))
    assert names(by_entry) == [("a.pdf", Reason.UNREADABLE)]
    cut = read(BytesLeaf(rar5(("a.pdf", PDF), ("b.pdf", PDF + bytes(9000)))[:-5000], name="a.rar"))
    assert names(cut)[-1] == ("a.rar", Reason.UNREADABLE)
    assert PDF + bytes(9000) not in [content(one) for one in cut if one.reason is None]


@pytest.mark.usefixtures("without_bsdtar")
@pytest.mark.parametrize("archive", [seven_zip(*ENTRIES), rar5(*ENTRIES), rar4(*IN_GBK)], ids=["7z", "rar 5", "rar 4"])
def test_without_the_program_an_archive_is_named_with_what_to_do(read: Read, archive: bytes) -> None:
    told, kept = read(BytesLeaf(archive, name="a.bin"), PDF)
    assert (told.name, told.reason, kept.reason) == ("a.bin", Reason.UNREADABLE, None)
    assert "请改用 zip" in str(told.message)
    assert "send a zip" in str(told.message)


@pytest.mark.usefixtures("bsdtar")
@pytest.mark.parametrize("method", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_a_zip_packed_in_an_odd_way_is_read(read: Read, method: int) -> None:
    file = io.BytesIO(zipped(("plain.pdf", PDF)))
    with zipfile.ZipFile(file, "a", method) as archive:
        archive.writestr("x/发票.pdf", pdf(1) + bytes(5000))
        archive.writestr("../b.pdf", pdf(2))
    found = read(file.getvalue())
    assert names(found) == [("plain.pdf", None), ("发票.pdf", None), ("b.pdf", None)]
    assert [content(one) for one in found] == [PDF, pdf(1) + bytes(5000), pdf(2)]


@pytest.mark.parametrize("method", [9, 12, 14, 98, 99])
def test_what_even_the_program_cannot_unpack_is_named_beside_what_can(read: Read, method: int) -> None:
    both = zipped(("good.pdf", pdf(1)), ("bad.zip", named_zip(b"a.pdf", PDF, method=method)))
    good, told = read(both)
    assert (good.reason, told.name, told.reason) == (None, "a.pdf", Reason.UNREADABLE)
    assert "zip (" in str(told.message)


def test_a_bomb_in_7z_is_stopped_by_what_comes_out(read: Read, bsdtar: Path, tmp_path: Path) -> None:
    # Given 30 MB in 5 kB
    with (tmp_path / "a.pdf").open("wb") as file:
        file.write(PDF)
        file.truncate(30_000_000)
    packed = subprocess.run(
        [bsdtar, "-cf", "-", "--format", "7zip", "a.pdf"], cwd=tmp_path, capture_output=True, check=True
    )
    # When it is read, it is refused
    found = bounded(lambda: read(BytesLeaf(packed.stdout, name="bomb.7z")))
    assert names(found) == [("bomb.7z", Reason.TOO_LARGE)]


@pytest.mark.usefixtures("bsdtar")
def test_a_rar_that_declares_too_much_or_too_many_is_refused(read: Read) -> None:
    large = rar5(("a.pdf", PDF), ("b.pdf", bytes(2_000_000)))[:-1_999_000]
    assert names(read(BytesLeaf(large, name="a.rar")))[0] == ("a.rar", Reason.TOO_LARGE)
    many = rar5(*((f"{number}", b"") for number in range(11_000)))
    assert names(bounded(lambda: read(BytesLeaf(many, name="many.rar")))) == [("many.rar", Reason.TOO_MANY)]
