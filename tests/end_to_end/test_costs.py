"""No change makes the program cost a tenth more without saying so; `tests/costs` has what is measured, and how."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.costs.measures import MEASURES, measured
from tests.costs.table import PYTHON, RENEW, compared, kept


@pytest.mark.parametrize("measure", MEASURES)
def test_nothing_costs_a_tenth_more_than_it_did(measure: str, tmp_path: Path, note: Callable[[str], None]) -> None:
    table = kept()
    if PYTHON not in table:
        pytest.skip(f"no costs are kept for Python {PYTHON}: {RENEW}, run by it, keeps them")
    was = table[PYTHON].get(measure, {})

    costs = list(compared(measure, MEASURES[measure].unit, was, measured(measure, tmp_path)))

    renew = f".venv/bin/{RENEW} {measure}"
    grown = [str(cost) for cost in costs if cost.has_grown or not cost.is_kept]
    if grown:
        wanted = f"If that is wanted, `{renew}` keeps what is measured now, in tests/costs/costs.toml."
        pytest.fail("\n".join([*grown, wanted]), pytrace=False)
    for cost in costs:
        if cost.has_shrunk:
            note(f"{cost}. That is better: `{renew}` keeps it.")
