"""One round of taking in: which submissions are recorded together, and when."""

from __future__ import annotations

import logging
import threading
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, wait
from contextlib import contextmanager

from msgspec import Struct, field

from watcher.clock import boot_seconds
from watcher.errors import (
    DirectoryUnavailable,
    LinkUnavailable,
    SourceUnavailable,
    StoreUnavailable,
    Unavailable,
    Vanished,
)
from watcher.headers import clean
from watcher.model import NewSubmission
from watcher.ports import Arrival
from watcher.recording import AT_ONCE, Draft, Recording

log = logging.getLogger(__name__)

_RECORDED_AT_ONCE = 16
_RECORDED_WITHIN_SECONDS = 0.05  # of being stored, where others come that fast
_MOST_REFUSED = 8  # submissions in a row: more, and it is no fault of theirs
_REFUSED_REST_SECONDS = 600.0  # of what the store does not take
_UNREAD_REST_SECONDS = 60.0  # of what cannot be read where it lies
_OVERSEEN_EACH_SECONDS = 0.5  # how often, and from which age on, what is stored is recorded where no other comes


class Round(Struct, kw_only=True):
    """What one look at a source came to."""

    taken: int = 0
    waiting: list[str] = field(default_factory=list)  # why some could not be taken in yet
    surplus: int = 0  # mails that wait because their senders have submitted too much of late


class _UnderWay(Struct, frozen=True, kw_only=True):
    """A submission that is being stored; `contents` are the hashes of what it holds."""

    arrival: Arrival
    future: Future[None]
    contents: frozenset[str]


class _Stored(Struct, frozen=True, kw_only=True):
    """A submission that only has to be recorded."""

    arrival: Arrival
    submission: NewSubmission
    began: float  # boot seconds


@contextmanager
def taking_round(recording: Recording, result: Round, let_rest: Callable[[str, float, str], None]) -> Iterator[Taking]:
    """All that is taken is recorded at its end, however it ends. `let_rest` as for Taking."""
    taking = Taking(recording, result, let_rest)
    try:
        yield taking
    except BaseException:
        taking.end()
        raise
    taking.finish()


class Taking:
    """One round: what takes no time is stored at once and recorded many together, all else has threads. For one thread.

    Of two that hold the same document the one that came first is booked, and the other its duplicate. None that is
    stored waits longer for others than about a second, however slowly the next one comes.
    """

    def __init__(self, recording: Recording, result: Round, let_rest: Callable[[str, float, str], None]) -> None:
        """`let_rest` is told the key of what cannot be had or stored for what it is, for how many seconds, and why."""
        self._recording = recording
        self._result = result
        self._let_rest = let_rest
        self._refused = 0  # submissions in a row that could not be had, or not be stored
        self._under_way: deque[_UnderWay] = deque()
        self._lock = threading.Lock()  # over all below: what is stored is recorded in its order, by whichever thread
        self._stored: list[_Stored] = []
        self._failure: Unavailable | None = None  # that the overseer met
        self._is_overseen = False
        self._over = threading.Event()

    def take(self, arrival: Arrival, draft: Draft) -> None:
        """Raises what its own storing raises, and Unavailable where others could not be recorded."""
        began = boot_seconds()
        contents = draft.harvest.contents
        twins = [each.future for each in self._under_way if contents & each.contents]
        stored = None if twins else self._recording.store_here(draft)
        if stored is None:
            self._record()
            future = self._recording.begin(draft, twins)
            self._under_way.append(_UnderWay(arrival=arrival, future=future, contents=contents))
        else:
            self._keep(_Stored(arrival=arrival, submission=stored, began=began))

    def make_room(self) -> None:
        while len(self._under_way) >= AT_ONCE:
            self._finish(self._under_way.popleft())

    def finish(self) -> None:
        """Raises the first Unavailable, when none is under way any more."""
        try:
            self._record()
            while self._under_way:
                self._finish(self._under_way.popleft())
        finally:
            self._over.set()
            wait(each.future for each in self._under_way)

    def end(self) -> None:
        """The same for a round that has failed."""
        try:
            self._record()
        finally:
            self._over.set()
            wait(each.future for each in self._under_way)

    @contextmanager
    def stumbling(self, arrival: Arrival) -> Iterator[None]:
        """What goes wrong with one arrival alone is noted, and leaves it where it is."""
        source = self._recording.source
        try:
            yield
        except Vanished:
            log.info("An arrival was gone before it could be taken in.", extra={"source": source})
        except (DirectoryUnavailable, LinkUnavailable) as error:
            self._result.waiting.append(str(error))
        except (StoreUnavailable, SourceUnavailable) as error:
            self._refused += 1
            if not error.of_one:
                raise
            seconds = _REFUSED_REST_SECONDS if isinstance(error, StoreUnavailable) else _UNREAD_REST_SECONDS
            self._let_rest(arrival.key, seconds, f"{clean(arrival.path or arrival.place)}: {error}")
            if self._refused >= _MOST_REFUSED:
                raise
        except Unavailable:
            raise
        except Exception as error:
            log.exception("An arrival could not be taken in.", extra={"source": source})
            self._result.waiting.append(f"{clean(arrival.path or arrival.place)}: {type(error).__name__}")

    def _is_time(self, began: float) -> bool:
        """Whether no other comes so soon that it were worth waiting for."""
        now = boot_seconds()
        since, self._recording.last_taken_at = began - self._recording.last_taken_at, now
        waited = now - self._stored[0].began
        return len(self._stored) >= _RECORDED_AT_ONCE or max(since, waited) > _RECORDED_WITHIN_SECONDS

    def _finish(self, under_way: _UnderWay) -> None:
        with self.stumbling(under_way.arrival):
            under_way.future.result()
            self._refused = 0
            self._recording.beat()
            with self._lock:
                self._result.taken += 1

    def _keep(self, stored: _Stored) -> None:
        self._refused = 0
        with self._lock:
            self._stored.append(stored)
            is_time = self._is_time(stored.began)
        if is_time:
            self._record()
        elif not self._is_overseen:
            self._is_overseen = True
            self._recording.oversee(self._oversee)

    def _oversee(self) -> None:
        """Until the round is over: the thread that takes may wait for the next mail, whose server is slow."""
        while self._failure is None and not self._over.wait(_OVERSEEN_EACH_SECONDS):
            with self._lock:
                if self._stored and boot_seconds() - self._stored[0].began > _OVERSEEN_EACH_SECONDS:
                    try:
                        self._record_stored()
                    except Unavailable as error:
                        self._failure = error

    def _record(self) -> None:
        """Raises Unavailable, also where the overseer has met it."""
        with self._lock:
            if self._failure is not None:
                raise self._failure
            self._record_stored()

    def _record_stored(self) -> None:
        """The lock is held."""
        stored, self._stored = self._stored, []
        if not stored:
            return
        try:
            self._recording.record([(each.submission, each.began) for each in stored])
            self._result.taken += len(stored)
        except Unavailable:
            raise
        except Exception:  # noqa: BLE001 - it is raised again for the one that it belongs to
            for each in stored:
                with self.stumbling(each.arrival):
                    self._recording.record([(each.submission, each.began)])
                    self._result.taken += 1
