"""How long it takes from the start to ready, and each command to its end, beside the import of a script's libraries."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from functools import cache, partial
from pathlib import Path

from benchmarks.case import Bound, Case, Contestants, Facts, Figure, Plot, Ratio, Sample, Scale, Target
from benchmarks.daemons import usage
from tests.support.workplace import COMMAND, Workplace, pdf
from watcher.sandbox.endpoint import Endpoint

_READY_SECONDS = 60.0
_SCRIPT, _RUN, _FIRST = "the script's imports", "daemon, until ready", "daemon, until ready for the first time"
_IMPORTS = "import imap_tools, requests, watchdog.events, watchdog.observers"
_COMMANDS = {
    "--help": ("--help",),
    "list": ("list",),
    "status": ("status",),
    "check --offline": ("check", "--offline"),
    "ready": ("ready", "--wait", "0s"),
}
Command = tuple[str | Path, ...]


@contextlib.contextmanager
def _contest(scale: Scale) -> Iterator[Contestants]:
    """The commands are asked beside a daemon, with some answered submissions in the journal."""
    with Endpoint() as endpoint:
        beside = Workplace(scale.folder / "beside", endpoint).with_folder().write()
        alone = Workplace(scale.folder / "alone", endpoint).with_folder().write()
        run = (COMMAND, "--config", str(alone.config_file), "run")
        with beside.daemon():
            count = scale.of(50, 3)
            for number in range(count):
                beside.drop(f"{number}.pdf", pdf(str(number)))
            beside.closed(count)
            script = (sys.executable, "-c", _IMPORTS)
            yield {
                _SCRIPT: partial(_until_its_end, script, scale.folder),
                _FIRST: partial(_for_the_first_time, run, scale.folder, alone.root),
                _RUN: partial(_until_ready, run, scale.folder),
                **{
                    name: partial(_until_its_end, (COMMAND, "--config", beside.config_file, *words), scale.folder)
                    for name, words in _COMMANDS.items()
                },
            }


def _until_ready(command: Command, folder: Path) -> Sample:
    """From the start of a process to its READY=1, as systemd is told."""
    return Sample(values=_spent_until_ready(command, folder) | {"modules": _imported_until_ready(command, folder)})


def _for_the_first_time(command: Command, folder: Path, root: Path) -> Sample:
    """It makes its journal."""
    for file in root.glob("journal.db*"):
        file.unlink()
    return Sample(values=_spent_until_ready(command, folder))


def _spent_until_ready(command: Command, folder: Path) -> dict[str, float]:
    with _ready(command, folder) as (process, wall):
        used = usage(process.pid)
    return {"wall": wall, "CPU": used.cpu, "memory": used.rss}


@contextlib.contextmanager
def _ready(command: Command, folder: Path, **more: str) -> Iterator[tuple[subprocess.Popen[bytes], float]]:
    """It runs until the block ends, and took so many seconds."""
    address = folder / "notify"
    with contextlib.closing(socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)) as told:
        told.bind(str(address))
        told.settimeout(_READY_SECONDS)
        began = time.perf_counter()
        process = _started(command, folder, NOTIFY_SOCKET=str(address), **more)
        try:
            while "READY=1" not in told.recv(4096).decode().splitlines():
                pass
            yield process, time.perf_counter() - began
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait()
            address.unlink()


def _until_its_end(command: Command, folder: Path) -> Sample:
    began = time.perf_counter()
    process = _started(command, folder)
    _, status, used = os.wait4(process.pid, 0)
    wall = time.perf_counter() - began
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != 0:
        raise AssertionError(f"{command} ended with {process.returncode}: {_said(folder)}")
    modules = _imported_until_its_end(command, folder)
    return Sample(values={"wall": wall, "CPU": used.ru_utime + used.ru_stime, "modules": modules})


def _started(command: Command, folder: Path, **more: str) -> subprocess.Popen[bytes]:
    """As a shell starts it: where modules are compiled once, and not at each start."""
    kept = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    with _output(folder).open("wb") as output:
        return subprocess.Popen(command, stdout=output, stderr=output, env=kept | more, start_new_session=True)


def _output(folder: Path) -> Path:
    return folder / "output"


def _said(folder: Path) -> str:
    return _output(folder).read_text(encoding="utf-8", errors="replace")


@cache
def _imported_until_ready(command: Command, folder: Path) -> int:
    with _ready(command, folder, PYTHONPROFILEIMPORTTIME="1"):
        return _imported(folder)


@cache
def _imported_until_its_end(command: Command, folder: Path) -> int:
    _started(command, folder, PYTHONPROFILEIMPORTTIME="1").wait()
    return _imported(folder)


def _imported(folder: Path) -> int:
    """How many modules, the interpreter's own among them, by what it printed for each."""
    return sum(line.startswith("import time:") for line in _said(folder).splitlines()) - 1


FACTS = Facts(
    name="start",
    title="Start",
    measures=(
        "From the start of the process to READY=1 as systemd is told, and of other commands to their end; beside them "
        "what importing a script's libraries alone takes."
    ),
    figures=(
        Figure(name="wall", unit="s"),
        Figure(name="CPU", unit="s"),
        Figure(name="modules", unit="imported", digits=0),
        Figure(name="memory", unit="MB", digits=0),
    ),
    ratios=tuple(Ratio(figure="CPU", ours=name, theirs=_SCRIPT) for name in (_RUN, _FIRST, *_COMMANDS)),
    targets=(Target(figure="wall", contestant=_RUN, bound=Bound(at_most=1.0)),),
    plots=(Plot(figure="wall"),),
)
CASES = (Case(facts=FACTS, contest=_contest),)
