"""What is asked of the kernel for one document: of the company's files, to be on disk (fsync), and sent to servers.

A mail's `sent` are the commands of IMAP, SMTP and HTTP, each a round trip. All are exact to a tenth. Left out is what
depends on chance: who waits for whom (futex, poll), how many threads post and so connect, how SQLite joins the
transactions of several threads (pwrite64, fdatasync) and how many connections to the journal are opened for that.
Statements and transactions are counted by themselves, bytes in `transfer`.
"""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

from tests.costs.jobs import Job, of_one, run_once
from tests.support.servers.process import program
from tests.support.workplace import COMMAND

_KINDS = {"fsync": "synced"} | dict.fromkeys(("sendto", "sendmsg"), "sent")  # the others are of files
_STRACE = [
    "--follow-forks",
    "--seccomp-bpf",  # the other calls cost nothing, then
    "--decode-fds=path",
    "--string-limit=4096",
    f"--trace=%file,close,lseek,{','.join(_KINDS)}",
]
_CALL = re.compile(r"^\d+ +(\w+)\((.*)$", re.MULTILINE)  # with its arguments; what was interrupted counts once
_PATH = re.compile(r'[<"](/[^">]*)')  # as an argument, or of an open file


def measure(folder: Path) -> dict[str, float]:
    """For a file in a folder, and for a mail with one attachment and a reply. Raises MissingProgram."""
    return {
        f"{kind}.{what}": round(figure, 1)
        for kind in ("file", "mail")
        for what, figure in of_one(kind, folder, _system_calls).items()
    }


def _system_calls(job: Job, folder: Path) -> dict[str, int]:
    log = folder / "strace.log"
    run_once(job, [program("strace", "strace"), *_STRACE, f"--output={log}", COMMAND])
    calls = _CALL.findall(log.read_text(errors="replace"))
    counts = Counter(
        _KINDS.get(name, "files") for name, arguments in calls if _is_counted(arguments, job.workplace.root)
    )
    return {kind: counts[kind] for kind in ("files", *dict.fromkeys(_KINDS.values()))}


def _is_counted(arguments: str, root: Path) -> bool:
    """Not so: what is about the journal, the program's own files, or the folders that the company happens to lie in."""
    paths = _PATH.findall(arguments)
    ours = re.compile(rf"{re.escape(str(root))}/|/proc/(self|\d+)/")
    return "journal.db" not in arguments and (not paths or any(map(ours.match, paths)))
