"""Whose clock is wrong, by what several servers tell."""

from __future__ import annotations

import pytest

from watcher.checks.clock import clock_findings


@pytest.mark.parametrize(
    ("ahead", "ok", "warning", "said"),
    [
        ({}, True, False, "tells the time"),
        ({"a.example": 1.2, "b.example": -4.9}, True, False, "agrees within 5 s with a.example, b.example"),
        ({"a.example": 9.0}, True, True, "this machine's clock is 9 s behind that of a.example"),
        ({"a.example": -61.0, "b.example": -62.0}, False, False, "61 s ahead of those of a.example, b.example"),
        ({"a.example": 3600.0}, False, False, "60 min behind"),
    ],
)
def test_ours_is_wrong_only_where_nobody_agrees_with_it(
    ahead: dict[str, float], ok: bool, warning: bool, said: str
) -> None:
    (finding,) = clock_findings(ahead)

    assert (finding.ok, finding.warning) == (ok, warning)
    assert said in finding.message
    assert bool(finding.mend) == (not ok or warning)


def test_a_server_that_is_alone_with_its_time_is_named() -> None:
    good, bad = clock_findings({"a.example": 0.4, "b.example": 300.0, "c.example": 30.0})

    assert good.ok
    assert not good.warning
    assert bad.warning
    assert "the clock of b.example is 300 s ahead of ours" in bad.message
