"""What nodes tell each other of the journal's changes."""

from __future__ import annotations

import re

import pytest

from watcher.journal.postgres_wakeups import read, written
from watcher.model import ANYTHING, NOTHING_NEW, POSTING, News, answering

HOSTILE = "a'); DROP TABLE bookings; --, 发票"


@pytest.mark.parametrize(
    "news",
    [
        NOTHING_NEW,
        POSTING,
        ANYTHING,
        answering(HOSTILE),
        News(decided=True, answering=frozenset({"a", "b,c"})),
        News(answering=None),
    ],
)
def test_another_node_reads_what_was_written_and_no_name_ends_the_statement(news: News) -> None:
    assert read(written(news)) == news
    assert re.fullmatch(r"[01] [01] [a-z0-9,]*", written(news))


def test_more_sources_than_a_notice_carries_are_any() -> None:
    many = News(answering=frozenset(f"source-{number}" for number in range(500)))

    assert read(written(many)) == News(answering=None)
    assert len(written(many)) < 100


@pytest.mark.parametrize("notice", ["", "1", "1 0", "1 0 xyz", "1 0 ff", "1 0 61 more"])
def test_a_notice_that_cannot_be_read_may_mean_anything(notice: str) -> None:
    assert read(notice) == ANYTHING
