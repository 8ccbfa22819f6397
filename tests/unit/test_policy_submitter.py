"""Whose mail it is, by its headers."""

from __future__ import annotations

import pytest

from watcher.headers import MailHeader, read_header
from watcher.policy.submitter import NoSubmitter, Submitter, submitter

OWN = {"fapiao@corp.example"}
LI = Submitter(address="li@corp.example", forwarded=True)


def header(*lines: str, sender: str = "Taxi <noreply@vendor.example>") -> MailHeader:
    return read_header("\r\n".join((f"From: {sender}", *lines, "", "")).encode())


def found(*lines: str) -> Submitter | NoSubmitter:
    return submitter(header(*lines), forwarded_for=True, own_addresses=OWN)


@pytest.mark.parametrize(
    "lines",
    [
        ("Resent-From: Li <li@corp.example>",),
        ("X-Forwarded-For: li@corp.example fapiao@corp.example",),
        ("X-Forwarded-For: li@corp.example, fapiao@corp.example",),
        ("X-Forwarded-For:\r\n li@corp.example\r\n fapiao@corp.example",),
        ("Resent-From: li@corp.example", "X-Forwarded-For: Li@corp.example fapiao@corp.example"),
        ("Resent-From: li@corp.example", "Resent-From: vendor@elsewhere.example"),
        ("Resent-From: li@corp.example", "Resent-From: a@x.example, b@x.example"),
        ("X-Forwarded-For: li@corp.example fapiao@corp.example", "X-Forwarded-For: boss@corp.example li@corp.example"),
        ("Resent-From: fapiao@corp.example", "Resent-From: li@corp.example"),
        ("Resent-From: Fapiao@Corp.example", "X-Forwarded-For: li@corp.example fapiao@corp.example"),
        ("X-Forwarded-For: 192.0.2.1", "Resent-From: li@corp.example"),
        ("X-Forwarded-For: 2001:db8::1, 192.0.2.1", "X-Forwarded-For: li@corp.example fapiao@corp.example"),
    ],
)
def test_it_is_whoever_forwarded_it_last(lines: tuple[str, ...]) -> None:
    assert found(*lines) in (LI, Submitter(address="Li@corp.example", forwarded=True))


@pytest.mark.parametrize(
    "lines",
    [
        (),
        ("X-Forwarded-For: 192.0.2.1",),
        ("X-Forwarded-For:",),
        ("X-Forwarded-For: unknown li@corp.example",),
        ("X-Forwarded-For: li@[192.0.2.1]",),
        ("Resent-From: fapiao@corp.example",),
        ("X-Forwarded-For: fapiao@corp.example li@corp.example",),
        ("X-Forwarded-To: li@corp.example",),
        ("Resent-Sender: li@corp.example",),
        ("Sender: li@corp.example",),
        ("Reply-To: li@corp.example",),
        ("\r\nResent-From: li@corp.example",),
    ],
)
def test_it_is_its_author_s_where_nobody_forwarded_it(lines: tuple[str, ...]) -> None:
    assert found(*lines) == Submitter(address="noreply@vendor.example")


@pytest.mark.parametrize(
    ("lines", "problem"),
    [
        (("Resent-From: li@corp.example, boss@corp.example",), "Resent-From: there is more than one address"),
        (("Resent-From: Li",), "Resent-From: there is no address"),
        (("Resent-From:",), "Resent-From: there is no address"),
        (("Resent-From: li@corp.example <boss@corp.example>",), "Resent-From: there is more than one address"),
        (
            ("Resent-From: li@corp.example", "X-Forwarded-For: boss@corp.example fapiao@corp.example"),
            "Resent-From and X-Forwarded-For name two people",
        ),
        (("From: li@corp.example", "Resent-From: li@corp.example"), "there is more than one From header"),
    ],
)
def test_it_is_nobody_s_where_it_says_so_in_two_ways(lines: tuple[str, ...], problem: str) -> None:
    assert found(*lines) == NoSubmitter(problem=problem)


def test_it_is_its_author_s_where_forwarding_is_not_believed() -> None:
    mail = header("Resent-From: a@x.example, b@x.example", "X-Forwarded-For: li@corp.example", sender="wu@corp.example")

    assert submitter(mail, forwarded_for=False, own_addresses=OWN) == Submitter(address="wu@corp.example")
