"""Having sources looked at where a person has released what was held, which no event of theirs tells."""

from __future__ import annotations

import logging
import threading
from collections.abc import Mapping
from contextlib import suppress

from watcher.errors import Unavailable
from watcher.ports import Source, TendingJournal
from watcher.service.heartbeats import Worker

log = logging.getLogger(__name__)

_LOOK_SECONDS = 30.0  # polling is the truth; being woken only makes it quick
_BETWEEN_LOOKS_SECONDS = 0.5  # at least


class Releases:
    """Asks the journal for what waits to be taken in after all, and wakes each one's source, once."""

    def __init__(self, *, journal: TendingJournal, sources: Mapping[str, Source], worker: Worker) -> None:
        self._journal = journal
        self._sources = sources
        self._worker = worker
        self._told: set[str] = set()
        self._woken = threading.Event()
        self._ending = threading.Event()

    def wake(self) -> None:
        """Somebody may have decided."""
        self._woken.set()

    def stop(self) -> None:
        """Let `run` come to its end."""
        self._ending.set()
        self._woken.set()

    def run(self) -> None:
        """Until it is stopped; for a thread of its own."""
        while not self._ending.is_set():
            self._worker.waits(_LOOK_SECONDS)
            self._woken.wait(_LOOK_SECONDS)
            self._woken.clear()
            self._worker.beat()
            with suppress(Unavailable):
                self._look()
            self._ending.wait(_BETWEEN_LOOKS_SECONDS)
        self._worker.end()

    def _look(self) -> None:
        released = self._journal.released()
        for name in released.keys() - self._told:
            log.info("A submission is released.", extra={"submission": name, "source": released[name]})
        for source in {source for name, source in released.items() if name not in self._told}:
            if source in self._sources:  # else another node's
                self._sources[source].wake()
        self._told = set(released)
