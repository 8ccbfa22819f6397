"""One thread per source that claims its answers, and those that give them."""

from __future__ import annotations

import logging
import random
import threading
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import suppress

from watcher.answer import Answer
from watcher.clock import boot_seconds
from watcher.errors import JournalRefused, SourceUnavailable, Unavailable
from watcher.model import ClaimedAnswer
from watcher.policy.pauses import growing
from watcher.service.heartbeats import Worker, unwatched

log = logging.getLogger(__name__)

_BATCH = 16
_QUICK_BATCH = 32  # where they are given one after the other in no time
_BEGIN_WITHIN_SECONDS = 10.0  # of the claim; what could not be begun by then is given back
_LONGEST_WAIT_SECONDS = 30.0  # polling is the truth; being woken only makes it quick
_SHORTEST_LOOK_SECONDS = 1.0  # for what nobody wakes us: a mail that has waited long enough to be acknowledged
_PAUSE_SECONDS = 5.0
_PUT_BACK_EACH_SECONDS = 1.0  # at least, while there is always something else to do
# From one round to the next, by what the one gave: up to a hundred answers a second, each is given at once. Beyond that
# they gather, because a round, and what a batch has in common, costs much the same for one as for ten.
_DISTANCE_SECONDS_EACH = 0.01
_LONGEST_DISTANCE_SECONDS = 0.1
# Where no answer can be given at all: providers block who comes back too often.
_FIRST_REST_SECONDS, _LONGEST_REST_SECONDS = 1.0, 60.0
_FIRST_REFUSED_SECONDS, _LONGEST_REFUSED_SECONDS = 300.0, 1800.0


