"""What systemd is told while all is well, while somebody is late, and while the service starts or ends."""

from __future__ import annotations

import logging
import threading

import pytest

from watcher.model import Gate
from watcher.service.heartbeats import Heartbeats
from watcher.service.notify import status, watchdog_seconds
from watcher.service.state import state_line
from watcher.service.supervision import Supervision

FED = "WATCHDOG=1"


class Supervised:
    """A supervision whose clock the test turns, and what it told."""

    def __init__(self, watchdog_seconds: float | None = 60.0) -> None:
        self._now = 0.0
        self.told: list[str] = []
        self.heartbeats = Heartbeats(lambda: self._now)
        self.supervision = Supervision(
            watchdog_seconds=watchdog_seconds, heartbeats=self.heartbeats, tell=self.told.append
        )

    def looks(self, times: int = 1) -> list[str]:
        """What is told in so many looks, a second after each other."""
        self.told.clear()
        for _ in range(times):
            self._now += 1
            self.supervision.look()
        return [*self.told]

    def runs(self, seconds: int) -> None:
        for _ in range(seconds):
            self.supervision.listens()
            self.looks()


@pytest.fixture
def supervised() -> Supervised:
    made = Supervised()
    made.supervision.ready()
    return made


def test_the_watchdog_is_fed_while_everybody_is_well(supervised: Supervised) -> None:
    supervised.supervision.listens()
    assert supervised.looks(3) == [FED, FED, FED]


def test_the_watchdog_is_fed_no_more_while_somebody_is_late_and_the_reason_is_told_once(
    supervised: Supervised, caplog: pytest.LogCaptureFixture
) -> None:
    supervised.heartbeats.worker("look-shared", silence_seconds=3).beat()
    supervised.runs(3)
    assert supervised.looks(5) == ["STATUS=no sign of life from look-shared"]
    (record,) = [each for each in caplog.records if each.levelno == logging.ERROR]
    assert record.__dict__["worker"] == "look-shared"
    assert record.__dict__["silent_s"] == 4
    # it is this very thread that has been late: the log shows where it stands
    assert "test_the_watchdog_is_fed_no_more" in record.__dict__["stands_at"]


def test_it_is_fed_again_when_the_late_one_goes_on(supervised: Supervised) -> None:
    worker = supervised.heartbeats.worker("look-shared", silence_seconds=3)
    worker.beat()
    supervised.supervision.say("ready: 1 source; gate open")
    supervised.runs(5)
    worker.beat()
    assert supervised.looks() == ["STATUS=ready: 1 source; gate open", FED]


def test_a_main_thread_that_hears_no_signals_is_late_too(supervised: Supervised) -> None:
    supervised.supervision.listens()
    assert FED in supervised.looks(60)
    assert supervised.looks() == ["STATUS=no sign of life from main"]


def test_the_time_of_a_start_is_extended_for_as_long_as_it_goes_on() -> None:
    made = Supervised()
    made.supervision.starts()
    assert made.looks() == [f"{FED}\nEXTEND_TIMEOUT_USEC=60000000"]
    made.supervision.ready()
    assert made.looks() == [FED]


def test_a_start_that_hangs_is_not_extended_for_ever() -> None:
    made = Supervised()
    made.supervision.starts()
    made.looks(6 * 3600 + 60)
    assert made.looks() == []


@pytest.mark.parametrize("for_good", [True, False], ids=["a stop", "a reload"])
def test_a_stop_is_given_its_time_whoever_is_left_behind(supervised: Supervised, *, for_good: bool) -> None:
    # Given a worker that hangs
    supervised.heartbeats.worker("look-shared", silence_seconds=3).beat()
    # When the service ends, which leaves it behind
    supervised.supervision.stops(100, for_good=for_good)
    # Then systemd waits while the requests end, and not for ever
    assert supervised.looks(100)[-1] == f"{FED}\nEXTEND_TIMEOUT_USEC=60000000"
    supervised.looks(400)
    assert supervised.looks() == []


def test_without_a_watchdog_only_the_log_tells_of_who_is_late(caplog: pytest.LogCaptureFixture) -> None:
    made = Supervised(watchdog_seconds=None)
    made.supervision.ready()
    made.heartbeats.worker("claim", silence_seconds=3).beat()
    made.supervision.listens()
    assert FED not in "".join(made.looks(5))
    assert [each.__dict__["worker"] for each in caplog.records] == ["claim"]


def test_the_thread_looks_by_itself() -> None:
    told = threading.Event()
    with Supervision(watchdog_seconds=0.04, tell=lambda _: told.set()):
        assert told.wait(30)


def test_what_a_status_quotes_cannot_say_something_else_to_systemd() -> None:
    assert status("a\nREADY=1\x00b").splitlines() == [status("a\nREADY=1\x00b")]


def test_systemd_says_how_often_it_wants_to_hear(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("WATCHDOG_USEC", "WATCHDOG_PID"):
        monkeypatch.delenv(name, raising=False)
    assert watchdog_seconds() is None
    for value, seconds in (("60000000", 60.0), ("500000", 0.5), ("0", None), ("often", None)):
        monkeypatch.setenv("WATCHDOG_USEC", value)
        assert watchdog_seconds() == seconds


def test_a_watchdog_that_is_another_process_s_is_not_fed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WATCHDOG_USEC", "60000000")
    monkeypatch.setenv("WATCHDOG_PID", "1")
    assert watchdog_seconds() is None


@pytest.mark.parametrize(
    ("failures", "gate", "said"),
    [
        ({"shared": None}, Gate(open=True), "ready: 1 source; gate open"),
        ({"shared": None, "fapiao": None}, Gate(open=True), "ready: 2 sources; gate open"),
        (
            {"shared": None, "fapiao": "the login is refused"},
            Gate(open=False, reason="400000: 配置"),
            "ready: 2 sources; 1 in trouble: fapiao (the login is refused); gate closed: 400000: 配置",
        ),
    ],
)
def test_the_state_is_one_line(failures: dict[str, str | None], gate: Gate, said: str) -> None:
    assert state_line(failures, gate) == said
