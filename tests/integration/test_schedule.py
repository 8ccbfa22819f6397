"""What is done again and again goes on when the wall clock is set."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from tests.support.waiting import wait_for
from tests.support.wall_clock import WallClock

DAY = timedelta(days=1)
DEADLINE_SECONDS = 30.0
_PROGRAM = """
import sys
from pathlib import Path
from threading import Event
from watcher.service.schedule import Schedule

def work():
    with Path(sys.argv[1]).open("a") as log:
        log.write("done\\n")

schedule = Schedule()
schedule.every(0.1, "work", work)
schedule.start()
while not Event().wait(0.05):
    schedule.keep_up()
"""


class Work:
    """How often it was done, by a process of its own."""

    def __init__(self, log: Path) -> None:
        self._log = log

    def goes_on(self) -> None:
        """Wait until it was done a few times more."""
        before = self._count()
        wait_for(lambda: self._count() >= before + 5, DEADLINE_SECONDS, "the work to go on")

    def _count(self) -> int:
        return len(self._log.read_bytes().splitlines()) if self._log.exists() else 0


@pytest.fixture
def clock(tmp_path: Path) -> WallClock:
    return WallClock(tmp_path / "clock")


@pytest.fixture
def work(tmp_path: Path, clock: WallClock) -> Iterator[Work]:
    log = tmp_path / "log"
    process = subprocess.Popen([*clock.through, sys.executable, "-c", _PROGRAM, str(log)])
    try:
        yield Work(log)
    finally:
        process.kill()
        process.wait()


@pytest.mark.parametrize("step", [-30 * DAY, -DAY, 3650 * DAY])
def test_a_clock_that_is_set_keeps_nothing_from_being_done_in_its_time(
    work: Work, clock: WallClock, step: timedelta
) -> None:
    work.goes_on()
    clock.set(step)
    work.goes_on()
    clock.set(timedelta(0))
    work.goes_on()
