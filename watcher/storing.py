"""Storing: from a document in hand to what the journal records of it. Its outcome is told here where it is not sent."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct
from msgspec.structs import replace

from watcher.errors import StoreRefused, StoreUnavailable
from watcher.model import BookingKey, Locator, NewDocument, Outcome, Person, Reason
from watcher.ports import UNMEASURED, FoundDocument, Meter, Store


class Storing(Struct, frozen=True, kw_only=True):
    """Gives documents their attachment URL. Called by many threads at once."""

    store: Store
    create_expense: bool
    meter: Meter = UNMEASURED

    def new_document(self, found: FoundDocument, person: Person | None) -> NewDocument:
        """Raises StoreUnavailable."""
        nobodys = person is None and self.create_expense
        if found.skipped:
            return _skipped(found, None if nobodys else self._skipped_at(found))
        if found.reason is not None:
            return _failed(found, found.reason, found.message)
        if nobodys:
            return _failed(found, Reason.NO_USER, None)
        try:
            return _document(found, locator=self._put(found))
        except StoreRefused as error:
            return _failed(found, Reason.NO_URL, str(error))

    def secure(self) -> None:
        """To be called before any of the documents is recorded. Raises StoreUnavailable."""
        try:
            self.store.secure()
        except StoreUnavailable:
            self.meter.store_failed(self.store.name, refused=False)
            raise

    def is_near(self, found: Sequence[FoundDocument]) -> bool:
        """Whether all these are stored in less time than it takes to hand them to a thread."""
        return all(self.store.is_near(each) for each in found)

    def _skipped_at(self, found: FoundDocument) -> Locator | None:
        """What is skipped is stored all the same, so that it can be sent when somebody says so."""
        try:
            return self._put(found)
        except StoreRefused:
            return None

    def _put(self, found: FoundDocument) -> Locator:
        try:
            return self.store.put(found)
        except (StoreUnavailable, StoreRefused) as error:
            self.meter.store_failed(self.store.name, refused=isinstance(error, StoreRefused))
            raise


def _skipped(found: FoundDocument, locator: Locator | None) -> NewDocument:
    document = _document(found, locator=locator)
    return replace(document, outcome=Outcome.SKIPPED, code=found.reason, message=found.message)


def _failed(found: FoundDocument, reason: Reason, message: str | None) -> NewDocument:
    return replace(_document(found, locator=None), outcome=Outcome.ERROR, code=reason, message=message)


def _document(found: FoundDocument, *, locator: Locator | None) -> NewDocument:
    sha256 = found.content.sha256 if found.content is not None else ""
    return NewDocument(
        name=found.name,
        media_type=found.media_type,
        size=found.size,
        sha256=sha256,
        content=_identity(found, sha256),
        locator=locator,
        read=found.read,
    )


def _identity(found: FoundDocument, sha256: str) -> str:
    """Of a part its parent's and its pages: the same file is not cut into the same bytes twice."""
    if found.parent is None or found.pages is None:
        return sha256
    return BookingKey.of_part(found.parent, *found.pages)
