"""What a benchmark is, as values. A case is work that several contestants do; a sample is what one run of one took.

A figure is what is measured (seconds, documents a second, megabytes), a ratio is our figure through theirs in the same
round, and a target is what the ratio or the figure has to keep within.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

Point = tuple[float, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """Something that each run measures. `digits` are shown after the point."""

    name: str
    unit: str
    digits: int = 2

    def __str__(self) -> str:
        """As a head of a column, or at an axis."""
        return f"{self.name} ({self.unit})" if self.unit else self.name


WALL = Figure(name="wall", unit="s")
CPU = Figure(name="CPU", unit="s")
RATE = Figure(name="rate", unit="documents/s", digits=0)
CPU_EACH = Figure(name="CPU each", unit="ms/document")
PEAK = Figure(name="peak memory", unit="MB", digits=0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """Of one run: a value for each figure by its name, and what was read again and again meanwhile."""

    values: Mapping[str, float]
    series: Mapping[str, tuple[Point, ...]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Bound:
    """What a value has to keep within; neither: it is only told."""

    at_most: float | None = None
    at_least: float | None = None

    def holds(self, value: float) -> bool | None:
        """None where nothing is asked of it."""
        if self.at_most is None and self.at_least is None:
            return None
        return (self.at_most is None or value <= self.at_most) and (self.at_least is None or value >= self.at_least)


TOLD = Bound()


@dataclass(frozen=True, slots=True, kw_only=True)
class Ratio:
    """`ours` through `theirs`, which are names of contestants, in the figure of that name."""

    figure: str
    ours: str
    theirs: str
    bound: Bound = TOLD


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """What a contestant's figure itself has to keep within."""

    figure: str
    contestant: str
    bound: Bound


@dataclass(frozen=True, slots=True, kw_only=True)
class Plot:
    """Of a figure: `bars` has one for each contestant, `lines` the series of that name, over `over`."""

    figure: str
    kind: Literal["bars", "lines"] = "bars"
    log: bool = False
    over: str = "s"


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """All of a case but how it is done. `measures` is one sentence for the page, `name` has no blanks."""

    name: str
    title: str
    measures: str
    figures: tuple[Figure, ...]
    ratios: tuple[Ratio, ...] = ()
    targets: tuple[Target, ...] = ()
    plots: tuple[Plot, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Scale:
    """How large the work is. `folder` is empty, and is removed when the case is over."""

    quick: bool
    folder: Path

    def of(self, whole: int, quick: int) -> int:
        """The size as the issue has it, or the small one that only shows that the case works."""
        return quick if self.quick else whole


Contestant = Callable[[], Sample]  # one run, from a fresh state, in a process of its own
Contestants = Mapping[str, Contestant]


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """`contest` starts the servers and makes the work, gives the contestants in their order, and ends the servers.

    `runs` is how many rounds there are, whatever is asked for: for what takes very long. One that is `asked_for` runs
    only where it is asked for.
    """

    facts: Facts
    contest: Callable[[Scale], AbstractContextManager[Contestants]]
    runs: int | None = None
    asked_for: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """A case that was run: each round has one sample of each contestant. `missing` says why it could not be."""

    facts: Facts
    began: str  # RFC 3339
    rounds: tuple[Mapping[str, Sample], ...] = ()
    missing: str | None = None
