"""What the daemon has in memory stays there: no core dump, and nobody but root looks into the process."""

from __future__ import annotations

import os
import resource
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.servers.process import as_servant, hand_over, servant, served_folder
from tests.support.workplace import COMMAND, Workplace, environment, pdf
from watcher.sandbox.endpoint import Endpoint

CORES = Path("/proc/sys/kernel/core_pattern")


@pytest.fixture
def workplace(endpoint: Endpoint) -> Iterator[Workplace]:
    """A company whose daemon is an ordinary user's."""
    root = served_folder("seclusion")
    made = Workplace(root / "company", endpoint).with_folder(poll="200ms", settle="0s").write()
    (made.inbox / "903851").mkdir()
    for path in (root / "company").rglob("*"):
        hand_over(path)
    hand_over(root / "company")
    yield made
    subprocess.run(["rm", "-rf", root], check=True)


def _unlimited() -> None:
    hard = resource.getrlimit(resource.RLIMIT_CORE)[1]
    resource.setrlimit(resource.RLIMIT_CORE, (hard, hard))


def _started(workplace: Workplace) -> subprocess.Popen[bytes]:
    """The daemon, once it says that it is ready."""
    command = as_servant([str(COMMAND), "--config", str(workplace.config_file), "run"], dies_by="KILL")
    process = subprocess.Popen(
        command,
        stderr=subprocess.PIPE,
        env=environment(),
        cwd=workplace.root,
        preexec_fn=_unlimited,  # noqa: PLW1509 - no thread is under way that holds a lock here
    )
    assert process.stderr is not None
    said = b""
    while b"The daemon is ready" not in said:
        line = process.stderr.readline()
        assert line, said
        said += line
    return process


def _aborted(process: subprocess.Popen[bytes]) -> int:
    """How it ended, as wait has it."""
    os.kill(process.pid, signal.SIGABRT)
    _, status = os.waitpid(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.stderr is not None:
        process.stderr.close()
    return status


def _dumps_here(folder: Path) -> bool:
    """Whether any other program of that user leaves its memory behind on this machine."""
    sleeper = as_servant([sys.executable, "-c", "print(flush=True); import time; time.sleep(60)"], dies_by="KILL")
    process = subprocess.Popen(sleeper, stdout=subprocess.PIPE, cwd=folder, preexec_fn=_unlimited)  # noqa: PLW1509
    with process:
        assert process.stdout is not None
        process.stdout.readline()
        return os.WCOREDUMP(_aborted(process))


def test_a_daemon_that_is_aborted_leaves_no_core_dump(workplace: Workplace) -> None:
    # Given a machine on which others do, and a shell that lets them
    others_dump = _dumps_here(workplace.root)
    process = _started(workplace)
    # Then the daemon may not, even if its limit were not kept
    limits = Path(f"/proc/{process.pid}/limits").read_text().splitlines()
    assert [line.split()[4:6] for line in limits if line.startswith("Max core file size")] == [["0", "0"]]
    # When it is aborted
    status = _aborted(process)
    # Then it leaves nothing
    assert os.WTERMSIG(status) == signal.SIGABRT
    assert not os.WCOREDUMP(status)
    cores = [path for path in workplace.root.glob("core*") if path.is_file()]
    assert len(cores) == (1 if others_dump and not CORES.read_text().startswith(("|", "/")) else 0)


def test_a_process_of_the_same_user_cannot_look_into_the_daemon_which_works_all_the_same(workplace: Workplace) -> None:
    process = _started(workplace)
    try:
        place = f"/proc/{process.pid}"
        # Then what shows memory, environment and open files is root's, and the same user is turned away
        assert {Path(place, name).stat().st_uid for name in ("environ", "mem", "maps", "fd")} == {0}
        assert Path(place).stat().st_uid in (0, servant().pw_uid)
        for name in ("environ", "maps", "mem"):
            reading = subprocess.run(as_servant(["cat", f"{place}/{name}"]), capture_output=True, check=False)
            assert reading.returncode != 0
            assert b"denied" in reading.stderr
        # And invoices are taken in, looked into and booked
        target = workplace.inbox / "903851" / "a.pdf"
        target.write_bytes(pdf("secluded"))
        hand_over(target)
        workplace.closed(1)
    finally:
        process.terminate()
        assert process.wait(60) == 0
        if process.stderr is not None:
            process.stderr.close()
    assert (workplace.done / "903851" / "a.pdf").is_file()
