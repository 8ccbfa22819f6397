"""Money is added without rounding, whatever text the endpoint wrote."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from watcher import amounts


@given(st.lists(st.decimals(allow_nan=False, allow_infinity=False, places=2, min_value=-(10**12), max_value=10**12)))
def test_a_sum_is_exact_to_the_last_digit(values: list[Decimal]) -> None:
    cents = sum(int(value.scaleb(2)) for value in values)

    totals = amounts.totals((value, "CNY") for value in values)

    assert [total.scaleb(2) for total, _ in totals] == ([Decimal(cents)] if values else [])


def test_ten_times_ten_cents_are_one_yuan() -> None:
    parsed = [amounts.parse("0.1")] * 10

    totals = amounts.totals((amount, "CNY") for amount in parsed if amount is not None)

    assert [amounts.shown(total, currency) for total, currency in totals] == ["¥1.00"]


def test_currencies_are_not_added_to_one_another() -> None:
    assert amounts.totals([(Decimal(1), "CNY"), (Decimal(2), "USD"), (Decimal(3), "CNY")]) == [
        (Decimal(4), "CNY"),
        (Decimal(2), "USD"),
    ]


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("43.5", "¥43.50"),
        ("1234567.891", "¥1,234,567.891"),
        ("-12", "¥-12.00"),
        ("4.35E+1", "¥43.50"),
        ("1e3", "¥1,000.00"),
    ],
)
def test_an_amount_keeps_its_digits_and_has_two_places_at_least(text: str, shown: str) -> None:
    amount = amounts.parse(text)

    assert amount is not None
    assert amounts.shown(amount, "CNY") == shown


@pytest.mark.parametrize(
    "text", [None, "", "abc", "NaN", "Infinity", "1e999999999", "1e-99999", "9" * 60, "１２", "1,5"]
)
def test_what_is_no_sane_amount_is_not_added(text: str | None) -> None:
    assert amounts.parse(text) is None
