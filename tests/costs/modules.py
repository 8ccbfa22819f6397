"""Modules that a start loads: each costs time and memory, and most come with a library that nobody needs yet.

Exact, and the same on every machine. Not seen is how much a module does when it is loaded.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.costs.jobs import company

_REPORT = "PYTHONPROFILEIMPORTTIME"
_IMPORTED = re.compile(r"^import time: .*\| +([\w.]+)$", re.MULTILINE)
_COMMANDS = ("--help", "list", "status", "check --offline", "ready")


def measure(folder: Path) -> dict[str, float]:
    """For a daemon that gets ready on an empty folder, and for commands beside it."""
    with company("file", folder / "company") as job, _reported():
        workplace = job.workplace.write()
        with workplace.daemon() as daemon:
            found: dict[str, float] = {"run": _loaded(daemon.said().partition("The daemon is ready")[0])}
            for command in _COMMANDS:
                answer = workplace.command_anew(*command.split())
                assert answer.returncode == 0, answer.stderr
                found[command.split()[0].strip("-")] = _loaded(answer.stderr)
    return found


def _loaded(report: str) -> int:
    return len(set(_IMPORTED.findall(report)))


@contextmanager
def _reported() -> Iterator[None]:
    """What is started meanwhile says what it loads."""
    os.environ[_REPORT] = "1"
    try:
        yield
    finally:
        del os.environ[_REPORT]
