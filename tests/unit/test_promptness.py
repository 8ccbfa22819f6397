"""What is believed of a server by its last answers."""

from __future__ import annotations

import pytest

from watcher.stores.promptness import Promptness

SOON, LATE, PUT_OFF = 0.001, 0.012, 0.041  # seconds; the last as TCP puts an acknowledgement off


@pytest.mark.parametrize(
    ("took", "at_once"),
    [
        ([], False),
        ([SOON] * 7, False),  # it is not known yet
        ([SOON] * 8, True),
        ([SOON] * 6 + [LATE] * 2, True),  # the machine was busy
        ([SOON] * 4 + [LATE] * 4, False),
        ([SOON] * 7 + [PUT_OFF], False),
        ([SOON, PUT_OFF] * 8, False),
        ([LATE] * 8, False),
        ([LATE] * 10 + [SOON] * 8, True),  # it has become quick
    ],
)
def test_the_last_answers_tell(took: list[float], at_once: bool) -> None:
    promptness = Promptness()
    for seconds in took:
        promptness.took(seconds)
    assert promptness.is_at_once is at_once


def test_after_a_failure_nothing_is_believed() -> None:
    promptness = Promptness()
    for _ in range(8):
        promptness.took(SOON)
    promptness.failed()
    promptness.took(SOON)
    assert not promptness.is_at_once
