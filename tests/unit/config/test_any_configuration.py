"""No configuration, however wrong, is told of in the words of a library."""

from __future__ import annotations

import copy
import tempfile
from pathlib import Path
from typing import Any

import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.config_files import problems_of, written

EXAMPLE = yaml.safe_load((Path(__file__).parents[3] / "config.example.yaml").read_text())
WRONG: list[Any] = [
    None, True, -1, 0, 10**30, 1.5, float("nan"), "", "x", "a: b", "\x07", [],
    [None], [[]], {}, {"": ""}, {"x": {"x": 1}},
]  # fmt: skip


def _paths(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    parts = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [path, *(deep for key, part in parts for deep in _paths(part, (*path, key)))]


def _changed(value: Any, path: tuple[Any, ...], new: Any) -> Any:
    if not path:
        return new
    made = copy.copy(value)
    made[path[0]] = _changed(value[path[0]], path[1:], new)
    return made


@settings(max_examples=200, deadline=None)
@given(st.lists(st.tuples(st.sampled_from(_paths(EXAMPLE)[1:]), st.sampled_from(WRONG)), min_size=1, max_size=3))
def test_every_fault_is_told_in_our_own_words(changes: list[tuple[tuple[Any, ...], Any]]) -> None:
    value = EXAMPLE
    for path, new in changes:
        if path in _paths(value):
            value = _changed(value, path, new)
    with tempfile.TemporaryDirectory() as directory:
        problems = problems_of(written(Path(directory), yaml.safe_dump(value)))

    for problem in problems:
        assert problem.isprintable()
        assert problem.partition(":")[0].isdecimal()
        assert not any(
            word in problem for word in ("Input should", "valid dictionary", "validation", "<o", "<f", "[key]")
        )
