"""The threads that post: one that claims for free workers only, and the workers.

A claim costs the journal nearly the same for one booking as for many. So claims keep a little distance from each
other, and each is for all who have come free, and of all that has come, meanwhile.
"""

from __future__ import annotations

import logging
import math
import threading
import time
from collections.abc import Sequence

from watcher.clock import boot_seconds
from watcher.errors import JournalRefused, Unavailable
from watcher.model import ClaimedBooking
from watcher.policy.pace import Pace
from watcher.ports import RecognitionJournal
from watcher.promptness import Succession
from watcher.recognise import Recognise
from watcher.service.batch import Batch, TakenOver
from watcher.service.crew import Crew
from watcher.service.heartbeats import Heartbeats
from watcher.service.posting import Posting
from watcher.service.recorder import Recorder

log = logging.getLogger(__name__)

_LONGEST_WAIT_SECONDS = 30.0  # polling is the truth; being woken only makes it quick
_PAUSE_SECONDS = 2.0
# From one claim to the next: a free worker waits half of it on average, which tells where requests take long, and each
# worker has its own. Less where workers are few, so that the distance alone lets a thousand requests leave in a second.
_LONGEST_DISTANCE_SECONDS = 0.005
_LONGEST_DISTANCE_IN_TURN_SECONDS = 0.01
_DISTANCE_SECONDS_EACH = 0.001
# Where the endpoint answers at once, so many are posted by one worker, one after the other, and settled together.
_IN_TURN = 8
_LOOK_SECONDS = 0.01  # at the end, after what is under way, and of any pause at least
_SOON_SECONDS = 0.1  # whatever waits behind a request that takes longer is taken over by others


