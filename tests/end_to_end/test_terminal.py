"""What the command does with the terminals, pipes and locales that people and scripts give it."""

from __future__ import annotations

import json
import os
import pty
import re
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


def test_the_line_that_shows_progress_and_the_log_stay_out_of_each_others_way(
    tmp_path: Path, endpoint: Endpoint
) -> None:
    place = Workplace(tmp_path, endpoint).with_folder().write()
    endpoint.behave(latency=0.7)
    for number in range(3):
        place.drop(f"{number}.pdf", pdf(str(number)))
    reading, terminal = pty.openpty()

    answer = run(place, "run", "--once", stderr=terminal, env={**os.environ, "TERM": "xterm-256color"})

    os.close(terminal)
    shown = re.split(r"[\r\n]+", _all_of(reading))
    assert answer.returncode == 0
    assert any("pending" in line for line in shown)
    assert "Looking" in shown[0]  # before anything is logged: a line that is logged first would not clear it
    told = [line for line in shown if "INFO" in line]
    assert len(told) >= 6
    assert not [line for line in told if "pending" in line or "Looking" in line]


def _all_of(terminal: int) -> str:
    """What was written to a terminal whose other end is closed."""
    said = b""
    try:
        while part := os.read(terminal, 65536):
            said += part
    except OSError:  # Linux ends a terminal so
        pass
    os.close(terminal)
    return said.decode()


def test_a_pipe_gets_each_row_of_a_list_on_one_line(workplace: Workplace) -> None:
    name = "滴滴出行电子发票及行程报销单" * 4
    workplace.drop(f"{name}.pdf", pdf(name))
    run(workplace, "run", "--once")

    listed = run(workplace, "list", "--search", "滴滴出行").stdout.decode()

    (row,) = listed.splitlines()[1:]
    assert f"{name}"[:40] in row
    assert "1 done" in row


def test_a_configuration_that_may_not_be_read_is_a_wrong_configuration(workplace: Workplace, tmp_path: Path) -> None:
    secret = tmp_path / "config.yaml"
    secret.write_bytes(workplace.config_file.read_bytes())
    secret.chmod(0)
    if os.access(secret, os.R_OK):
        pytest.skip("root may read everything")

    answer = subprocess.run([COMMAND, "--config", secret, "status"], capture_output=True, check=False, timeout=60)

    assert answer.returncode == 78
    assert answer.stderr.decode() == f"{secret}: the file cannot be read: Permission denied\n"


def test_waiting_without_once_is_a_wrong_command_line(workplace: Workplace) -> None:
    answer = run(workplace, "run", "--wait", "5s")

    assert answer.returncode == 2
    assert b"--once" in answer.stderr


def test_retry_says_what_follows_for_each_submission_once(tmp_path: Path, endpoint: Endpoint) -> None:
    place = Workplace(tmp_path, endpoint).with_folder().write()
    place.drop("good.pdf", pdf("good"))
    place.command("run", "--once")
    endpoint.behave(res_code=300042, times=1)
    place.drop("bad.pdf", pdf("bad"))
    place.command("run", "--once")
    bad, good = (submission["id"] for submission in place.submissions())

    answer = place.command("retry", bad, bad[:10], good)
    again = place.command("retry", bad)

    assert answer.stdout.splitlines() == [
        f"{bad}: 1 document is posted again, then it is answered again",
        f"{good}: no document is posted again; it is answered again",
    ]
    assert again.stdout.splitlines() == [f"{bad}: still at work; nothing to repeat"]


def test_the_log_of_the_sandbox_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    line: list[str | Path] = [COMMAND, "sandbox", "--port", "0", "--log", tmp_path / "missing" / "log"]

    answer = subprocess.run(line, capture_output=True, text=True, check=False, timeout=60)

    assert answer.returncode == 1
    assert "missing/log" in answer.stderr
    assert "port" not in answer.stderr
