"""`retention`: deleting submissions that were closed long ago."""

from __future__ import annotations

import logging
import threading
from datetime import timedelta
from typing import Protocol

from watcher.errors import Unavailable
from watcher.ports import ReadingJournal, TendingJournal
from watcher.service.clock_watch import ClockWatch
from watcher.service.heartbeats import Worker

log = logging.getLogger(__name__)

_BETWEEN_STEPS_SECONDS = 0.2  # a step takes less than that, so that most of the time is everybody's


class KeptJournal(TendingJournal, ReadingJournal, Protocol):
    """What is needed of the journal."""


class Retention:
    """Deletes in small steps, so that nobody waits for them; and only by a clock that nobody has set of late.

    Else one that was set ahead would have it delete at once what is to be kept for a year.
    """

    def __init__(self, *, journal: KeptJournal, keep_closed: timedelta, clock: ClockWatch, worker: Worker) -> None:
        self._journal = journal
        self._keep_closed = keep_closed
        self._clock = clock
        self._worker = worker
        self._ending = threading.Event()

    def stop(self) -> None:
        """Let a round that is under way come to its end."""
        self._ending.set()

    def round(self) -> None:
        """Until nothing is left that is old enough."""
        try:
            with self._worker:
                while not self._ending.is_set() and self._is_steady() and self._journal.forget(self._keep_closed):
                    self._worker.beat()
                    self._ending.wait(_BETWEEN_STEPS_SECONDS)
        except Unavailable as error:
            log.warning("Old submissions could not be deleted yet.", extra={"detail": str(error)})

    def _is_steady(self) -> bool:
        self._clock.look(self._journal.now())
        return self._clock.is_steady
