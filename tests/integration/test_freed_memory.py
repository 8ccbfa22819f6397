"""What the C library does with memory that is free again: by page faults, and by how many arenas there are."""

from __future__ import annotations

import os
import platform
import re
import subprocess
import sys

import pytest

pytestmark = pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="another libc has its own ways")

# In a thread, as mails are taken in: 16 are in memory together, encoded and decoded, and 160 come after the first.
_MAILS = """
import resource, threading
from watcher.service.memory import keep_what_is_freed

def mails():
    encoded = [bytes(137_000) for _ in range(16)]
    return [each + b"." for each in encoded]

def work():
    mails()
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    for _ in range(10):
        mails()
    print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)

keep_what_is_freed()
thread = threading.Thread(target=work)
thread.start()
thread.join()
"""
# Eight threads at the same time, each with an arena of its own where there may be so many.
_THREADS = """
import ctypes, threading
from watcher.service.memory import keep_what_is_freed

def work():
    kept = [bytes(100_000) for _ in range(16)]
    together.wait()

keep_what_is_freed()
together = threading.Barrier(8)
threads = [threading.Thread(target=work) for _ in range(8)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
ctypes.CDLL(None).malloc_stats()  # to standard error
"""
_PAGES = 160 * 2 * 137_000 // os.sysconf("SC_PAGE_SIZE")  # that those mails need


def _ran(program: str, **environment: str) -> subprocess.CompletedProcess[str]:
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("MALLOC_", "GLIBC_"))}
    command = [sys.executable, "-c", program]
    return subprocess.run(command, env=clean | environment, capture_output=True, check=True, text=True, timeout=60)


def _faults(**environment: str) -> int:
    """While the mails came."""
    return int(_ran(_MAILS, **environment).stdout)


def _arenas(**environment: str) -> int:
    """That the threads have made."""
    return len(re.findall(r"^Arena \d+:$", _ran(_THREADS, **environment).stderr, re.MULTILINE))


def test_a_mail_uses_the_memory_of_the_one_before() -> None:
    assert _faults() < _PAGES / 20


def test_threads_share_what_is_kept() -> None:
    assert _arenas() == 1
    assert _arenas(MALLOC_ARENA_MAX="8") == 8


def test_what_an_administrator_has_set_is_kept_to() -> None:
    assert _faults(MALLOC_TRIM_THRESHOLD_="131072") > _PAGES / 2
