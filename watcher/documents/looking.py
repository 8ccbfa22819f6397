"""What looking into documents promises; `inspection` does it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from watcher.documents.formats import Format
from watcher.policy.pages import Pages
from watcher.seen import Seen
from watcher.spool import Spooled


class Looking(Protocol):
    """Looks into documents. Called by many threads at once."""

    def plainly_one_page(self, content: Spooled) -> bool:
        """Whether a PDF says in the clear that it has one page: then there is nothing to look for."""

    def look(self, content: Spooled, form: Format, *, deep: bool) -> Seen:
        """What is in it, as far as can be told; never raises for what the file is."""

    def split(self, content: Spooled, ranges: Sequence[Pages], *, most: int) -> list[Spooled]:
        """Pages of a PDF as files of their own, of at most `most` bytes together.

        Raises DocumentRefused where it cannot be cut so.
        """

    def close(self) -> None: ...
