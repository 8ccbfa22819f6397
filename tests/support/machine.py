"""A machine of one's own: systemd boots on a throw-away copy of this system, in namespaces that end with the test.

The copy is an overlay whose changes lie in memory, and is mounted where nobody else sees it: this system is not
touched, and nothing is left behind, however the test ends.
"""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from tests.support.servers.process import program
from tests.support.waiting import wait_for

PATIENCE_SECONDS = 180.0
_FIRST_FAILED = 3

# $1: a folder to mount on, $2: what is to be done before the boot, with this system's network; then folders to bind.
_BOOT = f"""
set -eu
mount -t tmpfs -o mode=755 machine "$1"
mkdir "$1/changes" "$1/work" "$1/root"
mount -t overlay -o "lowerdir=/,upperdir=$1/changes,workdir=$1/work" machine "$1/root"
target=$1/root/etc/systemd/system/trial.target
printf '[Unit]\\nRequires=basic.target\\nAfter=basic.target\\nAllowIsolate=yes\\n' >"$target"
place=$1 first=$2
shift 2
in_it() {{
    systemd-nspawn --quiet --directory="$place/root" --register=no --keep-unit --link-journal=no --timezone=off \\
        --console=pipe "$@" </dev/null
}}
in_it --resolv-conf=off "$@" sh -ec "$first" || exit {_FIRST_FAILED}
in_it --private-network "$@" --boot systemd.unit=trial.target
"""


class Machine:
    """A booted one. What is done to it is done as its root."""

    def __init__(self, leader: int) -> None:
        self._leader = leader

    def path(self, path: str) -> Path:
        """A file of the machine, as it is seen from here."""
        return Path(f"/proc/{self._leader}/root{path}")

    def run(self, *command: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        done = subprocess.run(
            ["nsenter", f"--target={self._leader}", "--mount", "--uts", "--ipc", "--net", "--pid", "--", *command],
            capture_output=True,
            text=True,
            timeout=PATIENCE_SECONDS,
            check=False,
            env={"PATH": "/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin", "LC_ALL": "C.UTF-8", "SYSTEMD_PAGER": ""},
        )
        assert not check or done.returncode == 0, f"{' '.join(command)}: {done.stdout}{done.stderr}"
        return done

    def shows(self, unit: str, what: str) -> str:
        """A property of a unit, as systemctl shows it."""
        return self.run("systemctl", "show", "--value", f"--property={what}", unit).stdout.strip()

    def said(self, unit: str) -> str:
        """What the unit and systemd have told the journal of it."""
        return self.run("journalctl", "--no-pager", "--output=cat", f"--unit={unit}").stdout

    def process(self, unit: str) -> int:
        """The unit's main process, by its number on this system; 0: it has none."""
        inside = int(self.shows(unit, "MainPID"))
        return next((pid for pid in _descendants(self._leader) if _number_inside(pid) == inside), 0) if inside else 0


@contextlib.contextmanager
def booted(folder: Path, first: str, bound: Mapping[str, Path]) -> Iterator[Machine]:
    """`first` is run in the machine by its shell before it boots; `bound` are folders of this system that it can read.

    Skips where such a machine cannot be had.
    """
    for name, package in (("systemd-nspawn", "systemd-container"), ("systemctl", "systemd"), ("unshare", "util-linux")):
        program(name, package)
    if os.geteuid() != 0:
        pytest.skip("only root can boot a machine")
    log = folder / "machine.log"
    log.touch()
    mounts = folder / "machine"
    mounts.mkdir()
    command = ["setpriv", "--pdeathsig=KILL", "unshare", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc"]
    binds = [f"--bind-ro={here}:{there}" for there, here in bound.items()]
    with log.open("ab") as output:
        process = subprocess.Popen(
            [*command, "sh", "-c", _BOOT, "sh", mounts, first, *binds], stdout=output, stderr=output
        )
    try:
        yield _awaited(process, log)
    finally:
        process.kill()
        process.wait()


def _awaited(process: subprocess.Popen[bytes], log: Path) -> Machine:
    leader = wait_for(lambda: process.poll() is not None or _leader(process.pid), PATIENCE_SECONDS, "a boot", every=0.1)
    said = log.read_text(encoding="utf-8", errors="replace")
    if process.returncode == _FIRST_FAILED:  # what was to be done first
        raise AssertionError(said)
    if leader is True:
        pytest.skip(f"no machine can be booted here: {said}")
    machine = Machine(leader)
    is_up = ["systemctl", "is-active", "--quiet", "trial.target"]
    wait_for(lambda: machine.run(*is_up, check=False).returncode == 0, PATIENCE_SECONDS, "the boot", every=0.1)
    return machine


def _leader(ancestor: int) -> int:
    """The first process of what systemd-nspawn has booted; 0: there is none yet."""
    return next((pid for pid in _descendants(ancestor) if _is_booted(pid)), 0)


def _is_booted(pid: int) -> bool:
    with contextlib.suppress(OSError):
        return _number_inside(pid) == 1 and Path(f"/proc/{pid}/root/run/systemd/private").exists()
    return False


def _descendants(pid: int) -> Iterator[int]:
    with contextlib.suppress(OSError):
        for task in Path(f"/proc/{pid}/task").iterdir():
            for child in (task / "children").read_text().split():
                yield int(child)
                yield from _descendants(int(child))


def _number_inside(pid: int) -> int:
    """Its number in the innermost namespace."""
    with contextlib.suppress(OSError):
        for line in Path(f"/proc/{pid}/status").read_text().splitlines():
            if line.startswith("NSpid:"):
                return int(line.split()[-1])
    return 0


# ------------------------------------------------------------------------------------------ a thread that hangs

_HOLD = """
import ctypes, os, sys
SEIZE, INTERRUPT, WALL = 0x4206, 0x4207, 0x40000000
thread = int(sys.argv[1])
ptrace = ctypes.CDLL(None, use_errno=True).ptrace
ptrace.argtypes = [ctypes.c_long] * 4
for request in (SEIZE, INTERRUPT):
    if ptrace(request, thread, 0, 0) == -1:
        sys.exit(os.strerror(ctypes.get_errno()))
os.waitpid(thread, WALL)
print("stopped", flush=True)
os.waitpid(thread, WALL)  # until it is killed
"""


@contextlib.contextmanager
def hanging(process: int, thread: str) -> Iterator[None]:
    """One thread of a process, by its name, is stopped as by a debugger, and hangs; the others go on."""
    holder = subprocess.Popen(
        [sys.executable, "-c", _HOLD, str(_thread(process, thread))], stdout=subprocess.PIPE, text=True
    )
    try:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "stopped\n"
        yield
    finally:
        holder.kill()
        holder.communicate()


def _thread(process: int, name: str) -> int:
    names = {int(task.name): (task / "comm").read_text().strip() for task in Path(f"/proc/{process}/task").iterdir()}
    found = [number for number, called in names.items() if called == name]
    assert found, names
    thread = min(found)  # those that it has started are called like it until they call themselves something else
    status = Path(f"/proc/{process}/task/{thread}/status")
    wait_for(lambda: "State:\tS" in status.read_text(), PATIENCE_SECONDS, f"{name} to wait")  # it holds no lock then
    return thread
