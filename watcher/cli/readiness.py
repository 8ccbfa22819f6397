"""`ready`: whether the daemon of this configuration is at work.

Health checks ask every few seconds, for years: so it imports little.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path

from watcher.durations import parse_duration
from watcher.errors import UsageError
from watcher.presence import NoAnswer, ask

EXIT_READY = 0
EXIT_NOT_READY = 1
_WAIT = "30s"  # where nothing is said
_AGAIN_SECONDS = 0.2
_ANSWER_SECONDS = 5.0


def ready(path: Path, wait: str | None) -> int:
    """The exit status; what is missing goes to standard error. Raises UsageError for a time that is none."""
    try:
        seconds = parse_duration(_WAIT if wait is None else wait).total_seconds()
    except ValueError as error:
        raise UsageError(f"--wait: {error}") from error
    ends_at = time.monotonic() + seconds
    while missing := _missing(path):
        left = ends_at - time.monotonic()
        if left <= 0:
            print(f"invoice-watcher: not ready: {missing}", file=sys.stderr)  # noqa: T201
            return EXIT_NOT_READY
        time.sleep(min(left, _AGAIN_SECONDS))
    return EXIT_READY


def _missing(path: Path) -> str:
    """Why it is not ready, in one line; empty: it is."""
    try:
        told = ask(path, _ANSWER_SECONDS)
    except NoAnswer as error:
        return str(error)
    if told.get("ready") is True:
        return ""
    missing = told.get("missing")
    return "; ".join(_printable(str(each)) for each in missing) if isinstance(missing, list) else "it says no more"


def _printable(said: str) -> str:
    """One line, whatever a database is quoted with. `headers.clean` does more, and takes longer to import."""
    return "".join(character if character.isprintable() else " " for character in said)[:300]
