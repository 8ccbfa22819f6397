"""What the server hangs up at is tried again ever more seldom, because it may as well have been the network."""

from __future__ import annotations

import time
from collections.abc import Iterable
from typing import Generic, TypeVar

from watcher.policy.pauses import growing

K = TypeVar("K")

_FIRST_SECONDS, _LONGEST_SECONDS = 60.0, 3600.0


class Rests(Generic[K]):
    """Of mails that could not be read, by whatever names them."""

    def __init__(self) -> None:
        self._failures: dict[K, int] = {}
        self._until: dict[K, float] = {}  # on the monotonic clock

    def __contains__(self, mail: K) -> bool:
        """Whether it failed the last time, resting or not."""
        return mail in self._until

    def __len__(self) -> int:
        return len(self._until)

    def is_resting(self, mail: K) -> bool:
        return time.monotonic() < self._until.get(mail, 0.0)

    def begin(self, mail: K) -> None:
        """It failed, or is about to be tried: longer than the last time."""
        self._failures[mail] = self._failures.get(mail, 0) + 1
        pause = growing(self._failures[mail], first=_FIRST_SECONDS, longest=_LONGEST_SECONDS, fraction=1.0)
        self._until[mail] = time.monotonic() + pause

    def end(self, mail: K) -> None:
        """It was read, or is gone."""
        self._failures.pop(mail, None)
        self._until.pop(mail, None)

    def keep(self, mails: Iterable[K]) -> None:
        """All others are gone."""
        for mail in self._until.keys() - set(mails):
            self.end(mail)
