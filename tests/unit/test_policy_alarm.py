"""When what is wrong is told, and when it is told to be over."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import pytest
from msgspec.structs import replace

from watcher.model import Alert
from watcher.policy.alarm import AlarmRules, Condition, Decision, decide

BEGIN = datetime(2026, 11, 26, 9, 0, tzinfo=UTC)
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
AFTER = 10 * MINUTE
KEY = "source fapiao"


def rules(after: timedelta = AFTER, *, is_alone: bool = False) -> AlarmRules:
    return AlarmRules(
        after=after,
        is_alone=is_alone,
        held_after={"fapiao": DAY, "shared": DAY},
        endpoint="https://endpoint.example/ocr",
        language="en",
        moment=lambda moment: moment.strftime("%H:%M"),
    )


def wrong(key: str = KEY, *, wait: timedelta = AFTER, recurs: bool = True, explained: bool = False) -> Condition:
    return Condition(key=key, said=f"{key} is down", wait=wait, recurs=recurs, explained=explained)


class Watch:
    """What is remembered from look to look, and what was told at which minute: "+key" for wrong, "-key" for over."""

    def __init__(self, after: timedelta = AFTER, *, is_alone: bool = False) -> None:
        self.rules = rules(after, is_alone=is_alone)
        self.now = BEGIN
        self.alerts: dict[str, Alert] = {}
        self.told: list[tuple[float, str]] = []
        self.reached = True

    def look(self, *present: Condition) -> Decision:
        decision = decide(present, list(self.alerts.values()), self.rules, self.now)
        self._write(decision.keep, decision.forget)
        if self.reached:
            minute = (self.now - BEGIN) / MINUTE
            self.told += [(minute, f"+{each.key}") for each in decision.tell]
            self.told += [(minute, f"-{each.key}") for each in decision.over]
            self._write(decision.told)
        return decision

    def looks(self, span: timedelta, *present: Condition, every: timedelta = MINUTE) -> None:
        """Look every so often, from now on and for so long; the end is the next look's."""
        end = self.now + span
        while self.now < end:
            self.look(*present)
            self.now += every

    def _write(self, alerts: Sequence[Alert], forget: Sequence[str] = ()) -> None:
        self.alerts |= {alert.key: alert for alert in alerts}
        for key in forget:
            del self.alerts[key]


def test_what_lasts_is_told_once_after_the_time_and_once_a_day() -> None:
    watch = Watch()
    watch.looks(2 * DAY, wrong())
    assert watch.told == [(10, f"+{KEY}"), (10 + 24 * 60, f"+{KEY}")]


@pytest.mark.parametrize("lasts", [MINUTE, 9 * MINUTE])
def test_what_mends_itself_sooner_is_told_neither_as_wrong_nor_as_over(lasts: timedelta) -> None:
    watch = Watch()
    watch.looks(lasts, wrong())
    watch.looks(HOUR)
    assert watch.told == []
    assert watch.alerts == {}


def test_what_was_told_is_told_to_be_over_when_it_has_stayed_away_for_as_long() -> None:
    watch = Watch()
    watch.looks(20 * MINUTE, wrong())
    watch.looks(HOUR)
    assert watch.told == [(10, f"+{KEY}"), (30, f"-{KEY}")]


def test_a_clock_that_is_set_back_puts_nothing_off_for_as_long() -> None:
    watch = Watch()
    watch.looks(5 * MINUTE, wrong())
    watch.now -= 7 * DAY
    watch.looks(11 * MINUTE, wrong())
    assert watch.told == [(5 + 10 - 7 * 24 * 60, f"+{KEY}")]

    watch.look()
    watch.now -= 7 * DAY
    watch.told.clear()
    watch.looks(11 * MINUTE)
    assert [key for _, key in watch.told] == [f"-{KEY}"]


def test_what_comes_back_before_it_is_told_to_be_over_goes_on_unnoticed() -> None:
    watch = Watch()
    watch.looks(20 * MINUTE, wrong())
    for _ in range(20):
        watch.looks(5 * MINUTE)
        watch.looks(15 * MINUTE, wrong())
    assert watch.told == [(10, f"+{KEY}")]


def test_what_comes_back_after_it_was_told_to_be_over_has_to_last_again() -> None:
    watch = Watch()
    for _ in range(2):
        watch.looks(20 * MINUTE, wrong())
        watch.looks(30 * MINUTE)
    assert watch.told == [(10, f"+{KEY}"), (30, f"-{KEY}"), (60, f"+{KEY}"), (80, f"-{KEY}")]


def test_what_is_away_for_one_look_is_told_as_if_it_had_lasted() -> None:
    watch = Watch()
    for _ in range(3):
        watch.looks(4 * MINUTE, wrong())
        watch.look()
        watch.now += MINUTE
    assert watch.told == [(10, f"+{KEY}")]


def test_hiccups_that_come_for_ever_are_never_told() -> None:
    watch = Watch()
    for _ in range(100):
        watch.look(wrong())
        watch.now += 5 * MINUTE
        watch.looks(5 * MINUTE)
    assert watch.told == []


