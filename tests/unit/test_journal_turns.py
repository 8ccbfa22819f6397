"""Whose turn it is: shares of the sources within a claim, and the order of claims."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from watcher.journal.claims import Turns, in_turn


def _take_from(stock: dict[str, int], limit: int) -> list[str]:
    left = dict(stock)

    def take(source: str, most: int) -> list[str]:
        got = min(most, left[source])
        left[source] -= got
        return [source] * got

    return in_turn(list(stock), limit, take)


def test_each_source_gets_the_same_share_in_turn() -> None:
    assert _take_from({"a": 10_000, "b": 2}, 4) == ["a", "b", "a", "b"]


def test_what_one_source_does_not_use_the_others_get() -> None:
    assert _take_from({"a": 10_000, "b": 1, "c": 0}, 6) == ["a", "b", "a", "a", "a", "a"]


@given(st.dictionaries(st.sampled_from("abcdef"), st.integers(0, 30)), st.integers(0, 40))
def test_as_much_is_taken_as_there_is_and_nobody_is_starved(stock: dict[str, int], limit: int) -> None:
    taken = _take_from(stock, limit)

    assert len(taken) == min(limit, sum(stock.values()))
    counts = {source: taken.count(source) for source in stock}
    unsated = [counts[source] for source in stock if counts[source] < stock[source]]
    assert all(counts[source] <= min(unsated, default=limit) + 1 for source in stock)


def test_the_source_after_the_last_served_comes_first() -> None:
    turns = Turns()
    assert turns.order(["a", "b", "c"]) == ["a", "b", "c"]

    turns.served("b")

    assert turns.order(["a", "b", "c"]) == ["c", "a", "b"]
    assert turns.order(["a", "c"]) == ["a", "c"]
