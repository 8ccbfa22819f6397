"""All that is measured, by name."""

from __future__ import annotations

import compileall
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import watcher
from tests.costs import calls, memory, modules, system_calls, transfer


@dataclass(frozen=True, slots=True, kw_only=True)
class Measure:
    """`of` measures in an empty folder; it gives a figure in `unit` for each thing measured. Raises MissingProgram."""

    unit: str
    of: Callable[[Path], dict[str, float]]


MEASURES = {
    "calls": Measure(unit="calls of functions for one document", of=calls.measure),
    "system_calls": Measure(unit="system calls for one document", of=system_calls.measure),
    "modules": Measure(unit="modules loaded", of=modules.measure),
    "memory": Measure(unit="kB", of=memory.measure),
    "transfer": Measure(unit="kB for 25 MB", of=transfer.measure),
}


def measured(name: str, folder: Path) -> dict[str, float]:
    """The figures of a measure, taken in an empty folder. Raises MissingProgram.

    The package is compiled before: whoever starts it first in a fresh clone does that, which is no cost of its own.
    """
    compileall.compile_dir(str(Path(watcher.__file__).parent), quiet=2)
    return MEASURES[name].of(folder)
