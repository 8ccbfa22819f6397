"""A clock that is set, as one process sees it, and what it does not delete then."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import cast

import pytest

from watcher.model import ClockStep
from watcher.service.clock_watch import ClockWatch
from watcher.service.heartbeats import unwatched
from watcher.service.retention import KeptJournal, Retention

BEGIN = datetime(2026, 11, 26, 9, 0, tzinfo=UTC)
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
HALF_A_DAY = 12 * HOUR
KEEP = 400 * DAY


class Machine:
    """Its two clocks, and a journal from which somebody may want things deleted."""

    def __init__(self) -> None:
        self.up = timedelta(days=3)
        self.wall = BEGIN
        self.forgotten = 0

    def goes_on(self, span: timedelta) -> None:
        self.up += span
        self.wall += span

    def boot_seconds(self) -> float:
        return self.up.total_seconds()

    def now(self) -> datetime:
        return self.wall

    def forget(self, closed_for: timedelta) -> int:
        assert closed_for == KEEP
        self.forgotten += 1
        return 0


@pytest.fixture
def machine() -> Machine:
    return Machine()


@pytest.fixture
def watch(machine: Machine) -> ClockWatch:
    return ClockWatch(machine.boot_seconds)


@pytest.fixture
def retention(machine: Machine, watch: ClockWatch) -> Retention:
    journal = cast("KeptJournal", machine)
    return Retention(journal=journal, keep_closed=KEEP, clock=watch, worker=unwatched("retention"))


def stands(watch: ClockWatch) -> tuple[bool, ClockStep | None]:
    return watch.is_steady, watch.step


def test_a_clock_is_steady_once_it_has_gone_on_for_half_a_day(machine: Machine, watch: ClockWatch) -> None:
    watch.look(machine.wall)
    machine.goes_on(HALF_A_DAY - MINUTE)
    watch.look(machine.wall)
    assert stands(watch) == (False, None)

    machine.goes_on(MINUTE)

    assert stands(watch) == (True, None)


@pytest.mark.parametrize("by", [2 * 365 * DAY, 2 * HOUR, 45 * MINUTE, -45 * MINUTE, -3650 * DAY])
def test_a_step_is_known_until_the_clock_has_been_steady_again(
    machine: Machine, watch: ClockWatch, by: timedelta, caplog: pytest.LogCaptureFixture
) -> None:
    machine.goes_on(HALF_A_DAY)
    watch.look(machine.wall)
    machine.goes_on(MINUTE)
    machine.wall += by

    watch.look(machine.wall)

    assert stands(watch) == (False, ClockStep(was=machine.wall - by, now=machine.wall))
    assert [record.getMessage().partition(";")[0] for record in caplog.records] == ["The clock was set"]
    machine.goes_on(HALF_A_DAY)
    watch.look(machine.wall)
    assert stands(watch) == (True, None)


@pytest.mark.parametrize("by", [MINUTE, -9 * MINUTE])
def test_a_clock_that_is_put_right_by_minutes_stays_steady(machine: Machine, watch: ClockWatch, by: timedelta) -> None:
    watch.look(machine.wall)
    machine.goes_on(HALF_A_DAY)
    machine.wall += by

    watch.look(machine.wall)

    assert stands(watch) == (True, None)


def test_nothing_is_deleted_by_a_clock_that_was_just_set_ahead(machine: Machine, retention: Retention) -> None:
    for _ in range(13):
        retention.round()
        machine.goes_on(HOUR)
    assert machine.forgotten == 1

    machine.wall += 2 * 365 * DAY
    for _ in range(12):
        retention.round()
        machine.goes_on(HOUR)
    assert machine.forgotten == 1

    retention.round()
    assert machine.forgotten == 2


def test_nothing_is_deleted_by_a_process_that_has_just_begun_because_its_clock_may_have_been_set_before(
    machine: Machine, retention: Retention
) -> None:
    retention.round()
    machine.goes_on(HALF_A_DAY - MINUTE)
    retention.round()

    assert machine.forgotten == 0


def test_whoever_asks_is_told_at_once_that_it_was_set_and_for_half_a_day(machine: Machine, watch: ClockWatch) -> None:
    assert not watch.was_set(machine.wall)
    machine.goes_on(DAY)
    assert not watch.was_set(machine.wall)

    machine.wall += 30 * DAY

    assert watch.was_set(machine.wall)
    machine.goes_on(HALF_A_DAY)
    assert not watch.was_set(machine.wall)
