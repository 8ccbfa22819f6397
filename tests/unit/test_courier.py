"""How news reach the channels, each at its own pace."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass, field

import pytest

from tests.support.waiting import wait_for
from watcher.errors import AlertUnavailable, MailRefused
from watcher.model import Finding
from watcher.policy.news import News
from watcher.service.courier import Courier

ONE, TWO, THREE = (News(wrong=(each,)) for each in ("one", "two", "three"))


@dataclass
class Channel:
    """Keeps the texts that it takes; `fault` may raise, or block."""

    name: str = "alerts.urls[0]"
    fault: Callable[[], object] = lambda: None
    texts: list[str] = field(default_factory=list)
    tries: int = 0

    def tell(self, subject: str, text: str, *, good: bool) -> None:
        self.tries += 1
        self.fault()
        self.texts.append(text)

    def check(self) -> list[Finding]:
        return []


def away() -> None:
    raise AlertUnavailable("no answer")


def refused() -> None:
    raise MailRefused("nobody there")


def broken() -> None:
    raise RuntimeError


def courier(*channels: Channel, patience: float = 20.0, pause: float = 0.0) -> Courier:
    return Courier(channels, language="en", patience_seconds=patience, first_pause_seconds=pause)


def test_all_channels_are_told_the_same() -> None:
    channels = Channel(), Channel()
    assert courier(*channels).tell(ONE)
    assert [channel.texts for channel in channels] == [["- one"], ["- one"]]


def test_without_channels_everybody_has_been_told() -> None:
    assert courier().tell(ONE)


@pytest.mark.parametrize("fault", [away, refused, broken])
def test_one_that_fails_keeps_nobody_from_being_told_and_hears_later_what_it_missed(fault: Callable[[], None]) -> None:
    well, ill = Channel(), Channel(fault=fault)
    made = courier(ill, well)
    assert made.tell(ONE)
    ill.fault = lambda: None
    assert made.tell(TWO)
    assert (well.texts, ill.texts) == (["- one", "- two"], ["- one\n- two"])


def test_what_nobody_has_taken_is_not_told() -> None:
    ill = Channel(fault=away)
    made = courier(ill)
    assert not made.tell(ONE)
    ill.fault = lambda: None
    assert made.tell(ONE)  # which whoever asked has kept
    assert ill.texts == ["- one"]


def test_one_that_fails_is_left_in_peace_for_a_while() -> None:
    well, ill = Channel(), Channel(fault=away)
    made = courier(ill, well, pause=1000)
    for news in (ONE, TWO, THREE):
        assert made.tell(news)
        made.catch_up()
    assert ill.tries == 1


def test_one_that_comes_back_is_told_what_it_missed_without_any_news() -> None:
    well, ill = Channel(), Channel(fault=away)
    made = courier(ill, well)
    made.tell(ONE)
    ill.fault = lambda: None
    made.catch_up()
    wait_for(lambda: ill.texts, what="what was missed")
    assert ill.texts == ["- one"]
    wait_for(lambda: not made._lines[0].is_busy)
    made.catch_up()
    assert ill.tries == 2  # nothing is missed any more


def test_one_that_hangs_holds_up_nobody_beyond_the_patience_and_is_not_begun_again_meanwhile() -> None:
    gate = threading.Event()
    well, hanging = Channel(), Channel(fault=lambda: gate.wait(30))
    made = courier(hanging, well, patience=0.3)
    assert made.tell(ONE)
    assert made.tell(TWO)
    assert (hanging.tries, well.texts) == (1, ["- one", "- two"])
    gate.set()
    wait_for(lambda: hanging.texts, what="the one that hung")


def test_a_stop_does_not_wait_for_a_channel_that_hangs() -> None:
    gate = threading.Event()
    hanging = Channel(fault=lambda: gate.wait(30))
    made = courier(hanging)
    threading.Timer(0.1, made.stop).start()
    assert not made.tell(ONE)
    gate.set()
    wait_for(lambda: hanging.texts, what="the one that hung")


def test_what_is_taken_while_a_stop_is_asked_for_is_told() -> None:
    slow = Channel()
    made = courier(slow)
    slow.fault = made.stop
    assert made.tell(ONE)


def test_a_failure_is_logged_by_where_the_channel_stands(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO):
        courier(Channel(fault=away)).tell(ONE)
    (record,) = (each for each in caplog.records if each.levelname == "WARNING")
    assert (vars(record)["channel"], vars(record)["detail"]) == ("alerts.urls[0]", "no answer")
