"""What a node makes of the clock of its database, where that is set."""

from __future__ import annotations

import logging

import pytest

from watcher.journal.postgres_clock import ServerClock

HOLD_MS = 130_000


class Boot:
    """Seconds since the boot, and what the database shows then."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.ahead = 5_000_000.0

    def __call__(self) -> float:
        return self.now

    def look(self, clock: ServerClock, *, round_trip: float = 0.2) -> bool:
        """As each claim begins: whether one that is over may be taken over."""
        asked_at = self.now
        self.now += round_trip
        shown_ms = round((self.now - round_trip / 2 + self.ahead) * 1000)
        clock.looked(shown_ms, asked_at=asked_at, heard_at=self.now)
        return clock.take_over_until(HOLD_MS) >= round((self.now + self.ahead) * 1000)


@pytest.fixture
def boot() -> Boot:
    return Boot()


@pytest.fixture
def clock(boot: Boot) -> ServerClock:
    return ServerClock(boot)


def test_a_clock_that_goes_on_is_believed_however_long_the_answers_take(clock: ServerClock, boot: Boot) -> None:
    for round_trip in (0.0, 20.0, 0.0, 7.0, 0.1):
        boot.now += 30
        assert boot.look(clock, round_trip=round_trip)
    assert clock.is_believed()


def test_after_it_was_set_ahead_nothing_is_taken_over_until_a_whole_hold_is_over(
    clock: ServerClock, boot: Boot, caplog: pytest.LogCaptureFixture
) -> None:
    assert boot.look(clock)
    boot.ahead += 3600

    with caplog.at_level(logging.WARNING):
        assert not boot.look(clock)
        stepped_at = boot.now
        boot.now = stepped_at + HOLD_MS / 1000 - 1
        assert not boot.look(clock)

    assert not clock.is_believed()
    boot.now = stepped_at + HOLD_MS / 1000
    assert boot.look(clock)
    assert clock.is_believed()
    assert len(caplog.records) == 1


def test_set_ahead_once_more_it_is_not_believed_for_as_long_again(clock: ServerClock, boot: Boot) -> None:
    boot.look(clock)
    boot.ahead += 3600
    boot.look(clock)
    boot.now += HOLD_MS / 1000 - 1
    boot.ahead += 60

    assert not boot.look(clock)
    boot.now += HOLD_MS / 1000 - 1
    assert not boot.look(clock)


@pytest.mark.parametrize("step", [-86400.0, 4.0])
def test_set_back_or_by_less_than_holds_have_to_spare_it_is_believed(
    clock: ServerClock, boot: Boot, step: float
) -> None:
    boot.look(clock)
    boot.ahead += step

    assert boot.look(clock)


def test_what_is_set_between_a_look_and_the_claim_is_beyond_what_is_believed(clock: ServerClock, boot: Boot) -> None:
    boot.look(clock)
    until = clock.take_over_until(HOLD_MS)
    shown_ms = (boot.now + boot.ahead) * 1000

    assert shown_ms + 5000 <= until < shown_ms + 6000
