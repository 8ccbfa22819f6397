"""Checks run at the same time; none of them holds up, hides or ends the others."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence

import pytest

from watcher.checks.side_by_side import Check, side_by_side
from watcher.findings import About
from watcher.model import Finding


def test_all_run_at_once_and_are_told_in_their_order() -> None:
    meeting = threading.Barrier(3)
    asked: list[str] = []

    def find(name: str) -> Sequence[Finding]:
        meeting.wait(20)  # none comes to an end before all have begun
        return [About(name).well("met"), About(name).well("again")]

    checks = [Check(subject=name, find=lambda name=name: find(name)) for name in "abc"]  # type: ignore[misc]
    found = list(side_by_side(checks, waiting_for=asked.append))

    assert [finding.subject for finding in found] == list("aabbcc")
    assert asked == list("abc")


def test_what_never_ends_and_what_stumbles_are_findings_and_the_rest_is_there(
    capfd: pytest.CaptureFixture[str],
) -> None:
    never = threading.Event()

    def hang() -> Sequence[Finding]:
        never.wait()
        return []

    def stumble() -> Sequence[Finding]:
        raise ZeroDivisionError("with words of anybody")

    checks = [
        Check(subject="mailbox dead", find=hang),
        Check(subject="store odd", find=stumble),
        Check(subject="good", find=lambda: [About("good").well("well")]),
    ]
    begun = time.monotonic()
    dead, odd, good = side_by_side(checks, seconds=0.5)
    never.set()

    assert time.monotonic() - begun < 10
    assert (dead.subject, dead.ok, good.ok) == ("mailbox dead", False, True)
    assert "0.5 s" in dead.message
    assert "ZeroDivisionError" in odd.message
    assert "anybody" not in odd.message
    assert not odd.ok
    assert dead.mend
    assert odd.mend
    assert "in stumble" in capfd.readouterr().err  # which a report of the fault needs
