"""The port `Chooser`: looks into documents where a decision needs it, and carries the decision out."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence

from msgspec.structs import replace

from watcher.config.sections import Limits
from watcher.documents import words
from watcher.documents.checking import check_documents
from watcher.documents.formats import Format
from watcher.documents.looking import Looking
from watcher.errors import DocumentRefused, SourceUnavailable
from watcher.model import Finding, Reason
from watcher.policy.choosing import Candidate, Skip, choose
from watcher.policy.pages import Pages, cuts
from watcher.ports import FoundDocument
from watcher.seen import NOTHING_SEEN, Seen, SeenInvoice
from watcher.spool import Spooled

_BY_MEDIA_TYPE = {form.traits.media_type: form for form in Format if form.traits.accepted_as}
_LONGEST_STEM = 90
_PATIENCE_SECONDS = 30.0  # with the documents of one submission: hostile ones take their time


class DocumentChooser:
    """Sends each invoice once, cuts what holds more than `most` invoices, and skips what is surely none.

    `inspector` None: nobody looks inside, and only names tell. Safe to call from many threads.
    """

    def __init__(self, *, inspector: Looking | None, most: int, limits: Limits) -> None:
        self._inspector = inspector
        self._most = most
        self._limits = limits

    def choose(self, found: Sequence[FoundDocument]) -> list[FoundDocument]:
        """See `watcher.ports.Chooser`."""
        usable = _usable(found)
        return self._chosen(found, usable, self._look_at_all(found, usable))

    def choose_plainly(self, found: Sequence[FoundDocument]) -> list[FoundDocument] | None:
        """See `watcher.ports.Chooser`."""
        usable = _usable(found)
        if len(usable) > 1 or any(self._asks_for_a_look(found[index]) for index in usable):
            return None
        if usable and len(found) == 1 and not _is_picture_in_mail(found[0]):
            return [*found]  # as the rules have it: nothing lies beside it, and nothing in it says that it is none
        return self._chosen(found, usable, dict.fromkeys(usable, NOTHING_SEEN))

    def _chosen(
        self, found: Sequence[FoundDocument], usable: Sequence[int], seen: dict[int, Seen]
    ) -> list[FoundDocument]:
        looked = [_looked_at(each, seen.get(index, NOTHING_SEEN)) for index, each in enumerate(found)]
        same = _first_of_each_content(found)
        sendable = [index for index in usable if looked[index].reason is None and same[index] == index]
        plan = dict(zip(sendable, choose([_candidate(looked[i], seen[i]) for i in sendable]), strict=True))
        names = [looked[index].name for index in sendable]
        for index in usable:
            skip = plan.get(same[index])
            if skip is not None:
                looked[index] = _skipped(looked[index], skip, names)
        return _limited(self._cut(looked, seen), self._limits.documents)

    def check(self) -> list[Finding]:
        return check_documents(self._inspector)

    def close(self) -> None:
        if self._inspector is not None:
            self._inspector.close()

    def _look_at_all(self, found: Sequence[FoundDocument], usable: Sequence[int]) -> dict[int, Seen]:
        until = time.monotonic() + _PATIENCE_SECONDS
        seen = {}
        for index in usable:
            patient = time.monotonic() < until
            seen[index] = self._look(found[index], several=len(usable) > 1) if patient else NOTHING_SEEN
        return seen

    def _look(self, document: FoundDocument, *, several: bool) -> Seen:
        """As little as the decisions need: of a single document of one page, nothing."""
        form = _form(document)
        if self._inspector is None or document.content is None:
            return NOTHING_SEEN
        if several or _is_picture_in_mail(document):
            return self._inspector.look(document.content, form, deep=True)
        if not self._asks_for_a_look(document):
            return NOTHING_SEEN
        seen = self._inspector.look(document.content, form, deep=False)
        many = seen.pages is not None and seen.pages > 1
        return self._inspector.look(document.content, form, deep=True) if many else seen

    def _asks_for_a_look(self, document: FoundDocument) -> bool:
        """Of a single document."""
        if self._inspector is None or document.content is None:
            return False
        if _is_picture_in_mail(document):
            return True
        return _form(document) is Format.PDF and not self._inspector.plainly_one_page(document.content)

    def _cut(self, documents: Sequence[FoundDocument], seen: dict[int, Seen]) -> Iterator[FoundDocument]:
        """After it all documents of a submission have at most `limits.submission` more bytes than they came with.

        What several pages of a file use, a font or a picture, is in each of their parts.
        """
        left = self._limits.submission
        for index, document in enumerate(documents):
            pages = [] if document.reason is not None else cuts(seen[index], self._most)
            parts = self._parts(document, pages, document.size + left) if pages else [document]
            left -= max(0, sum(part.size for part in parts) - document.size)
            yield from parts

    def _parts(self, document: FoundDocument, pages: Sequence[Pages], most: int) -> list[FoundDocument]:
        """At most so many bytes. Where it cannot be cut it goes as it is: the endpoint has the last word."""
        if self._inspector is None or document.content is None or _form(document) is not Format.PDF:
            return [document]
        try:
            contents = self._inspector.split(document.content, pages, most=most)
        except DocumentRefused:
            return [document]
        except OSError as error:
            raise SourceUnavailable(f"a file cannot be cut here: {error.strerror or 'no room'}") from error
        parent = document.content.sha256
        document.content.close()
        return [_part(document, parent, which, content) for which, content in zip(pages, contents, strict=True)]


def _first_of_each_content(found: Sequence[FoundDocument]) -> list[int]:
    """For each the first one of the same bytes: what comes twice is one booking, and decided once."""
    first: dict[str, int] = {}
    return [
        first.setdefault(each.content.sha256, index) if each.content is not None else index
        for index, each in enumerate(found)
    ]


def _usable(found: Sequence[FoundDocument]) -> list[int]:
    return [index for index, each in enumerate(found) if each.reason is None]


def _is_picture_in_mail(document: FoundDocument) -> bool:
    return document.in_mail and _form(document).traits.accepted_as == "image"


def _form(document: FoundDocument) -> Format:
    return _BY_MEDIA_TYPE.get(document.media_type, Format.OTHER)


def _looked_at(document: FoundDocument, seen: Seen) -> FoundDocument:
    if seen.locked:
        return replace(document, reason=Reason.ENCRYPTED, message=words.LOCKED_PDF)
    return replace(document, read=seen.invoices)


def _candidate(document: FoundDocument, seen: Seen) -> Candidate:
    return Candidate(
        name=document.name,
        kind=_form(document).traits.accepted_as,
        size=document.size,
        seen=seen,
        in_mail=document.in_mail,
    )


def _skipped(document: FoundDocument, skip: Skip, names: Sequence[str]) -> FoundDocument:
    if skip.same_as is not None:
        message = words.same_invoice(names[skip.same_as])
    elif skip.mark is not None:
        message = words.no_invoice(skip.mark)
    else:
        message = words.SIGNATURE_IMAGE
    return replace(document, skipped=True, reason=skip.reason, message=message)


def _part(document: FoundDocument, parent: str, pages: Pages, content: Spooled) -> FoundDocument:
    return replace(
        document,
        name=_part_name(document.name, pages),
        size=content.size,
        content=content,
        path=None,
        pages=pages,
        parent=parent,
        read=tuple(_placed(invoice, pages[0]) for invoice in document.read if pages[0] <= invoice.first <= pages[1]),
    )


def _placed(invoice: SeenInvoice, first: int) -> SeenInvoice:
    """Its pages as they are counted in the part."""
    return replace(invoice, first=invoice.first - first + 1, last=invoice.last - first + 1)


def _part_name(name: str, pages: Pages) -> str:
    stem, dot, extension = name.rpartition(".")
    first, last = pages
    shown = str(first) if first == last else f"{first}-{last}"
    return f"{(stem or name)[:_LONGEST_STEM]} p{shown}{dot}{extension if stem else ''}"


def _limited(documents: Iterator[FoundDocument], most: int) -> list[FoundDocument]:
    """No more than `most`, and one that says how many are left out."""
    kept: list[FoundDocument] = []
    for document in documents:
        if len(kept) < most:
            kept.append(document)
            continue
        if len(kept) == most:
            message = words.too_many(most)
            kept.append(replace(document, content=None, skipped=False, reason=Reason.TOO_MANY, message=message))
        if document.content is not None:
            document.content.close()
    return kept
