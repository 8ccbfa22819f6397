"""How many requests may leave now, under `recognition.rate`."""

from __future__ import annotations

import threading
from collections import deque

from watcher.config.quantities import RateLimit

# Requests do not arrive as evenly as they leave: the endpoint must not count one more than we do.
_SLACK_SECONDS = 0.1


class Pace:
    """At most `limit.count` departures within any `limit.seconds`. Times are handed in, in seconds; for many threads.

    Who wants to send reserves first, and says then when the request left, or that it did not.
    """

    def __init__(self, limit: RateLimit | None) -> None:
        self._limit = limit
        self._lock = threading.Lock()
        self._departures: deque[float] = deque()
        self._reserved = 0

    @property
    def is_limited(self) -> bool:
        return self._limit is not None

    def reserve(self, wanted: int, now: float) -> int:
        """Up to `wanted` departures, as many as are free."""
        if self._limit is None:
            return wanted
        with self._lock:
            self._forget(now)
            granted = max(0, min(wanted, self._limit.count - len(self._departures) - self._reserved))
            self._reserved += granted
        return granted

    def give_back(self, reserved: int) -> None:
        """So many will not leave."""
        with self._lock:
            self._reserved = max(0, self._reserved - reserved)

    def left(self, now: float) -> None:
        """One that was reserved has left."""
        if self._limit is not None:
            with self._lock:
                self._reserved = max(0, self._reserved - 1)
                self._departures.append(now)

    def next_in(self, now: float) -> float | None:
        """Seconds until another one may be reserved; None: not before one that is reserved has left or come back."""
        if self._limit is None:
            return 0.0
        with self._lock:
            self._forget(now)
            if len(self._departures) + self._reserved < self._limit.count:
                return 0.0
            return self._departures[0] + self._window - now if self._departures else None

    @property
    def _window(self) -> float:
        return self._limit.seconds + _SLACK_SECONDS if self._limit is not None else 0.0

    def _forget(self, now: float) -> None:
        while self._departures and self._departures[0] <= now - self._window:
            self._departures.popleft()
