"""This machine and process: limits, temporary files, and who runs the check."""

from __future__ import annotations

import os
import platform
import resource
import sqlite3
import tempfile
from collections.abc import Iterator
from importlib.metadata import version

from watcher.config.sections import Configuration
from watcher.findings import About
from watcher.model import Finding
from watcher.mounts import in_bytes

_ABOUT = About("system")
# Descriptors: what a daemon has open anyway, and for each source, each upload under way and each request.
_ANYWAY, _OF_A_SOURCE, _OF_A_REQUEST = 64, 40, 3
_SUBMISSIONS_IN_HAND = 8  # what one source unpacks at a time, each as large as may be


def machine_findings(configuration: Configuration) -> list[Finding]:
    """What is worth a warning, after one line that names the versions."""
    versions = f"invoice-watcher {version('invoice-watcher')}, Python {platform.python_version()}"
    told = _ABOUT.well(f"{versions}, SQLite {sqlite3.sqlite_version}, Linux {platform.release()}")
    return [told, *_open_files(configuration), *_temporary(configuration)]


def _open_files(configuration: Configuration) -> Iterator[Finding]:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = _ANYWAY + _OF_A_SOURCE * len(configuration.sources) + _OF_A_REQUEST * configuration.recognition.concurrency
    if soft != resource.RLIM_INFINITY and soft < wanted:
        yield _ABOUT.note(
            f"a process may have {soft} files open here (at most {hard}), and this configuration may need {wanted}",
            f"write LimitNOFILE={max(4096, wanted)} into the service's unit, or lower recognition.concurrency",
        )


def _temporary(configuration: Configuration) -> Iterator[Finding]:
    """Large documents are kept in unnamed temporary files while they are looked into."""
    wanted = _SUBMISSIONS_IN_HAND * configuration.limits.submission
    try:
        place = tempfile.gettempdir()
        disk = os.statvfs(place)
    except OSError as error:
        reason = error.strerror or type(error).__name__
        yield _ABOUT.wrong(f"there is no place for temporary files ({reason})", "set TMPDIR to a folder with room")
        return
    free = disk.f_bavail * disk.f_frsize
    if free < wanted:
        yield _ABOUT.note(
            f"{place} has {in_bytes(free)} for temporary files, and large mails may need {in_bytes(wanted)}",
            "make room there, or set TMPDIR to a folder on a larger disk",
        )
