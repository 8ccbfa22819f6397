"""Which mails in the mail have a document behind a link of theirs."""

from __future__ import annotations

from collections.abc import Iterable
from typing import cast

from tests.support.archives import pdf, zipped
from watcher.config.sections import Limits
from watcher.documents.links.fetcher import LinkFetcher
from watcher.documents.links.reading import LinkedDocumentReader
from watcher.documents.links.results import LinkedFile, LinkResult
from watcher.documents.reader import DocumentReader
from watcher.ports import Linked, MailText
from watcher.spool import Spooled

PDF_LINK, OFD_LINK = "https://files.example/1.pdf", "https://files.example/1.ofd"


class _Fetched:
    """A fetcher that had this behind its links."""

    def __init__(self, content: bytes, *said: str) -> None:
        self._content = content
        self._said = frozenset(said)

    def fetch(self, _texts: Iterable[MailText]) -> list[LinkResult]:
        file = LinkedFile(name="1", declared_type=None, content=Spooled([self._content]))
        return [LinkResult(link=PDF_LINK, host="files.example", platform=None, file=file, said=self._said)]


def linked(content: bytes, *said: str) -> Linked:
    """Of a mail in which two others say that an invoice is there, and a third one something else."""
    texts = [
        MailText(text=PDF_LINK, html=False, mail="/1"),
        MailText(text=f'<a href="{OFD_LINK}">https://tracked.example/a</a>', html=True, mail="/2"),
        MailText(text="https://else.example/1", html=False, mail="/3"),
    ]
    fetcher = cast("LinkFetcher", _Fetched(content, *said))
    found = LinkedDocumentReader(fetcher, DocumentReader(accept=["pdf"], limits=Limits())).linked(texts)
    for each in found.documents:
        if each.content is not None:
            each.content.close()
    return found


def test_every_mail_that_links_to_an_invoice_has_it_by_whatever_link_it_was_fetched() -> None:
    assert linked(pdf(1), PDF_LINK, OFD_LINK).mails == {"/1", "/2"}
    assert linked(zipped(("1.pdf", pdf(1))), OFD_LINK).mails == {"/2"}


def test_a_file_in_which_there_was_no_document_is_none_of_a_mail_and_what_may_be_missed_in_it_is_told() -> None:
    found = linked(zipped(("发票.docx.xml", b"<?xml version='1.0'?><a/>"), ("a.txt", b"x")), PDF_LINK)

    assert (found.documents, found.mails) == ([], frozenset())
    assert [each.name for each in found.left_out if each.missed] == ["发票.docx.xml"]
