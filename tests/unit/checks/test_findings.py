"""Numbers and lists as findings word them."""

from __future__ import annotations

import pytest

from watcher.cli.checking import mark_of, summary
from watcher.findings import About, some
from watcher.mounts import in_bytes, shortage

GB = 1_000_000_000


@pytest.mark.parametrize(
    ("size", "free", "inodes", "left", "said"),
    [
        (100 * GB, 50 * GB, 100, 50, None),
        (100 * GB, 4 * GB, 100, 50, "only 4.0 GB (4 %) are free"),
        (10_000 * GB, 6 * GB, 0, 0, None),  # a twentieth of a large disk is much; and it counts no inodes
        (10 * GB, 999_000_000, 100, 50, "only 999 MB (9 %) are free"),
        (100 * GB, 50 * GB, 1000, 40, "only 40 inodes (4 %) are free, and each file takes one"),
        (0, 0, 0, 0, None),
    ],
)
def test_little_is_a_gigabyte_or_a_twentieth(size: int, free: int, inodes: int, left: int, said: str | None) -> None:
    assert shortage(size=size, free=free, inodes=inodes, left=left) == said


@pytest.mark.parametrize(
    ("count", "said"),
    [(0, "0 bytes"), (999, "999 bytes"), (1500, "1.5 kB"), (2e7, "20.0 MB"), (3e15, "3000.0 TB")],
)
def test_sizes_are_told_for_people(count: float, said: str) -> None:
    assert in_bytes(count) == said


def test_the_last_line_counts() -> None:
    about = About("x")
    good, noted, wrong = about.well("a"), about.note("b", "do"), about.wrong("c", "do")

    assert summary([good]) == "all is well: 1 thing was looked at"
    assert summary([good, good]) == "all is well: 2 things were looked at"
    assert summary([good, noted]) == "all is well, but for 1 warning"
    assert summary([wrong, noted, noted]) == "1 thing must be mended, 2 warnings"
    assert summary([wrong, wrong]) == "2 things must be mended, 0 warnings"
    assert [mark_of(each) for each in (good, noted, wrong)] == ["ok", "warn", "FAIL"]
    assert some("abcde") == "a, b, c and 2 more"
