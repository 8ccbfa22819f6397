"""Of a PDF portfolio the files in it are the documents, and its cover is none."""

from __future__ import annotations

import random
from contextlib import closing
from pathlib import Path

import pytest

from tests.support.archives import PDF, message, zipped
from tests.support.archives import attachment as part
from tests.support.files import BytesLeaf
from tests.support.invoice_files import Page, Paper, invoice_page, lines_page, pdf
from tests.support.locked_pdf import Lock
from tests.support.reading import Read, content, names
from watcher.config.sections import Limits
from watcher.documents.formats import Format
from watcher.documents.openers import OPENERS
from watcher.documents.unpacking import Allowance
from watcher.errors import DocumentRefused
from watcher.model import Reason
from watcher.spool import Spooled

COLLECTION = "/Collection<</View/D>>"
COVERS = {
    "of Acrobat": lines_page("For the best experience, open this PDF portfolio in Acrobat X or", "Reader X, or later."),
    "of Acrobat in Chinese": lines_page("若要获得最佳体验，请在 Acrobat X 或更高版本中打开此 PDF 包。"),
    "empty": Page(),
}  # fmt: skip
COVER = COVERS["of Acrobat"]
INVOICE, OTHER = pdf(invoice_page(Paper())), pdf(invoice_page(Paper(number="26117000009999999999")))
XML = b"<?xml version='1.0' encoding='UTF-8'?><EInvoice><Header/></EInvoice>"


@pytest.mark.parametrize("packed", [False, True], ids=["in the clear", "packed"])
@pytest.mark.parametrize("cover", COVERS)
def test_the_files_in_a_portfolio_are_the_documents_and_its_cover_is_none(
    read: Read, cover: str, *, packed: bool
) -> None:
    brought = {"a.pdf": INVOICE, "b.pdf": OTHER, "notes.txt": b"see there"}

    found = read(BytesLeaf(pdf(COVERS[cover], embedded=brought, catalog=COLLECTION, packed=packed), name="p.pdf"))

    assert names(found) == [("a.pdf", None), ("b.pdf", None)]
    assert [content(one) for one in found] == [INVOICE, OTHER]


@pytest.mark.parametrize("packed", [False, True], ids=["in the clear", "packed"])
def test_a_large_portfolio_is_opened_too(read: Read, *, packed: bool) -> None:
    large = INVOICE + random.Random(0).randbytes(3_000_000)
    (found,) = read(BytesLeaf(pdf(COVER, embedded={"a.pdf": large}, catalog=COLLECTION, packed=packed), name="p.pdf"))
    assert content(found) == large


@pytest.mark.parametrize(
    "base",
    [invoice_page(Paper()), lines_page("INVOICE No. 7", "Acrobat Pro\tUSD 23.99"), Page(qr="x", is_scan=True)],
    ids=["an invoice", "an invoice for Acrobat", "a picture"],
)
def test_a_portfolio_whose_own_page_is_no_cover_is_a_document_as_well(read: Read, base: Page) -> None:
    whole = pdf(base, embedded={"b.pdf": OTHER}, catalog=COLLECTION)

    found = read(BytesLeaf(whole, name="p.pdf", path="p.pdf"))

    assert [(one.name, one.path, content(one)) for one in found] == [("b.pdf", None, OTHER), ("p.pdf", "p.pdf", whole)]


@pytest.mark.parametrize("catalog", ["", COLLECTION], ids=["embedded", "shown as a collection"])
@pytest.mark.parametrize("accept", [("pdf",), ("pdf", "xml")])
def test_an_invoice_with_its_data_in_it_is_one_document(read: Read, catalog: str, accept: tuple[str, ...]) -> None:
    whole = pdf(invoice_page(Paper()), embedded={"factur-x.xml": XML}, catalog=catalog)

    found = read(BytesLeaf(whole, name="p.pdf"), accept=accept)

    assert [(one.name, content(one)) for one in found] == [("p.pdf", whole)]


def test_files_in_a_pdf_that_is_no_portfolio_stay_in_it(read: Read) -> None:
    whole = pdf(invoice_page(Paper()), embedded={"terms.pdf": OTHER})
    assert [content(one) for one in read(BytesLeaf(whole, name="p.pdf"))] == [whole]


def test_portfolios_are_opened_wherever_they_lie_and_what_lies_in_them_is_opened(read: Read) -> None:
    inner = pdf(COVER, embedded={"a.pdf": INVOICE}, catalog=COLLECTION)
    outer = pdf(COVER, embedded={"b.zip": zipped(("c.pdf", OTHER)), "in.pdf": inner}, catalog=COLLECTION)
    mail = message(part(zipped(("p.pdf", outer)), b"z.zip"))

    assert names(read(mail)) == [("c.pdf", None), ("a.pdf", None)]


