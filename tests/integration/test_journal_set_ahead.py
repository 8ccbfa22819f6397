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
from watcher.journal.postgres_clock import ServerClock

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


def test_what_another_node_posts_and_answers_is_left_alone_by_who_claims_just_when_the_clock_is_set(
    url: str, busy: SqlJournal, other: SqlJournal, clock: DatabaseClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Given a node that posts a document and gives an answer
    busy.record(file())
    book(busy)
    assert len(busy.claim_answers("shared", limit=1, hold=HOLD)) == 1
    busy.record(mail())
    assert len(claim(busy)) == 1
    # When the clock is set after another one has looked at it, and before it claims
    looked = ServerClock.looked

    def look(server_clock: ServerClock, shown_ms: int, *, asked_at: float, heard_at: float) -> None:
        looked(server_clock, shown_ms, asked_at=asked_at, heard_at=heard_at)
        clock.set(HOUR)

    monkeypatch.setattr(ServerClock, "looked", look)
    # Then it takes over nothing
    assert claim(other) == []
    clock.set(timedelta(0))
    with closing(open_journal(url, exclusive=False)) as third:
        assert third.claim_answers("shared", limit=1, hold=HOLD) == []
