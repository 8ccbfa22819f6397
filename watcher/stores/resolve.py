"""The file already has a URL: a base and its path in the folder."""

from __future__ import annotations

from urllib.parse import quote

from watcher.config.sections import ResolveStore as Section
from watcher.errors import StoreRefused
from watcher.model import Finding, Locator
from watcher.ports import FoundDocument, Store


class ResolveStore:
    """Works the URL out; keeps nothing. What has no path of its own goes to `parts`, or is refused."""

    def __init__(self, name: str, section: Section, parts: Store | None) -> None:
        self._name = name
        self._base = section.base_url.rstrip("/") + "/"
        self._parts = parts

    @property
    def name(self) -> str:
        return self._name

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

    def attachment_url(self, locator: Locator) -> str:
        if self._parts is not None and locator.store == self._parts.name:
            return self._parts.attachment_url(locator)
        return locator.url or self._base + locator.key

    def check(self) -> list[Finding]:
        """What addresses look like; that they lead to the files is known only to the web server."""
        wanting = "" if self._parts is not None else "; files from archives have none, because `parts` is not set"
        message = f"gives {self._base} and the path in the folder{wanting}"
        return [Finding(subject=f"store {self._name}", ok=True, message=message, warning=self._parts is None)]

    def close(self) -> None:
        """There is nothing to let go of; `parts` is closed by whoever built it."""


def _quoted(path: str) -> str:
    """Percent-encoded as UTF-8, or as the bytes that the file system has where they are no UTF-8."""
    return quote(path.encode("utf-8", "surrogateescape"), safe="/")
