"""Outcomes that are known, until the journal has them: what was booked is not asked for twice for its being away."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Sequence

from watcher.clock import boot_seconds
from watcher.errors import JournalUnavailable
from watcher.model import Claim, ClaimedBooking

log = logging.getLogger(__name__)

_AGAIN_SECONDS = 0.5
_LONGEST_PAUSE_SECONDS = 5.0


class Outstanding:
    """Called by many threads at once."""

    def __init__(self) -> None:
        self._waiting: set[Claim] = set()  # whose outcomes are in our hands alone
        self._hurried = threading.Event()

    @property
    def is_waiting(self) -> bool:
        """Whether an outcome waits for the journal: its booking must not be claimed again."""
        return bool(self._waiting)

    def hurry(self) -> None:
        """Somebody waits for the end: no longer wait for the journal than a request may take."""
        self._hurried.set()

    def until_recorded(
        self,
        record: Callable[[], None],
        claimed: Sequence[ClaimedBooking],
        *,
        until: float,
        beat: Callable[[], None],
    ) -> None:
        """Again and again until the journal is back; who is hurried gives up at `until`, of `boot_seconds`.

        That is sound for however long it takes: what another node has claimed meanwhile finds its claim lost.
        Raises JournalUnavailable.
        """
        pause = _AGAIN_SECONDS
        try:
            while True:
                beat()
                try:
                    record()
                except JournalUnavailable as error:
                    if self._hurried.is_set() and boot_seconds() >= until:
                        raise
                    for each in claimed:
                        self._note(each, error)
                    time.sleep(pause)
                    pause = min(pause * 2, _LONGEST_PAUSE_SECONDS)
                else:
                    return
        finally:
            self._waiting.difference_update(each.claim for each in claimed)

    def _note(self, claimed: ClaimedBooking, error: JournalUnavailable) -> None:
        """Said once for each outcome: the journal may be away for long."""
        if claimed.claim not in self._waiting:
            self._waiting.add(claimed.claim)
            log.warning(
                "An outcome cannot be recorded yet; it is kept until it can.",
                extra={**claimed.named, "biz_id": claimed.biz_id, "detail": str(error)},
            )
