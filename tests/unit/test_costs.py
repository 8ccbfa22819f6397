"""What is said of a measured figure beside the one that is kept."""

from __future__ import annotations

import pytest

from tests.costs.table import Cost, compared


def cost(was: float | None, now: float | None) -> Cost:
    return Cost(name="calls.file", unit="calls", was=was, now=now)


@pytest.mark.parametrize(
    ("was", "now", "grown", "shrunk"),
    [
        (1000, 1100, False, False),
        (1000, 1101, True, False),
        (1000, 900, False, False),
        (1000, 899, False, True),
        (2, 3, True, False),
        (2, 1, False, True),
        (0, 0, False, False),
        (0, 1, True, False),
        (1.1, 1.3, False, False),
        (1.1, 1.4, True, False),
        (1.1, 0.8, False, True),
    ],
)
def test_a_tenth_more_is_borne_and_a_tenth_less_goes_unnoticed(
    was: float, now: float, grown: bool, shrunk: bool
) -> None:
    assert (cost(was, now).has_grown, cost(was, now).has_shrunk) == (grown, shrunk)


@pytest.mark.parametrize(("now", "grown"), [(2000, False), (2100, True)])
def test_a_megabyte_of_memory_is_chance_where_there_is_little_more(now: float, grown: bool) -> None:
    assert Cost(name="memory.file.daemon", unit="kB", was=1000, now=now).has_grown is grown


def test_it_says_what_was_and_what_is() -> None:
    assert str(cost(20000, 23000)) == "calls.file: was 20,000, is 23,000 calls (+15.0%)"


def test_what_only_one_side_has_is_told_and_counts_as_not_kept() -> None:
    new, gone = compared("modules", "modules", {"b": 1}, {"a": 2})
    assert [str(new), str(gone)] == ["modules.a: was nothing, is 2 modules", "modules.b: was 1, is nothing modules"]
    assert not new.is_kept
    assert not gone.is_kept
