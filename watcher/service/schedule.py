"""What is done again and again, each at its own interval, whatever becomes of the wall clock.

APScheduler tells time by the wall clock alone. Where that is set ahead, one run follows and not one for each interval
that it leapt over; where it is set back, whoever calls `keep_up` has what lies too far ahead done at once.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from apscheduler.schedulers.background import BackgroundScheduler
from apscheduler.triggers.base import BaseTrigger


class _Every(BaseTrigger):  # type: ignore[misc] # it has no types
    """An interval after the last time, or after now where that is past: never for what was missed."""

    def __init__(self, interval: timedelta) -> None:
        self.interval = interval

    def get_next_fire_time(self, previous_fire_time: datetime | None, now: datetime) -> datetime:
        following = (previous_fire_time or now) + self.interval
        return following if following > now else now + self.interval


class Schedule:
    """Runs in threads of its own from `start` to `stop`."""

    def __init__(self) -> None:
        # What is late is done all the same, and nothing twice at the same time.
        defaults = {"coalesce": True, "max_instances": 1, "misfire_grace_time": None}
        self._scheduler = BackgroundScheduler(timezone="UTC", job_defaults=defaults)

    def every(self, seconds: float, name: str, work: Callable[[], object]) -> None:
        """For the first time when an interval has passed."""
        self._scheduler.add_job(work, _Every(timedelta(seconds=seconds)), id=name)

    def start(self) -> None:
        self._scheduler.start()

    def keep_up(self) -> None:
        """Nothing is further ahead than its interval, but where the clock was set back. To be called now and then."""
        now = datetime.now(UTC)
        for job in self._scheduler.get_jobs():
            if job.next_run_time - now > job.trigger.interval:
                job.modify(next_run_time=now)

    def stop(self) -> None:
        """Begin nothing any more; what is under way ends by itself."""
        self._scheduler.shutdown(wait=False)
