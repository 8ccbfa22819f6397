"""Outcomes that are known, until the journal has them: what was booked is not asked for twice for its being away."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Sequence
from typing import Protocol

from msgspec import Struct

from watcher.clock import boot_seconds
from watcher.errors import JournalUnavailable
from watcher.model import Claim, ClaimedBooking, SettledTry

log = logging.getLogger(__name__)

_AGAIN_SECONDS = 0.5
_LONGEST_PAUSE_SECONDS = 5.0


class Waiting(Protocol):
    """What is to be recorded: of which claims, and when the last of them was made, of `boot_seconds`."""

    @property
    def claimed(self) -> Sequence[ClaimedBooking]: ...

    @property
    def claimed_at(self) -> float: ...


class Single(Struct, frozen=True):
    """One, whatever came of it."""

    one: ClaimedBooking
    claimed_at: float

    @property
    def claimed(self) -> Sequence[ClaimedBooking]:
        return (self.one,)


class Outcomes:
    """What is to be recorded together; more may come until it is."""

    def __init__(self, tried: Sequence[SettledTry] = (), claimed_at: float = 0.0) -> None:
        """`claimed_at`: of `boot_seconds`, from before the claim of the first."""
        self.tried = list(tried)
        self.claimed_at = claimed_at  # of those that were claimed last

    @property
    def claimed(self) -> Sequence[ClaimedBooking]:
        return [each.claimed for each in self.tried]

    def add(self, tried: Sequence[SettledTry], claimed_at: float) -> None:
        self.tried += tried
        self.claimed_at = max(self.claimed_at, claimed_at)


class Outstanding:
    """Called by many threads at once."""

    def __init__(self, longest_seconds: float) -> None:
        """`longest_seconds`: of a request, from its claim on."""
        self._longest_seconds = longest_seconds
        self._waiting: set[Claim] = set()  # whose outcomes are in our hands alone
        self._hurried = threading.Event()

    @property
    def is_waiting(self) -> bool:
        """Whether an outcome waits for the journal: its booking must not be claimed again."""
        return bool(self._waiting)

    def hurry(self) -> None:
        """Somebody waits for the end: no longer wait for the journal than a request may take."""
        self._hurried.set()

    def until_recorded(self, record: Callable[[], None], what: Waiting, beat: Callable[[], None]) -> None:
        """Again and again until the journal is back; before each go `beat` hears of it, and may add to `what`.

        That is sound for however long it takes: what another node has claimed meanwhile finds its claim lost.
        Raises JournalUnavailable where it was hurried, and the time of the request is over.
        """
        pause = _AGAIN_SECONDS
        try:
            while True:
                beat()
                try:
                    record()
                except JournalUnavailable as error:
                    if self._hurried.is_set() and boot_seconds() >= what.claimed_at + self._longest_seconds:
                        raise
                    for each in what.claimed:
                        self._note(each, error)
                    time.sleep(pause)
                    pause = min(pause * 2, _LONGEST_PAUSE_SECONDS)
                else:
                    return
        finally:
            self._waiting.difference_update(each.claim for each in what.claimed)

    def _note(self, claimed: ClaimedBooking, error: JournalUnavailable) -> None:
        """Said once for each outcome: the journal may be away for long."""
        if claimed.claim not in self._waiting:
            self._waiting.add(claimed.claim)
            log.warning(
                "An outcome cannot be recorded yet; it is kept until it can.",
                extra={**claimed.named, "biz_id": claimed.biz_id, "detail": str(error)},
            )
