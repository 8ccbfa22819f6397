"""The machine's clock is set ahead or back between two runs, as by a dead battery, a resumed machine, or NTP."""

from __future__ import annotations

import subprocess
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.support.waiting import wait_for
from tests.support.wall_clock import WallClock
from tests.support.workplace import COMMAND, PATIENCE_SECONDS, Workplace, environment, pdf
from watcher.sandbox.endpoint import Endpoint

DAY = timedelta(days=1)


@pytest.fixture
def workplace(tmp_path: Path, endpoint: Endpoint) -> Workplace:
    return Workplace(tmp_path, endpoint, retry={"first": "1h"}).with_folder().write()


@pytest.fixture
def clock(tmp_path: Path) -> WallClock:
    return WallClock(tmp_path / "clock")


def run_once(workplace: Workplace, clock: WallClock, *, ahead: timedelta) -> int:
    """One run under a clock that is off by so much."""
    clock.set(ahead)
    command = [*clock.through, str(COMMAND), "--config", str(workplace.config_file), "run", "--once"]
    return subprocess.run(command, timeout=2 * PATIENCE_SECONDS, check=False, env=environment()).returncode


def document_of(workplace: Workplace) -> dict[str, Any]:
    ((found,),) = [submission["documents"] for submission in workplace.submissions()]
    return dict(found)


def test_a_document_is_not_given_up_because_the_clock_of_a_running_daemon_was_set_ahead(
    workplace: Workplace, endpoint: Endpoint, clock: WallClock
) -> None:
    endpoint.behave(status=503, times=5)
    workplace.config["recognition"]["retry"] = {"first": "1s", "longest": "1s"}
    workplace.write().drop("a.pdf", pdf("a"))

    with workplace.daemon(*clock.through):
        wait_for(lambda: len(endpoint.requests) >= 2, PATIENCE_SECONDS, "it to fail")
        clock.set(30 * DAY)
        workplace.closed(1)

    assert document_of(workplace)["outcome"] == "done"
    assert len(endpoint.requests) == 6


def test_a_document_that_still_fails_after_its_time_is_given_up_though_nobody_tried_it_meanwhile(
    workplace: Workplace, endpoint: Endpoint, clock: WallClock
) -> None:
    endpoint.behave(status=503)
    workplace.drop("a.pdf", pdf("a"))
    assert run_once(workplace, clock, ahead=timedelta(0)) == 3

    assert run_once(workplace, clock, ahead=4 * DAY) == 0

    assert len(endpoint.requests) == 2


@pytest.mark.parametrize(("network", "content"), [(True, b"%PDF-1.4 and no more"), (False, b"")])
def test_a_damaged_or_empty_file_is_answered_by_a_run_that_cannot_wait_until_it_is_believed_finished(
    workplace: Workplace, clock: WallClock, content: bytes, *, network: bool
) -> None:
    folder = workplace.config["folders"][0]
    folder |= {"network": network, "settle": "1s"}
    workplace.write().drop("a.pdf", content)
    assert run_once(workplace, clock, ahead=timedelta(0)) == 0
    assert workplace.submissions() == []

    # A run waits for twice that and a second more from its begin: time for a busy machine to look at all.
    folder["settle"] = "4s"
    workplace.write()
    run_once(workplace, clock, ahead=timedelta(hours=2))

    (submission,) = workplace.submissions()
    assert submission["answered_at"] is not None


def test_what_was_to_be_tried_again_is_not_put_off_by_as_much_as_the_clock_was_set_back(
    workplace: Workplace, endpoint: Endpoint, clock: WallClock
) -> None:
    endpoint.behave(status=503, times=1)
    workplace.drop("a.pdf", pdf("a"))
    assert run_once(workplace, clock, ahead=30 * DAY) == 3

    assert run_once(workplace, clock, ahead=timedelta(0)) == 0

    assert document_of(workplace)["outcome"] == "done"


def test_the_operators_are_told_that_the_clock_of_a_running_daemon_was_set_and_nothing_is_deleted_by_it(
    workplace: Workplace, clock: WallClock
) -> None:
    workplace.config |= {"alerts": {"after": "1s"}, "language": "en"}
    workplace.write()
    workplace.drop("a.pdf", pdf("a"))

    with workplace.daemon(*clock.through) as daemon:
        workplace.closed(1)
        clock.set(800 * DAY)
        told = "[alert=clock detail=The clock that the journal goes by"
        wait_for(lambda: told in daemon.said(), PATIENCE_SECONDS, "the alert")
        assert len(workplace.closed(1)) == 1
