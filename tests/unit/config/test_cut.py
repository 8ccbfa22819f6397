"""A value that goes on behind a blank and #, and has no quotes."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.config_files import written
from watcher.config.cut import cut_short

TOLD = "the value ends before the # here: put it in quotes where # is a part of it, else write a blank after #"


@pytest.mark.parametrize(
    "line",
    [
        "password: canary #def",
        "password: canary #def ghi",
        "a: {password: canary #def\n  }",
        "- canary #def",
        "b: 密码 #1",
    ],
)
def test_a_value_that_may_be_cut_is_told_where_it_stands_and_not_what_it_is(tmp_path: Path, line: str) -> None:
    path = written(tmp_path, f"# 一\n{line}\n")

    assert cut_short(path) == [f"{path}:2: {TOLD}"]


@pytest.mark.parametrize(
    "text",
    [
        "a: abc # comment",
        "a: abc   #comment",
        "a: abc #",
        "a: abc ## comment",
        "a: 8 #at most",
        "a: true #yes",
        "a: 'abc #def'",
        'a: "abc" #def',
        "a: abc#def",
        "#a: abc #def",
        "a: b  # c #d",
        "a: |\n  abc #def",
        "a: [b, #def\n  c]",
        "a: abc #def\nb: 'open",
    ],
)
def test_other_comments_and_values_are_none(tmp_path: Path, text: str) -> None:
    assert cut_short(written(tmp_path, text + "\n")) == []


def test_the_example_has_none() -> None:
    assert cut_short(Path("config.example.yaml")) == []


def test_a_file_that_is_not_there_is_told_by_whoever_loads_it(tmp_path: Path) -> None:
    assert cut_short(tmp_path / "none.yaml") == []