class Poster:
    """Keeps `concurrency` requests under way while there is work."""

    def __init__(
        self,
        *,
        recognise: Recognise,
        journal: RecognitionJournal,
        endpoint: str,
        sources: Sequence[str],
        concurrency: int,
        pace: Pace,
        heartbeats: Heartbeats,
    ) -> None:
        self._recognise = recognise
        self._journal = journal
        self._endpoint = endpoint
        self._sources = list(sources)
        self._pace = pace
        self._heartbeats = heartbeats
        self._worker = heartbeats.worker("claim")
        self._free = self._concurrency = concurrency
        self._rounds = 0  # of claiming, begun so far
        self._complaint: str | None = None  # that was told last, and still holds
        self._may_claim_at = 0.0  # by the clock of `boot_seconds`
        self._more_may_be_due = True  # else the last claim took all, and who comes free need not ask again
        self._lock = threading.Lock()
        self._awake = threading.Event()
        self._stopping = threading.Event()
        # Its place is free when the outcome is recorded: after a crash no more are in doubt than may be under way.
        self._recorder = Recorder(recognise, heartbeats, self._came_free)
        self._succession = Succession()
        self._posting = Posting(
            recognise=recognise,
            pace=pace,
            succession=self._succession,
            recorder=self._recorder,
            heartbeats=heartbeats,
            answered=self._came_free,
            woken=self._awake.set,
        )
        self._batches: list[Batch] = []  # of more than one, under way
        self._workers: Crew[Batch] = Crew("post", self._posting.work)

    def idle_for(self) -> float | None:
        """Seconds until something is due to be posted, infinite where nothing waits; None while work is under way."""
        before = self._rounds
        if self._is_busy():
            return None
        due_in = self._journal.next_try_in(self._sources, self._endpoint)
        if self._is_busy() or self._rounds != before:
            return None
        return math.inf if due_in is None else due_in

    def _is_busy(self) -> bool:
        with self._lock:
            return self._free < self._concurrency

    def wake(self) -> None:
        self._awake.set()

    def hurry(self) -> None:
        """Somebody waits for the end: a journal that is away is not waited for without end."""
        self._recognise.hurry()

    def stop(self) -> None:
        """Claim nothing more; `run` returns when the requests under way have ended."""
        self.hurry()
        self._stopping.set()
        self._awake.set()

    @property
    def endpoint(self) -> str:
        return self._endpoint

    def run(self) -> None:
        while True:
            self._worker.beat()
            self._awake.clear()  # before it is asked whether to stop: a wish that comes between must not be cleared
            if self._stopping.is_set():
                break
            pause = self._dispatch_or_complain()
            if pause > 0:
                self._worker.waits(pause)
                self._awake.wait(pause)
        while self._batches:
            self._take_over()
            time.sleep(_LOOK_SECONDS)
        self._worker.end()  # those that post beat for themselves
        self._workers.close()
        self._recorder.close()

    def _dispatch_or_complain(self) -> float:
        """As `_dispatch`. The same trouble is told once, however long it lasts."""
        try:
            pause = self._dispatch()
        except (Unavailable, JournalRefused) as error:
            if str(error) != self._complaint:
                log.warning("The journal cannot be asked for work.", extra={"detail": str(error)})
            self._complaint = str(error)
            return _PAUSE_SECONDS
        self._complaint = None
        return pause

    def _dispatch(self) -> float:
        """Hand out what is due; seconds until it is worth looking again without being woken."""
        time.sleep(max(0.0, self._may_claim_at - boot_seconds()))
        self._take_over()
        return self._look_after(self._claim())

    def _look_after(self, pause: float) -> float:
        """Wait for batches that are under way, but not for a single request; what is left of the pause."""
        ends_at = boot_seconds() + pause
        while self._batches and (left := ends_at - boot_seconds()) > 0:
            self._worker.beat()
            if self._awake.wait(min(left, _SOON_SECONDS)):
                return 0.0
            self._take_over()
        return max(0.0, ends_at - boot_seconds())

    def _claim(self) -> float:
        self._more_may_be_due = True
        wanted = self._reserve()
        if wanted == 0:
            return _bounded(self._pace.next_in(boot_seconds()))
        claimed_at = boot_seconds()
        in_turn = self._succession.is_on(claimed_at)
        distance = self._distance(in_turn=in_turn)
        self._may_claim_at = claimed_at + distance
        begun = 0
        try:
            claimed = self._recognise.claim(self._sources, wanted)
            size = _IN_TURN if in_turn else 1
            for start in range(0, len(claimed), size):
                some = claimed[start : start + size]
                begun += self._hand(some, claimed_at)
        finally:
            self._pace.give_back(wanted - begun)
            self._give_free(wanted - begun)
        if begun < len(claimed):
            return _PAUSE_SECONDS
        self._more_may_be_due = begun == wanted
        return 0.0 if begun == wanted else self._until_due(distance)

    def _distance(self, *, in_turn: bool) -> float:
        """Seconds from one claim to the next; `in_turn`: where one worker posts several."""
        longest = _LONGEST_DISTANCE_IN_TURN_SECONDS if in_turn else _LONGEST_DISTANCE_SECONDS
        return min(self._concurrency * _DISTANCE_SECONDS_EACH, longest)

    def _hand(self, claimed: Sequence[ClaimedBooking], claimed_at: float) -> int:
        """How many of them a worker has; where none can be had they are given back, for nothing of them has left."""
        batch = Batch(claimed, claimed_at)
        try:
            self._workers.hand(batch)
        except OSError as error:
            log.warning("What is due cannot be posted now.", extra={"detail": error.strerror})
            self._recognise.give_back(claimed)
            return 0
        if batch.in_turn:
            self._batches.append(batch)
        return len(claimed)

    def _take_over(self) -> None:
        """Nothing waits long for a request that it only happens to stand behind."""
        under_way, self._batches = self._batches, []
        for batch in under_way:
            if (taken := batch.take_over(after_seconds=_SOON_SECONDS)) is not None:
                self._divide(taken, batch.claimed_at)
            elif not batch.has_ended:
                self._batches.append(batch)

    def _divide(self, taken: TakenOver, claimed_at: float) -> None:
        """Among other workers, the recorder, and whoever is claimed next."""
        if taken.tried:
            self._recorder.take(taken.tried, claimed_at)
        given_back = sum(not self._hand([claimed], claimed_at) for claimed in taken.left)
        self._pace.give_back(given_back)
        self._came_free(taken.places + given_back)

    def _reserve(self) -> int:
        """As many workers as are free and may post now, taken."""
        with self._lock:
            wanted = self._pace.reserve(self._free, boot_seconds())
            self._free -= wanted
            self._rounds += 1
        return wanted

    def _give_free(self, workers: int) -> None:
        with self._lock:
            self._free += workers

    def _until_due(self, distance: float) -> float:
        """Asked of the journal where nothing new comes until the next claim: else that one tells."""
        if self._awake.wait(distance):
            return 0.0
        due_in = self._journal.next_try_in(self._sources, self._endpoint)
        return _bounded(due_in)

    def _came_free(self, places: int) -> None:
        self._give_free(places)
        if self._more_may_be_due and not self._awake.is_set():  # to set it again costs more than to ask
            self._awake.set()


def _bounded(seconds: float | None) -> float:
    """A pause until then; None: until somebody wakes. 0.0 is a time as well: it is due now."""
    return _LONGEST_WAIT_SECONDS if seconds is None else min(max(seconds, _LOOK_SECONDS), _LONGEST_WAIT_SECONDS)
