"""What was measured, as JSON: the machine, every sample, and what the figures come to."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter

from benchmarks.case import Measured
from benchmarks.figures import contestants, figure_of, verdicts


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """What the command measured. `machine` says on what, and the versions of all that took part.

    `quick` is a record of small sizes, whose figures say nothing.
    """

    machine: Mapping[str, str]
    cases: tuple[Measured, ...]
    quick: bool = False


_RECORD = TypeAdapter(Record)


def from_text(text: str) -> Record:
    """Raises ValueError where it is no record."""
    return _RECORD.validate_json(text)


def to_text(record: Record) -> str:
    """JSON, with what the figures come to."""
    return f"{json.dumps(_as_json(record), ensure_ascii=False, indent=1)}\n"


def read(path: Path) -> Record:
    """Raises ValueError where it is no record, OSError where there is none."""
    return from_text(path.read_text(encoding="utf-8"))


def write(record: Record, path: Path) -> None:
    """Whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(f"{path.name}.new")
    beside.write_text(to_text(record), encoding="utf-8")
    beside.replace(path)


def _as_json(record: Record) -> dict[str, Any]:
    """With the figures that people look for, which are left out when it is read again."""
    cases = [asdict(measured) | {"figured": _figured(measured)} for measured in record.cases]
    return {"machine": dict(record.machine), "quick": record.quick, "cases": cases}


def _figured(measured: Measured) -> dict[str, Any]:
    found = {
        contestant: {
            figure.name: asdict(spread)
            for figure in measured.facts.figures
            if (spread := figure_of(measured, contestant, figure.name)) is not None
        }
        for contestant in contestants(measured)
    }
    judged = [asdict(verdict.of) | asdict(verdict.spread) | {"met": verdict.met} for verdict in verdicts(measured)]
    return {"contestants": found, "verdicts": judged}


def merged(before: Record, now: Record) -> Record:
    """What was run now, in place of the same cases before; the others stay.

    Raises ValueError where they cannot stand beside each other.
    """
    if before.machine != now.machine:
        raise ValueError("the figures that are there were measured on another machine, or with other versions")
    if before.quick != now.quick:
        raise ValueError("the figures of a quick run do not stand beside others")
    return Record(machine=now.machine, cases=tuple(_in_place(before.cases, now.cases)), quick=now.quick)


def _in_place(before: Iterable[Measured], now: Iterable[Measured]) -> Iterable[Measured]:
    anew = {measured.facts.name: measured for measured in now}
    for measured in before:
        yield anew.pop(measured.facts.name, measured)
    yield from anew.values()
