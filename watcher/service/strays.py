"""What is left of sources that are configured no more: what can go on does, and of the rest somebody is told."""

from __future__ import annotations

import logging
from collections.abc import Collection
from typing import Protocol

from watcher.errors import Unavailable
from watcher.ports import ReadingJournal, TendingJournal

log = logging.getLogger(__name__)


class StrayJournal(TendingJournal, ReadingJournal, Protocol):
    """What is needed of the journal."""


class Strays:
    """Looked after at the start, which follows each change of the configuration, and then once in a while.

    For another node may be gone later; of one that only starts anew nobody need be told.
    """

    every_seconds = 60.0

    def __init__(self, *, journal: StrayJournal, sources: Collection[str]) -> None:
        """`sources` are those of this node."""
        self._journal = journal
        self._sources = frozenset(sources)
        self._seen: frozenset[str] | None = None  # at the last round; None: there was none
        self._told: frozenset[str] = frozenset()

    def round(self) -> None:
        try:
            self._go_on()
            self._tell()
        except Unavailable as error:
            log.info("What is left of other sources is looked at later.", extra={"detail": str(error)})

    def _go_on(self) -> None:
        taken = self._journal.take_over_bookings(self._sources)
        if taken:
            log.info("Bookings of sources that nobody looks after go on here.", extra={"bookings": taken})

    def _tell(self) -> None:
        """Nobody works on these: whoever has just changed the configuration is to know it. Each is told once."""
        strays = self._journal.strays(self._sources)
        lasting = strays.keys() if self._seen is None else strays.keys() & self._seen
        for name in sorted(lasting - self._told):
            left = strays[name]
            log.warning(
                "Submissions are left of what is no source of this node's configuration, and no node looks after it.",
                extra={"source": name, "submissions": left.count, "since": left.oldest.isoformat(timespec="seconds")},
            )
        self._seen, self._told = frozenset(strays), frozenset(lasting)
