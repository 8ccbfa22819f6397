"""What others do to a shared folder while files of it are on their way, by the installed command."""

from __future__ import annotations

import contextlib
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.waiting import wait_for
from tests.support.workplace import ZHANG, Workplace, pdf
from watcher.sandbox.endpoint import Endpoint


@pytest.fixture
def workplace(tmp_path: Path, endpoint: Endpoint) -> Workplace:
    endpoint.behave(held=True)  # until others have interfered between intake and answer
    return Workplace(tmp_path, endpoint, timeout="60s").with_folder(poll="1s").write()


def dropped(workplace: Workplace, endpoint: Endpoint, *names: str) -> dict[str, Path]:
    """Files that are being recognised, until the endpoint is told to release them."""
    under_way = endpoint.under_way
    paths = {name: workplace.drop(f"{name}.pdf", pdf(name)) for name in names}
    assert endpoint.wait_until(lambda it: it.under_way >= under_way + len(names), timeout=60)
    return paths


def by_path(workplace: Workplace) -> dict[str, list[dict[str, Any]]]:
    found: dict[str, list[dict[str, Any]]] = {}
    for submission in workplace.submissions():
        found.setdefault(Path(submission["path"]).stem, []).append(submission)
    return found


def contents(folder: Path) -> dict[str, bytes]:
    return {path.stem: path.read_bytes() for path in folder.rglob("*.pdf") if path.is_file()}


def test_files_that_are_changed_moved_or_replaced_while_they_are_pending_are_neither_lost_nor_mistaken(
    workplace: Workplace, endpoint: Endpoint
) -> None:
    trip = workplace.inbox / ZHANG / "trip"
    trip.mkdir(parents=True)
    with workplace.daemon() as daemon:
        (trip / "inside.pdf").write_bytes(pdf("inside"))
        paths = dropped(workplace, endpoint, "overwritten", "renamed", "deleted", "a folder", "a link")
        paths["overwritten"].write_bytes(pdf("something else"))
        paths["renamed"].rename(paths["renamed"].with_name("new name.pdf"))
        paths["deleted"].unlink()
        paths["a folder"].unlink()
        paths["a folder"].mkdir()
        outside = workplace.root / "outside.pdf"
        outside.write_bytes(pdf("a link"))
        paths["a link"].unlink()
        paths["a link"].symlink_to(outside)
        trip.rename(trip.with_name("journey"))
        workplace.wait_for_submissions(9)  # overwritten, renamed and inside twice, because they came again
        endpoint.release()
        workplace.closed(9)
        assert daemon.process.poll() is None

    # What is there to be moved is moved once, and as it is
    assert contents(workplace.done) == {
        "overwritten": pdf("something else"),
        "new name": pdf("renamed"),
        "inside": pdf("inside"),
    }
    assert (workplace.done / ZHANG / "journey" / "inside.pdf").exists()
    # Nothing else is touched
    assert paths["a folder"].is_dir()
    assert paths["a link"].is_symlink()
    assert outside.read_bytes() == pdf("a link")
    # Each content is booked once, also that of a file that is gone
    assert sorted(request.outcome for request in endpoint.requests) == ["booked"] * 7
    assert {each["documents"][0]["outcome"] for each in workplace.submissions()} <= {"done", "duplicate"}


@pytest.mark.exhaustive  # a share that is unmounted and mounted again is the same to the daemon
def test_a_folder_that_is_away_for_a_while_keeps_its_files_pending_and_says_so(
    workplace: Workplace, endpoint: Endpoint
) -> None:
    away = workplace.inbox.with_name("away")
    with workplace.daemon() as daemon:
        dropped(workplace, endpoint, "one", "two")
        workplace.inbox.rename(away)
        workplace.wait_for_status("shared DOWN")
        endpoint.release()
        workplace.wait_for_status("2 to be answered, and tried again")
        assert workplace.submissions("--state", "closed") == []
        away.rename(workplace.inbox)
        workplace.closed(2)
        workplace.wait_for_status("shared up")
        assert daemon.process.poll() is None
    assert contents(workplace.done) == {"one": pdf("one"), "two": pdf("two")}
    assert len(endpoint.requests) == 2


@contextlib.contextmanager
def mounted(here: Path) -> Iterator[Share]:
    """A drive that is mounted over a folder, and can be unmounted; skipped where that is not allowed."""
    made = Share(here)
    try:
        made.mount()
    except subprocess.CalledProcessError:
        pytest.skip("nothing may be mounted here")
    try:
        yield made
    finally:
        if made.mounted:
            made.unmount()


class Share:
    """A folder of another place, bound to this one."""

    def __init__(self, here: Path) -> None:
        self._here = here
        self._there = here.with_name("server")
        self._there.mkdir()
        self.mounted = False

    def mount(self) -> None:
        command = ["mount", "--bind", str(self._there), str(self._here)]
        subprocess.run(command, check=True, capture_output=True)
        self.mounted = True

    def unmount(self) -> None:
        subprocess.run(["umount", "--lazy", str(self._here)], check=True, capture_output=True)
        self.mounted = False


def test_a_share_that_is_unmounted_and_mounted_again_is_never_an_empty_folder(
    workplace: Workplace, endpoint: Endpoint
) -> None:
    workplace.config["folders"][0]["marker"] = ".mounted"
    workplace.write()
    with mounted(workplace.inbox) as share, workplace.daemon() as daemon:
        (workplace.inbox / ".mounted").touch()
        dropped(workplace, endpoint, "one", "two")
        share.unmount()
        workplace.wait_for_status("counts as not mounted")
        endpoint.release()
        workplace.wait_for_status("2 to be answered, and tried again")
        assert workplace.submissions("--state", "closed") == []
        share.mount()
        workplace.closed(2)
        assert daemon.process.poll() is None
    assert contents(workplace.done) == {"one": pdf("one"), "two": pdf("two")}
    assert len(endpoint.requests) == 2


