"""Least, middle and most of what was measured, and whether it is within its bounds. Pure."""

from __future__ import annotations

import statistics
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from benchmarks.case import Bound, Measured, Ratio, Target


@dataclass(frozen=True, slots=True, kw_only=True)
class Spread:
    """Of one value over all rounds."""

    least: float
    median: float
    most: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """A ratio or a target with what came of it; `met` is by the median, None where nothing is asked."""

    of: Ratio | Target
    spread: Spread

    @property
    def bound(self) -> Bound:
        return self.of.bound

    @property
    def met(self) -> bool | None:
        return self.bound.holds(self.spread.median)


def spread(values: Sequence[float]) -> Spread:
    """Raises ValueError where there are none."""
    if not values:
        raise ValueError("nothing was measured")
    return Spread(least=min(values), median=statistics.median(values), most=max(values))


def contestants(measured: Measured) -> tuple[str, ...]:
    """In the order in which they ran."""
    return tuple(measured.rounds[0]) if measured.rounds else ()


def figure_of(measured: Measured, contestant: str, figure: str) -> Spread | None:
    """None where that contestant has no such figure."""
    values = [round_[contestant].values[figure] for round_ in measured.rounds if figure in round_[contestant].values]
    return spread(values) if values else None


def ratio_of(measured: Measured, ratio: Ratio) -> Spread:
    """Of the two runs of each round, so that what slowed the machine down for a while is in both."""
    return spread(
        [
            round_[ratio.ours].values[ratio.figure] / round_[ratio.theirs].values[ratio.figure]
            for round_ in measured.rounds
        ]
    )


def verdicts(measured: Measured) -> Iterator[Verdict]:
    """Of all ratios and targets of a case that was run."""
    if not measured.rounds:
        return
    for ratio in measured.facts.ratios:
        yield Verdict(of=ratio, spread=ratio_of(measured, ratio))
    for target in measured.facts.targets:
        found = figure_of(measured, target.contestant, target.figure)
        if found is not None:
            yield Verdict(of=target, spread=found)


def compared(verdict: Verdict) -> str:
    """In words: the figure, and whose."""
    of = verdict.of
    return f"{of.figure}: {of.ours} ÷ {of.theirs}" if isinstance(of, Ratio) else f"{of.figure}: {of.contestant}"
