"""Text columns that take whatever text comes from outside."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from sqlalchemy import Dialect, Text
from sqlalchemy.types import TypeDecorator

# A private-use character that marks an escaped value; a value that begins with it is escaped as well.
_ESCAPED = "\ue000"


Processor = Callable[[str | None], str | None]


def _is_storable(value: str) -> bool:
    """Whether both databases take it as it is: no NUL, and no half of a surrogate pair."""
    if "\x00" in value:
        return False
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True


def _words(value: str | None) -> str | None:
    if value is None or (value.isascii() and "\x00" not in value) or _is_storable(value):
        return value
    return value.replace("\x00", "\ufffd").encode("utf-8", "replace").decode("utf-8")


def _place(value: str | None) -> str | None:
    if value is None or (_is_storable(value) and not value.startswith(_ESCAPED)):
        return value
    return _ESCAPED + value.encode("utf-8", "surrogatepass").hex()


def _place_again(value: str | None) -> str | None:
    if value is None or not value.startswith(_ESCAPED):
        return value
    return bytes.fromhex(value[1:]).decode("utf-8", "surrogatepass")


TEXTS: frozenset[Callable[..., object]] = frozenset({_words, _place})


def are_storable(texts: Iterable[str | None]) -> bool:
    """Whether each of TEXTS would give each of them as it is, which is told at once for all of a row."""
    text = "".join(filter(None, texts))
    return (text.isascii() and "\x00" not in text) or (_is_storable(text) and _ESCAPED not in text)


# The types give their processors themselves: SQLAlchemy's go through two calls more for each value, and a document
# has fifty of them.


class Words(TypeDecorator[str]):
    """Text for people: what no database can store is replaced."""

    impl = Text
    cache_ok = True

    def bind_processor(self, dialect: Dialect) -> Processor:  # noqa: ARG002 - SQLAlchemy's
        return _words


class Place(TypeDecorator[str]):
    """Text that must come back as it went in: paths may hold bytes that are no UTF-8 (surrogate escapes)."""

    impl = Text
    cache_ok = True

    def bind_processor(self, dialect: Dialect) -> Processor:  # noqa: ARG002 - SQLAlchemy's
        return _place

    def result_processor(self, dialect: Dialect, coltype: object) -> Processor:  # noqa: ARG002 - SQLAlchemy's
        return _place_again
