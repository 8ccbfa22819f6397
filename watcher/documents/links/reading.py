"""The port `LinkReader`: from what a mail says to the documents behind its links."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from collections.abc import Set as AbstractSet

from msgspec.structs import replace

from watcher.documents.links.candidates import Candidate, candidates
from watcher.documents.links.fetcher import LinkFetcher
from watcher.documents.links.results import LinkResult
from watcher.headers import clean_name
from watcher.model import LeftOut
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
        files = {_trail(number): each.file for number, each in enumerate(results) if each.file is not None}
        left_out: list[LeftOut] = []
        try:
            leaves = [replace(file, trail=trail) for trail, file in files.items()]
            found = self._reader.documents(leaves, leave_out=left_out.append)
        finally:
            for file in files.values():
                file.close()
        giving = {each.trail.partition("/")[0] for each in found}
        links = frozenset(link for number, each in enumerate(results) if _trail(number) in giving for link in each.said)
        return Linked(
            documents=[*found, *_not_had(results)],
            later=tuple(dict.fromkeys(each.host for each in results if each.again)),
            mails=_mails_with(texts, links),
            links=links,
            left_out=tuple(left_out),
        )


def _trail(number: int) -> str:
    """Of what a link led to: in no mail, because no slash comes first."""
    return f"link {number}"


def _mails_with(texts: Sequence[MailText], links: AbstractSet[str]) -> frozenset[str]:
    """The mails in the mail that have one of these links."""
    mails = {text.mail for text in texts if text.mail} if links else set()
    said = {mail: candidates(text for text in texts if text.mail == mail) for mail in mails}
    return frozenset(mail for mail, found in said.items() if not links.isdisjoint(_addresses(found)))


def _addresses(found: Iterable[Candidate]) -> set[str]:
    """As a link is known by what is written at it, or by where it leads."""
    return {str(each) for one in found for each in (one.address, one.fallback) if each is not None}


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
