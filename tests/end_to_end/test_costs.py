"""No change makes the program cost a tenth more without saying so; `tests/costs` has what is measured, and how."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from tests.costs.measures import MEASURES, measured
from tests.costs.table import PYTHON, RENEW, Cost, compared, kept

_TIMES = 3  # beside much other work more may be done one by one, and so cost more; never less


@pytest.mark.parametrize("measure", MEASURES)
def test_nothing_costs_a_tenth_more_than_it_did(measure: str, tmp_path: Path, note: Callable[[str], None]) -> None:
    table = kept()
    if PYTHON not in table:
        pytest.skip(f"no costs are kept for Python {PYTHON}: {RENEW}, run by it, keeps them")
    was = table[PYTHON].get(measure, {})

    costs = _measured(measure, was, tmp_path)

    renew = f".venv/bin/{RENEW} {measure}"
    grown = [str(cost) for cost in costs if cost.has_grown or not cost.is_kept]
    if grown:
        wanted = f"If that is wanted, `{renew}` keeps what is measured now, in tests/costs/costs.toml."
        pytest.fail("\n".join([*grown, wanted]), pytrace=False)
    for cost in costs:
        if cost.has_shrunk:
            note(f"{cost}. That is better: `{renew}` keeps it.")


def _measured(measure: str, was: Mapping[str, float], folder: Path) -> list[Cost]:
    """Of what seems to have grown, the least that it costs in some measurements."""
    least: dict[str, float] = {}
    for time in range(_TIMES):
        (place := folder / str(time)).mkdir()
        now = measured(measure, place)
        least = {what: min(figure, least.get(what, figure)) for what, figure in now.items()}
        costs = list(compared(measure, MEASURES[measure].unit, was, least))
        if not any(cost.has_grown for cost in costs):
            break
    return costs
