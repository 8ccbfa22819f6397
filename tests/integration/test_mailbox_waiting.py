"""Waiting ends when mail comes, when it is told to, when time is over, and never later."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.support.imap_script import ScriptedImap
from tests.support.mailboxes import arrivals, mailbox, scripted
from tests.support.mails import PDF, mail, part
from tests.support.servers.dovecot import Account, Dovecot
from tests.support.waiting import wait_for

LONG_SECONDS = 30.0
PROMPT_SECONDS = 5.0  # for a busy machine; what is not noticed lasts LONG_SECONDS


@pytest.fixture
def account(dovecot: Dovecot) -> Account:
    return dovecot.account()


@pytest.fixture(scope="module")
def without_idle() -> Iterator[Dovecot]:
    with Dovecot(without=["IDLE"]) as server:
        yield server


class Waiting:
    """A wait in a thread of its own."""

    def __init__(self, wait: Callable[[float], None]) -> None:
        self._thread = threading.Thread(target=wait, args=(LONG_SECONDS,), daemon=True)
        self._thread.start()

    def ended_within(self, seconds: float) -> bool:
        self._thread.join(seconds)
        return not self._thread.is_alive()


def test_mail_that_comes_ends_the_wait_at_once(account: Account) -> None:
    with mailbox(account) as source:
        arrivals(source)
        waiting = Waiting(source.wait)
        wait_for(lambda: source._watching.open_session()._lock.acquire(blocking=False) is False, what="IDLE")  # type: ignore[union-attr]
        account.append(mail(part(PDF)))

        assert waiting.ended_within(PROMPT_SECONDS)
        assert len(arrivals(source)) == 1


@pytest.mark.parametrize("idle", [True, False])
def test_waking_ends_the_wait_at_once_and_the_connection_goes_on(account: Account, idle: bool) -> None:
    with mailbox(account, idle=idle) as source:
        arrivals(source)
        for _ in range(3):
            waiting = Waiting(source.wait)
            source.wake()
            assert waiting.ended_within(PROMPT_SECONDS)
            assert arrivals(source) == []


def test_waking_before_the_wait_is_not_lost(account: Account) -> None:
    with mailbox(account) as source:
        source.wake()
        began = time.monotonic()
        source.wait(LONG_SECONDS)

        assert time.monotonic() - began < PROMPT_SECONDS


def test_a_wait_lasts_no_longer_than_poll(account: Account) -> None:
    with mailbox(account, poll="200ms") as source:
        arrivals(source)
        began = time.monotonic()
        source.wait(LONG_SECONDS)

        assert 0.15 < time.monotonic() - began < PROMPT_SECONDS


def test_a_server_without_idle_is_waited_for_without_it(without_idle: Dovecot) -> None:
    account = without_idle.account()
    with mailbox(account) as source:
        arrivals(source)
        waiting = Waiting(source.wait)
        assert not waiting.ended_within(0.1)
        source.wake()
        assert waiting.ended_within(PROMPT_SECONDS)


def test_news_in_one_piece_with_the_go_ahead_is_heard() -> None:
    heard: list[bytes] = [b"+ idling", b"* 2 EXISTS"]
    with ScriptedImap({"IDLE": lambda _: heard}, capabilities="IMAP4rev1 IDLE") as server, scripted(server) as source:
        arrivals(source)
        began = time.monotonic()
        source.wait(LONG_SECONDS)

        assert time.monotonic() - began < PROMPT_SECONDS


def test_mail_that_was_announced_before_the_wait_is_looked_at() -> None:
    found = [b"* SEARCH 7", b"* 2 EXISTS"]
    script: dict[str, Any] = {"UID SEARCH": lambda _: found, "IDLE": lambda _: [b"+ idling"]}
    with ScriptedImap(script, capabilities="IMAP4rev1 IDLE") as server, scripted(server) as source:
        arrivals(source)
        began = time.monotonic()
        source.wait(LONG_SECONDS)

        assert time.monotonic() - began < PROMPT_SECONDS
        assert "IDLE" not in server.names()


def test_a_server_that_falls_silent_during_idle_is_noticed_by_the_timeout() -> None:
    def go_ahead_and_silence(_: str) -> list[bytes] | None:
        server.closing.wait(10)
        return None

    with (
        ScriptedImap({"IDLE": go_ahead_and_silence}, capabilities="IMAP4rev1 IDLE") as server,
        scripted(server, poll="300ms") as source,
    ):
        arrivals(source)
        began = time.monotonic()
        source.wait(LONG_SECONDS)
        source.wait(LONG_SECONDS)

        assert time.monotonic() - began < PROMPT_SECONDS
        assert len(arrivals(source)) == 1
        assert server.connections == 2


def test_a_server_that_hangs_up_during_idle_is_not_stormed() -> None:
    with (
        ScriptedImap({"IDLE": lambda _: None}, capabilities="IMAP4rev1 IDLE") as server,
        scripted(server, poll="300ms") as source,
    ):
        arrivals(source)
        began = time.monotonic()
        source.wait(LONG_SECONDS)

        assert time.monotonic() - began >= 0.29
        assert len(arrivals(source)) == 1


@pytest.mark.parametrize(
    "script",
    [
        {"IDLE": lambda _: [b"* 1 EXISTS", b"+ idling"]},
        {"UID SEARCH": lambda _: [b"* 1 EXISTS", b"* SEARCH"], "IDLE": lambda _: [b"+ idling"]},
    ],
    ids=["at each wait", "at each look"],
)
def test_a_server_that_always_tells_of_the_same_mail_is_not_stormed(script: dict[str, Any]) -> None:
    nothing: dict[str, Any] = {"UID SEARCH": lambda _: [b"* SEARCH"]}
    with ScriptedImap(nothing | script, capabilities="IMAP4rev1 IDLE") as server, scripted(server) as source:
        began = time.monotonic()
        for _ in range(3):
            assert not arrivals(source)
            source.wait(LONG_SECONDS)

        assert 2.5 < time.monotonic() - began < PROMPT_SECONDS


def test_waking_ends_the_distance_to_the_next_look() -> None:
    script: dict[str, Any] = {"UID SEARCH": lambda _: [b"* SEARCH"], "IDLE": lambda _: [b"* 1 EXISTS", b"+ idling"]}
    with ScriptedImap(script, capabilities="IMAP4rev1 IDLE") as server, scripted(server) as source:
        began = time.monotonic()
        for _ in range(20):
            assert not arrivals(source)
            source.wake()
            source.wait(LONG_SECONDS)

        assert time.monotonic() - began < PROMPT_SECONDS
