"""Which cores the threads of a process may use."""

from __future__ import annotations

import os
from pathlib import Path

GIVEN = os.sched_getaffinity(0)


def cores_of(pid: int) -> dict[int, set[int]]:
    """Those of each thread, by the thread's id; the main one's is the process's."""
    found = {}
    for task in Path(f"/proc/{pid}/task").iterdir():
        try:
            found[int(task.name)] = os.sched_getaffinity(int(task.name))
        except ProcessLookupError:  # it has just ended
            continue
    return found


def shared_core(pid: int) -> set[int]:
    """The one core that all threads but the main one keep to; empty: they do not."""
    others = [cores for task, cores in cores_of(pid).items() if task != pid]
    shared = set().union(*others)
    return shared if len(others) > 1 and len(shared) == 1 else set()
