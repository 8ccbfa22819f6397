"""Looking into what platforms answer: JSON by paths, pages by their fields and links. Pure."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from watcher.documents.links.markup import Anchor, Field, markup, unescaped
from watcher.documents.links.routing import format_word

_DEEPEST = 30
_MOST = 200


def read_json(text: str) -> Any:
    """The value; None where it is none."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def found_at(answer: Any, path: str) -> list[Any]:
    """All that stands at ``data.0.url``; ``*`` is every one of a list or object, ``**`` whatever is in between."""
    values = [answer]
    for step in path.split("."):
        values = [each for value in values for each in _step(value, step)][:_MOST]
    return values


def text_at(answer: Any, paths: Iterable[str]) -> str | None:
    """The first text or number that stands at one of the paths, as a text."""
    for path in paths:
        for value in found_at(answer, path):
            if isinstance(value, (str, int)) and not isinstance(value, bool) and str(value).strip():
                return str(value).strip().encode("utf-8", "replace").decode()
    return None


def is_set(value: Any) -> bool:
    """Whether a mark that an answer has says yes, in whatever way."""
    return bool(value) and str(value).strip().lower() not in ("0", "n", "no", "false", "null")


def fields_of(page: str) -> dict[str, str]:
    """The inputs of its forms that have a value."""
    return {each.name: each.value for each in markup(page) if isinstance(each, Field) and each.name and each.value}


def anchors_of(page: str) -> dict[str, str]:
    """Its links that say a format, by that."""
    anchors = [each for each in markup(page) if isinstance(each, Anchor)]
    pairs = [(unescaped(each.target), f"{each.before} {each.text}") for each in anchors]
    return by_format(pair for pair in pairs if any(map(format_word, pair)))


def by_format(pairs: Iterable[tuple[str, str]]) -> dict[str, str]:
    """Addresses and labels; what says no format is taken for a PDF, after one that says so."""
    sorted_out: dict[str, str] = {}
    unsaid: list[str] = []
    for address, label in pairs:
        said = format_word(label) or format_word(address)
        if said is not None:
            sorted_out.setdefault(said, address)
        else:
            unsaid.append(address)
    if unsaid:
        sorted_out.setdefault("pdf", unsaid[0])
    return sorted_out


def _step(value: Any, step: str) -> Iterator[Any]:
    if step == "**":
        yield from _everywhere(value, 0)
    elif step == "*":
        yield from _inner(value)
    elif isinstance(value, Mapping):
        if step in value:
            yield value[step]
    elif isinstance(value, list) and step.isascii() and step.isdigit() and int(step[:9]) < len(value):
        yield value[int(step)]


def _everywhere(value: Any, depth: int) -> Iterator[Any]:
    yield value
    if depth < _DEEPEST:
        for inner in _inner(value):
            yield from _everywhere(inner, depth + 1)


def _inner(value: Any) -> Iterable[Any]:
    if isinstance(value, Mapping):
        return value.values()
    return value if isinstance(value, list) else ()
