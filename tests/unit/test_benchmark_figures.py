"""What is worked out of the samples of a benchmark: least, median, most, ratios of a round, and targets."""

from __future__ import annotations

from dataclasses import replace

import pytest

from benchmarks.case import CPU, RATE, Bound, Facts, Measured, Ratio, Sample, Target
from benchmarks.figures import Spread, figure_of, ratio_of, spread, verdicts

FACTS = Facts(name="race", title="Race", measures="A race.", figures=(RATE, CPU))


def measured(*rounds: dict[str, dict[str, float]], facts: Facts = FACTS) -> Measured:
    """Each round has the figures of each contestant."""
    samples = tuple({name: Sample(values=values) for name, values in round_.items()} for round_ in rounds)
    return Measured(facts=facts, began="2026-11-26T08:00:00+00:00", rounds=samples)


RACE = measured(
    {"daemon": {"rate": 100.0, "CPU": 3.0}, "script": {"rate": 50.0}},
    {"daemon": {"rate": 10.0, "CPU": 1.0}, "script": {"rate": 4.0}},
    {"daemon": {"rate": 90.0, "CPU": 2.0}, "script": {"rate": 30.0}},
)


def test_a_spread_has_the_least_the_median_and_the_most() -> None:
    assert spread([3.0, 1.0, 2.0, 9.0]) == Spread(least=1.0, median=2.5, most=9.0)


def test_nothing_measured_has_no_spread() -> None:
    with pytest.raises(ValueError, match="nothing"):
        spread([])


def test_a_contestant_lacks_figures_that_it_does_not_measure() -> None:
    assert figure_of(RACE, "daemon", "CPU") == Spread(least=1.0, median=2.0, most=3.0)
    assert figure_of(RACE, "script", "CPU") is None


def test_a_ratio_is_of_the_two_runs_of_a_round_whatever_the_rounds_differ_by() -> None:
    assert ratio_of(RACE, Ratio(figure="rate", ours="daemon", theirs="script")) == Spread(
        least=2.0, median=2.5, most=3.0
    )


@pytest.mark.parametrize(
    ("bound", "met"),
    [
        (Bound(at_most=2.5), True),
        (Bound(at_most=2.4), False),
        (Bound(at_least=2.5), True),
        (Bound(at_least=2.6), False),
        (Bound(at_least=2.0, at_most=2.4), False),
        (Bound(), None),
    ],
)
def test_a_target_is_met_by_the_median(bound: Bound, met: bool | None) -> None:
    ratio = Ratio(figure="rate", ours="daemon", theirs="script", bound=bound)
    (verdict,) = verdicts(replace(RACE, facts=replace(FACTS, ratios=(ratio,))))
    assert verdict.met is met


def test_targets_are_judged_beside_ratios() -> None:
    target = Target(figure="rate", contestant="daemon", bound=Bound(at_least=90))
    (verdict,) = verdicts(replace(RACE, facts=replace(FACTS, targets=(target,))))
    assert (verdict.met, verdict.spread.median) == (True, 90.0)


def test_a_case_that_could_not_be_run_has_no_verdicts() -> None:
    ratio = Ratio(figure="rate", ours="daemon", theirs="script")
    assert list(verdicts(replace(RACE, facts=replace(FACTS, ratios=(ratio,)), rounds=(), missing="no mbsync"))) == []
