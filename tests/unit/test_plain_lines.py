"""Which command lines are understood without typer, and that every other one is left to it."""

from __future__ import annotations

from pathlib import Path

import pytest

from watcher.cli.plain import Asked, as_asked


@pytest.mark.parametrize(
    ("line", "asked"),
    [
        ("ready", Asked(command="ready", config=None, wait=None)),
        ("ready --wait 30s", Asked(command="ready", config=None, wait="30s")),
        ("--config a.yaml ready --wait=30s", Asked(command="ready", config=Path("a.yaml"), wait="30s")),
        ("-c a.yaml ready", Asked(command="ready", config=Path("a.yaml"), wait=None)),
        ("--config=a=b.yaml ready", Asked(command="ready", config=Path("a=b.yaml"), wait=None)),
        ("--config ready ready", Asked(command="ready", config=Path("ready"), wait=None)),
        ("run", Asked(command="run", config=None)),
        (
            "--config /etc/invoice-watcher/config.yaml run",
            Asked(command="run", config=Path("/etc/invoice-watcher/config.yaml")),
        ),
        ("--config run run", Asked(command="run", config=Path("run"))),
    ],
)
def test_a_plain_line_is_understood(line: str, asked: Asked) -> None:
    assert as_asked(line.split()) == asked


@pytest.mark.parametrize(
    "line",
    ["", "status", "ready --help", "ready now", "ready --wait", "--config", "--config ready", "--version ready",
     "ready --config a.yaml", "ready --wait 1s --wait 2s", "show ready",
     "run --once", "run --once --wait 1s", "run --wait 1s", "run --help", "run now", "--config run", "run ready",
     "ready run", "--version run", "run --config a.yaml"],
)  # fmt: skip
def test_what_is_another_command_or_wrong_is_left_to_typer(line: str) -> None:
    assert as_asked(line.split()) is None
