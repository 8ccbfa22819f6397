"""Runs cases: the contestants take turns, so that what slows the machine down for a while hits all of them."""

from __future__ import annotations

import gc
import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

from benchmarks.case import Case, Measured, Sample, Scale
from tests.support.servers.process import MissingProgram

Told = Callable[[str], None]


def run(case: Case, *, runs: int, quick: bool, told: Told) -> Measured:
    """All rounds of a case, each with a line to `told`; where a program is missing, that is the result."""
    began = datetime.now(UTC).isoformat(timespec="seconds")
    folder = Path(tempfile.mkdtemp(prefix=f"bench-{case.facts.name}-"))
    folder.chmod(0o755)  # servers run as somebody else
    _spread(folder)
    try:
        rounds = _rounds(case, Scale(quick=quick, folder=folder), 1 if quick else case.runs or runs, told)
    except MissingProgram as missing:
        return Measured(facts=case.facts, began=began, missing=str(missing))
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return Measured(facts=case.facts, began=began, rounds=rounds)


def _spread(folder: Path) -> None:
    """What is made in it lies far apart on the drive, so that nobody works where the one before has deleted files.

    Beside many that were deleted within minutes, an ext4 without a journal takes half a millisecond to make a file.
    """
    with suppress(FileNotFoundError):  # without chattr things are as they are, and so they are on other file systems
        subprocess.run(["chattr", "+T", folder], stderr=subprocess.DEVNULL, check=False)


def _rounds(case: Case, scale: Scale, runs: int, told: Told) -> tuple[Mapping[str, Sample], ...]:
    with case.contest(scale) as contestants:
        rounds = []
        for number in range(1, runs + 1):
            samples = {}
            for name, contestant in contestants.items():
                gc.collect()
                os.sync()  # what the one before has written is not the next one's to wait for
                samples[name] = contestant()
                told(f"  {number}/{runs} {name}: {_line(case, samples[name])}")
            rounds.append(samples)
        return tuple(rounds)


def _line(case: Case, sample: Sample) -> str:
    return ", ".join(
        f"{figure.name} {sample.values[figure.name]:.{figure.digits}f} {figure.unit}"
        for figure in case.facts.figures
        if figure.name in sample.values
    )
