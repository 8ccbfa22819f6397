"""The page on performance has the figures that were measured, and no other."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from benchmarks.case import RATE, Bound, Facts, Measured, Plot, Ratio, Sample
from benchmarks.cases import CASES
from benchmarks.record import Record, from_text, merged, to_text
from benchmarks.report import MACHINE, filled, marked
from tests.support.documents import PROJECT

PAGE = "docs/performance.md"


def sample(rate: float) -> Sample:
    return Sample(values={"rate": rate}, series={"rate": ((0.0, rate), (1.0, rate / 2))})


RACE = Measured(
    facts=Facts(
        name="race",
        title="Race",
        measures="Who is first.",
        figures=(RATE,),
        ratios=(Ratio(figure="rate", ours="daemon", theirs="script", bound=Bound(at_least=2)),),
        plots=(Plot(figure="rate"),),
    ),
    began="2026-11-26T08:00:00+00:00",
    rounds=(
        {"daemon": sample(3000.0), "script": sample(1500.0)},
        {"daemon": sample(4000.0), "script": sample(1000.0)},
    ),
)
RECORD = Record(machine={"cores": "2"}, cases=(RACE,))


def page(*names: str) -> str:
    return "# Page\n" + "".join(f"before {name}\n<!-- figures of {name} -->\nold\n<!-- end -->\n" for name in names)


def test_figures_ratios_targets_and_the_plot_stand_between_the_marks() -> None:
    written = filled(page("race"), RECORD)
    assert "| daemon | 3,000 / 3,500 / 4,000 |" in written
    assert "| rate: daemon ÷ script | 2.00 / 3.00 / 4.00 | at least 2 | yes |" in written
    assert "](images/performance/race.svg)" in written
    assert "old" not in written
    assert "before race" in written


def test_what_was_not_measured_is_said_so() -> None:
    assert filled(page("other"), RECORD).count("Not measured yet") == 1


def test_the_machine_is_named() -> None:
    assert "| cores | 2 |" in filled(page(MACHINE), RECORD)


def test_a_page_that_is_filled_stays_when_it_is_filled_again() -> None:
    once = filled(page(MACHINE, "race", "other"), RECORD)
    assert filled(once, RECORD) == once


def test_a_record_is_read_as_it_was_written() -> None:
    assert from_text(to_text(RECORD)) == RECORD


def test_numbers_are_written_to_five_digits() -> None:
    rounds = ({"daemon": sample(1234.567891)},)
    (measured,) = from_text(
        to_text(replace(RECORD, cases=(replace(RACE, rounds=rounds, facts=replace(RACE.facts, ratios=())),)))
    ).cases
    assert measured.rounds[0]["daemon"].values == {"rate": 1234.6}


def test_a_case_that_is_measured_again_takes_its_place_and_others_stay() -> None:
    other = replace(RACE, facts=replace(RACE.facts, name="other"))
    again, new = replace(RACE, began="2026-11-27T08:00:00+00:00"), replace(RACE, facts=replace(RACE.facts, name="new"))
    both = merged(replace(RECORD, cases=(RACE, other)), replace(RECORD, cases=(again, new)))
    assert both.cases == (again, other, new)


def test_a_program_may_be_installed_between_two_measurements_and_not_be_gone_or_another() -> None:
    without = replace(RECORD, machine={**RECORD.machine, "mbsync": "not installed"})
    with_it = replace(RECORD, machine={**RECORD.machine, "mbsync": "1.4.4"})
    assert merged(without, with_it).machine == with_it.machine
    for other in (without, replace(RECORD, machine={**RECORD.machine, "mbsync": "1.5.0"})):
        with pytest.raises(ValueError, match="figures"):
            merged(with_it, other)


@pytest.mark.parametrize("now", [replace(RECORD, machine={"cores": "4"}), replace(RECORD, quick=True)])
def test_figures_of_another_machine_or_of_a_quick_run_do_not_stand_beside_others(now: Record) -> None:
    with pytest.raises(ValueError, match="figures"):
        merged(RECORD, now)


# ------------------------------------------------------------------------------------- the committed page


def committed() -> tuple[str, Record]:
    texts = [(PROJECT / path).read_text(encoding="utf-8") for path in (PAGE, "docs/performance.json")]
    return texts[0], from_text(texts[1])


def test_all_figures_of_the_page_are_those_that_were_measured() -> None:
    written, measured = committed()
    assert filled(written, measured) == written
    assert not measured.quick


def test_the_page_has_every_case_once() -> None:
    written, _ = committed()
    assert sorted(marked(written)) == sorted([MACHINE, *CASES])


def test_every_name_of_a_case_can_stand_in_a_mark() -> None:
    assert [name for name in CASES if not re.fullmatch(r"[a-z0-9-]+", name)] == []


def test_ratios_targets_and_plots_are_of_figures_that_a_case_has() -> None:
    for case in CASES.values():
        facts = case.facts
        named = {each.figure for judged in (facts.ratios, facts.targets, facts.plots) for each in judged}
        assert named <= {figure.name for figure in facts.figures}, facts.name
