"""What becomes of a test whose server is not installed."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

PROJECT = Path(__file__).resolve().parents[2]

TESTS = """
import pytest
from tests.support.servers.process import program

@pytest.fixture(scope="session")
def server():
    program("no-such-server", "no-such-package")

def test_first(server): ...
def test_second(server): ...
def test_that_starts_it_itself(): program("no-such-server", "no-such-package")
"""


def _run(folder: Path, environment: dict[str, str]) -> str:
    (folder / "test_it.py").write_text(TESTS)
    (folder / "pytest.ini").write_text("[pytest]\n")
    command = [sys.executable, "-m", "pytest", "-rsfE", "-p", "no:cacheprovider", "-p", "tests.conftest", str(folder)]
    return subprocess.run(
        command, cwd=PROJECT, env=environment, capture_output=True, text=True, check=False, timeout=120
    ).stdout


@pytest.mark.parametrize(("ci", "verdict"), [("", "3 skipped in"), ("true", "1 failed, 2 errors in")])
def test_it_is_skipped_with_the_name_of_the_package_but_fails_in_ci(tmp_path: Path, ci: str, verdict: str) -> None:
    said = _run(tmp_path, os.environ | {"CI": ci})

    assert verdict in said
    assert "no-such-server is missing: apt-get install no-such-package" in said
