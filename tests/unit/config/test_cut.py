"""A value that goes on behind a blank and #, and has no quotes."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from tests.support.config_files import MAILBOX, MINIMUM, problems_of, written
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
    "line",
    [
        "password: #canary",
        "password: #canary def",
        "a: {b: c, password: #canary\n  }",
        "- #canary",
        "- #canary\n- x",
        "password: #canary\nb: c",
        "a:\n  - password: #canary",
    ],
)
def test_a_value_of_which_nothing_is_left_is_told_too(tmp_path: Path, line: str) -> None:
    path = written(tmp_path, line)

    number = line[: line.index("#")].count("\n") + 1
    assert cut_short(path) == [f"{path}:{number}: {TOLD.replace('the value ends', 'nothing is left of the value')}"]


@pytest.mark.parametrize("line", ["password: &can ary", "{password: &can ary}", "- &can 'ary'"])
def test_a_value_whose_beginning_yaml_takes_for_a_name_is_told(tmp_path: Path, line: str) -> None:
    path = written(tmp_path, line)

    assert cut_short(path) == [f"{path}:1: what begins with & here is no part of the value: put all of it in quotes"]


@pytest.mark.parametrize("rest", ['b: "\\UFFFFFFFF"', "b: c #d\n" * 200_000], ids=["no character", "too large"])
def test_a_file_that_is_no_configuration_is_not_looked_into(tmp_path: Path, rest: str) -> None:
    path = written(tmp_path, f"a: abc #def\n{rest}\n")
    began = time.thread_time()

    assert cut_short(path) == []
    assert len(problems_of(path)) == 1
    assert time.thread_time() - began < 2


def test_where_a_file_is_wrong_it_is_told_with_that(tmp_path: Path) -> None:
    text = MINIMUM + MAILBOX.replace("{env: IMAP_PASSWORD}", "#canary")

    assert problems_of(written(tmp_path, text)) == [
        "12: mailboxes[0]: give either password or oauth2",
        f"15: {TOLD.replace('the value ends', 'nothing is left of the value')}",
    ]


@pytest.mark.parametrize(
    "text",
    [
        "a: &b c\nd: *b",
        "a: &b {c: d}",
        "a: b &c d",
        "a: # comment",
        "a:   #comment",
        "a: #comment\n  b: c",
        "a: #comment\n  - c",
        "a: #comment\n- c",
        "- #comment\n  b: c",
        "a:\n  #b: c",
        "#a: b\n #c: d",
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
