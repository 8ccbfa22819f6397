"""The thread that records outcomes, so that who posts waits for no commit."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from functools import partial
from itertools import chain, repeat
from queue import Empty, SimpleQueue
from time import sleep as pause

from watcher.errors import Unavailable
from watcher.model import ClaimedBooking, SettledTry
from watcher.outstanding import Outcomes
from watcher.recognise import Recognise
from watcher.service.heartbeats import JOURNAL_SECONDS, Heartbeats
from watcher.service.threads import show_name

log = logging.getLogger(__name__)

# Outcomes in one transaction: the first of them waits for the last, and its place is not free for as long.
_MOST_AT_ONCE = 32
_MOST_THAT_WAIT = 256  # for a journal that is away
_GATHERING_SECONDS = 0.001  # where the last ones were several, more are on their way
_LOOK_SECONDS = 60.0  # how long it sleeps at most where nothing comes


class Recorder:
    """Records, in one transaction, all outcomes that have come while the last ones were written. Safe for threads.

    It runs from its first outcome until it is closed. A journal that is away is waited for, see Recognise.
    """

    def __init__(self, recognise: Recognise, heartbeats: Heartbeats, recorded: Callable[[int], None]) -> None:
        """`recorded` is told how many are recorded, or given up: until then they may be in doubt after a crash."""
        self._recorded = recorded
        self._recognise = recognise
        self._worker = heartbeats.worker("record", silence_seconds=JOURNAL_SECONDS)
        self._come: SimpleQueue[tuple[Sequence[SettledTry], float] | None] = SimpleQueue()
        self._lock = threading.Lock()
        self._come_together = False  # the last ones
        self._is_over = False
        self._thread: threading.Thread | None = None

    def take(self, tried: Sequence[SettledTry], claimed_at: float) -> None:
        """Have them recorded. `claimed_at`: of `boot_seconds`, from before their claims."""
        with self._lock:
            has_thread = self._has_thread()
        if has_thread:
            self._come.put((tried, claimed_at))
        else:
            self._record(Outcomes(tried, claimed_at), self._worker.beat)

    def close(self) -> None:
        """Return when all that was taken is recorded, or is given up."""
        if self._thread is not None:
            self._come.put(None)
            self._thread.join()

    def _has_thread(self) -> bool:
        """Whether there is one; a machine that has no thread to give now may have one later."""
        if self._thread is None:
            thread = threading.Thread(target=self._run, name="record", daemon=True)
            try:
                thread.start()
            except RuntimeError:
                return False
            self._thread = thread
        return True

    def _run(self) -> None:
        show_name("record")
        while not self._is_over:
            self._worker.waits(_LOOK_SECONDS)
            outcomes = Outcomes()
            if self._has_come(outcomes):
                most = chain([_MOST_AT_ONCE], repeat(_MOST_THAT_WAIT))
                self._record(outcomes, partial(self._go_on_with, outcomes, most))
                self._come_together = len(outcomes.tried) > 1
        self._worker.end()

    def _has_come(self, outcomes: Outcomes) -> bool:
        """Whether the first of them is there now."""
        try:
            come = self._come.get(timeout=_LOOK_SECONDS)
        except Empty:
            return False
        if come is None:
            self._is_over = True
            return False
        outcomes.add(*come)
        if self._come_together:
            pause(_GATHERING_SECONDS)
        return True

    def _go_on_with(self, outcomes: Outcomes, most: Iterator[int]) -> None:
        """Add what has come meanwhile: also where the journal is away, so that of each it is told that it waits."""
        limit = next(most)
        self._worker.beat()
        with suppress(Empty):
            while len(outcomes.tried) < limit:
                come = self._come.get_nowait()
                if come is None:
                    self._is_over = True
                    return
                outcomes.add(*come)

    def _record(self, outcomes: Outcomes, beat: Callable[[], None]) -> None:
        try:
            self._settle(outcomes, beat)
        finally:
            self._recorded(len(outcomes.tried))

    def _settle(self, outcomes: Outcomes, beat: Callable[[], None]) -> None:
        try:
            self._recognise.settle(outcomes, beat)
        except Unavailable as error:
            for each in outcomes.tried:
                warn_unrecorded(each.claimed, error)
        except Exception:
            if len(outcomes.tried) > 1:  # one that cannot be recorded must not hold up the others
                for each in outcomes.tried:
                    self._settle(Outcomes([each], outcomes.claimed_at), self._worker.beat)
                return
            # A thread must not die silently; the hold brings the booking back.
            booking = outcomes.tried[0].claimed.booking
            log.exception("A try failed in our own code.", extra={"booking": booking})


def warn_unrecorded(claimed: ClaimedBooking, error: Unavailable) -> None:
    """We are to end; the hold ends, and the booking is claimed again, its last try in doubt."""
    log.warning("An outcome could not be recorded.", extra={"booking": claimed.booking, "detail": str(error)})
