"""When a command looks for garbage in cycles, and at how much of what it has loaded."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.workplace import Workplace, environment
from watcher.sandbox.endpoint import Endpoint

# The command, with a line on standard error for each look: at how many things.
_TOLD = """
import gc, os, sys

def tell(phase, info):
    if phase == "start":
        os.write(2, f"looked {sum(map(len, map(gc.get_objects, range(info['generation'] + 1))))}\\n".encode())

gc.callbacks.append(tell)
sys.argv[0] = "invoice-watcher"
from watcher.__main__ import main
main()
"""
_LOADED = 50_000  # less than any of these commands loads


def _looks(workplace: Workplace, *arguments: str) -> list[int]:
    command = [sys.executable, "-c", _TOLD, "--config", str(workplace.config_file), *arguments]
    done = subprocess.run(command, env=environment(), capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    return [int(line.split()[1]) for line in done.stderr.splitlines() if line.startswith("looked ")]


@pytest.mark.parametrize("arguments", [["run", "--once"], ["list"], ["status"], ["check", "--offline"]], ids=" ".join)
def test_what_is_loaded_is_not_looked_through_for_garbage(tmp_path: Path, arguments: list[str]) -> None:
    with Endpoint() as endpoint:
        workplace = Workplace(tmp_path, endpoint).with_folder()
        workplace.write()
        assert workplace.command("run", "--once").returncode == 0  # there is a journal

        assert [look for look in _looks(workplace, *arguments) if look > _LOADED] == []


def test_what_comes_later_is_looked_through_as_ever() -> None:
    program = """
import gc, json
from watcher.garbage import look_at_what_is_new, look_seldom
usual = gc.get_threshold()
look_seldom()
seldom = gc.get_threshold()
look_at_what_is_new()
class Cycle:
    def __init__(self): self.itself = self
loaded = gc.get_freeze_count()
for _ in range(100_000): Cycle()
print(json.dumps([usual, seldom, gc.get_threshold(), loaded, sum(isinstance(one, Cycle) for one in gc.get_objects())]))
"""
    said = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout
    usual, seldom, then, loaded, left = json.loads(said)
    assert seldom[0] > 10 * usual[0]
    assert then == usual
    assert loaded > 1000
    assert left < 2 * usual[0]
