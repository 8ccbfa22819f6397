"""The file already has a URL: a base and its path in the folder."""

from __future__ import annotations

import os
from collections.abc import Callable
from urllib.parse import quote, unquote_to_bytes

from watcher.config.sections import ResolveStore as Section
from watcher.errors import StoreRefused, StoreUnavailable
from watcher.findings import About
from watcher.headers import clean
from watcher.model import Finding, Locator
from watcher.ports import FoundDocument, Store
from watcher.stores.fetching import head_finding
from watcher.stores.lying import Lying

Sample = tuple[str, int]


class ResolveStore:
    """Works the URL out; keeps nothing. What has no path of its own goes to `parts`, or is refused."""

    def __init__(
        self,
        name: str,
        section: Section,
        parts: Store | None,
        *,
        sample: Callable[[], Sample | None] = lambda: None,
        lying: Callable[[str], Lying] = lambda _path: Lying(unseen=True),
    ) -> None:
        """`sample` finds a file whose address a check can try: its path in the folder, and its size. `lying` is told a
        path, and says what lies there.
        """
        self._name = name
        self._base = section.base_url.rstrip("/") + "/"
        self._parts = parts
        self._sample = sample
        self._lying = lying

    @property
    def name(self) -> str:
        return self._name

    @property
    def keeps(self) -> bool:
        """Not: people write there. What `parts` keeps is asked of that."""
        return False

    def prepare(self) -> None:
        """There is nothing to load."""

    def put(self, document: FoundDocument) -> Locator:
        """The address it has. Raises StoreRefused where it has none and there is no store for such parts."""
        if document.path is not None:
            quoted = _quoted(document.path)
            return Locator(store=self._name, key=quoted, url=self._base + quoted)
        if self._parts is None:
            raise StoreRefused(
                f"the store {self._name} knows no address for what came out of another file: set `parts`"
            )
        return self._parts.put(document)

    def secure(self) -> None:
        if self._parts is not None:
            self._parts.secure()

    def is_near(self, document: FoundDocument) -> bool:
        return document.path is not None or self._parts is None or self._parts.is_near(document)

    def attachment_url(self, locator: Locator, content: str | None = None) -> str:
        if self._parts is not None and locator.store == self._parts.name:
            return self._parts.attachment_url(locator, content)
        if content is not None and self._lying(_path(locator)).lacks(content):
            # What lies there now is a document of its own, or nothing: posted as this one it would be booked twice.
            raise StoreUnavailable("the file is not there any more as it was taken in: it was changed, or moved away")
        return locator.url or self._base + locator.key

    def replaced_by(self, locator: Locator, content: str) -> str | None:
        if self._parts is not None and locator.store == self._parts.name:
            return self._parts.replaced_by(locator, content)
        return self._lying(_path(locator)).instead_of(content)

    def check(self) -> list[Finding]:
        """Whether the web server answers, and leads to a file that lies in a folder now, where one does."""
        about = About(f"store {self._name}")
        found = [self._led(about)]
        if self._parts is None:
            message = "files from archives and parts of long PDFs have no address, because `parts` is not set"
            found.append(about.note(message, f"name a store that uploads in stores.{self._name}.parts"))
        return found

    def _led(self, about: About) -> Finding:
        sample = self._sample()
        if sample is None:
            return head_finding(self._base, None, about, self._base)
        path, size = sample
        return head_finding(self._base + _quoted(path), size, about, f"the address of {clean(path)}")

    def close(self) -> None:
        """There is nothing to let go of; `parts` is closed by whoever built it."""


def _path(locator: Locator) -> str:
    """In the folder."""
    return os.fsdecode(unquote_to_bytes(locator.key))


def _quoted(path: str) -> str:
    """Percent-encoded as UTF-8, or as the bytes that the file system has where they are no UTF-8."""
    return quote(path.encode("utf-8", "surrogateescape"), safe="/")
