"""When a booking is tried again."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from watcher.config.quantities import RateLimit
from watcher.config.sections import Retry
from watcher.model import BookingKey, Claim, ClaimedBooking, Locator
from watcher.policy.pace import Pace
from watcher.policy.retry import backoff, is_given_up, least_tries
from watcher.service.tender import pause_after

NOW = datetime(2026, 11, 23, 9, tzinfo=UTC)
RETRY = Retry()
LONGEST_TRY = timedelta(seconds=130)


@pytest.mark.parametrize(("attempt", "seconds"), [(1, 30), (2, 60), (3, 120), (7, 1920), (8, 3600), (5000, 3600)])
def test_the_bound_doubles_until_the_longest(attempt: int, seconds: float) -> None:
    assert backoff(RETRY, attempt, 1.0) == timedelta(seconds=seconds)


@given(attempt=st.integers(1, 10_000), fraction=st.floats(0, 1))
def test_the_pause_lies_anywhere_below_the_bound(attempt: int, fraction: float) -> None:
    assert timedelta(0) <= backoff(RETRY, attempt, fraction) <= backoff(RETRY, attempt, 1.0) <= RETRY.longest


def claimed(attempt: int, failing_for: timedelta | None) -> ClaimedBooking:
    return ClaimedBooking(
        claim=Claim(row="1", number=1),
        booking=1,
        key=BookingKey(content="content", user_code="903851", create_expense=True),
        biz_id="biz",
        locator=Locator(store="default", key="a.pdf", url=None),
        source="fapiao",
        attempt=attempt,
        try_number=attempt,
        first_failed_at=None if failing_for is None else NOW - failing_for,
        in_doubt=False,
    )


@pytest.mark.parametrize("was_set", [False, True])
@pytest.mark.parametrize("failing_for", [None, timedelta(days=3) - timedelta(seconds=1)])
def test_nothing_is_given_up_before_its_time_counted_from_the_first_failure(
    failing_for: timedelta | None, *, was_set: bool
) -> None:
    assert not is_given_up(RETRY, claimed(1000, failing_for), NOW, was_set=was_set, longest_try=LONGEST_TRY)


@pytest.mark.parametrize(("was_set", "attempt", "last"), [(False, 2, True), (True, 75, False), (True, 76, True)])
def test_the_time_alone_decides_unless_the_clock_was_set(attempt: int, *, was_set: bool, last: bool) -> None:
    failing = claimed(attempt, timedelta(days=3))
    assert is_given_up(RETRY, failing, NOW, was_set=was_set, longest_try=LONGEST_TRY) is last


def test_in_three_days_there_are_76_tries_at_least() -> None:
    assert least_tries(RETRY, LONGEST_TRY) == 76


@given(first=st.integers(1, 7200), factor=st.floats(1, 1000), longest=st.integers(1, 7200), after=st.integers(1, 10**8))
def test_the_least_of_tries_are_those_that_are_made_where_each_pause_is_the_longest(
    first: int, factor: float, longest: int, after: int
) -> None:
    seconds = timedelta(seconds=1)
    retry = Retry(first=first * seconds, factor=factor, longest=longest * seconds, give_up_after=after * seconds)
    least = least_tries(retry, LONGEST_TRY)
    passed, tries = timedelta(0), 1
    while tries < min(least + 1, 500):
        passed, tries = passed + backoff(retry, tries, 1.0) + LONGEST_TRY, tries + 1
    assert (passed > retry.give_up_after) == (tries > least)


@given(failures=st.integers(1, 10_000), fraction=st.floats(0, 1))
def test_a_source_is_tried_again_within_minutes_and_a_refused_login_never_sooner(
    failures: int, fraction: float
) -> None:
    assert 0.5 <= pause_after(failures, refused=False, fraction=fraction) <= 300
    assert 150 <= pause_after(failures, refused=True, fraction=fraction) <= 1800


def test_without_a_rate_everything_may_leave() -> None:
    pace = Pace(None)
    assert pace.reserve(1000, 0.0) == 1000
    assert pace.next_in(0.0) == 0.0


@given(steps=st.lists(st.tuples(st.floats(0, 3), st.integers(0, 9), st.floats(0, 2)), max_size=60))
def test_no_window_of_a_second_sees_more_departures_than_the_rate(steps: list[tuple[float, int, float]]) -> None:
    pace, now, left = Pace(RateLimit(count=5, seconds=1.0)), 0.0, list[float]()
    for pause, wanted, late in steps:
        now += pause
        granted = pace.reserve(wanted, now)
        now += late  # what was reserved leaves when it can, and one of it not at all
        for _ in range(granted - 1):
            pace.left(now)
            left.append(now)
        pace.give_back(min(granted, 1))
        assert sum(1 for moment in left if moment > now - 1.0) <= 5


def test_the_next_departure_is_when_the_oldest_has_surely_left_the_window() -> None:
    pace = Pace(RateLimit(count=2, seconds=1.0))
    assert pace.reserve(9, 10.0) == 2
    assert pace.next_in(10.0) is None  # nobody knows before one has left
    pace.left(10.0)
    pace.left(10.25)
    assert pace.next_in(10.5) == pytest.approx(0.6)
    assert pace.reserve(9, 11.0) == 0
    assert pace.reserve(9, 11.15) == 1
    assert pace.next_in(11.5) == 0.0
