"""What an opener is, what it yields, and how much it may unpack.

An *opener* takes a container (an archive, a message) and yields what is in it. A new kind of
container is one module in `watcher.documents.openers` and one line in its registry.
"""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Collection, Generator, Iterable, Iterator

from msgspec import Struct

from watcher.config.sections import Limits
from watcher.documents import words
from watcher.documents.claims import claimed_format, is_declared_message, is_said
from watcher.documents.formats import Format
from watcher.documents.sniff import HEAD_BYTES, kind_of, may_hold_documents
from watcher.errors import DocumentRefused
from watcher.model import Reason
from watcher.spool import Spooled

_MOST_ENTRIES = 10_000
_UNPACKED_PER_SUBMISSION = 4  # times limits.submission: nested archives count at each level
_SECONDS = 30.0  # 50 MB take one or two
# Small things compress well without being a bomb.
_SMALL_BYTES = 1_000_000


class Entry(Struct, frozen=True, kw_only=True):
    """Something in a container, unpacked. Whoever gets it closes `content`.

    `trail` is its own in the container, where others have to know it by that; "": any will do.
    """

    name: str | None  # decoded, not cleaned
    content: Spooled
    declared_type: str | None = None
    trail: str = ""


class Refusal(Struct, frozen=True, kw_only=True):
    """Something in a container that would be wanted and cannot be had."""

    name: str | None
    reason: Reason
    message: str
    size: int = 0
    trail: str = ""  # as an Entry's


class Itself(Struct, frozen=True):
    """That the container is a document as well, whatever it holds."""


ITSELF = Itself()


def _nobody_asks(_name: str | None, _form: Format, _size: int, _trail: str) -> None:
    """What nobody wants is not told to anybody."""


class Allowance:
    """What may still be unpacked of one submission. Its methods raise DocumentRefused beyond that.

    `left_out` is told what is not wanted: its name, what it is, its size, of what is large that of its first piece, and
    its trail in the container, as an Entry's.
    Its time is what this thread computes, so that neither a slow server nor a busy machine spends it. For one thread.
    """

    def __init__(
        self,
        *,
        accept: Collection[str],
        limits: Limits,
        seconds: float = _SECONDS,
        clock: Callable[[], float] = time.thread_time,
        left_out: Callable[[str | None, Format, int, str], None] = _nobody_asks,
    ) -> None:
        self._left_out = left_out
        self._accept = accept
        self.limits = limits
        self._bytes = limits.submission * _UNPACKED_PER_SUBMISSION
        self._entries = _MOST_ENTRIES
        self._clock = clock
        self._ends_at = clock() + seconds

    def wants(self, head: bytes, *, name: str | None = None, declared_type: str | None = None) -> bool:
        """Whether something that begins so (and is said to be that) has to be unpacked whole."""
        return (
            may_hold_documents(head, self._accept)
            or is_declared_message(head, declared_type)
            or self.is_claimed(name, declared_type)
            or is_said(declared_type)
        )

    def takes(self, form: Format) -> bool:
        """Whether such a file is a document, or is opened."""
        return form.is_container or form.is_accepted(self._accept)

    def leave_out(self, head: bytes, size: int, *, name: str | None = None, trail: str = "") -> None:
        """Note that something that begins so is not unpacked, because nobody wants it."""
        self._left_out(name, kind_of(head), size, trail)

    def leave_out_mail(self, name: str | None, size: int = 0) -> None:
        """Note a mail of Outlook's in which there is no document."""
        self._left_out(name, Format.OUTLOOK, size, "")

    def is_claimed(self, name: str | None, declared_type: str | None = None) -> bool:
        """Whether it is said to be a document that is accepted, so that somebody would miss it."""
        return claimed_format(name, declared_type, self._accept) is not None

    def without_bytes(self, name: str | None) -> Refusal | None:
        """What an attachment is whose bytes are not there: Outlook attaches what lies in the cloud so."""
        if not self.is_claimed(name):
            return None
        return Refusal(name=name, reason=Reason.UNREADABLE, message=words.BY_REFERENCE)

    def largest(self, head: bytes) -> int:
        """How many bytes something that begins so may have."""
        return self.limits.submission if kind_of(head).is_container else self.limits.document

    def most_bytes(self, packed: int) -> int:
        """How many bytes a container of this size may unpack to."""
        return max(_SMALL_BYTES, packed * self.limits.archive_ratio)

    def count_entry(self) -> None:
        self.check_time()
        self._entries -= 1
        if self._entries < 0:
            raise DocumentRefused(Reason.TOO_MANY, words.CROWDED)

    def check_time(self) -> None:
        if self.seconds_left() <= 0:
            raise DocumentRefused(Reason.TOO_LARGE, words.SLOW)

    def seconds_left(self) -> float:
        return self._ends_at - self._clock()

    def spend(self, seconds: float) -> None:
        """Count what another process has worked for us."""
        self._ends_at -= seconds

    def spool(self, chunks: Iterable[bytes]) -> Spooled:
        """The bytes, counted while they come."""
        return Spooled(self._counted(chunks))

    def entry(
        self, chunks: Iterable[bytes], *, name: str | None = None, declared_type: str | None = None, trail: str = ""
    ) -> Entry | None:
        """What these chunks make, or None where their begin shows that nobody wants it: then the rest is not read."""
        waiting = iter(chunks)
        head = b""
        while len(head) < HEAD_BYTES and (chunk := next(waiting, None)) is not None:
            head += chunk
        if not self.wants(head[:HEAD_BYTES], name=name, declared_type=declared_type):
            self.leave_out(head[:HEAD_BYTES], len(head), name=name, trail=trail)
            return None
        content = self.spool(itertools.chain([head], waiting))
        return Entry(name=name, content=content, declared_type=declared_type, trail=trail)

    def _counted(self, chunks: Iterable[bytes]) -> Iterator[bytes]:
        for chunk in chunks:
            self.check_time()
            self._bytes -= len(chunk)
            if self._bytes < 0:
                raise DocumentRefused(Reason.TOO_LARGE, words.BOMB)
            yield chunk


Opener = Callable[[Spooled, Allowance], Generator[Entry | Refusal | Itself, None, None]]
"""Yields what is in a container. Raises DocumentRefused, at its end too, for what is wrong with the whole."""
