"""The units as systemd reads them: what they close, and that they fit the daemon."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.support.servers.process import program
from tests.support.workplace import COMMAND
from watcher.config.sections import Recognition

SYSTEMD = Path(__file__).resolve().parents[2] / "systemd"
UNIT = SYSTEMD / "invoice-watcher.service"
TEMPLATE = SYSTEMD / "invoice-watcher@.service"
SHARED_FOLDERS = SYSTEMD / "shared-folders.conf"
ONE_CORE = SYSTEMD / "one-core.conf"
MOST_EXPOSURE = 1.2


@pytest.fixture(scope="session")
def analyze() -> Path:
    return program("systemd-analyze", "systemd")


def settings(text: str) -> Mapping[str, list[str]]:
    """Every setting of a unit with its values, whatever its section."""
    found: dict[str, list[str]] = {}
    for key, value in re.findall(r"(?m)^(\w+)=(.*)$", text):
        found.setdefault(key, []).append(value)
    return found


@pytest.fixture(scope="session")
def unit() -> Mapping[str, list[str]]:
    return settings(UNIT.read_text(encoding="utf-8"))


def test_the_unit_waits_for_the_message_and_gives_a_wrong_configuration_no_second_try(
    unit: Mapping[str, list[str]],
) -> None:
    assert unit["Type"] == ["notify"]  # notify-reload is unknown to systemd 252
    assert unit["RestartPreventExitStatus"] == ["78"]
    assert unit["Restart"] == ["always"]


def test_the_unit_lets_requests_that_were_sent_end(unit: Mapping[str, list[str]]) -> None:
    fields = Recognition.model_fields
    longest = (fields["connect_timeout"].default + fields["timeout"].default).total_seconds()
    assert int(unit["TimeoutStopSec"][0].removesuffix("s")) >= longest + 60
    # and so does the watchdog, whose signal begins the same stop
    assert unit["WatchdogSignal"] == ["SIGTERM"]
    assert "TimeoutAbortSec" not in unit


@pytest.mark.parametrize("path", [UNIT, TEMPLATE], ids=lambda path: path.name)
def test_little_is_exposed(analyze: Path, path: Path) -> None:
    said = subprocess.run(
        [analyze, "security", "--offline=true", "--no-pager", path],
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    ).stdout
    exposure = re.search(r"Overall exposure level for \S+: ([\d.]+)", said)
    assert exposure
    assert float(exposure[1]) <= MOST_EXPOSURE, said


@pytest.mark.parametrize("drop_in", [None, SHARED_FOLDERS, ONE_CORE], ids=["alone", "shared folders", "one core"])
@pytest.mark.parametrize("path", [UNIT, TEMPLATE], ids=lambda path: path.name)
def test_systemd_finds_no_fault(analyze: Path, tmp_path: Path, path: Path, drop_in: Path | None) -> None:
    text = path.read_text(encoding="utf-8").replace("/opt/invoice-watcher/bin/invoice-watcher", str(COMMAND))
    installed = tmp_path / path.name.replace("@", "@branch")
    installed.write_text(text, encoding="utf-8")
    if drop_in is not None:
        (tmp_path / f"{installed.name}.d").mkdir()
        (tmp_path / f"{installed.name}.d" / drop_in.name).write_bytes(drop_in.read_bytes())
    verified = subprocess.run([analyze, "verify", installed], capture_output=True, text=True, timeout=60, check=False)
    assert (verified.returncode, verified.stderr) == (0, "")


def test_the_template_is_the_unit_but_for_the_instance_s_name() -> None:
    own = {
        "(%i)": "",
        "/etc/invoice-watcher/%i.yaml": "/etc/invoice-watcher/config.yaml",
        "StateDirectory=invoice-watcher/%i": "StateDirectory=invoice-watcher",
    }
    text = _body(TEMPLATE)
    for instance, alone in own.items():
        assert instance in text
        text = text.replace(instance, alone)
    assert text.replace("and answers \n", "and answers\n") == _body(UNIT)


def _body(path: Path) -> str:
    return path.read_text(encoding="utf-8").partition("[Unit]")[2]


def test_the_drop_in_for_newer_systemd_keeps_what_the_unit_does_at_a_reload(unit: Mapping[str, list[str]]) -> None:
    newer = settings((SYSTEMD / "newer-systemd.conf").read_text(encoding="utf-8"))
    assert newer["Type"] == ["notify-reload"]
    # systemd sends the signal itself; a wrong configuration makes the reload fail all the same
    assert newer["ExecReload"] == ["", *unit["ExecReload"][:-1]]
