"""pydantic's errors in words for an administrator: one line each, with the key's path, and never with a value
that may be a secret."""

from __future__ import annotations

import re
import types
from collections.abc import Callable, Iterator
from datetime import date
from typing import Annotated, Any, Union, get_args, get_origin

from pydantic import BaseModel, Tag, ValidationError
from pydantic_core import ErrorDetails

from watcher.config.document import Document, Path, Problem, printable
from watcher.config.sections import Configuration, Section
from watcher.config.values import Unquoted, suggestion

_SECRETIVE = re.compile(
    r"secret|passw|token|credential|auth|account_?key|(?<![a-z])sas(?![a-z])|cookie|api[_-]?key", re.IGNORECASE
)
# What object stores are told beside their keys: names and places, which people want to read in messages.
PUBLIC_OPTIONS = frozenset(
    {"account_name", "bucket", "container", "endpoint", "filesystem", "region", "root", "username"}
)
_SHOWABLE = re.compile(r"[\w.+:-]{1,40}")


def looks_secret(key: str) -> bool:
    """Whether an option or header of this name is likely to hold a secret."""
    return _SECRETIVE.search(key) is not None


def problems(error: ValidationError, document: Document) -> Iterator[Problem]:
    """Every fault of a validation, at its line. A missing key that is there misspelt is told once."""
    details = error.errors(include_url=False)
    suggested = set()
    for detail in details:
        if detail["type"] == "extra_forbidden":
            path = _path(detail["loc"], document.value)
            hint = suggestion(printable(str(path[-1])), _known_keys(detail["loc"][:-1]))
            suggested.add((*path[:-1], hint.removeprefix("; did you mean ").removesuffix("?")))
            is_doubtful = path in document.braced and not hint
            yield Problem(line=document.line(path), path=path, message=_CUT if is_doubtful else f"unknown key{hint}")
    for detail in details:
        path = _path(detail["loc"], document.value)
        if detail["type"] == "store" and "type" in _keys(detail["input"]):
            path = (*path, "type")
        if detail["type"] != "extra_forbidden" and not (detail["type"] == "missing" and path in suggested):
            yield Problem(line=document.line(path), path=path, message=_message(detail, path, document))


def openly(path: Path, document: Document) -> Path:
    """As much of a path as may be shown: up to a key in braces that is neither a known one nor near to one.

    Such a key may be the half of a secret that a comma in it has cut in two.
    """
    kinds: list[Any] = [Configuration]
    for index, part in enumerate(path):
        known = [name for kind in kinds for name in (_fields(kind) or PUBLIC_OPTIONS)]
        if path[: index + 1] in document.braced and part not in known and not suggestion(printable(str(part)), known):
            return path[:index]
        kinds = [member for kind in kinds for inner in _under(kind, part) for member in _members(inner)]
    return path


def _path(loc: tuple[int | str, ...], value: Any) -> Path:
    """The path in the file: without the names of union members and pydantic's marks."""
    path: list[int | str] = []
    for part in loc:
        there = part in value if isinstance(value, dict) else isinstance(value, list) and isinstance(part, int)
        if there:
            value = value[part]
        elif part == "[key]" or (isinstance(part, str) and part.startswith("<")):
            continue
        path.append(part)
    return tuple(path)


# ---------------------------------------------------------------------------------- messages


def _message(detail: ErrorDetails, path: Path, document: Document) -> str:
    kind, value, context = detail["type"], detail["input"], detail.get("ctx", {})
    if kind == "value_error":
        return str(context["error"])
    if kind == "missing":
        return "is missing"
    if kind == "literal_error":
        return _choice(str(context["expected"]), value)
    if kind == "store":
        return _choice(_STORES, value["type"]) if "type" in _keys(value) else detail["msg"]
    if kind == "string_type":
        return _text_wanted(value, path, document)
    return _BOUNDS[kind](context) if kind in _BOUNDS else _PLAIN.get(kind, detail["msg"])


