"""The port `LinkReader`: from what a mail says to the documents behind its links."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence

from watcher.documents.links.candidates import candidates
from watcher.documents.links.fetcher import LinkFetcher
from watcher.documents.links.results import LinkResult
from watcher.headers import clean_name
from watcher.ports import FoundDocument, Linked, MailText, Reader


class LinkedDocumentReader:
    """Fetches, and hands what was fetched to the reader of attachments: archives are opened, limits hold."""

    def __init__(self, fetcher: LinkFetcher, reader: Reader) -> None:
        self._fetcher = fetcher
        self._reader = reader

    def linked(self, texts: Iterable[MailText]) -> Linked:
        """See `watcher.ports.LinkReader`."""
        texts = list(texts)
        results = self._fetcher.fetch(texts)
        files = [each.file for each in results if each.file is not None]
        try:
            found = self._reader.documents(files)
        finally:
            for file in files:
                file.close()
        later = dict.fromkeys(each.host for each in results if each.again)
        mails = _mails_with(texts, {each.link for each in results if each.file is not None})
        return Linked(documents=[*found, *_not_had(results)], later=tuple(later), mails=mails)


def _mails_with(texts: Sequence[MailText], links: Collection[str]) -> int:
    """How many mails in the mail have one of these links."""
    if not links:
        return 0
    mails = {text.mail for text in texts if text.mail}
    said = [candidates(text for text in texts if text.mail == mail) for mail in mails]
    return sum(any(str(each.address) in links for each in found) for found in said)


def _not_had(results: Sequence[LinkResult]) -> list[FoundDocument]:
    return [
        FoundDocument(
            name=_name(each),
            media_type="application/octet-stream",
            extension="",
            size=0,
            content=None,
            reason=each.reason,
            message=each.link,
        )
        for each in results
        if each.reason is not None
    ]


def _name(result: LinkResult) -> str:
    """What to call an invoice of which nobody knows more than where it is."""
    platform = result.platform
    if platform is None:
        return result.host
    names = [platform.zh] if platform.zh == platform.en else [platform.zh, platform.en]
    return clean_name(" · ".join(names), result.host)