class Rest:
    """How long no answer is tried, because the last one met what stands in the way of all. Safe for threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._met: Unavailable | None = None
        self._failures = 0
        self._ends = 0.0

    def left(self) -> tuple[float, str]:
        """Seconds of it, 0 where there is none, and what it is for."""
        with self._lock:
            return max(0.0, self._ends - boot_seconds()), str(self._met or "")

    def begin(self, met: Unavailable) -> float:
        """Longer than the one before; answers that were under way together count as one. Its seconds."""
        with self._lock:
            now = boot_seconds()
            if now >= self._ends:
                self._failures += 1
                self._ends = now + _rest_after(self._failures, refused=met.refuses_us)
                self._met = met
            return self._ends - now

    def end(self, *, only_of: type[Unavailable] = Unavailable) -> None:
        with self._lock:
            if isinstance(self._met, only_of):
                self._met, self._failures, self._ends = None, 0, 0.0


def _rest_after(failures: int, *, refused: bool) -> float:
    first, longest = (
        (_FIRST_REFUSED_SECONDS, _LONGEST_REFUSED_SECONDS) if refused else (_FIRST_REST_SECONDS, _LONGEST_REST_SECONDS)
    )
    fraction = random.random()  # noqa: S311 - jitter is no secret
    return growing(failures, first=first, longest=longest, fraction=fraction)


class Answerer:
    """Gives the answers of one source, until stopped."""

    def __init__(self, *, answer: Answer, at_once: int, worker: Worker | None = None) -> None:
        """`at_once`: how many answers the source can be given at a time, where each takes long.

        `worker` beats for the thread and for those that it waits for; `answer` beats it on.
        """
        self._worker = worker or unwatched("answer")
        self._answer = answer
        self._givers = ThreadPoolExecutor(max_workers=at_once, thread_name_prefix="answer")
        self._awake = threading.Event()
        self._is_called = True  # at the start everything is looked at
        self._put_back_at = boot_seconds()
        self._stopping = threading.Event()
        self._next_round_at = 0.0  # by the clock of `boot_seconds`, where there is any hurry
        self._rest = Rest()

    @property
    def name(self) -> str:
        return self._worker.name

    @property
    def source(self) -> str:
        return self._answer.source

    def wake(self) -> None:
        """Something is due, or may be soon."""
        self._is_called = True
        self._awake.set()

    def look(self) -> None:
        """Nobody knows whether anything is due."""
        self._awake.set()

    def source_came_up(self) -> None:
        """What waits for the source, waits no longer. From any thread."""
        self._rest.end(only_of=SourceUnavailable)
        try:
            self._answer.hasten()
        except Unavailable as error:
            log.info("Answers come at their time, and not at once.", extra={"detail": str(error)})
        self.wake()

    def stop(self) -> None:
        """End `run` after one last pass over what is due."""
        self._stopping.set()
        self._awake.set()

    def run(self) -> None:
        with self._givers:
            self._run()
        self._worker.end()

    def _run(self) -> None:
        while True:
            self._stopping.wait(max(0.0, self._next_round_at - boot_seconds()))
            self._worker.beat()
            self._awake.clear()  # before it is asked whether to stop: a wish that comes between must not be cleared
            called, self._is_called = self._is_called, False
            stopping = self._stopping.is_set()
            try:
                pause = self._round(called=called, stopping=stopping)
            except (Unavailable, JournalRefused) as error:
                log.warning("Answers have to wait.", extra={"detail": str(error)})
                pause = _PAUSE_SECONDS
            if stopping:
                return
            self._worker.waits(pause)
            self._awake.wait(pause)

    def _round(self, *, called: bool, stopping: bool) -> float:
        """Give what is due; how long to wait then.

        Who was not called asks first: what a round looks for is four things, and a journal may be far away.
        """
        if not (called or stopping) and (due_in := self._answer.next_in()) != 0:
            return self._until(due_in)
        # Nobody is called for what has to be put back: a look finds it, also where calls never end.
        if stopping or not called or boot_seconds() - self._put_back_at >= _PUT_BACK_EACH_SECONDS:
            self._put_back_at = boot_seconds()
            self._answer.put_back(_BATCH)
        self._pass(once=stopping)
        return 0.0 if self._awake.is_set() else self._until(self._answer.next_in())

    def _pass(self, *, once: bool) -> None:
        """All notices and answers that are due; only one batch of them when stopping."""
        began, given = boot_seconds(), 0
        self._answer.send_notices(_BATCH)
        while True:
            limit = _QUICK_BATCH if self._answer.is_quick else _BATCH
            claimed_at = boot_seconds()
            claims = self._answer.claim(limit)
            if claims:
                self._give(claimed_at, claims)
            given += len(claims)
            self._next_round_at = began + min(given * _DISTANCE_SECONDS_EACH, _LONGEST_DISTANCE_SECONDS)
            if once or self._stopping.is_set() or len(claims) < limit:  # what has become due since then wakes us
                return

    def _give(self, claimed_at: float, claims: list[ClaimedAnswer]) -> None:
        """Raises what one of them raises, when none is under way any more."""
        if self._answer.is_quick:
            self._give_these(claimed_at, claims)
        else:
            self._give_side_by_side(claimed_at, claims)

    def _give_side_by_side(self, claimed_at: float, claims: list[ClaimedAnswer]) -> None:
        given = []
        for claimed in claims:
            with suppress(RuntimeError):  # no thread can be had: it waits for one of those that there are
                given.append(self._givers.submit(self._give_these, claimed_at, [claimed]))
        wait(given)
        for one in given:
            one.result()

    def _give_these(self, claimed_at: float, claims: list[ClaimedAnswer]) -> None:
        seconds, why = self._rest.left()
        if seconds:
            self._give_back(claims, due_in=seconds, why=why)
            return
        hindered = self._answer.give_together(claims, begin_by=claimed_at + _BEGIN_WITHIN_SECONDS)
        if hindered.error is not None:
            self._give_back(hindered.left, due_in=self._rest.begin(hindered.error), why=str(hindered.error))
            return
        if len(hindered.left) < len(claims):
            self._rest.end()
        for claimed in hindered.left:
            self._answer.give_back(claimed)

    def _give_back(self, claims: list[ClaimedAnswer], *, due_in: float, why: str) -> None:
        for claimed in claims:
            self._answer.give_back(claimed, due_in=due_in, why=why)

    def _until(self, due_in: float | None) -> float:
        looks_within = self._answer.looks_within
        longest = _LONGEST_WAIT_SECONDS
        if looks_within is not None:
            longest = min(max(looks_within, _SHORTEST_LOOK_SECONDS), longest)
        return longest if due_in is None else min(max(due_in, 0.05), longest)