_CUT = "an unknown key in these braces: is a value with a comma missing its quotes?"
_STORES = "'objects', 'http', 'resolve'"
_GROUP = "must hold keys of its own, each with a colon and a value"
_PLAIN = {
    "model_type": _GROUP,
    "model_attributes_type": _GROUP,
    "dict_type": _GROUP,
    "list_type": "must be a list: [one, two], or one line each with a hyphen before it",
    "bool_type": "must be true or false, without quotes",
    "int_type": "must be a whole number, without quotes or leading zeros",
    "int_parsing_size": "is too large a number",
    "float_type": "must be a number, without quotes",
    "finite_number": "must be a number",
    "string_too_short": "must not be empty",
    "string_unicode": "must be text",
}
_BOUNDS: dict[str, Callable[[dict[str, Any]], str]] = {
    "greater_than_equal": lambda context: f"must be at least {context['ge']:g}",
    "less_than_equal": lambda context: f"must be at most {context['le']:g}",
    "too_short": lambda _context: "must not be empty",
}


def _keys(value: Any) -> set[str]:
    return set(value) if isinstance(value, dict) else set()


def _choice(expected: str, value: Any) -> str:
    words = re.findall(r"'([^']*)'", expected) or [expected]
    hint = suggestion(value, words) if isinstance(value, str) else ""
    listed = ", ".join(words[:-1]) + f" or {words[-1]}" if len(words) > 1 else words[0]
    return f"must be {listed}{hint}"


def _text_wanted(value: Any, path: Path, document: Document) -> str:
    if value is None:
        return "must be text, but nothing stands here"
    if not isinstance(value, (bool, int, float, date, Unquoted)):
        return "must be text, not a list or group of keys"
    raw = document.raw.get(path, "")
    is_doubtful = "form" in path or openly(path, document) != path
    if is_doubtful or not _SHOWABLE.fullmatch(raw) or any(looks_secret(str(part)) for part in path):
        return "must be text: put it in quotes"
    return f'must be text: put it in quotes, as in "{raw}", for YAML reads it as something else'


# --------------------------------------------------------------------- what keys there could be


def _known_keys(loc: tuple[int | str, ...]) -> list[str]:
    """The keys of the section at a pydantic location."""
    kind: Any = Configuration
    for part in loc:
        kind = _inner(kind, part)
    kind = _bare(kind)
    if not (isinstance(kind, type) and issubclass(kind, Section)):
        return []
    return [field.alias or name for name, field in kind.model_fields.items()]


def _bare(kind: Any) -> Any:
    """A type without Annotated and None."""
    if get_origin(kind) is Annotated:
        return _bare(get_args(kind)[0])
    if get_origin(kind) in (Union, types.UnionType):
        members = [member for member in get_args(kind) if member is not type(None)]
        return _bare(members[0]) if len(members) == 1 else kind
    return kind


def _members(kind: Any) -> list[Any]:
    """What it may be: of a union all of them, without Annotated and None."""
    kind = _bare(kind)
    if get_origin(kind) in (Union, types.UnionType):
        return [found for member in get_args(kind) if member is not type(None) for found in _members(member)]
    return [kind]


def _fields(kind: Any) -> dict[str, Any]:
    """The keys that it has, with their types."""
    if not (isinstance(kind, type) and issubclass(kind, BaseModel)):
        return {}
    return {field.alias or name: field.annotation for name, field in kind.model_fields.items()}


def _under(kind: Any, part: int | str) -> list[Any]:
    """The type of what stands under a key or number of it, if it has such a thing."""
    if get_origin(kind) in (list, dict):
        return [get_args(kind)[-1]]
    found = _fields(kind).get(str(part))
    return [] if found is None else [found]


def _inner(kind: Any, part: int | str) -> Any:
    """The type of what stands at one part of a location."""
    kind = _bare(kind)
    origin, members = get_origin(kind), get_args(kind)
    if origin in (list, dict):
        return members[-1]
    if origin in (Union, types.UnionType):
        return next((member for member in members if Tag(str(part)) in getattr(member, "__metadata__", ())), None)
    fields = kind.model_fields if isinstance(kind, type) and issubclass(kind, Section) else {}
    return next((field.annotation for name, field in fields.items() if part in (name, field.alias)), None)
