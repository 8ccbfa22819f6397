"""Functions called for one document, in Python and in C: what the interpreter has to do, as steady as a count can be.

Those of all threads but the first, which only waits in a daemon. Over ten runs beside much other work the figures
differed by less than 1 %. Not seen is what one function in C does by itself, as a query that reads every row.
Instructions (callgrind) would show that, but they differ by 6 %, and a start alone takes a minute of CPU then.
"""

from __future__ import annotations

import sys
from pathlib import Path

from tests.costs import counted
from tests.costs.jobs import Job, of_one, run_once


def measure(folder: Path) -> dict[str, float]:
    """For a file in a folder, and for a mail with one attachment and a reply. Raises MissingProgram."""
    return {kind: round(of_one(kind, folder, _calls)["calls"]) for kind in ("file", "mail")}


def _calls(job: Job, folder: Path) -> dict[str, int]:
    counts = folder / "counts"
    run_once(job, [sys.executable, "-m", counted.__name__, counts])
    return {"calls": counted.calls(counts)}
