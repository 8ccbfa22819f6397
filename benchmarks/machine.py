"""What the figures were measured on, and by which versions."""

from __future__ import annotations

import os
import platform
import re
import sqlite3
import subprocess
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path

_LIBRARIES = "imap-tools requests watchdog sqlalchemy opendal".split()
NOT_INSTALLED = "not installed"

_PROGRAMS = {
    "dovecot": ["dovecot", "--version"],
    "mbsync": ["mbsync", "--version"],
    "getmail6": ["getmail", "--version"],
    "inotify-tools": ["inotifywait", "--help"],
    "postgresql": ["pg_config", "--version"],
}


def describe() -> Mapping[str, str]:
    """Names and words for all of it; a program that is not there says so."""
    libraries = {name: version(name) for name in _LIBRARIES}
    programs = {name: _version(command) for name, command in _PROGRAMS.items()}
    return {
        "cores": str(len(os.sched_getaffinity(0))),
        "processor": _processor(),
        "memory": f"{os.sysconf('SC_PAGE_SIZE') * os.sysconf('SC_PHYS_PAGES') / 2**30:.0f} GiB",
        "kernel": f"{platform.system()} {platform.release()}",
        "Python": platform.python_version(),
        "SQLite": sqlite3.sqlite_version,
        **libraries,
        **programs,
    }


def _processor() -> str:
    found = re.search(r"^model name\s*:\s*(.+)$", Path("/proc/cpuinfo").read_text(), re.MULTILINE)
    return found[1] if found else platform.machine()


def _version(command: list[str]) -> str:
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    except FileNotFoundError:
        return NOT_INSTALLED
    found = re.search(r"\d+(?:\.\d+)+", done.stdout + done.stderr)
    return found[0] if found else "of an unknown version"
