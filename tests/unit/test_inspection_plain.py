"""The plain PDF of one page is told by its bytes; whatever is in doubt is not."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import pytest

from tests.support.invoice_files import Page, Paper, invoice_page, pdf
from watcher.documents.inspection.plain import plainly_one_page
from watcher.documents.portfolio import is_portfolio
from watcher.spool import Spooled

ONE = pdf(invoice_page(Paper()))


def _is_plain(data: bytes) -> bool:
    with closing(Spooled([data])) as content:
        return plainly_one_page(content)


def test_one_page_in_the_clear_is_plain() -> None:
    assert _is_plain(ONE)
    assert _is_plain(b"\n" * 20 + ONE)


@pytest.mark.parametrize(("megabytes", "plain"), [(5, True), (8, False)])
def test_what_is_as_large_as_a_scan_is_searched_too(megabytes: int, plain: bool) -> None:
    assert _is_plain(ONE.replace(b"trailer", b"%" * (megabytes * 2**20) + b"\ntrailer")) is plain


def test_the_word_object_elsewhere_is_no_object() -> None:
    assert _is_plain(ONE.replace(b"trailer", b"% obj 0 obj x3 0 object 13 0 obj\ntrailer"))


def test_more_objects_than_a_page_ever_has_are_not_gone_through() -> None:
    objects = b"".join(b"%d 0 obj\nendobj\n" % number for number in range(100, 25_000))
    assert _is_plain(ONE.replace(b"trailer", objects[:200_000] + b"\ntrailer"))
    assert not _is_plain(ONE.replace(b"trailer", objects + b"trailer"))


def test_white_space_is_what_pdf_calls_so() -> None:
    for there, instead in ((b"/Type/Pages", b"/Type\0/Pages"), (b"/Count 1", b"/Count\x001"), (b"0 obj", b"0\0obj")):
        assert _is_plain(ONE.replace(there, instead))


def test_a_file_with_another_one_behind_it_is_not() -> None:
    assert not _is_plain(ONE + ONE)


def test_several_pages_are_not() -> None:
    assert not _is_plain(pdf(Page(), Page()))


@pytest.mark.parametrize(
    ("there", "instead"),
    [
        (b"/Count 1", b"/Count 2"),
        (b"/Count 1", b"/Count 11"),
        (b"/Count 1", b"/Count 9 0 R"),
        (b"/Type/Pages", b"/Type/P#61ges"),
        (b"/Type/Page/", b"/Type/Pagf/"),
        (b"/Root 1 0 R", b"/Root 1 0 R/Encrypt 9 0 R"),
        (b"/Root 1 0 R", b"/Root 1 0 R/Prev 9"),
        (b"/Kids[", b"/Kids[9 0 R "),
        (b"2 0 obj", b"2 0 obj<</Type/Pages>>endobj 2 0 obj"),
        (b"trailer", b"9 0 obj<</Type/Page>>endobj trailer"),
        (b"trailer", b"9 0 obj<</Type/Catalog/Pages 2 0 R>>endobj trailer"),
        (b"trailer", b"9 0 obj<</Type/Pages>>endobj trailer"),
        (b"%PDF-", b"%!PS-"),
        (b"startxref", b"startxref startxref"),
        (b"startxref", b"trailer<</Root 1 0 R/Size 9>>\nstartxref"),
        (b"/Root 1 0 R", b""),
        (b"12 0 obj", b"12 0 obj<<>>endobj12 0 obj"),
        (b"12 0 obj", b"12 0 obj<<>>endobj\n12" + b" " * 40 + b"0\nobj"),
        (b"trailer", b"9 0 obj<</Type/ObjStm>>endobj trailer"),
        (b"endobj", b""),
        # White space is what PDF calls so; a comment is such as well, and a type may stand in an object of its own.
        (b"trailer", b"9 0 obj<</Type\0/Pages>>endobj trailer"),
        (b"trailer", b"9 0 obj<</Type \0/Page>>endobj trailer"),
        (b"trailer", b"9 0 obj<</Type%\n/Page>>endobj trailer"),
        (b"trailer", b"9 0 obj<</Type 8 0 R>>endobj trailer"),
        (b"/Pages 2 0 R", b"/X(/Pages 2 0 R)/Pages%\n9 0 R"),
        # What tells of pages may be said where it counts for nothing.
        (b"/Kids[12 0 R]/Count 1", b"/X(/Kids[12 0 R]/Count 1)/Kids[12 0 R 13 0 R]/Count 2"),
        (b"/Kids[12 0 R]/Count 1", b"/X</Kids[12 0 R]/Count 1>/Kids[12 0 R 13 0 R]/Count 2"),
        (b"/Kids[12 0 R]/Count 1", b"/X<</Kids[12 0 R]/Count 1>>/Kids[12 0 R 13 0 R]/Count 2"),
        (b"/Kids[12 0 R]/Count 1", b"%/Kids[12 0 R]/Count 1\n/Kids[12 0 R 13 0 R]/Count 2"),
        (b"/Kids[12 0 R]/Count 1", b"/Kids[12 0 R]/Count 1/Kids[12 0 R 13 0 R]/Count 2"),
        (b"/Kids[12 0 R]/Count 1", b"/Kids[12 0 R]/Count 1/X(endobj)/Kids 8 0 R/Count 2"),
        (b"/Type/Page/", b"/Type/Page/Kids[13 0 R 14 0 R]/"),
    ],
)
def test_whatever_is_in_doubt_is_not_plain(there: bytes, instead: bytes) -> None:
    assert there in ONE
    assert not _is_plain(ONE.replace(there, instead))


@pytest.mark.parametrize("catalog", [b"/Collection<</View/D>>", b"/Collection 9 0 R", b"/Collection\n9\0000\nR"])
def test_a_portfolio_is_not_plain(catalog: bytes) -> None:
    with closing(Spooled([ONE.replace(b"/Pages 2 0 R", b"/Pages 2 0 R" + catalog)])) as content:
        assert is_portfolio(content)
        assert not content.told(plainly_one_page)


def test_what_begins_like_a_collection_is_none() -> None:
    with closing(Spooled([ONE.replace(b"/Pages 2 0 R", b"/Pages 2 0 R/Collections<<>>")])) as content:
        assert not is_portfolio(content)
        assert content.told(plainly_one_page)


def test_a_question_is_asked_once() -> None:
    asked: list[int] = []

    def question(content: Spooled) -> bool:
        asked.append(content.size)
        return False

    with closing(Spooled([ONE])) as content:
        assert [content.told(question), content.told(question)] == [False, False]
    assert asked == [len(ONE)]


@pytest.mark.parametrize(
    "again",
    [
        b"12 0\0obj",
        b"12\x000 obj",
        b"012 00 obj",
        b"12" + b" " * 80 + b"0 obj",
        b"12 " + b" " * 80 + b"\n0 obj",
        b"12 0%\nobj",
        b"12%\n0 obj",
        b"12 %" + b"x" * 80 + b"\r0 obj",
    ],
)
def test_a_page_that_is_there_twice_is_in_doubt_however_its_numbers_are_written(again: bytes) -> None:
    seen, hidden = b"12 0 obj<</Type/Page>>endobj\n", b"\n<</Kids[13 0 R 14 0 R]/"
    two = ONE.replace(b"12 0 obj\n<</Type/Page/", seen + again + hidden)
    assert two != ONE
    assert not _is_plain(two)


@pytest.mark.parametrize("data", [b"", b"%PDF-", b"PK\x03\x04", b"%PDF-1.4" + bytes(5_000_000)])
def test_what_is_no_small_pdf_is_not_plain(data: bytes) -> None:
    assert not _is_plain(data)


def test_of_the_samples_only_pdfs_of_one_page_are_plain(samples: Path) -> None:
    several = ("EN16931", "pdflatex-4", "imagemagick", "password", "truncated", "empty", "named", "waytoosmall")
    plain = {path.name for path in (samples / "pdf").iterdir() if _is_plain(path.read_bytes())}
    assert {"made-one-page.pdf", "made-junk-before-header.pdf", "saeco.pdf"} <= plain
    assert not [name for name in plain if any(word in name for word in several)]
