"""Memory in kB: of a daemon that waits, and how much higher an attachment of 25 MB brings it, and its inspection child.

A daemon waits when it has answered a small document: before that, what it has loaded already is a matter of chance.
The peaks are the kernel's (VmHWM). Each daemon is fresh, with one malloc arena, with large blocks given back at once,
which it would keep if malloc were told nothing from outside, and without huge pages: so figures differ by 2 %. Not seen
are copies in files that live in memory and that nobody maps, as the one that the child is handed.
"""

from __future__ import annotations

import ctypes
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from tests.costs.jobs import LARGE_BYTES, company, steady_environment
from tests.support.workplace import pdf
from watcher.model import SubmissionState

_MALLOC = {"MALLOC_ARENA_MAX": "1", "MALLOC_MMAP_THRESHOLD_": "131072"}
_PR_SET_THP_DISABLE = 41
_SMALL_BYTES = 50_000


def measure(folder: Path) -> dict[str, float]:
    """Of an idle daemon on a folder; for a file and for a mail, what the daemon grew by and all of its child.

    Raises MissingProgram.
    """
    with _steady():
        found = {kind: _of_attachment(kind, folder) for kind in ("file", "mail")}
    more = {f"{kind}.{who}": found[kind][who] for kind in found for who in ("daemon", "child")}
    return {"idle": found["file"]["idle"], **more}


def _of_attachment(kind: str, folder: Path) -> dict[str, float]:
    """Of a daemon that waits, and at the highest until the attachment was answered."""
    with company(kind, folder / kind) as job, job.workplace.write().daemon() as daemon:
        pid = daemon.process.pid
        job.give(0, pdf("small", _SMALL_BYTES))
        job.workplace.wait_for_submissions(1, SubmissionState.CLOSED)
        idle = _size(pid, "VmRSS")
        job.give(1, pdf("large", LARGE_BYTES))
        job.workplace.wait_for_submissions(2, SubmissionState.CLOSED)
        children = sum(_size(child, "VmHWM") for child in _children(pid))  # they wait for another document
        return {"idle": idle, "daemon": _size(pid, "VmHWM") - idle, "child": children}


def _size(pid: int, what: str) -> int:
    return int(_status(pid)[what].split()[0])


def _children(pid: int) -> list[int]:
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):  # it has ended meanwhile
            if int(_status(int(folder.name))["PPid"]) == pid:
                found.append(int(folder.name))
    return found


def _status(pid: int) -> dict[str, str]:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return {name: value.strip() for name, _, value in (line.partition(":") for line in lines)}


@contextmanager
def _steady() -> Iterator[None]:
    """What is started meanwhile has its memory from the system in the same way on every machine."""
    before = dict(os.environ)
    _huge_pages(allowed=False)
    os.environ.update(steady_environment() | _MALLOC)
    try:
        yield
    finally:
        _huge_pages(allowed=True)
        os.environ.clear()
        os.environ.update(before)


def _huge_pages(*, allowed: bool) -> None:
    """Where the system gives them unasked; what is started inherits it."""
    ctypes.CDLL(None).prctl(_PR_SET_THP_DISABLE, int(not allowed), 0, 0, 0)
