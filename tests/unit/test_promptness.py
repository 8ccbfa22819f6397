"""What is believed of a server by its last answers."""

from __future__ import annotations

import pytest

from watcher.stores.promptness import Promptness

SOON, LATE = 0.001, 0.03


@pytest.mark.parametrize(
    ("took", "at_once"),
    [
        ([], False),
        ([SOON] * 3, False),  # it is not known yet
        ([SOON] * 4, True),
        ([SOON, LATE, LATE, SOON], True),  # the machine was busy
        ([SOON, LATE, LATE, LATE], False),
        ([LATE] * 4, False),
        ([SOON] * 10 + [LATE] * 3, False),  # it has become slow
        ([LATE] * 10 + [SOON] * 2, True),  # and quick again
    ],
)
def test_the_last_answers_tell(took: list[float], at_once: bool) -> None:
    promptness = Promptness()
    for seconds in took:
        promptness.took(seconds)
    assert promptness.is_at_once is at_once


def test_after_a_failure_nothing_is_believed() -> None:
    promptness = Promptness()
    for _ in range(4):
        promptness.took(SOON)
    promptness.failed()
    promptness.took(SOON)
    assert not promptness.is_at_once
