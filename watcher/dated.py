"""Paths in which {yyyy}, {mm} and {dd} stand for those of any day. All of it is text."""

from __future__ import annotations

import re
from datetime import date

# Only what can be a date, so that of the employee numbers that name folders few are taken for one.
_FIELDS = {"{yyyy}": r"(?:19|2\d)\d\d", "{mm}": r"(?:0[1-9]|1[0-2])", "{dd}": r"(?:0[1-9]|[12]\d|3[01])"}
_FIELD = re.compile(r"(\{yyyy\}|\{mm\}|\{dd\})")


def on(text: str, day: date) -> str:
    """What it is on this day."""
    values = {"{yyyy}": f"{day.year:04}", "{mm}": f"{day.month:02}", "{dd}": f"{day.day:02}"}
    return _FIELD.sub(lambda found: values[found[1]], text)


def spelt(text: str) -> str:
    """A regular expression of what it is on whatever day."""
    return "".join(_FIELDS.get(part) or re.escape(part) for part in _FIELD.split(text))


def is_one_of(name: str, text: str) -> bool:
    """Whether it is called so on some day."""
    return "{" in text and re.fullmatch(spelt(text), name, re.ASCII) is not None


def fixed_of(path: str) -> str:
    """The folder that all are in, whatever stands in the braces; without any, the path itself."""
    literal, brace, _ = path.partition("{")
    return (literal.rpartition("/")[0] or "/") if brace else path
