"""Values in JSON answers, found by dotted paths as the configuration writes them (``data.access_token``)."""

from __future__ import annotations

from typing import Any


def at(answer: Any, path: str) -> Any:
    """What stands at ``data.0.url`` (or ``data[0].url``); None where there is nothing. Never raises."""
    value = answer
    for step in path.replace("[", ".").replace("]", "").split("."):
        if isinstance(value, dict):
            value = value.get(step)
        elif isinstance(value, list) and step.isascii() and step.isdigit() and int(step[:9]) < len(value):
            value = value[int(step)]
        else:
            return None
    return value


def says(value: Any, expected: object) -> bool:
    """Whether they are the same, written as a number or as a text."""
    if isinstance(value, (dict, list)) or value is None:
        return False
    return str(value).lower() == str(expected).lower()
