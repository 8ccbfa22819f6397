"""Whether a server answers so soon that to wait for it takes less than to have a thread wait."""

from __future__ import annotations

from collections import deque

_AT_ONCE_SECONDS = 0.004  # on average: to hand something to a thread, and back, takes a busy machine no more
_OF_LATE = 8


class Promptness:
    """What the last answers took. Safe for threads."""

    def __init__(self) -> None:
        self._took: deque[float] = deque(maxlen=_OF_LATE)

    def took(self, seconds: float) -> None:
        """One request with its answer, and with the connection where there was none."""
        self._took.append(seconds)

    def failed(self) -> None:
        """What it did before tells no more what it will do."""
        self._took.clear()

    @property
    def is_at_once(self) -> bool:
        """Whether it has answered at once of late; not so before there have been some answers.

        On average, and not mostly: one that answers every other time at once, and else after the time that TCP puts an
        acknowledgement off, keeps those waiting that come one after the other.
        """
        took = tuple(self._took)  # in one step: others may write meanwhile
        return len(took) == _OF_LATE and sum(took) <= _OF_LATE * _AT_ONCE_SECONDS
