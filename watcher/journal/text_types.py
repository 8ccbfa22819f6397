"""Text columns that take whatever text comes from outside."""

from __future__ import annotations

from sqlalchemy import Dialect, Text
from sqlalchemy.types import TypeDecorator

# A private-use character that marks an escaped value; a value that begins with it is escaped as well.
_ESCAPED = "\ue000"


def _storable(value: str) -> bool:
    """Whether both databases take it as it is: no NUL, and no half of a surrogate pair."""
    if "\x00" in value:
        return False
    if not value.isascii():
        try:
            value.encode()
        except UnicodeEncodeError:
            return False
    return True


class Words(TypeDecorator[str]):
    """Text for people: what no database can store is replaced."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:  # noqa: ARG002 - SQLAlchemy's
        if value is None or _storable(value):
            return value
        return value.replace("\x00", "\ufffd").encode("utf-8", "replace").decode("utf-8")


class Place(TypeDecorator[str]):
    """Text that must come back as it went in: paths may hold bytes that are no UTF-8 (surrogate escapes)."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:  # noqa: ARG002 - SQLAlchemy's
        if value is None or (_storable(value) and not value.startswith(_ESCAPED)):
            return value
        return _ESCAPED + value.encode("utf-8", "surrogatepass").hex()

    def process_result_value(self, value: str | None, dialect: Dialect) -> str | None:  # noqa: ARG002 - SQLAlchemy's
        if value is None or not value.startswith(_ESCAPED):
            return value
        return bytes.fromhex(value[1:]).decode("utf-8", "surrogatepass")
