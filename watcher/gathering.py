"""Gathering: the documents of an arrival, from its files and from behind its links, with what is to be sent of them."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from contextlib import ExitStack
from datetime import datetime, timedelta

from msgspec import Struct
from msgspec.structs import replace

from watcher.errors import LinkUnavailable
from watcher.model import LeftOut, Reason
from watcher.policy.missing import Placed, links_once, missed_beside
from watcher.ports import Chooser, FoundDocument, Linked, LinkReader, MailText, Parcel, Reader

_MOST_LEFT_OUT = 50
# Platforms come back within minutes; then whoever sent the mail has to be told.
_LINKS_ARE_TRIED = timedelta(hours=1)


class Harvest(Struct, frozen=True, kw_only=True):
    """What an arrival itself holds, in hand: its source is not needed any more. Whoever has it closes it."""

    documents: tuple[FoundDocument, ...] = ()
    texts: tuple[MailText, ...] = ()
    left_out: tuple[LeftOut, ...] = ()

    @property
    def contents(self) -> frozenset[str]:
        """The sha256 of each of its documents."""
        return frozenset(each.content.sha256 for each in self.documents if each.content is not None)

    def close(self) -> None:
        _close(self.documents)


class Gathered(Struct, frozen=True, kw_only=True):
    """All documents of an arrival, some of them not to be sent. Whoever has it closes it."""

    documents: tuple[FoundDocument, ...] = ()
    left_out: tuple[LeftOut, ...] = ()

    @property
    def holds_nothing(self) -> bool:
        """Nobody takes the pictures under a mail for documents."""
        return all(each.skipped and each.reason is Reason.SIGNATURE_IMAGE for each in self.documents)

    def close(self) -> None:
        _close(self.documents)


class Gathering(Struct, frozen=True, kw_only=True):
    """`links` None: none are followed. `now` is compared with when a mail was received.

    Safe to call from many threads.
    """

    reader: Reader
    chooser: Chooser
    links: LinkReader | None
    now: Callable[[], datetime]

    def harvest(self, parcel: Parcel) -> Harvest:
        """Raises SourceUnavailable, Vanished."""
        left_out: list[LeftOut] = []
        found = self.reader.documents(parcel.leaves(), leave_out=left_out.append)
        try:
            texts = tuple(parcel.texts()) if self.links is not None else ()
            pages = parcel.pages() if self.links is None else texts
            left_out += self.reader.linked_files(pages)
        except BaseException:
            _close(found)
            raise
        return Harvest(documents=tuple(found), texts=texts, left_out=links_once(left_out))

    def gather(self, harvest: Harvest, received_at: datetime) -> Gathered:
        """Takes the harvest over. May take minutes, where a mail has links.

        Raises LinkUnavailable where a platform may have the file soon, SourceUnavailable where there is no room.
        """
        left_out = list(harvest.left_out)
        with ExitStack() as undo:
            undo.callback(harvest.close)
            linked = self._behind_links(harvest, received_at, left_out)
            undo.callback(_close, linked.documents)
            came = [*harvest.documents, *linked.documents]
            chosen = self.chooser.choose(came)
            undo.pop_all()
        return _gathered(chosen, [*left_out, *linked.left_out], came=came, linked=linked.mails | linked.links)

    def gather_plainly(self, harvest: Harvest) -> Gathered | None:
        """The same, where it takes no time; None, and the harvest as it was, where something has to be looked into."""
        if self.links is not None and harvest.texts:
            return None
        chosen = self.chooser.choose_plainly(harvest.documents)
        return None if chosen is None else _gathered(chosen, harvest.left_out, came=harvest.documents)

    def _behind_links(self, harvest: Harvest, received_at: datetime, left_out: list[LeftOut]) -> Linked:
        """A link that leads nowhere is told only where nothing else came: it mostly has what is attached as well.

        But not of one whose platform does not answer: what it has may be another invoice, and nobody would know.
        """
        if self.links is None or not harvest.texts:
            return Linked(documents=[])
        linked = self.links.linked(harvest.texts)
        documents = [each for each in linked.documents if each.content is not None or not _is_of_a_link(each)]
        nowhere = [each for each in linked.documents if each.content is None and _is_of_a_link(each)]
        unanswered = [each for each in nowhere if each.reason is Reason.LINK_UNREACHABLE]
        has_others = any(each.reason is None for each in (*harvest.documents, *documents))
        if linked.later and (unanswered or not has_others) and self.now() - received_at < _LINKS_ARE_TRIED:
            _close(documents)
            raise LinkUnavailable(f"what a mail links to cannot be fetched now: {', '.join(linked.later)}")
        if has_others:
            left_out.extend(LeftOut(name=each.name, why=str(each.reason)) for each in nowhere if each not in unanswered)
        return replace(linked, documents=[*documents, *(unanswered if has_others else nowhere)])


def _gathered(
    documents: Sequence[FoundDocument],
    left_out: Sequence[LeftOut],
    *,
    came: Sequence[FoundDocument],
    linked: Collection[str] = (),
) -> Gathered:
    """Of very many what somebody may miss comes first, so that it is kept. `came` are the documents uncut."""
    if any(each.missed or each.trail for each in left_out):
        numbers = {invoice.number for each in documents for invoice in each.read if invoice.number is not None}
        sent = {each.trail for each in documents if each.content is not None and not each.skipped}
        noted = missed_beside(left_out, [*map(_placed, came)], numbers, trails=sent.union(linked))
        left_out = sorted(noted, key=lambda each: not each.missed)
    if len(left_out) > _MOST_LEFT_OUT:
        left_out = [*left_out[:_MOST_LEFT_OUT], *_summed_up(left_out[_MOST_LEFT_OUT:])]
    return Gathered(documents=tuple(documents), left_out=tuple(left_out))


def _placed(document: FoundDocument) -> Placed:
    """What a link led to is in no mail."""
    is_attached = document.trail.startswith("/")
    return Placed(document.name, document.trail.rpartition("/")[0] if is_attached else document.trail or "link")


def _summed_up(rest: Sequence[LeftOut]) -> Iterator[LeftOut]:
    """Those that may be missed in one, and the others in another, so that what is counted is right."""
    for is_missed in (True, False):
        count = sum(each.count for each in rest if each.missed is is_missed)
        if count:
            yield LeftOut(name="…", why=f"{count} more", missed=is_missed, count=count)


def _is_of_a_link(document: FoundDocument) -> bool:
    return document.reason is not None and document.reason.is_of_a_link


def _close(documents: Iterable[FoundDocument]) -> None:
    for document in documents:
        if document.content is not None:
            document.content.close()
