"""The rules by which the page lets people in: pure, with a clock in hand."""

from __future__ import annotations

import pytest

from watcher.web.origin import is_certain_host, is_encrypted, is_from_us
from watcher.web.sessions import Sessions, same_password
from watcher.web.throttle import Throttle, counted_as

HOURS = 3600.0


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


# ------------------------------------------------------------------------------------------- hosts


@pytest.mark.parametrize(
    "host", ["127.0.0.1:8750", "localhost", "LOCALHOST:8750", "[::1]:8750", "192.168.3.4", "invoices", "Invoices:8750"]
)
def test_without_a_password_addresses_and_the_machines_own_name_are_answered(host: str) -> None:
    assert is_certain_host(host, {"invoices"})


@pytest.mark.parametrize(
    "host", ["evil.example", "localhost.evil.example", "127.0.0.1.evil.example:80", "", "[::1", "a@127.0.0.1.x"]
)
def test_without_a_password_a_name_that_anybody_may_have_turned_to_us_is_not(host: str) -> None:
    assert not is_certain_host(host, {"invoices"})


@pytest.mark.parametrize(
    ("origin", "fetch_site", "ours"),
    [
        ("http://page.test:8750", None, True),
        ("http://evil.example", None, False),
        ("http://page.test:8751", None, False),
        ("null", None, False),
        (None, None, False),
        ("https://proxy.test", "same-origin", True),  # a proxy in front of us changed Host
        ("http://page.test:8750", "cross-site", False),
        ("http://page.test:8750", "same-site", False),
    ],
)
def test_a_wish_counts_only_from_a_page_of_ours(origin: str | None, fetch_site: str | None, ours: bool) -> None:
    assert is_from_us(host="page.test:8750", origin=origin, fetch_site=fetch_site) is ours


def test_the_browser_itself_says_whether_the_way_to_it_is_encrypted() -> None:
    assert is_encrypted("https://page.test")
    assert not is_encrypted("http://page.test")
    assert not is_encrypted(None)


# ---------------------------------------------------------------------------------------- passwords


def test_passwords_are_the_same_or_not() -> None:
    assert same_password("密码 1", "密码 1")
    assert not same_password("密码 1", "密码 2")
    assert not same_password("", "x")


def test_a_few_wrong_passwords_cost_nothing_and_each_further_one_twice_as_long_up_to_a_minute() -> None:
    clock = Clock()
    throttle = Throttle(clock)
    waits = []
    for _ in range(14):
        throttle.failed("192.0.2.1")
        waits.append(throttle.wait("192.0.2.1"))
        clock.now += waits[-1]
    assert waits[:6] == [0, 0, 0, 0, 1, 2]
    assert waits[-1] == 60
    assert throttle.wait("192.0.2.1") == 0, "the time is over"
    assert throttle.wait("192.0.2.2") == 0, "somebody else"


def test_a_program_with_an_old_password_may_ask_for_weeks_and_waits_a_minute_each_time() -> None:
    throttle = Throttle(Clock())
    for _ in range(1200):
        throttle.failed("a program at 192.0.2.1")
    assert throttle.wait("a program at 192.0.2.1") == 60


def test_who_takes_another_address_of_the_same_network_is_the_same() -> None:
    assert counted_as("2001:db8:1:2::1") == counted_as("2001:db8:1:2:ffff::9") != counted_as("2001:db8:1:3::1")
    assert counted_as("fe80::1%eth0") != "fe80::1%eth0"
    for alone in ("192.0.2.1", "::ffff:192.0.2.1", "", "unix"):
        assert counted_as(alone) == alone


def test_who_knows_the_password_starts_anew() -> None:
    throttle = Throttle(Clock())
    for _ in range(8):
        throttle.failed("192.0.2.1")
    throttle.succeeded("192.0.2.1")
    assert throttle.wait("192.0.2.1") == 0


def test_many_addresses_fill_no_memory() -> None:
    throttle = Throttle(Clock())
    for number in range(3000):
        throttle.failed(f"192.0.2.{number}")
    assert len(throttle._failures) == 1000


# ----------------------------------------------------------------------------------------- sessions


def test_a_session_is_open_until_it_is_ended() -> None:
    sessions = Sessions(Clock())
    token = sessions.begin("password")
    assert sessions.is_open(token, "password")
    sessions.end(token)
    assert not sessions.is_open(token, "password")


def test_nobody_else_has_one() -> None:
    sessions = Sessions(Clock())
    sessions.begin("password")
    for token in (None, "", "x", sessions.new_token(), Sessions(Clock()).begin("password")):
        assert not sessions.is_open(token, "password")


def test_another_password_ends_every_session() -> None:
    sessions = Sessions(Clock())
    token = sessions.begin("password")
    assert not sessions.is_open(token, "changed")
    assert not sessions.is_open(token, "password"), "for good"


def test_an_idle_session_ends_and_a_used_one_lasts_half_a_day() -> None:
    clock = Clock()
    sessions = Sessions(clock)
    idle, used = sessions.begin("password"), sessions.begin("password")
    for _ in range(7):
        clock.now += 1.6 * HOURS
        assert sessions.is_open(used, "password")
    assert not sessions.is_open(idle, "password")
    clock.now += 1.6 * HOURS
    assert not sessions.is_open(used, "password")


def test_many_sessions_fill_no_memory_and_the_newest_stay() -> None:
    sessions = Sessions(Clock())
    tokens = [sessions.begin("password") for _ in range(1100)]
    assert not sessions.is_open(tokens[0], "password")
    assert sessions.is_open(tokens[-1], "password")


def test_a_signature_is_good_for_its_purpose_its_text_and_this_process() -> None:
    sessions = Sessions(Clock())
    signature = sessions.signature("form", "token")
    assert sessions.is_signature(signature, "form", "token")
    assert not sessions.is_signature(signature, "other", "token")
    assert not sessions.is_signature(signature, "form", "another")
    assert not sessions.is_signature("ü", "form", "token")
    assert not Sessions(Clock()).is_signature(signature, "form", "token")
