"""What was measured, as JSON: the machine, every sample, and what the figures come to."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter

from benchmarks.case import Measured
from benchmarks.figures import Spread, compared, contestants, figure_of, verdicts
from benchmarks.machine import NOT_INSTALLED


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
    """JSON, with what the figures come to; a line for each round, numbers to five digits."""
    head = {"machine": dict(record.machine), "quick": record.quick}
    return f"{_lines(head, cases=_list(map(_case, record.cases)))}\n"


def _case(measured: Measured) -> str:
    head = {"facts": asdict(measured.facts), "began": measured.began, "missing": measured.missing}
    rounds = [_dumped({name: asdict(sample) for name, sample in each.items()}) for each in measured.rounds]
    # What is figured is for people: it is made anew when it is read.
    return _lines(head, rounds=_list(rounds), figured=_dumped(_figured(measured)))


def _lines(head: Mapping[str, Any], **dumped: str) -> str:
    """An object with a line for each key; some of its values are JSON already."""
    values = {key: _dumped(value) for key, value in head.items()} | dumped
    return "{" + ",\n".join(f'"{key}": {value}' for key, value in values.items()) + "}"


def _list(dumped: Iterable[str]) -> str:
    return "[\n" + ",\n".join(dumped) + "\n]"


def _dumped(value: Any) -> str:
    return json.dumps(_rounded(value), ensure_ascii=False)


def _rounded(value: Any) -> Any:
    """With no more digits than were measured."""
    if isinstance(value, Mapping):
        return {key: _rounded(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_rounded(each) for each in value]
    return float(f"{value:.5g}") if isinstance(value, float) else value


def read(path: Path) -> Record:
    """Raises ValueError where it is no record, OSError where there is none."""
    return from_text(path.read_text(encoding="utf-8"))


def write(record: Record, path: Path) -> None:
    """Whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(f"{path.name}.new")
    beside.write_text(to_text(record), encoding="utf-8")
    beside.replace(path)


def _figured(measured: Measured) -> dict[str, Any]:
    """Each spread as [least, median, most]."""
    found = {
        contestant: {
            figure.name: _triple(spread)
            for figure in measured.facts.figures
            if (spread := figure_of(measured, contestant, figure.name)) is not None
        }
        for contestant in contestants(measured)
    }
    judged = {compared(verdict): [*_triple(verdict.spread), verdict.met] for verdict in verdicts(measured)}
    return {"contestants": found, "verdicts": judged}


def _triple(spread: Spread) -> list[float]:
    return [spread.least, spread.median, spread.most]


def merged(before: Record, now: Record) -> Record:
    """What was run now, in place of the same cases before; the others stay.

    Raises ValueError where they cannot stand beside each other. A program that has been installed since is no obstacle:
    nothing was measured of it before.
    """
    was_there = {name: words for name, words in before.machine.items() if words != NOT_INSTALLED}
    if was_there.items() - now.machine.items() or before.machine.keys() != now.machine.keys():
        raise ValueError("the figures that are there were measured on another machine, or with other versions")
    if before.quick != now.quick:
        raise ValueError("the figures of a quick run do not stand beside others")
    return Record(machine=now.machine, cases=tuple(_in_place(before.cases, now.cases)), quick=now.quick)


def _in_place(before: Iterable[Measured], now: Iterable[Measured]) -> Iterable[Measured]:
    anew = {measured.facts.name: measured for measured in now}
    for measured in before:
        yield anew.pop(measured.facts.name, measured)
    yield from anew.values()