def test_small_pictures_in_a_portfolio_are_documents_and_nothing_else_is_told_of_it(read: Read) -> None:
    pictures = {f"{number}.jpg": b"\xff\xd8\xff\xe0" + bytes([number]) * 40_000 for number in range(2)}

    found = read(BytesLeaf(pdf(COVER, embedded=pictures, catalog=COLLECTION), name="p.pdf"), accept=("pdf", "image"))

    assert names(found) == [("0.jpg", None), ("1.jpg", None)]


def test_a_portfolio_in_whose_archives_there_is_nothing_is_told_as_that(read: Read) -> None:
    whole = pdf(COVER, embedded={"z.zip": zipped(("a.txt", b"see there"))}, catalog=COLLECTION)

    (told,) = read(BytesLeaf(whole, name="p.pdf"))

    assert (told.name, told.reason) == ("p.pdf", Reason.UNREADABLE)
    assert "文件包里没有找到发票文件" in str(told.message)
    assert "no invoice file was found in the PDF portfolio" in str(told.message)


def test_portfolios_in_one_another_are_opened_only_so_deep(read: Read) -> None:
    nested = INVOICE
    for _ in range(9):
        nested = pdf(COVER, embedded={"p.pdf": nested}, catalog=COLLECTION)

    (told,) = read(BytesLeaf(nested, name="p.pdf"))

    assert told.reason is Reason.UNREADABLE
    assert "packed within one another too deep" in str(told.message)


def test_more_files_than_may_be_are_told(read: Read) -> None:
    whole = pdf(COVER, embedded={f"{number}.pdf": PDF + b"%d" % number for number in range(4)}, catalog=COLLECTION)
    assert [reason for _, reason in names(read(whole, documents=2))] == [None, None, Reason.TOO_MANY]


def test_a_portfolio_that_unpacks_without_end_is_told(read: Read) -> None:
    whole = pdf(COVER, embedded={"a.pdf": PDF + bytes(30_000_000)}, catalog=COLLECTION)
    assert [reason for _, reason in names(read(BytesLeaf(whole, name="p.pdf")))] == [Reason.TOO_LARGE]


def test_a_portfolio_that_cannot_be_opened_is_told_in_both_languages(read: Read) -> None:
    whole = pdf(COVER, embedded={"a.pdf": INVOICE}, catalog=COLLECTION)
    (told,) = read(BytesLeaf(whole[: whole.index(b"xref")].replace(b"/Type/Pages", b"/Type/Pagxx"), name="p.pdf"))
    assert (told.name, told.reason) == ("p.pdf", Reason.UNREADABLE)
    assert "另存成文件后发送 / the PDF portfolio cannot be opened" in str(told.message)


def test_a_portfolio_that_is_locked_and_opens_without_a_password_is_opened(read: Read) -> None:
    whole = pdf(COVER, embedded={"a.pdf": INVOICE, "b.pdf": OTHER}, catalog=COLLECTION, packed=True, lock=Lock())

    found = read(BytesLeaf(whole, name="p.pdf"))

    assert [(one.name, content(one)) for one in found] == [("a.pdf", INVOICE), ("b.pdf", OTHER)]


@pytest.mark.parametrize(("embedded", "catalog"), [({"a.xml": XML}, ""), ({"terms.pdf": OTHER}, ""), ({}, COLLECTION)])
def test_another_pdf_that_is_locked_and_opens_without_a_password_is_a_document(
    read: Read, embedded: dict[str, bytes], catalog: str
) -> None:
    whole = pdf(invoice_page(Paper()), embedded=embedded, catalog=catalog, packed=True, lock=Lock())

    found = read(BytesLeaf(whole, name="p.pdf", path="p.pdf"), accept=("pdf", "xml"))

    assert [(one.path, content(one)) for one in found] == [("p.pdf", whole)]


def test_a_pdf_that_may_be_a_portfolio_and_cannot_be_looked_into_is_a_document(read: Read) -> None:
    whole = pdf(invoice_page(Paper()), embedded={"a.xml": XML}, packed=True, lock=Lock())
    broken = whole.replace(b"/Type/XRef", b"/Type/XXXX").replace(b"startxref", b"startxxxx")

    assert [content(one) for one in read(BytesLeaf(broken, name="p.pdf"))] == [broken]


def test_a_locked_pdf_that_wants_a_password_and_may_be_a_portfolio_is_told_as_locked(read: Read) -> None:
    whole = pdf(COVER, embedded={"a.pdf": INVOICE}, catalog=COLLECTION, packed=True, lock=Lock("secret"))

    assert names(read(BytesLeaf(whole, name="p.pdf"))) == [("p.pdf", Reason.ENCRYPTED)]


def test_a_portfolio_with_a_password_is_told_as_locked(samples: Path) -> None:
    locked = (samples / "pdf" / "made-password-123456.pdf").read_bytes()
    allowance = Allowance(accept=["pdf"], limits=Limits())
    with closing(Spooled([locked])) as spooled, pytest.raises(DocumentRefused) as refused:
        list(OPENERS[Format.PORTFOLIO](spooled, allowance))
    assert refused.value.reason is Reason.ENCRYPTED
