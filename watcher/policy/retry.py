"""When a booking is tried again, and when it is given up. Pure: randomness and time are handed in."""

from __future__ import annotations

from datetime import datetime, timedelta

from watcher.config.sections import Retry
from watcher.model import ClaimedBooking


def backoff(retry: Retry, attempt: int, fraction: float) -> timedelta:
    """The pause after counted try number `attempt` (1 for the first).

    Full jitter: anywhere between nothing and the growing bound, by `fraction` in [0, 1), so that what
    failed together does not come back together.
    """
    # 64 doublings are beyond any `longest`; more would overflow a float.
    bound = retry.first.total_seconds() * retry.factor ** min(attempt - 1, 64)
    return timedelta(seconds=min(bound, retry.longest.total_seconds()) * fraction)


def is_given_up(retry: Retry, claimed: ClaimedBooking, now: datetime, *, was_set: bool, longest_try: timedelta) -> bool:
    """Whether a try that failed just now is the last one.

    Where the clock, which shows `now`, `was_set`, the time alone does not decide: see `least_tries`.
    """
    if claimed.first_failed_at is None or now - claimed.first_failed_at < retry.give_up_after:
        return False
    return not was_set or claimed.attempt >= least_tries(retry, longest_try)


def least_tries(retry: Retry, longest_try: timedelta) -> int:
    """How many tries there are in `give_up_after`, were each of them and each pause as long as can be.

    Where the clock was set nobody knows how much time has passed: less often than that a document is not given up.
    `longest_try` is how long a try takes at most.
    """
    left, tries, pause = retry.give_up_after, 1, backoff(retry, 1, 1.0)
    while pause + longest_try <= left:
        longer = backoff(retry, tries + 1, 1.0)
        if longer == pause:  # it grows no more
            return tries + left // (pause + longest_try)
        left, tries, pause = left - pause - longest_try, tries + 1, longer
    return tries
