"""What an opener is, what it yields, and how much it may unpack.

An *opener* takes a container (an archive, a message) and yields what is in it. A new kind of
container is one module in `watcher.documents.openers` and one line in its registry.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Generator, Iterable, Iterator
from dataclasses import dataclass

from watcher.config.sections import Limits
from watcher.documents import words
from watcher.documents.sniff import kind_of, may_hold_documents
from watcher.errors import DocumentRefused
from watcher.model import Reason
from watcher.spool import Spooled

_MOST_ENTRIES = 10_000
_UNPACKED_PER_SUBMISSION = 4  # times limits.submission: nested archives count at each level


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """Something in a container, unpacked. Whoever gets it closes `content`."""

    name: str | None  # decoded, not cleaned
    content: Spooled
    declared_type: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """Something in a container that would be wanted and cannot be had."""

    name: str | None
    reason: Reason
    message: str
    size: int = 0


class Allowance:
    """What may still be unpacked of one submission. Its methods raise DocumentRefused beyond that."""

    def __init__(self, *, accept: Collection[str], limits: Limits) -> None:
        self._accept = accept
        self.limits = limits
        self._bytes = limits.submission * _UNPACKED_PER_SUBMISSION
        self._entries = _MOST_ENTRIES

    def wants(self, head: bytes) -> bool:
        """Whether something that begins so has to be unpacked whole."""
        return may_hold_documents(head, self._accept)

    def largest(self, head: bytes) -> int:
        """How many bytes something that begins so may have."""
        return self.limits.submission if kind_of(head).is_container else self.limits.document

    def count_entry(self) -> None:
        self._entries -= 1
        if self._entries < 0:
            raise DocumentRefused(Reason.TOO_MANY, words.CROWDED)

    def spool(self, chunks: Iterable[bytes]) -> Spooled:
        """The bytes, counted while they come."""
        return Spooled(self._counted(chunks))

    def _counted(self, chunks: Iterable[bytes]) -> Iterator[bytes]:
        for chunk in chunks:
            self._bytes -= len(chunk)
            if self._bytes < 0:
                raise DocumentRefused(Reason.TOO_LARGE, words.BOMB)
            yield chunk


Opener = Callable[[Spooled, Allowance], Generator[Entry | Refusal, None, None]]
"""Yields what is in a container. Raises DocumentRefused, at its end too, for what is wrong with the whole."""
