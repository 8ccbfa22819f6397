"""Bookings that one worker posts, one after the other."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Sequence

from msgspec import Struct

from watcher.clock import boot_seconds
from watcher.model import ClaimedBooking, SettledTry


class TakenOver(Struct, frozen=True, kw_only=True):
    """What was taken out of a batch that stands still."""

    left: list[ClaimedBooking]  # still to be posted
    tried: list[SettledTry]  # outcomes, still to be recorded
    places: int  # of those in it of which nothing is left to do


class Batch:
    """Claimed bookings on their way through one worker, and the outcomes of those that are through.

    The outcomes are recorded together at the end. Where one of the requests takes long, somebody else takes over what
    waits behind it and what it has got so far. Safe for threads.
    """

    def __init__(
        self,
        claimed: Sequence[ClaimedBooking],
        claimed_at: float,
        *,
        clock: Callable[[], float] = boot_seconds,
    ) -> None:
        """`claimed_at`: of `boot_seconds`, from before the claim."""
        self.claimed_at = claimed_at
        self.in_turn = len(claimed) > 1
        self._lock = threading.Lock()
        self._left = deque(claimed)
        self._tried: list[SettledTry] = []
        self._places = len(claimed)
        self._clock = clock
        self._began = clock()
        self._has_ended = False

    @property
    def places(self) -> int:
        """How many of those that are posted at once it counts as."""
        return self._places

    @property
    def has_ended(self) -> bool:
        """Whether all that was in it is posted."""
        return self._has_ended

    def next(self) -> ClaimedBooking | None:
        """The next one to be posted. None: there is none, and nobody takes over any more what is in it."""
        with self._lock:
            self._began = self._clock()
            if self._left:
                return self._left.popleft()
            self._has_ended = True
            return None

    def keep(self, tried: SettledTry) -> None:
        """An outcome, to be recorded."""
        with self._lock:
            self._tried.append(tried)

    @property
    def tried(self) -> list[SettledTry]:
        """The outcomes that are kept."""
        with self._lock:
            return list(self._tried)

    def take_over(self, *, after_seconds: float) -> TakenOver | None:
        """All but the request under way, where that has taken so long; what is taken out counts no more.

        None: it has not, or there is none.
        """
        with self._lock:
            if self._has_ended or self._clock() - self._began < after_seconds:
                return None
            left, tried, places = list(self._left), self._tried, self._places - 1
            places -= len(left) + len(tried)
            self._left.clear()
            self._tried = []
            self._places = 1
            return TakenOver(left=left, tried=tried, places=places)
