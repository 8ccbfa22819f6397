"""The totals that the database keeps are what a count of all rows finds, whatever is written, undone and folded."""

from __future__ import annotations

import random
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import psycopg
import pytest

from tests.support.journals import ENDED, FAILED, HOLD, REFUSED, answer, claim, document, done, file, mail, note, settle
from watcher.errors import ClaimLost, UsageError
from watcher.journal.connection import Connection
from watcher.journal.counting import fold_totals
from watcher.journal.journal import SqlJournal
from watcher.journal.opening import open_journal
from watcher.model import Closed, Kind, Outcome, Planned, SettledTry, SubmissionFilter

if TYPE_CHECKING:
    from tests.support.servers.postgres import Postgres

SOURCES = ("fapiao", "shared")
NEVER = timedelta(days=36_500)
WORKERS, STEPS = 4, 60

Found = tuple[dict[str, int], dict[str, int]]  # submissions by state, and documents by outcome, or pending


@pytest.fixture(params=["sqlite", "postgres"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    on_sqlite = request.param == "sqlite"
    return f"sqlite:///{tmp_path}/journal.db" if on_sqlite else str(request.getfixturevalue("postgres").database())


@pytest.fixture
def journal(place: str) -> Iterator[SqlJournal]:
    opened = open_journal(place, exclusive=True)
    yield opened
    opened.close()


class UndoneError(Exception):
    """Raised in the middle of a write, so that nothing of it is kept."""


def counted_one_by_one(journal: SqlJournal) -> Found:
    def work(connection: Connection) -> Found:
        submissions = connection.exec_driver_sql("SELECT state, count(*) FROM submissions GROUP BY state")
        documents = connection.exec_driver_sql(
            "SELECT CASE WHEN state = 'pending' THEN state ELSE outcome END, count(*) FROM documents GROUP BY 1"
        )
        return dict(submissions.all()), dict(documents.all())

    return journal._database.read(work)


def counts(journal: SqlJournal) -> Found:
    found = journal.counts()
    submissions = {state.value: count for state, count in found.submissions.items() if count}
    return submissions, {outcome: count for outcome, count in found.documents.items() if count}


def record(journal: SqlJournal, chance: random.Random) -> None:
    content = f"content {chance.randrange(80)}"  # of several workers, and so a duplicate now and then
    skipped = document(f"skipped {content}", outcome=Outcome.SKIPPED, locator=None)
    make, source = chance.choice(((mail, "fapiao"), (file, "shared")))
    documents = [document(content), *([skipped] if chance.random() < 0.3 else [])]
    journal.record(make(*documents, key=f"key {chance.random()}", source=source))


def settle_a_few(journal: SqlJournal, chance: random.Random) -> None:
    tried = []
    for claimed in claim(journal, *SOURCES, limit=3):
        settlement, ending = (FAILED, REFUSED) if chance.random() < 0.3 else (done(), ENDED)
        tried.append(SettledTry(claimed=claimed, settlement=settlement, ending=ending))
    journal.settle(tried)


def close(journal: SqlJournal, chance: random.Random) -> None:
    for claimed in journal.claim_answers(chance.choice(SOURCES), limit=3, hold=HOLD):
        note(journal, claimed, Planned(target="done/a"))
        note(journal, claimed, Closed(moved=True))


def try_again(journal: SqlJournal, chance: random.Random) -> None:
    some = list(journal.submissions(SubmissionFilter(limit=20)))
    if some:
        decide = chance.choice((journal.retry, partial(journal.retry, new=True), journal.release))
        decide(chance.choice(some).id)


def undo(journal: SqlJournal, chance: random.Random) -> None:
    def work(connection: Connection) -> None:
        of = chance.choice(("state = 'closed'", "state <> 'closed'"))
        connection.exec_driver_sql("UPDATE documents SET outcome = 'error' WHERE outcome = 'done'")
        connection.exec_driver_sql(f"DELETE FROM submissions WHERE {of}")
        raise UndoneError

    with pytest.raises(UndoneError):
        journal._database.write(work)


def forget(journal: SqlJournal, chance: random.Random) -> None:
    journal.forget(timedelta(0) if chance.random() < 0.1 else NEVER)


def worker(journal: SqlJournal, seed: int) -> None:
    chance = random.Random(seed)
    steps = (record, record, record, settle_a_few, settle_a_few, close, close, try_again, undo, forget)
    for _ in range(STEPS):
        with suppress(ClaimLost, UsageError):  # another worker was faster
            chance.choice(steps)(journal, chance)


def test_the_totals_are_what_is_there_after_all_kinds_of_work_by_many_at_once(journal: SqlJournal) -> None:
    journal.register_sources({"fapiao": Kind.MAIL, "shared": Kind.FILE})

    with ThreadPoolExecutor(WORKERS) as pool:
        work = [pool.submit(worker, journal, seed) for seed in range(WORKERS)]
        for each in work:
            each.result()
    finish(journal, 2)
    journal.record(
        mail(document("the last"), document("skipped", outcome=Outcome.SKIPPED, locator=None), key="the last")
    )

    submissions, documents = counted_one_by_one(journal)
    assert counts(journal) == (submissions, documents)
    assert {"closed", "open"} <= set(submissions)
    assert {"pending", "done", "skipped"} <= set(documents)


def test_a_submission_that_is_forgotten_is_counted_no_more_and_neither_are_its_documents(journal: SqlJournal) -> None:
    finish(journal, 2)
    assert counts(journal) == ({"closed": 2}, {"done": 2})

    assert journal.forget(timedelta(milliseconds=-1000)) == 2

    assert counts(journal) == counted_one_by_one(journal) == ({}, {})


def take_back(connection: Connection) -> None:
    """To the version before, which kept no totals."""
    if connection.dialect.name == "sqlite":
        names = connection.exec_driver_sql("SELECT name FROM sqlite_master WHERE type = 'trigger'").scalars()
        triggers = [f"DROP TRIGGER {name}" for name in names]
    else:
        triggers = [f"DROP FUNCTION {name}() CASCADE" for name in ("count_submission", "count_document")]
    for statement in (*triggers, "DROP TABLE totals", "UPDATE alembic_version SET version_num = '0006'"):
        connection.exec_driver_sql(statement)


def test_a_journal_that_was_filled_before_there_were_totals_has_them_when_it_is_migrated(
    journal: SqlJournal, place: str
) -> None:
    # Given a journal of the version before, with some submissions closed and one under way
    finish(journal, 3)
    journal.record(mail(document("under way"), document("skipped", outcome=Outcome.SKIPPED, locator=None), key="new"))
    journal._database.write(take_back)
    journal.close()
    # When this version opens it
    opened = open_journal(place, exclusive=True)
    # Then its totals are those of a count, and go on from there
    assert counts(opened) == counted_one_by_one(opened)
    assert counts(opened) == ({"closed": 3, "open": 1}, {"done": 3, "skipped": 1, "pending": 1})
    for claimed in claim(opened, *SOURCES, limit=3):
        settle(opened, claimed, FAILED, REFUSED)
    answer(opened, source="fapiao")
    assert counts(opened) == counted_one_by_one(opened)
    assert counts(opened) == ({"closed": 4}, {"done": 3, "skipped": 1, "error": 1})
    opened.close()


@pytest.fixture
def url(postgres: Postgres) -> str:
    return postgres.database()


def finish(journal: SqlJournal, count: int) -> None:
    for number in range(count):
        journal.record(file(document(f"finished {number}"), key=f"finished {number}"))
    while claimed := claim(journal, limit=count):
        for each in claimed:
            settle(journal, each, done(), ENDED)
    for _ in range(count):
        answer(journal, source="shared")


def test_what_is_not_committed_yet_is_neither_counted_nor_folded_away(url: str) -> None:
    journal = open_journal(url, exclusive=True)
    try:
        finish(journal, 60)
        with psycopg.connect(url) as other:
            other.execute("UPDATE submissions SET state = 'open' WHERE seq = (SELECT min(seq) FROM submissions)")
            other.execute("UPDATE documents SET outcome = 'error' WHERE id = (SELECT max(id) FROM documents)")
            while_it_is_open = counts(journal)
            journal._database.write(fold_totals)
            assert counts(journal) == while_it_is_open == ({"closed": 60}, {"done": 60})
            assert rows(url) == 2

        assert counts(journal) == counted_one_by_one(journal) == ({"open": 1, "closed": 59}, {"done": 59, "error": 1})
    finally:
        journal.close()


def test_who_looks_after_a_source_folds_what_has_been_counted(url: str) -> None:
    journal = open_journal(url, exclusive=True)
    try:
        journal.register_sources({"shared": Kind.FILE})
        finish(journal, 60)
        assert rows(url) == 120

        journal.claim_source("shared", HOLD)

        assert rows(url) == 2
        assert counts(journal) == ({"closed": 60}, {"done": 60})
    finally:
        journal.close()


def rows(url: str) -> int:
    """In the table of the totals, as far as they are committed."""
    with psycopg.connect(url) as connection:
        ((count,),) = connection.execute("SELECT count(*) FROM totals").fetchall()
        return int(count)
