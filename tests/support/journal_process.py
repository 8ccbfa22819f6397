"""Another process that has a journal open, does what a test says, and may be stopped or killed at any time."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]

# Each line that comes in is done and confirmed, so that a test knows how far the process has come.
HOLDER = """
import sys
from tests.support.journals import *
from watcher.journal.opening import open_journal
journal = open_journal(sys.argv[1], exclusive=sys.argv[2] == "exclusive")
print("open", flush=True)
for line in sys.stdin:
    print(eval(line), flush=True)
"""


class Other:
    """Another process that has the journal open."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process

    def does(self, expression: str) -> str:
        self.begins(expression)
        return self.says()

    def begins(self, expression: str) -> None:
        """Let it do something without waiting for that."""
        assert self._process.stdin is not None
        self._process.stdin.write(expression + "\n")
        self._process.stdin.flush()

    def says(self) -> str:
        assert self._process.stdout is not None
        return self._process.stdout.readline().strip()

    def freeze(self) -> None:
        self._process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        self._process.send_signal(signal.SIGCONT)

    def kill(self) -> None:
        self._process.send_signal(signal.SIGKILL)
        self._process.wait(10)


@contextmanager
def other_process(url: str, how: str) -> Iterator[Other]:
    process = subprocess.Popen(
        [sys.executable, "-c", HOLDER, url, how],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    try:
        assert process.stdout is not None
        assert process.stdout.readline() == "open\n"
        yield Other(process)
    finally:
        process.kill()
        process.communicate()
