"""What the journal does for a piece of work does not grow with what it holds."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from benchmarks.filling import fill, identifier, key
from tests.support.journals import (
    CUT_OFF,
    ENDED,
    ENDPOINT,
    FAILED,
    HOLD,
    REFUSED,
    answer,
    claim_one,
    close_gate,
    document,
    done,
    file,
    mail,
    open_gate,
    settle,
)
from tests.support.query_plans import counted_steps, recorded
from watcher.journal.journal import SqlJournal
from watcher.journal.opening import migrate, open_journal
from watcher.journal.sqlite_file import drop_claims
from watcher.model import Kind, Outcome, SubmissionFilter, SubmissionState

SOURCES = ("fapiao", "shared")
SMALL, LARGE = 300, 12_000
HOUR = timedelta(hours=1)
NEVER = timedelta(days=365 * 100)


def work(journal: SqlJournal) -> Iterator[tuple[str, Callable[[], object]]]:
    """All that the daemon does, in an order in which there is something to do for each."""
    if journal._database.read(lambda connection: connection.dialect.name) == "sqlite":
        yield "drop the claims of who is gone", lambda: journal._database.write(drop_claims)
    new = [mail(document(f"grows-{number}")) for number in range(4)]
    yield "known", lambda: journal.known([key(7), key(8), *(each.key for each in new)])
    yield "register_sources", lambda: journal.register_sources({"fapiao": Kind.MAIL, "shared": Kind.FILE})
    yield "record", lambda: [journal.record(each) for each in new]
    yield "record a duplicate", lambda: journal.record(file(document("grows-0")))
    yield "next_try_in", lambda: journal.next_try_in(SOURCES, ENDPOINT)
    yield "work_left", lambda: journal.work_left(SOURCES)
    claimed = [claim_one(journal) for _ in range(2)]
    yield "settle", lambda: settle(journal, claimed[0], done(), ENDED)
    yield "settle an error", lambda: settle(journal, claimed[1], FAILED, REFUSED)
    yield "claim and give back", lambda: journal.give_back(claim_one(journal))
    yield (
        "claim and postpone",
        lambda: journal.postpone(claim_one(journal), due_in=timedelta(0), counted=True, ending=CUT_OFF),
    )
    yield "close the gate", lambda: close_gate(journal, ENDPOINT, "why", timedelta(0))
    yield "probe it", lambda: journal.give_back(claim_one(journal))
    yield "open the gate", lambda: open_gate(journal, ENDPOINT)
    yield "next_answer_in", lambda: journal.next_answer_in("fapiao", acknowledge_after=HOLD)
    yield "no notices", lambda: journal.claim_notices("fapiao", limit=8, hold=HOLD, acknowledge_after=HOLD)
    yield "acknowledge", lambda: journal.claim_notices("fapiao", limit=1, hold=HOLD, acknowledge_after=timedelta(0))
    answered: list[str] = []
    yield "answer", lambda: answered.append(answer(journal).id)
    yield "answer where it stays", lambda: answered.append(answer(journal, moved=False, target=None).id)
    yield "retry", lambda: [journal.retry(each) for each in answered]
    yield "look after a source", lambda: claim_source(journal)
    yield "report_source", lambda: journal.report_source("fapiao", up=True, message="well")
    yield "what is wrong", lambda: journal.signs(SOURCES, long=HOLD, recent=NEVER)
    yield "how the work goes", lambda: (journal.workload(SOURCES), journal.storage())
    yield "whose duty it is", lambda: journal.claim_duty("alarm", HOLD)
    yield "forget nothing", lambda: journal.forget(NEVER)
    yield "what is left of others", lambda: (journal.strays(SOURCES), journal.take_over_bookings(SOURCES))
    yield "what is left of a folder", lambda: (journal.left_files(["fapiao"]), journal.take_over_bookings(["fapiao"]))
    yield "what a clock that was set back put off", lambda: journal.draw_near(HOUR)
    yield "draw all near", lambda: journal.draw_near(-NEVER)
    left = journal.record(mail(document("left"), key="left", source="old"))
    yield "take over", lambda: journal.take_over({left: "left"}, "fapiao", sources=SOURCES)


def reading(journal: SqlJournal) -> Iterator[tuple[str, Callable[[], object]]]:
    """What people ask, but for counts and for words that may stand anywhere."""
    yield "show", lambda: journal.submission(identifier(SMALL)[:12])
    yield "gates and sources", lambda: (journal.gates(), journal.source_health(), journal.now())
    yield "outcomes_since", lambda: journal.outcomes_since(datetime.now(UTC) - timedelta(hours=1))
    yield "a page of the ledger", lambda: next(journal.ledger())
    yield "the ledger of an age without any", lambda: list(journal.ledger(datetime.now(UTC) + timedelta(days=1)))
    yield "the holder of a document", lambda: journal.holder(SMALL)
    yield "what waits", journal.pending
    hour = timedelta(hours=1)
    yield "what came and went", lambda: journal.activity(datetime.now(UTC) - 24 * hour, step=hour, steps=24)
    yield "a page far down", lambda: journal.page(SubmissionFilter(limit=25), below=SMALL)
    yield "a page of one outcome", lambda: journal.page(SubmissionFilter(limit=5, outcome=Outcome.ERROR), below=SMALL)
    newest = {"limit": 5}
    filters: dict[str, dict[str, object]] = {
        "list": {},
        **{f"list {state}": {"state": state} for state in SubmissionState},
        **{f"list {outcome}": {"outcome": outcome} for outcome in Outcome},
        "list a source": {"source": "shared"},
        "list a source without any": {"source": "nobody"},
        "list a sender": {"sender": "Person-7@corp.example"},
        "list a sender without any": {"sender": "nobody@corp.example"},
        "list an age": {"since": datetime(2020, 1, 1, tzinfo=UTC)},
        "list an age without any": {"since": datetime.now(UTC) + timedelta(days=1)},
        "list errors of a sender": {"outcome": Outcome.SKIPPED, "sender": "zhang@corp.example"},
        "list a number": {"search": f"24{SMALL:018}"},
    }
    for name, wanted in filters.items():
        yield name, lambda wanted=wanted: list(journal.submissions(SubmissionFilter(**newest, **wanted)))  # type: ignore[arg-type, misc]


def claim_source(journal: SqlJournal) -> None:
    claim = journal.claim_source("fapiao", HOLD)
    assert claim is not None
    journal.release_source(claim)


def filled(url: str, count: int) -> SqlJournal:
    migrate(url)
    fill(url, count)
    return open_journal(url, exclusive=True)


def steps_of(url: str, count: int) -> dict[str, int]:
    """By operation: the instructions that SQLite ran for it, with so many submissions in the journal."""
    found = {}
    journal = filled(url, count)
    try:
        for operations in (work, reading):
            for name, operation in operations(journal):
                with counted_steps() as steps:
                    operation()
                found[name] = steps.count
    finally:
        journal.close()
    return found


def test_sqlite_does_no_more_work_for_anything_in_a_journal_that_is_forty_times_as_large(tmp_path: Path) -> None:
    small = steps_of(f"sqlite:///{tmp_path}/small.db", SMALL)
    large = steps_of(f"sqlite:///{tmp_path}/large.db", LARGE)

    # To look at each row once would take another thirty thousand.
    grown = {name: (small[name], large[name]) for name in small if large[name] > 2 * small[name] + 5000}
    assert grown == {}


def test_postgresql_walks_no_table_that_grows(request: pytest.FixtureRequest) -> None:
    import psycopg

    url = request.getfixturevalue("postgres").database()
    journal = filled(url, LARGE)
    try:
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute("ANALYZE")
        with recorded() as statements:
            for _, operation in work(journal):
                operation()
            journal.pending()
            journal.holder(SMALL)
            journal.activity(datetime.now(UTC) - timedelta(hours=24), step=timedelta(hours=1), steps=24)
        assert journal._database.read(statements.walks) == []
    finally:
        journal.close()