@pytest.mark.parametrize("after", [timedelta(0), MINUTE, AFTER])
@pytest.mark.parametrize("period", [MINUTE, 7 * MINUTE, 20 * MINUTE, 61 * MINUTE])
def test_what_comes_and_goes_for_ever_is_no_storm(after: timedelta, period: timedelta) -> None:
    watch = Watch(after)
    while watch.now < BEGIN + DAY:
        watch.looks(period, wrong(wait=after))
        watch.looks(period)
    in_each_hour = [sum(60 * hour <= minute < 60 * hour + 60 for minute, _ in watch.told) for hour in range(24)]
    assert max(in_each_hour[2:]) <= 2
    assert sum(in_each_hour[:2]) <= 8  # until it is seen that it comes and goes


def test_after_a_quiet_day_a_recovery_is_told_as_soon_as_the_first_time() -> None:
    watch = Watch(MINUTE)
    for _ in range(2):
        watch.looks(5 * MINUTE, wrong(wait=MINUTE))
        watch.looks(DAY + HOUR)
    later = (DAY + HOUR + 5 * MINUTE) / MINUTE
    assert watch.told == [(1, f"+{KEY}"), (6, f"-{KEY}"), (later + 1, f"+{KEY}"), (later + 6, f"-{KEY}")]
    assert watch.alerts == {}


def test_what_nobody_could_be_told_is_told_until_somebody_is() -> None:
    watch = Watch()
    watch.reached = False
    watch.looks(HOUR, wrong())
    watch.reached = True
    watch.looks(HOUR, wrong())
    assert watch.told == [(60, f"+{KEY}")]


def test_what_is_over_before_anybody_could_be_told_is_forgotten() -> None:
    watch = Watch()
    watch.reached = False
    watch.looks(HOUR, wrong())
    watch.reached = True
    watch.looks(HOUR)
    assert (watch.told, watch.alerts) == ([], {})


def test_several_are_told_together() -> None:
    watch = Watch()
    watch.looks(AFTER, wrong(), wrong("source shared"))
    decision = watch.look(wrong(), wrong("source shared"))
    assert [each.key for each in decision.tell] == [KEY, "source shared"]


def test_what_has_happened_is_told_at_once_and_never_again_nor_as_over() -> None:
    watch = Watch()
    happened = wrong("booked-twice 7", wait=timedelta(0), recurs=False)
    watch.looks(30 * DAY, happened, every=HOUR)
    watch.looks(2 * DAY, every=HOUR)
    assert watch.told == [(0, "+booked-twice 7")]
    assert watch.alerts == {}


def test_what_something_else_explains_is_told_neither_as_wrong_nor_as_over() -> None:
    watch = Watch()
    watch.looks(HOUR, wrong("overdue fapiao", explained=True))
    assert (watch.told, watch.alerts) == ([], {})
    watch.looks(HOUR, wrong("overdue fapiao"))
    watch.looks(HOUR, wrong("overdue fapiao", explained=True))
    assert watch.told == [(70, "+overdue fapiao")]
    watch.looks(HOUR)
    assert watch.told[1:] == [(190, "-overdue fapiao")]


@pytest.mark.parametrize("key", ["source elsewhere", "held elsewhere", "gate https://elsewhere.example"])
def test_what_another_node_remembers_of_its_own_is_left_alone(key: str) -> None:
    watch = Watch()
    watch.alerts[key] = Alert(key=key, since=BEGIN, said="down", told_at=BEGIN)
    watch.looks(2 * DAY, every=HOUR)
    assert watch.told == []
    assert list(watch.alerts) == [key]


@pytest.mark.parametrize("key", ["source gone", "login gone", "gate https://wrong.example"])
def test_what_no_node_has_any_more_is_over_when_none_has_told_of_it_for_two_days(key: str) -> None:
    watch = Watch()
    watch.alerts[key] = Alert(key=key, since=BEGIN, said="down", told_at=BEGIN)
    watch.looks(5 * DAY, every=HOUR)
    assert watch.told == [(49 * 60 + 60, f"-{key}")]
    assert watch.alerts == {}


@pytest.mark.parametrize("key", ["source gone", "login gone", "gate https://wrong.example"])
def test_where_there_are_no_other_nodes_it_is_over_as_soon_as_anything_else(key: str) -> None:
    watch = Watch(is_alone=True)
    watch.alerts[key] = Alert(key=key, since=BEGIN, said="down", told_at=BEGIN)
    watch.looks(HOUR)
    assert watch.told == [(10, f"-{key}")]


def test_what_another_node_tells_again_each_day_is_never_over_and_so_with_what_something_else_explains() -> None:
    """Given a login that another node sees refused after its source was told, then neither is told to be over here."""
    there, here = Watch(), Watch()
    there.rules = replace(there.rules, held_after={"elsewhere": DAY})
    there.alerts["source elsewhere"] = Alert(key="source elsewhere", since=BEGIN, said="down", told_at=BEGIN)
    here.alerts = there.alerts
    for _ in range(10 * 24):
        there.look(wrong("login elsewhere", wait=timedelta(0)), wrong("source elsewhere", explained=True))
        here.alerts = there.alerts
        here.look()
        there.alerts = here.alerts
        there.now = here.now = there.now + HOUR
    assert [told for _, told in there.told] == ["+login elsewhere"] * 10
    assert here.told == []


@pytest.mark.parametrize(("after", "spacing"), [(AFTER, MINUTE), (timedelta(seconds=5), timedelta(seconds=5))])
def test_messages_are_a_minute_apart_unless_the_configuration_is_in_more_of_a_hurry(
    after: timedelta, spacing: timedelta
) -> None:
    assert rules(after).spacing == spacing
