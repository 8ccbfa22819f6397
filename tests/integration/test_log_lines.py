"""What the log writes when it cannot write."""

from __future__ import annotations

import subprocess
import sys

PROGRAM = """
import logging
from watcher.config.sections import Log
from watcher.logs import set_up
from watcher.secrecy import KnownSecrets
set_up(Log(), KnownSecrets())
logging.getLogger("watcher.anything").info("%d", "hunter2-hunter2")
logging.getLogger("watcher.anything").info("Well.")
"""


def test_a_line_that_cannot_be_formatted_is_told_without_its_values_and_the_next_one_is_written() -> None:
    done = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=True)

    told, well = done.stderr.splitlines()
    assert told == "A line of watcher.anything could not be written: TypeError"
    assert well.endswith("INFO Well.")
