"""What is asked of the kernel for one document: of files by their names, to be on disk (fsync), and sent to servers.

A mail's `sent` are the commands of IMAP, SMTP and HTTP: each is a round trip. All are exact to some hundredths. Left
out is what depends on chance: who waits for whom (futex, poll), and how SQLite joins the transactions of several
threads (pwrite64, fdatasync); statements and transactions are counted by themselves.
"""

from __future__ import annotations

import re
from pathlib import Path

from tests.costs.jobs import Job, of_one, run_once
from tests.support.servers.process import program
from tests.support.workplace import COMMAND

_SYNCED = {"fsync"}
_SENT = {"connect", "sendto", "sendmsg"}
_TRACED = ["%file", "close", "lseek", "ioctl", *_SYNCED, *_SENT]
_COUNT = re.compile(r"^\s*(\d+) (\w+)$", re.MULTILINE)  # of strace's table


def measure(folder: Path) -> dict[str, int]:
    """For a file in a folder, and for a mail with one attachment and a reply. Raises MissingProgram."""
    return {
        f"{kind}.{what}": figure
        for kind in ("file", "mail")
        for what, figure in of_one(kind, folder, _system_calls).items()
    }


def _system_calls(job: Job, folder: Path) -> dict[str, int]:
    counts = folder / "counts"
    run_once(job, [program("strace", "strace"), *_COUNTING, f"--output={counts}", COMMAND])
    found = {name: int(count) for count, name in _COUNT.findall(counts.read_text())}
    del found["total"]
    return {
        "files": sum(count for name, count in found.items() if name not in _SYNCED | _SENT),
        "synced": sum(found.get(name, 0) for name in _SYNCED),
        "sent": sum(found.get(name, 0) for name in _SENT),
    }


_COUNTING = [
    "--follow-forks",
    "--seccomp-bpf",  # the other calls cost nothing, then
    "--summary-only",
    "--summary-columns=calls,name",
    f"--trace={','.join(_TRACED)}",
]
