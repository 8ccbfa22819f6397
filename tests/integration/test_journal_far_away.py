"""A journal whose database is far away: what counts there is how often it is waited for."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from tests.support.journals import ENDPOINT, HOLD, NOW, OVER, REFUSED, claim, claim_one, file
from tests.support.servers.far_away import FarAway
from watcher.journal.journal import SqlJournal
from watcher.journal.opening import open_journal

if TYPE_CHECKING:
    from tests.support.servers.postgres import Postgres

ROUND_TRIP_SECONDS = 0.01  # far enough that what is said without waiting is seen to be
LATER = timedelta(hours=1)


@pytest.fixture
def url(postgres: Postgres) -> str:
    return postgres.database()


@pytest.fixture
def line(postgres: Postgres) -> Iterator[FarAway]:
    with FarAway(postgres.port, round_trip=ROUND_TRIP_SECONDS) as line:
        yield line


@pytest.fixture
def journal(url: str, postgres: Postgres, line: FarAway) -> Iterator[SqlJournal]:
    opened = open_journal(url.replace(f":{postgres.port}/", f":{line.port}/"), exclusive=True)
    yield opened
    opened.close()


def names(count: int) -> list[str]:
    return [f"source-{number}" for number in range(count)]


@pytest.mark.parametrize("count", [1, 3, 50])
def test_a_claim_waits_for_the_database_four_times_however_many_sources_there_are(
    journal: SqlJournal, line: FarAway, count: int
) -> None:
    # Given work of two sources, some of it tried before
    journal.record_all([file(source=source) for source in (names(count)[0], names(count)[-1]) for _ in range(3)])
    journal.postpone(claim_one(journal, *names(count)), due_in=NOW, counted=True, ending=REFUSED)
    # When it is claimed, and when nothing is left
    with line.counted() as of_some:
        some = claim(journal, *names(count), limit=8)
    with line.counted() as of_none:
        none = claim(journal, *names(count), limit=8)
    # Then it is: to begin, to claim, to hear of what waits for it, and to commit; or else of the gate
    assert (len(some), len(none)) == (6, 0)
    assert (of_some.count, of_none.count) == (4, 4)


@pytest.mark.parametrize("count", [1, 50])
def test_a_probe_of_a_closed_gate_is_claimed_by_as_many_statements_however_many_sources_there_are(
    journal: SqlJournal, line: FarAway, count: int
) -> None:
    journal.record(file(source=names(count)[-1]))
    journal.postpone(claim_one(journal, *names(count)), due_in=LATER, counted=True, ending=REFUSED)
    journal.close_gate(ENDPOINT, "why", LATER)
    with line.counted() as shut:
        assert claim(journal, *names(count), limit=8) == []
    journal.close_gate(ENDPOINT, "why", NOW)

    with line.counted() as probed:
        (probe,) = claim(journal, *names(count), limit=8)

    assert probe.probe_of == ENDPOINT
    assert (shut.count, probed.count) == (4, 8)


def test_what_was_interrupted_is_claimed_anew_with_one_wait_more(journal: SqlJournal, line: FarAway) -> None:
    journal.record_all([file() for _ in range(3)])
    claim(journal, limit=3, hold=OVER)

    with line.counted() as trips:
        claimed = claim(journal, limit=3)

    assert [each.in_doubt for each in claimed] == [True] * 3
    assert trips.count == 5
    for each in claimed:
        (posted,) = journal.submission(each.submissions[0]).documents
        assert [(one.number, one.in_doubt) for one in posted.tries] == [(1, True), (2, False)]


def test_each_booking_is_claimed_once_by_nodes_that_claim_at_the_same_time_from_many_sources(
    journal: SqlJournal, url: str
) -> None:
    sources = names(10)
    journal.record_all([file(source=source) for source in sources for _ in range(12)])
    nodes = [journal, *(open_journal(url, exclusive=False) for _ in range(3))]

    def take(node: SqlJournal) -> list[int]:
        taken = []
        while some := claim(node, *sources, limit=8) or _is_any_left(node, sources):
            if isinstance(some, list):
                taken += [each.booking for each in some]
        return taken

    with ThreadPoolExecutor() as pool:
        taken = [booking for one in pool.map(take, nodes) for booking in one]
    for node in nodes[1:]:
        node.close()

    assert len(taken) == 120
    assert set(Counter(taken).values()) == {1}


def _is_any_left(node: SqlJournal, sources: list[str]) -> bool:
    """Those that another node has just claimed, and not committed, look due still."""
    due_in = node.next_try_in(sources, ENDPOINT)
    return due_in is not None and due_in < HOLD.total_seconds() / 2
