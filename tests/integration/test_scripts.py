"""What is not Python is looked through by the programs that are made for it."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.servers.process import program

PROJECT = Path(__file__).resolve().parents[2]
SCRIPTS = ("install.sh", "systemd/command.sh", "tests/install-servers", ".ci/run")


def test_the_shell_scripts_have_no_known_mistake() -> None:
    command = [str(program("shellcheck", "shellcheck")), "--format=gcc", *SCRIPTS]
    done = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, check=False, timeout=60)
    assert (done.stdout + done.stderr, done.returncode) == ("", 0)


def test_the_image_is_built_as_the_advice_for_images_goes() -> None:
    hadolint = shutil.which("hadolint", path=f"{Path(sys.executable).parent}:{os.environ['PATH']}")
    if hadolint is None:
        pytest.skip("hadolint is missing: there is no wheel of it for this processor")
    done = subprocess.run(
        [hadolint, "Dockerfile"], cwd=PROJECT, capture_output=True, text=True, check=False, timeout=60
    )
    assert (done.stdout + done.stderr, done.returncode) == ("", 0)


def test_the_image_gets_all_that_it_is_built_of_and_nothing_else() -> None:
    dockerfile = (PROJECT / "Dockerfile").read_text(encoding="utf-8")
    copied = [
        name for line in re.findall(r"^COPY (?!--from)(.*)$", dockerfile, re.MULTILINE) for name in line.split()[:-1]
    ]
    let_through = re.findall(r"^!(.*)$", (PROJECT / ".dockerignore").read_text(encoding="utf-8"), re.MULTILINE)
    assert sorted(copied) == sorted(let_through)
    assert [name for name in copied if not (PROJECT / name).exists()] == []
