"""A wall clock that a test sets, for processes of its own: what counts from the boot goes on as it does."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

from tests.support.servers.process import program

# libfaketime refuses every sleep that is told the end of it by the monotonic clock, as Python's are. And it takes the
# end of a wait for a condition by that clock for one of the wall clock, which was long ago: a thread that waits for the
# interpreter, which Python does for an interval at a time, spins, and the others come to nothing. An interval that ends
# after the wall clock's time is over when the interpreter is let go of.
_SITE = """\
import select, sys, time
time.sleep = lambda seconds: select.select([], [], [], seconds)
sys.setswitchinterval(4e9)
"""


class WallClock:
    """Told by libfaketime, which reads in a file by how much it is off, at each look."""

    def __init__(self, folder: Path) -> None:
        """Raises MissingProgram."""
        program("faketime", "faketime")
        (library,) = Path("/usr/lib").glob("*/faketime/libfaketime.so.1")
        self._file = folder / "ahead"
        folder.mkdir()
        (folder / "sitecustomize.py").write_text(_SITE, encoding="ascii")
        self.through = (
            "env",
            f"PYTHONPATH={folder}",
            f"LD_PRELOAD={library}",
            f"FAKETIME_TIMESTAMP_FILE={self._file}",
            "FAKETIME_DONT_FAKE_MONOTONIC=1",
            "FAKETIME_NO_CACHE=1",
        )
        self.set(timedelta(0))

    def set(self, ahead: timedelta) -> None:
        """Let it be so far ahead of the machine's, or behind it."""
        unfinished = self._file.with_name("ahead.new")
        unfinished.write_text(f"{ahead.total_seconds():+.0f}\n", encoding="ascii")
        unfinished.rename(self._file)
