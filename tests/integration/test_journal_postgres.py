"""A journal on PostgreSQL whose connections break at the worst moments, and that several nodes share."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import psycopg
import pytest
from sqlalchemy import event

from tests.support.journals import (
    ENDED,
    ENDPOINT,
    FAILED,
    HOLD,
    NOW,
    REFUSED,
    answer,
    book,
    claim,
    claim_one,
    done,
    file,
    mail,
)
from watcher.errors import ClaimLost, JournalUnavailable, JournalUnusable
from watcher.journal import migrate as migrations
from watcher.journal.journal import SqlJournal
from watcher.journal.opening import migrate, open_journal
from watcher.model import Outcome, SubmissionState

if TYPE_CHECKING:
    from tests.support.servers.postgres import Postgres


@pytest.fixture
def url(postgres: Postgres) -> str:
    return postgres.database()


@pytest.fixture
def journal(url: str) -> Iterator[SqlJournal]:
    opened = open_journal(url, exclusive=True)
    yield opened
    opened.close()


class LostReply:
    """The next COMMIT is carried out (or not), and its reply never comes."""

    def __init__(self, journal: SqlJournal, *, carried_out: bool) -> None:
        self._carried_out = carried_out
        self.fired = 0
        event.listen(journal._database._engine, "commit", self._on_commit)  # type: ignore[attr-defined]

    def _on_commit(self, connection: Any) -> None:
        self.fired += 1
        if self.fired == 1:
            session = connection.connection.dbapi_connection
            if self._carried_out:
                session.commit()
            session.close()


@pytest.mark.parametrize("carried_out", [True, False])
def test_a_lost_reply_to_commit_is_no_lost_claim(journal: SqlJournal, carried_out: bool) -> None:
    name = journal.record(mail())
    claimed = claim_one(journal)
    lost = LostReply(journal, carried_out=carried_out)

    journal.settle(claimed, done(), ENDED)

    assert lost.fired == 2
    found = journal.submission(name).documents[0]
    assert (found.outcome, len(found.invoices), found.attempts) == (Outcome.DONE, 1, 1)
    assert found.tries[0].result == "done"


@pytest.mark.parametrize("carried_out", [True, False])
def test_a_lost_reply_to_commit_doubles_no_record_postponement_or_answer(
    journal: SqlJournal, carried_out: bool
) -> None:
    record = LostReply(journal, carried_out=carried_out)
    name = journal.record(file())
    assert record.fired == 2
    claimed = claim_one(journal)
    postponement = LostReply(journal, carried_out=carried_out)
    journal.postpone(claimed, due_in=NOW, counted=True, ending=REFUSED)
    assert postponement.fired == 2
    assert claim_one(journal).attempt == 2

    assert journal.counts().submissions == {SubmissionState.OPEN: 1}
    assert journal.submission(name).documents[0].attempts == 1


@pytest.mark.parametrize("carried_out", [True, False])
def test_a_lost_reply_to_commit_closes_once(journal: SqlJournal, carried_out: bool) -> None:
    name = journal.record(mail())
    book(journal)
    (claimed,) = journal.claim_answers("fapiao", limit=1, hold=HOLD)
    LostReply(journal, carried_out=carried_out)

    journal.close_submission(claimed, moved=True)

    assert journal.submission(name).answer_number == 1


def test_a_claim_of_which_nobody_knows_is_not_worked_on(journal: SqlJournal) -> None:
    journal.record(mail())
    LostReply(journal, carried_out=True)

    with pytest.raises(JournalUnavailable):
        claim(journal)
    assert claim(journal) == []  # its hold has to pass


def test_connections_that_were_cut_are_made_again(postgres: Postgres, url: str, journal: SqlJournal) -> None:
    name = journal.record(mail())
    claimed = claim_one(journal)

    postgres.cut(url)

    journal.settle(claimed, done(), ENDED)
    postgres.cut(url)
    assert journal.submission(name).documents[0].outcome is Outcome.DONE


def test_a_server_that_is_away_is_told_and_its_return_is_noticed(postgres: Postgres, url: str) -> None:
    journal = open_journal(url, exclusive=True)
    try:
        name = journal.record(mail())
        postgres.stop(immediate=True)
        try:
            with pytest.raises(JournalUnavailable):
                journal.record(mail())
            with pytest.raises(JournalUnavailable):
                open_journal(url, exclusive=True)
        finally:
            postgres.start()

        assert journal.submission(name).state is SubmissionState.OPEN
        assert claim_one(journal).probe is False
    finally:
        journal.close()


def test_two_nodes_share_the_work_and_wake_each_other(url: str, journal: SqlJournal) -> None:
    other = open_journal(url, exclusive=True)
    try:
        woken = threading.Event()
        other.subscribe(woken.set)
        woken.clear()
        journal.record(mail())
        assert woken.wait(10)
        claimed = claim_one(other)

        assert claim(journal) == []
        other.settle(claimed, FAILED, REFUSED)
        with pytest.raises(ClaimLost):
            journal.settle(claimed, done(), ENDED)
        assert answer(journal).state is SubmissionState.CLOSED
    finally:
        other.close()


def test_an_older_journal_is_not_changed_under_a_node_that_runs(
    url: str, journal: SqlJournal, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert journal.gate(ENDPOINT).open  # it has a connection
    monkeypatch.setattr(migrations, "HEAD", "0002")
    monkeypatch.setattr(migrations, "REVISIONS", ("0001", "0002"))

    with pytest.raises(JournalUnusable, match="another node runs"):
        open_journal(url, exclusive=True)


def test_the_database_of_another_program_is_left_as_it_is(url: str) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("CREATE TABLE albums (title TEXT)")

    for exclusive in (True, False):
        with pytest.raises(JournalUnusable, match="something else"):
            open_journal(url, exclusive=exclusive)
    with pytest.raises(JournalUnusable, match="something else"):
        migrate(url)
