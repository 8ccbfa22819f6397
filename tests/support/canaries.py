"""Canaries: secrets that a test plants in a configuration, and looks for in all that was said and left behind."""

from __future__ import annotations

import base64
import types
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any, Union, get_args, get_origin

from pydantic import BaseModel

from watcher.config.secret import Secret

WAYS = ("env", "file", "credential", "plain")
# What addresses, JSON, HTML and shells write in another way; the core of each canary looks the same in all of them.
_TAIL = "&/+="


class Canaries:
    """Makes secrets, and writes each by one of the four ways, in turn; `first` says where to begin."""

    def __init__(self, folder: Path, *, first: int = 0) -> None:
        self._folder = folder
        self._first = first
        self._values: dict[str, str] = {}
        self.environment: dict[str, str] = {"CREDENTIALS_DIRECTORY": str(folder)}
        folder.mkdir(mode=0o700)

    @property
    def values(self) -> Mapping[str, str]:
        """Every canary, by its name."""
        return self._values

    def value(self, name: str, *, around: str = "{}") -> str:
        """The secret of that name, the same whenever it is asked for; `around` is what it is a part of."""
        bare = self._values.setdefault(name, self.to_be_issued(name))
        return around.format(bare)

    def to_be_issued(self, name: str) -> str:
        """The secret of that name, which nobody looks for before `value` has given it."""
        return f"{self.core(name)}{_TAIL}"

    def core(self, name: str) -> str:
        return f"kanarie{''.join(letter for letter in name if letter.isalnum())}vogel"

    def written(self, name: str, *, around: str = "{}") -> Any:
        """The secret as the configuration has it."""
        secret = self.value(name, around=around)
        way = WAYS[(self._first + list(self._values).index(name)) % len(WAYS)]
        if way == "plain":
            return secret
        place = f"CANARY_{len(self.environment)}"
        if way == "env":
            self.environment[place] = secret
            return {"env": place}
        path = self._folder / place
        self.environment[place] = ""  # so that the next one has another name
        path.write_text(secret + "\n", encoding="utf-8")
        return {"credential": place} if way == "credential" else {"file": str(path)}

    def found_in(self, texts: Mapping[str, bytes]) -> set[str]:
        """Which canaries are in which text, in whatever form, as ``name in text: what stands there``."""
        return {
            f"{name} in {where}: …{_around(text, form)}…"
            for name in self._values
            for form in forms(self.core(name))
            for where, text in texts.items()
            if form in text
        }


def forms(core: str) -> list[bytes]:
    """Letters and digits stay what they are in every encoding but base64 and hexadecimal."""
    data = core.encode()
    ends = ((0, 0), (2, -3), (3, -2))  # the characters that have a share in other bytes
    encoded = [base64.b64encode(b"\0" * ahead + data + b"\0" * (-(ahead + len(data)) % 3)) for ahead in range(3)]
    middles = [text[ends[ahead][0] : len(text) - 4] for ahead, text in enumerate(encoded)]
    return [data, data.hex().encode(), *middles]


def _around(text: bytes, form: bytes) -> str:
    at = text.index(form)
    return text[max(0, at - 80) : at + len(form) + 40].decode(errors="replace")


def every_form(secrets: Iterable[str]) -> str:
    """Everything that a server can make of what it was sent."""
    from html import escape
    from urllib.parse import quote, quote_plus

    shapes = (str, repr, quote, quote_plus, escape, lambda text: base64.b64encode(f"\0us\0{text}".encode()).decode())
    return " ".join(shape(secret) for secret in secrets for shape in shapes)


# ------------------------------------------------------------------- where secrets can stand


def secret_fields(kind: Any, path: str = "") -> set[str]:
    """The path of every Secret in a type of the configuration; ``[]`` stands for any item, ``{}`` for any key."""
    origin, members = get_origin(kind), get_args(kind)
    if origin is Annotated:
        return secret_fields(members[0], path)
    if origin in (Union, types.UnionType):
        return set[str]().union(*(secret_fields(member, path) for member in members))
    if origin in (list, dict):
        return secret_fields(members[-1], path + ("[]" if origin is list else "{}"))
    if kind is Secret:
        return {path}
    fields = kind.model_fields.items() if isinstance(kind, type) and issubclass(kind, BaseModel) else ()
    return set[str]().union(*(secret_fields(field.annotation, f"{path}.{name}") for name, field in fields))


def planted_fields(value: Any, path: str = "") -> Iterator[str]:
    """The path of every Secret that a configuration has, in the same form."""
    if isinstance(value, Secret):
        yield path
    elif isinstance(value, BaseModel):
        for name in type(value).model_fields:
            yield from planted_fields(getattr(value, name), f"{path}.{name}")
    elif isinstance(value, list):
        for item in value:
            yield from planted_fields(item, f"{path}[]")
    elif isinstance(value, dict):
        for item in value.values():
            yield from planted_fields(item, path + "{}")
