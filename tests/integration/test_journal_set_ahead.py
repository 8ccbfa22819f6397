"""A journal on PostgreSQL whose server's clock is set ahead, as a node sees it beside others that work."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from tests.support.database_clock import DatabaseClock
from tests.support.journals import ENDPOINT, HOLD, book, claim, file, mail, notice
from watcher.journal.journal import SqlJournal
from watcher.journal.opening import open_journal

if TYPE_CHECKING:
    from tests.support.servers.postgres import Postgres

HOUR = timedelta(hours=1)


@pytest.fixture
def url(postgres: Postgres) -> str:
    return postgres.database()


@pytest.fixture
def clock(url: str) -> DatabaseClock:
    return DatabaseClock(url)


@pytest.fixture
def busy(url: str, clock: DatabaseClock) -> Iterator[SqlJournal]:
    with closing(open_journal(url, exclusive=True)) as journal:
        yield journal


@pytest.fixture
def other(url: str, busy: SqlJournal) -> Iterator[SqlJournal]:
    """A node that has seen the clock before."""
    with closing(open_journal(url, exclusive=False)) as journal:
        assert claim(journal) == []
        yield journal


def test_what_another_node_answers_is_neither_claimed_nor_looked_for_again_and_again(
    busy: SqlJournal, other: SqlJournal, clock: DatabaseClock
) -> None:
    # Given an answer and a notice that one node is at work on when the clock is set ahead beyond its claims
    busy.record(file())
    book(busy)
    assert busy.tell(notice(source="shared"), once_in=HOUR)
    assert len(busy.claim_answers("shared", limit=1, hold=HOLD)) == 1
    assert len(busy.claim_notices("shared", limit=1, hold=HOLD)) == 1
    clock.set(HOUR)
    # When the other one looks, then there is nothing for it
    assert other.claim_answers("shared", limit=1, hold=HOLD) == []
    assert other.claim_notices("shared", limit=1, hold=HOLD) == []
    assert other.next_answer_in("shared") is None
    # But what nobody is at work on is due
    busy.record(file())
    book(busy)
    assert other.next_answer_in("shared") == 0
    assert len(other.claim_answers("shared", limit=2, hold=HOLD)) == 1


def test_what_another_node_posts_is_looked_for_each_second(
    busy: SqlJournal, other: SqlJournal, clock: DatabaseClock
) -> None:
    busy.record(mail())
    assert len(claim(busy)) == 1
    clock.set(HOUR)

    assert claim(other) == []
    assert other.next_try_in(["fapiao"], ENDPOINT) == 1.0
