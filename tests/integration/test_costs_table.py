"""The file of what the program costs."""

from __future__ import annotations

from pathlib import Path

from tests.costs.measures import MEASURES
from tests.costs.table import TABLE, keep, kept


def test_what_is_renewed_takes_the_place_of_the_same_measure_on_the_same_python_alone(tmp_path: Path) -> None:
    table = tmp_path / "costs.toml"
    keep("3.12", {"calls": {"file": 1}, "memory": {"idle": 5}}, table)
    keep("3.11", {"calls": {"file": 2}}, table)

    keep("3.12", {"calls": {"file": 3}}, table)

    assert kept(table) == {"3.11": {"calls": {"file": 2}}, "3.12": {"calls": {"file": 3}, "memory": {"idle": 5}}}
    assert "tests.costs --renew" in table.read_text()


def test_the_project_s_own_is_as_it_would_be_written_and_has_every_measure(tmp_path: Path) -> None:
    whole = kept()
    for python, figures in whole.items():
        keep(python, figures, tmp_path / "costs.toml")
    assert (tmp_path / "costs.toml").read_text() == TABLE.read_text()
    assert all(figures.keys() == MEASURES.keys() for figures in whole.values())
