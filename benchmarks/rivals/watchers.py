"""inotifywait from Debian, and a loop over scandir: both tell each file that they see, and look into none."""

from __future__ import annotations

import sys
from pathlib import Path

from benchmarks.rivals import scandir_loop
from tests.support.servers.process import program

ESTABLISHED = "Watches established"  # what inotifywait says when it is ready
_FORMAT = "%w%f"


def inotifywait(folder: Path) -> list[str]:
    events = ["--event", "close_write", "--event", "moved_to"]
    return [str(program("inotifywait", "inotify-tools")), "-m", "-r", *events, "--format", _FORMAT, str(folder)]


def scandir(folder: Path, pause: float) -> list[str]:
    return [sys.executable, scandir_loop.__file__, str(folder), str(pause)]
