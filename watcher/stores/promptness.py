"""Whether a server answers so soon that to wait for it takes less than to have a thread wait."""

from __future__ import annotations

from collections import deque

_AT_ONCE_SECONDS = 0.005  # to hand something to a thread, and back, takes a busy machine about as much
_OF_LATE = 4
_AS_SOON = 2  # so many of the last: this machine is sometimes late itself


class Promptness:
    """What the last answers took. Safe for threads."""

    def __init__(self) -> None:
        self._took: deque[float] = deque(maxlen=_OF_LATE)

    def took(self, seconds: float) -> None:
        """One request, from its first byte to the answer's last."""
        self._took.append(seconds)

    def failed(self) -> None:
        """What it did before tells no more what it will do."""
        self._took.clear()

    @property
    def is_at_once(self) -> bool:
        """Whether it has answered at once of late; not so before there have been some answers."""
        took = tuple(self._took)  # in one step: others may write meanwhile
        return len(took) == _OF_LATE and sum(seconds <= _AT_ONCE_SECONDS for seconds in took) >= _AS_SOON
