"""What a running daemon uses, as the kernel counts it. No measurement by itself."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

_TICKS_PER_SECOND = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """Of one process: CPU seconds since its start, and megabytes of memory now and at most."""

    cpu: float
    rss: float
    peak: float


def usage(pid: int) -> Usage:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    memory = dict(line.split(":", 1) for line in Path(f"/proc/{pid}/status").read_text().splitlines())
    return Usage(
        cpu=(int(fields[11]) + int(fields[12])) / _TICKS_PER_SECOND,
        rss=int(memory["VmRSS"].split()[0]) / 1024,
        peak=int(memory["VmHWM"].split()[0]) / 1024,
    )


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
