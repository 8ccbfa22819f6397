"""Statements that are built when they are first run.

Built when their modules are loaded, all that the journal has took a tenth of each start.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Generic, TypeVar, cast

T_co = TypeVar("T_co", covariant=True)

_BUILDING = threading.RLock()  # a statement builds its parts within
_NOT_YET = object()


class Deferred(Generic[T_co]):
    """A statement, or a part of some: the same one for all who ask. Safe for threads."""

    __slots__ = ("_build", "_built")

    def __init__(self, build: Callable[[], T_co]) -> None:
        self._build = build
        self._built: object = _NOT_YET

    def __call__(self) -> T_co:
        if self._built is _NOT_YET:
            with _BUILDING:
                if self._built is _NOT_YET:
                    self._built = self._build()
        return cast("T_co", self._built)
