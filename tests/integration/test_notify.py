"""What systemd is told (sd_notify)."""

from __future__ import annotations

import re
import signal
import socket
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from tests.support.workplace import Workplace
from watcher.sandbox.endpoint import Endpoint
from watcher.service.notify import notify

RELOADING = re.compile(r"RELOADING=1\nMONOTONIC_USEC=(\d+)")
PATIENCE_S = 30
SOON_S = 10  # less than any poll: nothing is under way


class Systemd:
    """The end of the socket at which systemd listens."""

    def __init__(self, listening: socket.socket) -> None:
        self._listening = listening
        self.heard: list[str] = []

    def hear(self) -> str:
        """The next change of state; what is said beside that is kept in `heard`."""
        while (said := self._listening.recv(4096).decode()).startswith(
            ("STATUS=", "WATCHDOG=", "EXTEND_TIMEOUT_USEC=")
        ):
            self.heard.append(said)
        return said

    def hears(self, wanted: str) -> None:
        """Wait for it, whatever is said before."""
        while (said := self._listening.recv(4096).decode()) != wanted:
            self.heard.append(said)

    def hears_no_more(self) -> bool:
        self._listening.setblocking(False)
        try:
            self.hear()
        except BlockingIOError:
            return True
        return False


@pytest.fixture(params=["a path", "an abstract name"])
def systemd(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Systemd]:
    address = str(tmp_path_factory.mktemp("n") / "s")  # short: a socket's path has room for 107 bytes
    with closing(socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)) as listening:
        listening.settimeout(PATIENCE_S)
        if request.param == "a path":
            listening.bind(address)
            monkeypatch.setenv("NOTIFY_SOCKET", address)
        else:
            listening.bind("\0" + address)
            monkeypatch.setenv("NOTIFY_SOCKET", "@" + address)
        yield Systemd(listening)


@pytest.fixture
def workplace(tmp_path: Path, endpoint: Endpoint) -> Workplace:
    return Workplace(tmp_path, endpoint).with_folder().write()


def microseconds() -> int:
    return time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000


def test_it_is_told_when_the_daemon_is_ready_reloads_and_stops(
    workplace: Workplace, systemd: Systemd, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WATCHDOG_USEC", "2000000")
    with workplace.daemon() as daemon:
        assert systemd.hear() == "READY=1"
        systemd.hears("STATUS=ready: 1 source; gate open")
        systemd.hears("WATCHDOG=1")
        before = microseconds()
        daemon.signal(signal.SIGHUP)
        told = RELOADING.fullmatch(systemd.hear())
        assert told
        assert before <= int(told[1]) <= microseconds()
        assert systemd.hear() == "READY=1"
        assert daemon.stop(SOON_S) == 0
        assert systemd.hear() == "STOPPING=1"
    assert systemd.hears_no_more()


def test_a_reload_that_keeps_the_old_configuration_has_an_end_too(workplace: Workplace, systemd: Systemd) -> None:
    with workplace.daemon() as daemon:
        assert systemd.hear() == "READY=1"
        workplace.config_file.write_text("journal: 3\n", encoding="utf-8")
        daemon.signal(signal.SIGHUP)
        assert RELOADING.fullmatch(systemd.hear())
        assert systemd.hear() == "READY=1"
        assert "the old one stays" in daemon.said()
        assert daemon.stop(SOON_S) == 0
        assert systemd.hear() == "STOPPING=1"


def test_a_daemon_that_cannot_start_never_says_that_it_is_ready(workplace: Workplace, systemd: Systemd) -> None:
    workplace.config["journal"] = f"sqlite:///{workplace.root}/nowhere/journal.db"
    assert workplace.write().command("run").returncode == 1
    assert systemd.hears_no_more()


def test_a_listener_that_is_gone_is_no_reason_to_stop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for address in ("", str(tmp_path / "nobody"), "@nobody", "x" * 200):
        monkeypatch.setenv("NOTIFY_SOCKET", address)
        notify("READY=1")
