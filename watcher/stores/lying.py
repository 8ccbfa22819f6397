"""What lies where an address leads, as far as it can be seen from here."""

from __future__ import annotations

from msgspec import Struct


class Lying(Struct, frozen=True, kw_only=True):
    """The files at one path, of all places that it may be below."""

    sha256: frozenset[str] = frozenset()
    unseen: bool = False  # some of the places cannot be looked at now

    def lacks(self, content: str) -> bool:
        """Whether it is known that no file of that sha256 is there."""
        return content not in self.sha256 and not self.unseen

    def instead_of(self, content: str) -> str | None:
        """The sha256 of what lies there in its place; None: nothing does, or that cannot be seen."""
        return min(self.sha256, default=None) if self.lacks(content) else None
