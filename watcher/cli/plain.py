"""The command lines of health checks and of service units, which are understood without typer.

Typer would take most of the time of `ready`, and a twentieth of the daemon's start and of its memory. It is asked about
every line that is not exactly as it should be.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from watcher.cli.place import Place

_OPTIONS: dict[str, tuple[str, ...]] = {"ready": ("--wait",), "run": ()}


class Asked(NamedTuple):  # not a Struct: see watcher.presence
    """What a command line asks for. `wait` is of `ready` alone."""

    command: str
    config: Path | None
    wait: str | None = None

    @property
    def path(self) -> Path:
        """Raises ConfigurationError where there is none."""
        return Place(self.config).path


def as_asked(arguments: Sequence[str]) -> Asked | None:
    """The command line of a plain `ready` or `run`; None: it is another command, or one that typer has to explain."""
    given: dict[str, str] = {}
    rest = [part for each in arguments for part in (each.split("=", 1) if each.startswith("--") else [each])]
    expected: tuple[str, ...] = ("--config", "-c")
    command = None
    while rest:
        word = rest.pop(0)
        if word in _OPTIONS and command is None:
            expected, command = _OPTIONS[word], word
        elif word in expected and rest and word not in given:
            given[word] = rest.pop(0)
        else:
            return None
    if command is None:
        return None
    config = given.get("--config", given.get("-c"))
    return Asked(command=command, config=Path(config) if config is not None else None, wait=given.get("--wait"))
