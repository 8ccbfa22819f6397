"""Waiting for what must come true, instead of sleeping."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")

POLL_SECONDS = 0.02


def wait_for(
    condition: Callable[[], T],
    timeout: float = 30.0,
    what: str = "the condition",
    *,
    every: float = POLL_SECONDS,
) -> T:
    """Call `condition` until it returns something true, and return that; AssertionError after `timeout` seconds.

    `every` is the pause between two looks, in seconds: longer where a look costs more than what is looked at.
    """
    deadline = time.monotonic() + timeout
    while True:
        found = condition()
        if found:
            return found
        if time.monotonic() >= deadline:
            raise AssertionError(f"waited {timeout:g} s in vain for {what}")
        time.sleep(every)
