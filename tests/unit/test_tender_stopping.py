"""A tender that is told to stop does not wait for its source once more."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import timedelta
from typing import Any, cast

import pytest

from watcher.intake import Intake
from watcher.model import Claim
from watcher.ports import Source, TendingJournal
from watcher.service.tender import Tender

POLL = timedelta(minutes=5)


class OneClaim:
    """A journal that gives every claim."""

    def claim_source(self, source: str, hold: timedelta) -> Claim:
        return Claim(row="shared", number=1)

    def release_source(self, claim: Claim) -> None: ...

    def report_source(self, name: str, **state: Any) -> None: ...


class Looking:
    """A source and its intake: the look takes the waking with it, as a scan takes all that it was told of before."""

    name = "shared"
    left_alone = 0
    unfinished = True

    def __init__(self, during_the_look: Callable[[], None]) -> None:
        self._during_the_look = during_the_look
        self._awake = threading.Event()
        self.waited: list[float] = []

    def round(self, may_go_on: Callable[[], bool]) -> Any:
        self._during_the_look()
        self._awake.clear()
        return type("Round", (), {"waiting": (), "surplus": 0})

    def wait(self, seconds: float) -> None:
        self.waited.append(seconds)
        if not self._awake.is_set():
            raise AssertionError("nobody would wake it before the next poll")

    def wake(self) -> None:
        self._awake.set()

    def close(self) -> None: ...


@pytest.mark.parametrize("once", [False, True], ids=["run", "run --once"])
def test_being_stopped_during_a_look_ends_it_without_waiting_for_the_next_poll(*, once: bool) -> None:
    # Given a source, and a wish to stop that comes while it is looked at
    looking = Looking(lambda: tender.stop())  # noqa: PLW0108 - there is no tender yet
    tender = Tender(
        source=cast("Source", looking),
        intake=cast("Intake", looking),
        journal=cast("TendingJournal", OneClaim()),
        poll=POLL,
    )
    # When it runs
    if once:
        tender.run_once(POLL.total_seconds())
    else:
        tender.run()
    # Then it did not wait for the source again
    assert looking.waited == []
