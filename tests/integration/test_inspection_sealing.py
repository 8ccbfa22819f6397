"""What is left to a child that was taken over: hardly anything."""

from __future__ import annotations

import subprocess
import sys

import pytest

_SEALED = """
import os, resource, signal, socket, subprocess, sys, threading
import ctypes
from watcher.documents.inspection.sealing import seal
ctypes.CDLL(None).prctl(38, 1, 0, 0, 0)
own = os.memfd_create("own")
sealed = seal()
try:
    {attempt}
except (OSError, RuntimeError, ValueError):
    os.write(1, b"refused" if sealed else b"no filter")
else:
    os.write(1, b"done" if sealed else b"no filter")
"""


def _attempted(attempt: str) -> str:
    code = _SEALED.format(attempt=attempt)
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, timeout=30, check=False)
    answer = done.stdout.decode()
    if answer == "no filter":
        pytest.skip("this kernel has no filters of system calls")
    return answer


@pytest.mark.parametrize(
    "attempt",
    [
        "open('/etc/passwd')",
        "os.listdir('/')",
        "os.unlink('/nowhere')",
        "socket.socket(socket.AF_INET)",
        "socket.socket(socket.AF_UNIX)",
        "os.fork()",
        "os.execv('/bin/true', ['true'])",
        "os.kill(os.getppid(), 0)",
        "threading.Thread(target=print).start()",
        "resource.setrlimit(resource.RLIMIT_CORE, (0, 0))",
    ],
)
def test_a_sealed_process_reaches_nothing(attempt: str) -> None:
    assert _attempted(attempt) == "refused"


@pytest.mark.parametrize("attempt", ["os.write(own, b'x')", "bytearray(50_000_000)", "os.memfd_create('part')"])
def test_a_sealed_process_can_still_work(attempt: str) -> None:
    assert _attempted(attempt) == "done"


def test_the_child_loads_nothing_of_the_daemon() -> None:
    code = (
        "import sys, watcher.documents.inspection.child\n"
        "print(*[name for name in sys.modules if name.startswith('watcher.')])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=30)
    parts = {name.split(".")[1] for name in done.stdout.split()}
    assert parts <= {"documents", "errors", "headers", "model", "seen", "spool"}
