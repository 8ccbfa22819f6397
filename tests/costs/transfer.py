"""Kilobytes that are read and written for an attachment of 25 MB: how often its bytes go through the program.

Steady to 1 %: the journal writes more or less with how threads meet. Not seen is what `recv` and `send` move from
and to sockets, and what is copied in memory alone.
"""

from __future__ import annotations

import sys
from pathlib import Path

from tests.costs import counted
from tests.costs.jobs import Job, of_large, run_once


def measure(folder: Path) -> dict[str, float]:
    """For a file in a folder, and for a mail with one attachment and a reply. Raises MissingProgram."""
    return {
        f"{kind}.{what}": round(figure / 1024)
        for kind in ("file", "mail")
        for what, figure in of_large(kind, folder, _moved).items()
    }


def _moved(job: Job, folder: Path) -> dict[str, int]:
    counts = folder / "counts"
    run_once(job, [sys.executable, "-m", counted.__name__, counts])
    return counted.moved(counts)