def test_a_drive_of_this_machine_that_is_unmounted_is_no_empty_folder_without_a_marker_either(
    workplace: Workplace, endpoint: Endpoint
) -> None:
    with mounted(workplace.inbox) as drive, workplace.daemon():
        dropped(workplace, endpoint, "one")
        drive.unmount()
        workplace.wait_for_status("is not mounted any more")
        endpoint.release()
        workplace.wait_for_status("1 to be answered, and tried again")
        drive.mount()
        workplace.closed(1)
    # Then it is moved as what it is, and not taken in again as its own duplicate
    assert contents(workplace.done) == {"one": pdf("one")}
    assert list(workplace.done.rglob("*.txt")) == []
    assert len(workplace.submissions()) == 1


def test_nothing_is_moved_to_where_the_drive_of_done_was_mounted(workplace: Workplace, endpoint: Endpoint) -> None:
    below = workplace.root / "archive"
    below.mkdir()
    workplace.config["folders"][0]["done"] = str(below / "done")
    workplace.write()
    with mounted(below) as drive, workplace.daemon():
        dropped(workplace, endpoint, "one")
        drive.unmount()
        endpoint.release()
        workplace.wait_for_status("1 to be answered, and tried again")
        assert "is not mounted any more" in workplace.status()
        assert list(below.iterdir()) == []
        drive.mount()
        workplace.closed(1)
        assert contents(below / "done") == {"one": pdf("one")}


def test_a_target_that_is_gone_is_made_anew_and_one_that_is_in_the_way_is_named(
    workplace: Workplace, endpoint: Endpoint
) -> None:
    endpoint.reset()
    with workplace.daemon() as daemon:
        workplace.drop("one.pdf", pdf("one"))
        workplace.closed(1)
        # Given that the folder for what is done is deleted, and a file bears its name
        (workplace.done / ZHANG / "one.pdf").unlink()
        (workplace.done / ZHANG).rmdir()
        workplace.done.rmdir()
        workplace.done.write_text("not a folder")
        workplace.drop("two.pdf", pdf("two"))
        workplace.wait_for_status("1 to be answered, and tried again")
        # When the file is gone
        workplace.done.unlink()
        # Then the folder is made, by itself
        workplace.closed(2)
        assert daemon.process.poll() is None
    assert contents(workplace.done) == {"two": pdf("two")}


@pytest.mark.parametrize(("inside", "dated"), [("done", ""), ("", "/{yyyy}"), ("", "/done")])
def test_what_is_answered_is_not_taken_in_again_where_another_path_leads_to_it(
    workplace: Workplace, endpoint: Endpoint, inside: str, dated: str
) -> None:
    # Given done inside of the watched folder, and mounted elsewhere as well, as a container has two volumes
    endpoint.reset()
    alias = workplace.root / "volume"
    alias.mkdir()
    workplace.config["folders"][0]["done"] = f"{alias}{dated}"
    workplace.write()
    (workplace.inbox / inside).mkdir(exist_ok=True)
    mount = ["mount", "--bind", str(workplace.inbox / inside), str(alias)]
    if subprocess.run(mount, check=False, capture_output=True).returncode:
        pytest.skip("nothing may be mounted here")
    try:
        # When files are answered, with events and at every look
        with workplace.daemon():
            for number in range(3):
                workplace.drop(f"{number}.pdf", pdf(str(number)))
                workplace.closed(number + 1)
        assert workplace.command("run", "--once").returncode == 0
        # Then each is booked once
        assert contents(workplace.inbox) == {str(number): pdf(str(number)) for number in range(3)}
    finally:
        subprocess.run(["umount", "--lazy", str(alias)], check=True)
    assert [request.user_code for request in endpoint.requests] == [ZHANG] * 3
    assert len(workplace.submissions()) == 3


@pytest.mark.parametrize("done", ["done", "done/{yyyy}-{mm}", "{yyyy}-{mm}"])
def test_what_is_answered_is_not_taken_in_again_where_somebody_renames_its_folder(
    workplace: Workplace, endpoint: Endpoint, done: str
) -> None:
    # Given answers inside of the watched folder, where the first folder is the employee's number
    endpoint.reset()
    answers = {"done": str(workplace.inbox / done), "error": str(workplace.inbox / "error")}
    workplace.config["folders"][0].update(answers)
    workplace.write()
    workplace.drop("a.pdf", pdf("a"))
    (workplace.inbox / "nobody's.pdf").write_bytes(pdf("nobody's"))
    # When they are renamed while the daemon runs
    with workplace.daemon() as daemon:
        workplace.closed(2)
        for path in list(workplace.inbox.iterdir()):
            if path.name != ZHANG:
                path.rename(path.with_name(f"{path.name} old"))
        # Then they are left alone, and said to be
        wait_for(
            lambda: daemon.said().count("A folder of answered files has another name") == 2, 60, "both to be told of"
        )
        # And so are those that are made after that, renamed while no daemon runs
        workplace.drop("b.pdf", pdf("b"))
        (workplace.inbox / "nobody's.pdf").write_bytes(pdf("nobody's"))
        workplace.closed(4)
    for path in list(workplace.inbox.iterdir()):
        if path.name != ZHANG and not path.name.endswith("old"):
            path.rename(path.with_name(f"{path.name} very old"))
    assert workplace.command("run", "--once").returncode == 0
    # And check names them
    assert "left alone, because their files were answered" in workplace.command("check").stdout
    assert [request.user_code for request in endpoint.requests] == [ZHANG] * 2
    assert len(workplace.submissions()) == 4
