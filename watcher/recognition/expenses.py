"""Which expenses an answer tells of, wherever in it that stands: what was booked must not pass for failed."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from watcher.headers import clean

# Of what is looked up by: PostgreSQL indexes no value of 2700 bytes, and a character may have four.
LONGEST_NUMBER = 200

_ELSEWHERE = ("ocr_result", "check_result")  # what stands there is about the invoice, and nothing that was created
_WHOLE = re.compile(r"^(\d+)\.0+$", re.ASCII)
_ID_KEYS = ("expenseid", "expenseids", "expenseidlist")
_NOTHING = re.compile(r"[\W_]*|\s*(null|none|nil|undefined|n/?a|无|空)\s*", re.IGNORECASE)
_NO_ID = re.compile(rf"{_NOTHING.pattern}|[\W_0]*|\s*-[\d.]+\s*|\s*false\s*", re.IGNORECASE)


def says_nothing(text: str) -> bool:
    """Whether it is what programs write where there is nothing, as the documentation's own example writes 无."""
    return _NOTHING.fullmatch(text) is not None


def expense_id(value: Any) -> str | None:
    """None for what programs write where there is none (0, -1, null, "无"): nobody would find an expense of it."""
    if not isinstance(value, str) or _NO_ID.fullmatch(value):
        return None
    found = clean(value, LONGEST_NUMBER)
    return (whole(found) if "." in found else found) or None


def whole(text: str) -> str:
    """A text, but for an integer that a gateway has written as 200000.0: that is 200000."""
    return _WHOLE.sub(r"\1", text)


def expenses_told(value: Any) -> Iterator[str]:
    """Every id of an expense in a JSON value whose numbers are texts."""
    if isinstance(value, list):
        for inner in value:
            yield from expenses_told(inner)
    elif isinstance(value, dict):
        for key, inner in value.items():
            if key.replace("_", "").lower() in _ID_KEYS:
                yield from _ids(inner)
            elif key not in _ELSEWHERE:
                yield from expenses_told(inner)


def _ids(value: Any) -> Iterator[str]:
    if isinstance(value, dict | list):
        for inner in value.values() if isinstance(value, dict) else value:
            yield from _ids(inner)
    elif (found := expense_id(value)) is not None:
        yield found
