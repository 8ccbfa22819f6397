"""Disks that are full, and get room again: nothing is lost or posted twice, and the daemon says what it waits for."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.servers.process import Process
from tests.support.tmpfs import SmallDisk, small_disk
from tests.support.waiting import wait_for
from tests.support.workplace import COMMAND, ZHANG, Workplace, pdf
from watcher.clock import boot_seconds
from watcher.sandbox.endpoint import Endpoint

FULL = "the journal's disk is full"
REQUEST_SECONDS = 2.0  # the longest one, with both timeouts


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[SmallDisk]:
    with small_disk(tmp_path / "disk", "8m") as mounted:
        yield mounted


@pytest.fixture
def workplace(tmp_path: Path, endpoint: Endpoint) -> Workplace:
    return Workplace(tmp_path, endpoint, connect_timeout="500ms", timeout="1500ms", retry={"first": "1s"})


@pytest.fixture
def on_disk(workplace: Workplace, disk: SmallDisk) -> Workplace:
    """The workplace, with its journal on the small disk."""
    workplace.config["journal"] = f"sqlite:///{disk.path}/journal.db"
    return workplace.with_folder(poll="1s").write()


def test_outcomes_that_a_full_journal_cannot_take_are_kept_until_it_can(
    on_disk: Workplace, endpoint: Endpoint, disk: SmallDisk
) -> None:
    with on_disk.daemon() as daemon:
        # Given requests under way, whose outcomes will find no room
        endpoint.behave(held=True)
        names = [f"{number}.pdf" for number in range(3)]
        for name in names:
            on_disk.drop(name, pdf(name))
        assert endpoint.wait_until(lambda each: each.under_way == 3)
        begun_at = boot_seconds()
        disk.fill()
        on_disk.drop("late.pdf", pdf("late"))
        endpoint.release()

        # When they are known for longer than a request may take
        wait_for(lambda: daemon.said().count("An outcome cannot be recorded yet") == 3, 60, "the outcomes to wait")
        waiting = on_disk.status()
        wait_for(lambda: "A source waits for the journal" in daemon.said(), 60, "a try to take in the late one")
        wait_for(lambda: boot_seconds() > begun_at + 2 * REQUEST_SECONDS, 60, "the time of a request to be long over")
        disk.make_room()

        # Then they are recorded, none is asked for again, and the late file comes after them
        on_disk.closed(4)
        assert FULL not in on_disk.status()

    assert FULL in waiting
    assert len(endpoint.requests) == len(endpoint.bookings) == 4
    assert sorted(path.name for path in (on_disk.done / ZHANG).iterdir()) == sorted(["late.pdf", *names])
    assert "Traceback" not in daemon.said()


def test_a_daemon_that_finds_the_journals_disk_full_waits_for_room_and_goes_on(
    on_disk: Workplace, disk: SmallDisk, tmp_path: Path
) -> None:
    on_disk.drop("one.pdf", pdf("one"))
    disk.fill()
    refused = on_disk.command("run", "--once")
    assert refused.returncode == 1
    assert FULL in refused.stderr

    daemon = Process([str(COMMAND), "--config", str(on_disk.config_file), "run"], log=tmp_path / "waiting.log")
    try:
        daemon.wait_until(lambda: FULL in daemon.log.read_text())
        assert FULL in on_disk.command("status").stderr
        assert FULL in on_disk.command("check").stdout
        disk.make_room()
        on_disk.closed(1)
    finally:
        daemon.stop()

    assert daemon.log.read_text().count("The journal is waited for") == 1
    assert (on_disk.done / ZHANG / "one.pdf").read_bytes() == pdf("one")


def test_what_became_of_invoices_can_be_read_while_the_journals_disk_is_full_and_no_daemon_runs(
    on_disk: Workplace, endpoint: Endpoint, disk: SmallDisk
) -> None:
    endpoint.behave(res_code=300042, res_msg="识别失败")
    on_disk.drop("one.pdf", pdf("one"))
    assert on_disk.command("run", "--once").returncode == 1
    (submission,) = on_disk.submissions()
    disk.fill()

    status, listed, shown, exported = (
        on_disk.command(*each) for each in (["status"], ["list"], ["show", submission["id"]], ["export"])
    )
    again, check = on_disk.command("retry", submission["id"]), on_disk.command("check")

    assert [each.returncode for each in (status, listed, shown, exported)] == [0, 0, 0, 0], status.stderr
    assert FULL in status.stdout
    assert all("one.pdf" in each.stdout for each in (listed, shown))
    assert [each.returncode for each in (again, check)] == [1, 1]
    assert FULL in again.stderr
    assert FULL in check.stdout


def test_a_full_done_folder_leaves_its_files_in_place_and_the_status_says_why(
    workplace: Workplace, endpoint: Endpoint, disk: SmallDisk
) -> None:
    content = pdf("large", size=300_000)
    done = disk.path / "done" / ZHANG
    workplace.with_folder(done=str(done.parent)).write()
    done.mkdir(parents=True)
    disk.fill(leave=100_000)
    workplace.drop("large.pdf", content)

    assert workplace.command("run", "--once").returncode == 1

    assert "has no space left" in workplace.status()
    assert (workplace.inbox / ZHANG / "large.pdf").read_bytes() == content
    assert list(done.iterdir()) == []
