"""Lists that go into statements: databases bound how many values one may have."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TypeVar

T = TypeVar("T")

_AT_ONCE = 500


def portions(values: Sequence[T]) -> Iterator[list[T]]:
    """All of them in their order, as many at once as a statement may have; nothing where there are none."""
    for start in range(0, len(values), _AT_ONCE):
        yield list(values[start : start + _AT_ONCE])
