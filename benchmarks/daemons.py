"""What running processes use, as the kernel counts it. No measurement by itself."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

_PROCESS_CLOCK = 2  # in the kernel's numbering of the clocks of a process
_TICKS_PER_SECOND = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """Of one process: CPU seconds since its start, and megabytes of memory now and at most."""

    cpu: float
    rss: float
    peak: float
    threads: int
    descriptors: int


def usage(pid: int) -> Usage:
    status = dict(line.split(":", 1) for line in Path(f"/proc/{pid}/status").read_text().splitlines())
    return Usage(
        cpu=sum(_times(pid)[:2]),
        rss=int(status["VmRSS"].split()[0]) / 1024,
        peak=int(status["VmHWM"].split()[0]) / 1024,
        threads=int(status["Threads"]),
        descriptors=len(os.listdir(f"/proc/{pid}/fd")),  # noqa: PTH208 - a count of names
    )


def cpu_seconds(pid: int) -> float:
    """CPU seconds of one process since its start, to the nanosecond: `usage` counts in steps of 10 ms."""
    return time.clock_gettime((~pid << 3) | _PROCESS_CLOCK)


def family_cpu(pid: int) -> float:
    """CPU seconds of a process since its start, with all that it started, whether that ended or not."""
    total = 0.0
    for member in _family(pid):
        with suppress(FileNotFoundError, ProcessLookupError):  # it ended meanwhile: its parent has its time
            total += sum(_times(member))
    return total


def family_memory(pid: int) -> float:
    """Megabytes of a process and all that it started, each page shared out among those who have it."""
    total = 0.0
    for member in _family(pid):
        with suppress(FileNotFoundError, ProcessLookupError, PermissionError):
            lines = Path(f"/proc/{member}/smaps_rollup").read_text().splitlines()
            total += sum(int(line.split()[1]) for line in lines if line.startswith("Pss:")) / 1024
    return total


def _times(pid: int) -> tuple[float, float, float, float]:
    """Seconds of the process as user and system, and the same of its children that ended."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    user, system, ended_user, ended_system = (int(field) / _TICKS_PER_SECOND for field in fields[11:15])
    return user, system, ended_user, ended_system


def _family(pid: int) -> Iterator[int]:
    yield pid
    with suppress(FileNotFoundError, ProcessLookupError):
        for task in Path(f"/proc/{pid}/task").iterdir():
            for child in (task / "children").read_text().split():
                yield from _family(int(child))


def quiet(pid: int, *, seconds: float = 3.0, timeout: float = 3600.0) -> float:
    """Wait until the process has used next to no CPU for so long; how long it took until then."""
    began = busy_at = time.monotonic()
    before = usage(pid).cpu
    while time.monotonic() - busy_at < seconds:
        time.sleep(0.1)
        now = usage(pid).cpu
        if now - before > 0.03:  # its threads wake up now and then
            busy_at, before = time.monotonic(), now
        if time.monotonic() - began > timeout:
            raise SystemExit("the daemon does not come to rest")
    return busy_at - began


def per_round(pid: int, *, poll: float, rounds: int, elapsed: Callable[[str], None] = print) -> float:
    """CPU seconds for each `poll` seconds, on the mean of some."""
    before = usage(pid).cpu
    time.sleep(poll * rounds)
    used = (usage(pid).cpu - before) / rounds
    elapsed(f"  {used:.3f} s CPU for each {poll:g} s: {used / poll:.2%} of a core")
    return used
