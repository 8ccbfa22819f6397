"""Memory in kB: of a daemon that waits, and what an attachment of 25 MB adds to that at its highest.

The peak is the kernel's (VmHWM), of the daemon and of its inspection child together, as if both came at once; so what
both have mapped counts twice. Each daemon is fresh, with one malloc arena, because how many there are depends on the
machine and on chance, with large blocks given back at once, and without huge pages: so figures differ by 1 %. Not seen
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


def measure(folder: Path) -> dict[str, float]:
    """Of an idle daemon on a folder, and more than that for a file and for a mail. Raises MissingProgram."""
    with _steady():
        idle, file = _of_attachment("file", folder)
        _, mail = _of_attachment("mail", folder)
    return {"idle": idle, "file": file, "mail": mail}


def _of_attachment(kind: str, folder: Path) -> tuple[int, int]:
    """Of a daemon that is ready; and how much more the highest was, until the attachment was answered."""
    with company(kind, folder / kind) as job, job.workplace.write().daemon() as daemon:
        pid = daemon.process.pid
        idle = _size(pid, "VmRSS")
        job.give(0, pdf("large", LARGE_BYTES))
        job.workplace.wait_for_submissions(1, SubmissionState.CLOSED)
        children = _children(pid)
        assert children, "it looked into the document in no child, or the child is gone"
        return idle, _size(pid, "VmHWM") - idle + sum(_size(child, "VmHWM") for child in children)


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
