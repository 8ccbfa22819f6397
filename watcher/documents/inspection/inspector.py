"""Looking into documents and splitting them, by children that are kept while they do well and killed when they fail."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress

from watcher.deadline import started
from watcher.documents import words
from watcher.documents.formats import Format
from watcher.documents.inspection.answers import BadAnswer, decoded
from watcher.documents.inspection.descriptors import chunks_of, close, copied, size_of
from watcher.documents.inspection.plain import plainly_one_page
from watcher.documents.inspection.process import Answers, Child, ChildFailed
from watcher.errors import DocumentRefused
from watcher.model import Reason
from watcher.seen import NOTHING_SEEN, Seen
from watcher.spool import Spooled

log = logging.getLogger(__name__)

TIME_LIMIT_SECONDS = 10.0
MEMORY_LIMIT_BYTES = 512 * 1024 * 1024
IDLE_SECONDS = 120.0
# Two, so that a document which takes all its time does not hold up every other.
_MOST_CHILDREN = 2
# Of the time limit: how long the child goes on searching pages before it hands over what it has.
_SEARCHING = 0.5
_LARGEST_PART = 256 * 1024 * 1024


class Inspector:
    """Facts about documents. Safe to call from many threads; no child is started before the first document.

    `time_limit` is seconds for one document, `memory_limit` the bytes of address space that a child may take,
    `idle` the seconds after which a child is ended that has nothing to do.
    """

    def __init__(
        self,
        *,
        time_limit: float = TIME_LIMIT_SECONDS,
        memory_limit: int = MEMORY_LIMIT_BYTES,
        idle: float = IDLE_SECONDS,
    ) -> None:
        self._time_limit = time_limit
        self._memory_limit = memory_limit
        self._idle = idle
        self._turns = threading.BoundedSemaphore(_MOST_CHILDREN)
        self._lock = threading.Lock()
        self._resting: list[tuple[float, Child]] = []  # since when; the last used last
        self._busy: set[Child] = set()
        self._timer: threading.Timer | None = None
        self._closed = False

    def look(self, content: Spooled, form: Format, *, deep: bool) -> Seen:
        """What is known of a document of that format; with `deep` its invoices and marks too.

        Raises nothing for what the file or the child does: what fails is NOTHING_SEEN.
        """
        if content.size == 0:
            return Seen(damaged=True)
        request = {"look": form, "deep": deep, "seconds": self._time_limit * _SEARCHING}
        try:
            with self._asked(request, content) as answers:
                data, descriptors = answers.next()
                close(descriptors)
                return decoded(data)
        except (ChildFailed, BadAnswer, OSError) as error:
            log.warning("A document could not be looked into.", extra={"format": form.value, "detail": str(error)})
            return NOTHING_SEEN

    def split(self, content: Spooled, ranges: Sequence[tuple[int, int]], *, most: int = _LARGEST_PART) -> list[Spooled]:
        """A PDF for each range of pages of a PDF (from 1, both inclusive); the caller closes them.

        Raises DocumentRefused where it cannot be split or all parts would have more than `most` bytes, OSError where
        there is no room for the parts or for a child.
        """
        found: list[Spooled] = []
        try:
            with self._asked({"split": [list(pages) for pages in ranges], "most": most}, content) as answers:
                for _ in ranges:
                    found.append(_part(answers, min(most, _LARGEST_PART)))
                    most -= found[-1].size
        except (ChildFailed, BadAnswer) as error:
            _discard(found)
            log.warning("A document could not be split.", extra={"detail": str(error)})
            raise DocumentRefused(Reason.UNREADABLE, words.UNSPLIT) from error
        except BaseException:
            _discard(found)
            raise
        return found

    def plainly_one_page(self, content: Spooled) -> bool:
        """Whether a PDF says in the clear that it has exactly one page; costs no child. False where in doubt."""
        return content.told(plainly_one_page)

    def close(self) -> None:
        """Ends every child, also what is being looked into. After it, nothing is seen and nothing can be split."""
        with self._lock:
            self._closed = True
            resting, self._resting = self._resting, []
            busy = list(self._busy)
            if self._timer is not None:
                self._timer.cancel()
        for _, child in resting:
            child.release()
        for child in busy:
            child.end()  # whoever asks it releases it

    @contextmanager
    def _asked(self, request: Mapping[str, object], content: Spooled) -> Iterator[Answers]:
        """The answers to a request. A child that fails in a way that leaves it in doubt is not asked again."""
        with self._turns, copied(content) as document:
            child = self._taken()
            keep = False
            try:
                yield child.ask(request, document, seconds=self._time_limit)
                keep = True
            except ChildFailed as failed:
                keep = not failed.is_over
                raise
            finally:
                self._given_back(child, keep=keep)

    def _taken(self) -> Child:
        """One that rests, else a new one."""
        dead: list[Child] = []
        child = None
        with self._lock:
            while self._resting and child is None:
                _, resting = self._resting.pop()
                if resting.is_alive:
                    child = resting
                else:
                    dead.append(resting)
            if child is not None:
                self._busy.add(child)
        for one in dead:
            one.release()
        return child or self._started()

    def _started(self) -> Child:
        if self._closed:
            raise ChildFailed("the inspector is closed", is_over=True)
        child = Child(memory_limit=self._memory_limit)
        with self._lock:
            self._busy.add(child)
            is_late = self._closed
        if is_late:
            child.end()
        return child

    def _given_back(self, child: Child, *, keep: bool) -> None:
        with self._lock:
            self._busy.discard(child)
            keep = keep and not self._closed
            if keep:
                self._resting.append((time.monotonic(), child))
                self._watch()
        if not keep:
            child.release()

    def _watch(self) -> None:
        """Sees to it that somebody looks for idle children; the lock is held."""
        if self._timer is None:
            timer = threading.Timer(self._idle, self._retire)
            timer.daemon = True
            with suppress(OSError):  # no thread can be had: whoever rests next has another try
                started(timer)
                self._timer = timer

    def _retire(self) -> None:
        """Ends the children that have rested long enough."""
        with self._lock:
            self._timer = None
            until = time.monotonic() - self._idle
            retired = [child for since, child in self._resting if since <= until]
            self._resting = [(since, child) for since, child in self._resting if since > until]
            if self._resting and not self._closed:
                self._watch()
        for child in retired:
            child.release()


def _part(answers: Answers, most: int) -> Spooled:
    """The next one, of at most so many bytes: a child that was taken over counts none."""
    _, descriptors = answers.next()
    try:
        if size_of(descriptors) > most:
            raise BadAnswer("a part is too large")
        part = Spooled(chunks_of(descriptors[0], most))
    finally:
        close(descriptors)
    if not part.head(5).startswith(b"%PDF-"):
        part.close()
        raise BadAnswer("a part is no PDF")
    return part


def _discard(parts: Sequence[Spooled]) -> None:
    for part in parts:
        part.close()
