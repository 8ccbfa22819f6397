"""Quantities of the configuration, as people write them: durations, sizes, rates, days.

Whatever is wrong is raised as a ValueError that says in plain words what to write instead, and never
repeats the value: it may be a secret that stands in the wrong place.
"""

from __future__ import annotations

import re
from datetime import date, timedelta
from typing import Any

from msgspec import Struct

from watcher.durations import UNIT_SECONDS

_SIZE = re.compile(r"(\d{1,12}(?:\.\d{1,9})?)\s*(B|kB|KB|MB|GB)", re.ASCII)
_BYTES = {"B": 1, "kB": 1000, "KB": 1000, "MB": 1000**2, "GB": 1000**3}
_RATE = re.compile(r"(\d{1,9})/(s|m|h)", re.ASCII)


def some_time(value: timedelta) -> timedelta:
    """The same; raises ValueError where it is no longer than nothing."""
    if value <= timedelta(0):
        raise ValueError("must be longer than nothing: write a number and a unit, such as 90s or 15m")
    return value


def parse_size(value: Any) -> int:
    """``20MB`` (decimal units) or a whole number of bytes; raises ValueError."""
    if isinstance(value, int) and not isinstance(value, bool) and value > 0:
        return value
    found = _SIZE.fullmatch(value.strip()) if isinstance(value, str) else None
    size = int(float(found[1]) * _BYTES[found[2]]) if found else 0
    if size <= 0:
        raise ValueError("not a size: write a number and a unit, such as 500kB or 20MB")
    return size


class RateLimit(Struct, frozen=True):
    """At most `count` within each `seconds`."""

    count: int
    seconds: float


def parse_rate(value: Any) -> RateLimit:
    """``5/s``, ``100/m``; raises ValueError."""
    if isinstance(value, RateLimit):
        return value
    found = _RATE.fullmatch(value.strip()) if isinstance(value, str) else None
    if found is None or int(found[1]) == 0:
        raise ValueError("not a rate: write a number and a unit, such as 5/s or 100/m")
    return RateLimit(int(found[1]), UNIT_SECONDS[found[2]])


def format_rate(value: RateLimit) -> str:
    """As `parse_rate` reads it."""
    unit = next(unit for unit, seconds in UNIT_SECONDS.items() if seconds == value.seconds)
    return f"{value.count}/{unit}"


def parse_date(value: Any) -> date:
    """A date as YAML reads it, or ``2026-01-31`` as text; raises ValueError."""
    if type(value) is date:
        return value
    if isinstance(value, str) and re.fullmatch(r"\d{4}-\d\d-\d\d", value, re.ASCII):
        try:
            return date.fromisoformat(value)
        except ValueError:
            pass
    raise ValueError("not a date: write it as 2026-01-31")
