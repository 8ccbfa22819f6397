"""What the command does with the terminals, pipes and locales that people and scripts give it."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.workplace import COMMAND, ZHANG, Workplace, pdf
from watcher.sandbox.endpoint import Endpoint

NAME = "打车\N{GRINNING FACE}é.pdf"


@pytest.fixture(scope="module")
def workplace(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workplace]:
    """Where one file has been answered."""
    with Endpoint() as endpoint:
        place = Workplace(tmp_path_factory.mktemp("terminal") / "work", endpoint).with_folder().write()
        place.drop(NAME, pdf("a"))
        assert place.command("run", "--once").returncode == 0
        yield place


def run(place: Workplace, *arguments: str | bytes, **options: Any) -> subprocess.CompletedProcess[bytes]:
    """The command as it is, with bytes in and out."""
    given = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "timeout": 60, **options}
    return subprocess.run([COMMAND, "--config", place.config_file, *arguments], check=False, **given)


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "gbk"])
def test_a_terminal_that_lacks_a_character_gets_the_rest_and_json_stays_json(
    workplace: Workplace, encoding: str
) -> None:
    environment = {**os.environ, "PYTHONIOENCODING": encoding}
    (submission,) = workplace.submissions("--search", "打车")

    listed = run(workplace, "list", env=environment)
    shown = run(workplace, "show", submission["id"], env=environment)
    told = run(workplace, "show", submission["id"], "--json", env=environment)

    assert (listed.returncode, shown.returncode, told.returncode) == (0, 0, 0), listed.stderr + told.stderr
    assert submission["id"].encode() in listed.stdout
    assert json.loads(told.stdout.decode(encoding)) == submission
    assert json.loads(run(workplace, "schema", env=environment).stdout.decode(encoding))


@pytest.mark.parametrize("option", ["--search", "--sender", "--source"])
def test_an_argument_that_is_no_text_is_a_wrong_command_line(workplace: Workplace, option: str) -> None:
    answer = run(workplace, "list", option, "打车".encode("gbk"))

    assert answer.returncode == 2
    assert option.encode() in answer.stderr
    assert b"Traceback" not in answer.stderr


def test_a_time_before_all_time_zones_is_no_traceback(workplace: Workplace) -> None:
    assert b"Traceback" not in run(workplace, "list", "--since", "0001-01-01").stderr


@pytest.mark.parametrize("command", ["list --json", "status", "schema", "run --once"])
def test_a_full_disk_under_the_output_is_a_failure_in_one_line(workplace: Workplace, command: str) -> None:
    with Path("/dev/full").open("wb") as full:
        answer = run(workplace, *command.split(), stdout=full)

    assert answer.returncode == 1
    assert b"No space left on device" in answer.stderr
    assert b"Traceback" not in answer.stderr
    assert b"Exception ignored" not in answer.stderr


@pytest.mark.parametrize("command", ["list --json", "status"])
def test_a_reader_that_has_gone_away_is_no_traceback(workplace: Workplace, command: str) -> None:
    reading, writing = os.pipe()
    os.close(reading)

    answer = run(workplace, *command.split(), stdout=writing)

    os.close(writing)
    assert answer.returncode == 1
    assert answer.stderr == b""


@pytest.mark.parametrize("closed", [">&-", "2>&-", "<&- >&- 2>&-"])
def test_a_closed_stream_changes_nothing_about_what_is_done(workplace: Workplace, closed: str) -> None:
    dropped = workplace.drop(f"{len(closed)}.pdf", pdf(closed))
    line = f'exec "$0" --config "$1" run --once {closed}'

    answer = subprocess.run(["/bin/sh", "-c", line, COMMAND, workplace.config_file], check=False, timeout=60)

    assert answer.returncode == 0
    assert not dropped.exists()
    assert (workplace.done / ZHANG / dropped.name).exists()
