"""Gathering: the documents of an arrival, from its files and from behind its links, with what is to be sent of them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from watcher.errors import LinkUnavailable
from watcher.model import LeftOut, Reason
from watcher.ports import Chooser, FoundDocument, LinkFollower, Parcel, Reader

_MOST_LEFT_OUT = 50
# Platforms come back within minutes; then whoever sent the mail has to be told.
_LINKS_ARE_TRIED = timedelta(hours=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Gathered:
    """What an arrival holds. Whoever has it closes it."""

    documents: tuple[FoundDocument, ...] = ()
    left_out: tuple[LeftOut, ...] = ()

    @property
    def holds_nothing(self) -> bool:
        """Nobody takes the pictures under a mail for documents."""
        return all(each.skipped and each.reason is Reason.SIGNATURE_IMAGE for each in self.documents)

    def close(self) -> None:
        _close(self.documents)


@dataclass(frozen=True, slots=True, kw_only=True)
class Gathering:
    """`links` None: none are followed. `now` is compared with when a mail was received."""

    reader: Reader
    chooser: Chooser
    links: LinkFollower | None
    now: Callable[[], datetime]

    def gather(self, parcel: Parcel, received_at: datetime) -> Gathered:
        """Raises SourceUnavailable, Vanished, and LinkUnavailable where a platform may have the file soon."""
        left_out: list[LeftOut] = []
        with ExitStack() as undo:
            found = self.reader.documents(parcel.leaves(), leave_out=left_out.append)
            undo.callback(_close, found)
            linked = self._behind_links(parcel, found, received_at, left_out)
            undo.callback(_close, linked)
            chosen = self.chooser.choose([*found, *linked])
            undo.pop_all()
        return Gathered(documents=tuple(chosen), left_out=tuple(left_out[:_MOST_LEFT_OUT]))

    def _behind_links(
        self, parcel: Parcel, found: Sequence[FoundDocument], received_at: datetime, left_out: list[LeftOut]
    ) -> list[FoundDocument]:
        """A link that leads nowhere is told only where nothing else came: it mostly has what is attached as well."""
        if self.links is None or parcel.header is None:
            return []
        with self.links.follow(parcel.texts()) as followed:
            linked = [
                replace(each, in_mail=False)
                for each in self.reader.documents(followed.files, leave_out=left_out.append)
            ]
            if not _any_usable(found, linked):
                if followed.again and self.now() - received_at < _LINKS_ARE_TRIED:
                    _close(linked)
                    raise LinkUnavailable("a platform that a mail links to does not answer")
                return [*linked, *followed.failed]
            left_out.extend(LeftOut(name=each.name, why=each.message or str(each.reason)) for each in followed.failed)
            return linked


def _any_usable(*found: Iterable[FoundDocument]) -> bool:
    return any(each.reason is None for documents in found for each in documents)


def _close(documents: Iterable[FoundDocument]) -> None:
    for document in documents:
        if document.content is not None:
            document.content.close()
