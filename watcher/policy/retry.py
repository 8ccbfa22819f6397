"""When a booking is tried again, and when it is given up. Pure: randomness and time are handed in."""

from __future__ import annotations

from datetime import datetime, timedelta

from watcher.config.sections import Retry


def backoff(retry: Retry, attempt: int, fraction: float) -> timedelta:
    """The pause after counted try number `attempt` (1 for the first).

    Full jitter: anywhere between nothing and the growing bound, by `fraction` in [0, 1), so that what
    failed together does not come back together.
    """
    # 64 doublings are beyond any `longest`; more would overflow a float.
    bound = retry.first.total_seconds() * retry.factor ** min(attempt - 1, 64)
    return timedelta(seconds=min(bound, retry.longest.total_seconds()) * fraction)


def is_given_up(retry: Retry, first_failed_at: datetime | None, now: datetime) -> bool:
    """Whether a try that failed just now is the last one."""
    return first_failed_at is not None and now - first_failed_at >= retry.give_up_after
