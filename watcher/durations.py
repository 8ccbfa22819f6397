"""Durations as people write them. Apart from the configuration's other values, which take longer to import."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

_DURATION = re.compile(r"(\d{1,9}(?:\.\d{1,9})?)(ms|s|m|h|d)", re.ASCII)
UNIT_SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}


def parse_duration(value: Any) -> timedelta:
    """``90s``, ``15m``, ``2h``, ``3d``; raises ValueError."""
    if isinstance(value, timedelta):
        return value
    found = _DURATION.fullmatch(value.strip()) if isinstance(value, str) else None
    seconds = float(found[1]) * UNIT_SECONDS[found[2]] if found else None
    if found is None or seconds is None or seconds > timedelta(days=100_000).total_seconds():
        raise ValueError("not a duration: write a number and a unit, such as 90s, 15m, 2h or 3d")
    return timedelta(seconds=seconds)


def format_duration(value: timedelta) -> str:
    """As the configuration has it: the largest unit that leaves no remainder."""
    milliseconds = round(value.total_seconds() * 1000)
    for unit in ("d", "h", "m", "s"):
        count, rest = divmod(milliseconds, round(UNIT_SECONDS[unit] * 1000))
        if rest == 0 and (count or unit == "s"):
            return f"{count}{unit}"
    return f"{milliseconds}ms"
