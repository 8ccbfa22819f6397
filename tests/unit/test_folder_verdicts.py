"""What is remembered of files that stay: little for each, because there may be a hundred thousand."""

from __future__ import annotations

import os
import tracemalloc
from pathlib import Path

from watcher.sources.folder.identity import Candidate, oldest_first
from watcher.sources.folder.offered import Offered
from watcher.sources.folder.verdicts import Verdict, Verdicts

MANY = 10_000
LONG = "部门的报销单据" * 10


def candidate(number: int) -> Candidate:
    return Candidate(1_780_000_000_000_000_000 + number, f"{number % 10}/{LONG}-{number}.pdf", 50_000, 2**40 + number)


def test_a_verdict_costs_the_same_however_long_the_name_is_and_next_to_nothing() -> None:
    verdicts = Verdicts()
    tracemalloc.start()
    try:
        before = tracemalloc.get_traced_memory()[0]
        for number in range(MANY):
            verdicts.put(candidate(number), Verdict.LEFT_ALONE)
        bytes_each = (tracemalloc.get_traced_memory()[0] - before) / MANY
    finally:
        tracemalloc.stop()

    assert verdicts.count(Verdict.LEFT_ALONE) == MANY
    assert bytes_each < len(LONG) * 2 + 50  # less than the name alone would take


def test_candidates_are_given_oldest_first_and_let_go_of_as_they_are_given() -> None:
    candidates = [candidate(number) for number in (*range(500, 1234), *range(500))]
    left, given = [], []

    for batch in oldest_first(candidates, 500):
        given += batch
        left.append(len(candidates))

    assert given == [candidate(number) for number in range(1234)]
    assert left == [734, 234, 0]


def test_a_verdict_holds_for_the_same_file_and_no_other_of_that_name(tmp_path: Path) -> None:
    path = tmp_path / "a.pdf"
    path.write_bytes(b"one")
    verdicts = Verdicts()

    def entry() -> os.DirEntry[str]:
        (found,) = os.scandir(tmp_path)
        return found

    status = path.stat()
    verdicts.put(Candidate(status.st_mtime_ns, "a.pdf", status.st_size, status.st_ino), Verdict.KNOWN)
    here = verdicts.of("")
    assert here.stand(entry())
    assert here.stand_by_inode(entry())
    assert here.is_unchanged("a.pdf", entry().stat())
    (tmp_path / "other").write_bytes(b"two, longer")
    (tmp_path / "other").replace(path)
    assert not here.is_unchanged("a.pdf", entry().stat())
    assert not here.stand_by_inode(entry())
    assert not here.stand(entry())


def test_what_was_handed_out_is_looked_at_once_more_after_a_while_unless_it_was_moved() -> None:
    # Given two files that were handed out together, and one a moment later
    offered = Offered()
    offered.add("a.pdf", 10.0)
    offered.add("moved.pdf", 10.0)
    offered.add("late.pdf", 10.5)
    # When one of them is moved
    offered.moved("moved.pdf")
    # Then each other one is due once, in its time
    assert [offered.due(now) for now in (10.9, 11.0, 11.4, 11.5, 99.0)] == [[], ["a.pdf"], [], ["late.pdf"], []]
