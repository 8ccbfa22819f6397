"""Texts with variables in them, as recipes write addresses and form fields."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Self

from msgspec import Struct

from watcher.documents.links.address import percent_encoded

_VARIABLE = re.compile(r"\{(\w+)(\??)\}")


class Lacking(LookupError):
    """A variable that the text needs is not known."""


class Template(Struct, frozen=True):
    """``https://a.example/{id}?kind={kind?}``: of the second the empty text is put in where it is not known."""

    text: str
    variables: frozenset[str]

    @classmethod
    def of(cls, text: str) -> Self:
        """Raises ValueError for a brace that is no variable's."""
        if re.search(r"[{}]", _VARIABLE.sub("", text)):
            raise ValueError(f"a brace that belongs to no variable: {text}")
        return cls(text, frozenset(name for name, _ in _VARIABLE.findall(text)))

    def address(self, variables: Mapping[str, str]) -> str:
        """As a URL: a variable in it is percent-encoded, one that is all of it is taken as it is. Raises Lacking."""
        whole = _VARIABLE.fullmatch(self.text)
        return _value(whole, variables) if whole else self._filled(variables, encoded=True)

    def value(self, variables: Mapping[str, str]) -> str:
        """As a plain text. Raises Lacking."""
        return self._filled(variables, encoded=False)

    def _filled(self, variables: Mapping[str, str], *, encoded: bool) -> str:
        def put(found: re.Match[str]) -> str:
            value = _value(found, variables)
            return percent_encoded(value) if encoded else value

        return _VARIABLE.sub(put, self.text)


def _value(found: re.Match[str], variables: Mapping[str, str]) -> str:
    value = variables.get(found[1], "")
    if not value and not found[2]:
        raise Lacking(found[1])
    return value
