"""What became of a link: a file, or why there is none."""

from __future__ import annotations

from msgspec import Struct

from watcher.model import Reason
from watcher.spool import Spooled


class NotHad(Exception):
    """A request gave nothing that helps. `str()` says why, without anything of the link."""

    def __init__(self, reason: Reason, detail: str, *, again: bool = False) -> None:
        super().__init__(detail)
        self.reason = reason
        self.again = again  # the same request may succeed later


class Platform(Struct, frozen=True, kw_only=True):
    """What people call it."""

    zh: str
    en: str


class LinkedFile(Struct, frozen=True, kw_only=True):
    """A file that a link led to; it is a `watcher.ports.Leaf`. Whoever has it closes it."""

    name: str | None
    declared_type: str | None
    content: Spooled
    path: None = None
    trail: str = ""

    @property
    def least_bytes(self) -> int:
        return self.content.size

    def fetch(self) -> Spooled:
        """A copy, which is closed by itself."""
        return Spooled(self.content.chunks())

    def close(self) -> None:
        self.content.close()


class LinkResult(Struct, frozen=True, kw_only=True):
    """One invoice that was linked to, by however many links. Either `file` or `reason` is set.

    `said` are all links of the mail that are taken to lead to it.
    """

    link: str  # for its owner alone: it is never logged
    host: str
    platform: Platform | None  # None: a host of the configuration
    file: LinkedFile | None = None
    reason: Reason | None = None
    again: bool = False  # it may be had later
    said: frozenset[str] = frozenset()
