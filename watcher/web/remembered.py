"""Answers that are good for some seconds, however many ask."""

from __future__ import annotations

import threading
from collections.abc import Callable, Hashable
from typing import TypeVar, cast

T = TypeVar("T")
_MOST = 32


class Remembered:
    """Safe for many threads: who asks for what is being read waits for that answer."""

    def __init__(self, seconds: Callable[[], float], good_for: float) -> None:
        self._seconds = seconds
        self._good_for = good_for
        self._lock = threading.Lock()
        self._answers: dict[Hashable, tuple[float, object]] = {}

    def get(self, key: Hashable, read: Callable[[], T]) -> T:
        """What `read` gives, or gave a short while ago under this key."""
        with self._lock:
            until, answer = self._answers.get(key, (0.0, None))
            if self._seconds() < until:
                return cast("T", answer)
            fresh = read()
            if len(self._answers) >= _MOST:
                self._answers.clear()
            self._answers[key] = (self._seconds() + self._good_for, fresh)
            return fresh
