"""Money as the endpoint writes it: decimal text, added without rounding."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Context, Decimal, InvalidOperation

# Beyond this many digits it is no amount of money, and adding it would cost memory.
_MOST_DIGITS = 24
_EXACT = Context(prec=100)


def parse(text: str | None) -> Decimal | None:
    """None for what is no finite amount of a sane size."""
    if text is None or not text.isascii() or len(text) > 2 * _MOST_DIGITS:
        return None
    try:
        amount = Decimal(text.strip())
    except InvalidOperation:
        return None
    if not amount.is_finite() or abs(amount.adjusted()) > _MOST_DIGITS:
        return None
    return amount


def shown(amount: Decimal, currency: str | None) -> str:
    """``¥1,234.50``, ``USD 12.00``: at least two places, and none lost."""
    exponent = amount.as_tuple().exponent
    places = max(2, -exponent) if isinstance(exponent, int) else 2
    digits = f"{amount:,.{places}f}"
    if currency is None:
        return digits
    return f"¥{digits}" if currency == "CNY" else f"{currency} {digits}"


def totals(amounts: Iterable[tuple[Decimal, str | None]]) -> list[tuple[Decimal, str | None]]:
    """Exact sums by currency, in the order in which the currencies first appear."""
    sums: dict[str | None, Decimal] = {}
    for amount, currency in amounts:
        sums[currency] = _EXACT.add(sums.get(currency, Decimal(0)), amount)
    return [(total, currency) for currency, total in sums.items()]
