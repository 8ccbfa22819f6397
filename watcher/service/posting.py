"""What a worker does with its batch: each booking is posted, and the outcomes go to the recorder together."""

from __future__ import annotations

import logging
from collections.abc import Callable

from watcher.clock import boot_seconds
from watcher.errors import Unavailable
from watcher.model import ClaimedBooking, SettledTry
from watcher.policy.pace import Pace
from watcher.promptness import Succession
from watcher.recognise import Recognise
from watcher.service.batch import Batch
from watcher.service.heartbeats import JOURNAL_SECONDS, Heartbeats, Worker
from watcher.service.recorder import Recorder, warn_unrecorded

log = logging.getLogger(__name__)


class Posting:
    """Works through batches, of which each has one departure reserved for each booking; for many threads at once."""

    def __init__(
        self,
        *,
        recognise: Recognise,
        pace: Pace,
        succession: Succession,
        recorder: Recorder,
        heartbeats: Heartbeats,
        answered: Callable[[int], None],
        woken: Callable[[], None],
    ) -> None:
        """`succession` hears what requests take. `answered` is told how many bookings are through of which
        the recorder has nothing to record. `woken` is called where others wait for a departure.
        """
        self._recognise = recognise
        self._pace = pace
        self._succession = succession
        self._recorder = recorder
        self._heartbeats = heartbeats
        self._answered = answered
        self._woken = woken

    def work(self, batch: Batch) -> None:
        """Raises nothing."""
        longest = self._recognise.hold.total_seconds() + JOURNAL_SECONDS
        with self._heartbeats.worker("post", silence_seconds=longest) as worker:
            while (claimed := batch.next()) is not None:
                worker.beat()
                if (tried := self._try(claimed, batch, worker)) is not None:
                    batch.keep(tried)
        outcomes = batch.tried
        if outcomes:
            self._recorder.take(outcomes, batch.claimed_at)
        if settled := batch.places - len(outcomes):
            self._answered(settled)

    def _try(self, claimed: ClaimedBooking, batch: Batch, worker: Worker) -> SettledTry | None:
        departure = _Departure(self._pace, self._woken)
        began = boot_seconds()
        tried: SettledTry | None = None
        try:
            tried = self._recognise.post(claimed, batch.claimed_at, departure.leaves, worker.beat)
        except Unavailable as error:
            warn_unrecorded(claimed, error)
        except Exception:  # a thread must not die silently; the hold brings the booking back
            log.exception("A try failed in our own code.", extra={"booking": claimed.booking})
        finally:
            departure.is_over()
        if tried is None:
            self._succession.failed()
        else:
            self._succession.took(boot_seconds() - began, in_turn=batch.in_turn)
        return tried


class _Departure:
    """One reserved departure: it leaves, or is given back. `woken` is told where others wait for that."""

    def __init__(self, pace: Pace, woken: Callable[[], None]) -> None:
        self._pace = pace
        self._woken = woken
        self._has_left = False

    def leaves(self) -> None:
        self._has_left = True
        self._pace.left(boot_seconds())
        if self._pace.is_limited:
            self._woken()  # only now is it known when the next one may leave

    def is_over(self) -> None:
        if not self._has_left:
            self._pace.give_back(1)
