"""What is believed of a server by its last answers."""

from __future__ import annotations

import pytest

from watcher.promptness import Promptness, Succession

SOON, LATE, PUT_OFF = 0.001, 0.012, 0.041  # seconds; the last as TCP puts an acknowledgement off
OF_LATE = 16


@pytest.mark.parametrize(
    ("took", "at_once"),
    [
        ([], False),
        ([SOON] * 15, False),  # it is not known yet
        ([SOON] * 16, True),
        ([SOON] * 8 + [LATE] * 8, True),  # the machine was busy
        ([SOON] * 4 + [LATE] * 12, False),
        ([SOON] * 15 + [PUT_OFF * 4], False),
        ([SOON, PUT_OFF] * 8, False),
        ([SOON, SOON, SOON, PUT_OFF] * 4, False),
        ([0.005] * 16, False),
        ([LATE] * 16, False),
        ([LATE] * 20 + [SOON] * 16, True),  # it has become quick
    ],
)
def test_the_last_answers_tell(took: list[float], at_once: bool) -> None:
    promptness = Promptness()
    for seconds in took:
        promptness.took(seconds)
    assert promptness.is_at_once is at_once


def test_after_a_failure_nothing_is_believed() -> None:
    promptness = Promptness()
    for _ in range(OF_LATE):
        promptness.took(SOON)
    promptness.failed()
    promptness.took(SOON)
    assert not promptness.is_at_once
    assert not promptness.may_be_at_once


def heard(succession: Succession, took: list[float], *, in_turn: bool) -> Succession:
    for seconds in took:
        succession.took(seconds, in_turn=in_turn)
    return succession


def test_requests_leave_side_by_side_until_some_were_answered_at_once() -> None:
    succession = Succession()
    assert not succession.is_on(0.0)
    assert not heard(succession, [LATE] * OF_LATE, in_turn=False).is_on(0.0)
    # among many that wait for the interpreter, one that does not tells that it is worth a trial
    assert heard(succession, [SOON], in_turn=False).is_on(0.0)


def test_requests_that_are_answered_at_once_go_on_one_after_the_other() -> None:
    succession = heard(Succession(), [SOON] * OF_LATE, in_turn=False)
    for now in range(20):
        assert succession.is_on(float(now))
        heard(succession, [SOON] * 8, in_turn=True)


def fails(succession: Succession, now: float) -> bool:
    """Whether it was on, before a server that only seemed to answer at once did not."""
    was_on = heard(succession, [SOON] * OF_LATE, in_turn=False).is_on(now)
    heard(succession, [SOON, PUT_OFF] * 8, in_turn=True)
    return was_on and not succession.is_on(now)


def test_a_trial_that_fails_is_not_repeated_for_a_while_and_longer_each_time() -> None:
    succession = Succession()
    assert fails(succession, 10.0)
    assert not heard(succession, [SOON] * OF_LATE, in_turn=False).is_on(10.9)
    # What was measured in the first trial counts no more in the next one.
    assert succession.is_on(11.1)
    assert heard(succession, [SOON] * 8, in_turn=True).is_on(11.2)
    assert fails(succession, 20.0)
    assert not fails(succession, 21.9)
    assert fails(succession, 22.1)
    for now in range(100, 1000, 100):
        assert fails(succession, now)
    assert not fails(succession, 959.0)
    # When a trial has gone well, the next one that fails is followed by another soon
    assert heard(succession, [SOON] * OF_LATE, in_turn=False).is_on(1000.0)
    assert heard(succession, [SOON] * OF_LATE, in_turn=True).is_on(1000.0)
    assert fails(succession, 1000.0)
    assert fails(succession, 1001.1)


def test_a_failure_ends_it_and_what_was_quick_before_begins_no_trial() -> None:
    succession = heard(Succession(), [SOON] * OF_LATE, in_turn=False)
    assert succession.is_on(0.0)
    succession.failed()
    assert not succession.is_on(0.0)
    assert heard(succession, [SOON] * OF_LATE, in_turn=False).is_on(0.0)
