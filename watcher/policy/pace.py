"""How many requests may leave now, under `recognition.rate`."""

from __future__ import annotations

from collections import deque

from watcher.config.values import RateLimit


class Pace:
    """At most `limit.count` departures within any `limit.seconds`. Times are handed in, in seconds; one caller."""

    def __init__(self, limit: RateLimit | None) -> None:
        self._limit = limit
        self._departures: deque[float] = deque()

    def allowance(self, now: float) -> int | None:
        """How many may leave now; None: any number."""
        if self._limit is None:
            return None
        while self._departures and self._departures[0] <= now - self._limit.seconds:
            self._departures.popleft()
        return self._limit.count - len(self._departures)

    def note(self, departures: int, now: float) -> None:
        """That many have left."""
        if self._limit is not None:
            self._departures.extend([now] * departures)

    def next_in(self, now: float) -> float:
        """Seconds until another one may leave."""
        if self._limit is None or len(self._departures) < self._limit.count:
            return 0.0
        return max(0.0, self._departures[0] + self._limit.seconds - now)
