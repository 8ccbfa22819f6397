"""Several pieces of work that go on together, step by step.

Each asks the database and stands still before it looks at the answer, so that all have asked when the first one looks:
a server that is far away is waited for once for all of them.
"""

from __future__ import annotations

from collections.abc import Generator, Sequence
from typing import TypeVar

T = TypeVar("T")
Step = Generator[None, None, T]


def in_step(works: Sequence[Step[T]]) -> list[T]:
    """What each of them came to."""
    ended: dict[int, T] = {}
    going = dict(enumerate(works))
    while going:
        for number, work in list(going.items()):
            try:
                next(work)
            except StopIteration as end:
                ended[number] = end.value
                del going[number]
    return [ended[number] for number in range(len(works))]
