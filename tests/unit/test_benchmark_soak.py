"""What the soak gives to the daemon, and what it makes of what it sees. Pure."""

from __future__ import annotations

import pytest

from benchmarks.cases.soak import Look, figures_of
from benchmarks.daemons import Usage
from benchmarks.feeding import contents, item

TOTAL = 2000


def look(documents: int, *, memory: float = 100.0, threads: int = 50, cpu: float = 10.0) -> Look:
    used = Usage(cpu=cpu * documents / 1000, rss=memory, peak=memory, threads=threads, descriptors=40)
    return Look(at=documents / 100, documents=documents, used=used, journal=1.0)


def test_a_duplicate_brings_what_the_same_person_has_brought_before() -> None:
    given = [item(number) for number in range(TOTAL)]
    duplicates = [each for number, each in enumerate(given) if each.content not in (None, number)]
    assert len(duplicates) == TOTAL / 25
    for each in duplicates:
        assert each.content is not None
        assert given[each.content] == each


def test_what_is_to_be_booked_is_all_but_duplicates_and_failures() -> None:
    given = [item(number) for number in range(TOTAL)]
    booked = [number for number, each in enumerate(given) if each.content == number]
    assert contents(TOTAL) == len(booked)
    assert sum(each.content is None for each in given) == TOTAL / 25
    assert sum(each.mail for each in given) == TOTAL / 8


def test_growth_is_that_of_100000_documents_after_the_first_fifth() -> None:
    looks = [
        look(0),
        look(10_000, memory=300.0),
        *(look(n, memory=100 + n / 50_000) for n in range(20_000, 100_001, 10_000)),
    ]
    found = figures_of(looks)
    assert found["memory growth"] == pytest.approx(2.0)
    assert found["threads growth"] == 0
    assert found["CPU each"] == pytest.approx(10.0)
    assert found["CPU growth"] == pytest.approx(0.0, abs=1e-6)


def test_threads_apart_are_the_most_without_the_least() -> None:
    looks = [look(0, threads=10), *(look(n, threads=50 + n % 3) for n in range(2000, 10_001, 1000))]
    assert figures_of(looks)["threads apart"] == 2
