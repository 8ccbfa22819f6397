"""A journal on PostgreSQL whose connections break at the worst moments, and that several nodes share."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import ExitStack, contextmanager
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, Any

import psycopg
import pytest
from msgspec.structs import replace
from sqlalchemy import text

from tests.support.journal_process import other_process
from tests.support.journal_statements import heard
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
    document,
    done,
    file,
    invoice,
    mail,
    note,
    settle,
)
from tests.support.servers.fault_proxy import Fault, FaultProxy, Kind, Way
from tests.support.waiting import wait_for
from watcher.errors import ClaimLost, JournalUnavailable, JournalUnusable, UsageError
from watcher.journal import migrate as migrations
from watcher.journal.connection import Connection
from watcher.journal.journal import SqlJournal
from watcher.journal.opening import migrate, open_journal
from watcher.journal.postgres_sessions import BEGIN_WRITING
from watcher.model import BookingKey, Closed, NewDocument, News, Outcome, SubmissionState

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


def test_what_is_read_starts_no_other_processes(journal: SqlJournal) -> None:
    workers = "SHOW max_parallel_workers_per_gather"

    assert journal._database.read(lambda connection: connection.exec_driver_sql(workers).scalar_one()) == "0"


class Commits:
    """How many COMMITs were begun."""

    def __init__(self) -> None:
        self.count = 0


@contextmanager
def lost_reply(journal: SqlJournal, *, carried_out: bool) -> Iterator[Commits]:
    """The first COMMIT in the block is carried out (or not), and its reply never comes."""
    commits = Commits()

    def cut(connection: Connection, statement: str, _values: Any) -> None:
        if not statement.endswith("COMMIT"):
            return
        commits.count += 1
        if commits.count == 1:
            if carried_out:
                connection.driver.execute(statement)
                connection._pipeline.sync()  # type: ignore[attr-defined]
            connection.driver.close()

    with heard(before=cut, of=journal):
        yield commits


@pytest.mark.parametrize("carried_out", [True, False])
def test_a_lost_reply_to_commit_is_no_lost_claim(journal: SqlJournal, carried_out: bool) -> None:
    name = journal.record(mail())
    claimed = claim_one(journal)

    with lost_reply(journal, carried_out=carried_out) as commits:
        settle(journal, claimed, done(), ENDED)

    assert commits.count == 2
    found = journal.submission(name).documents[0]
    assert (found.outcome, len(found.invoices), found.attempts) == (Outcome.DONE, 1, 1)
    assert found.tries[0].result == "done"


@pytest.mark.parametrize("carried_out", [True, False])
def test_a_lost_reply_to_commit_doubles_no_record_postponement_or_answer(
    journal: SqlJournal, carried_out: bool
) -> None:
    with lost_reply(journal, carried_out=carried_out) as of_record:
        name = journal.record(file())
    claimed = claim_one(journal)
    with lost_reply(journal, carried_out=carried_out) as of_postponement:
        journal.postpone(claimed, due_in=NOW, counted=True, ending=REFUSED)

    assert (of_record.count, of_postponement.count) == (2, 2)
    assert claim_one(journal).attempt == 2

    assert journal.counts().submissions == {SubmissionState.OPEN: 1}
    assert journal.submission(name).documents[0].attempts == 1


@pytest.mark.parametrize("carried_out", [True, False])
def test_a_lost_reply_to_commit_closes_once(journal: SqlJournal, carried_out: bool) -> None:
    name = journal.record(mail())
    book(journal)
    (claimed,) = journal.claim_answers("fapiao", limit=1, hold=HOLD)

    with lost_reply(journal, carried_out=carried_out):
        note(journal, claimed, Closed(moved=True))

    assert journal.submission(name).answer_number == 1


def test_a_claim_of_which_nobody_knows_is_not_worked_on(journal: SqlJournal) -> None:
    journal.record(mail())

    with lost_reply(journal, carried_out=True), pytest.raises(JournalUnavailable):
        claim(journal)
    assert claim(journal) == []  # its hold has to pass


def test_connections_that_were_cut_are_made_again(postgres: Postgres, url: str, journal: SqlJournal) -> None:
    name = journal.record(mail())
    claimed = claim_one(journal)

    postgres.cut(url)

    settle(journal, claimed, done(), ENDED)
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
        assert claim_one(journal).probe_of is None
    finally:
        journal.close()


def test_a_node_that_was_forgotten_when_the_others_were_brought_up_to_date_does_not_start(url: str) -> None:
    # Given a journal that another node has brought to a version that this one does not know
    open_journal(url, exclusive=True).close()
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
    # When this one starts, or a command of it is run
    for exclusive in (True, False):
        with pytest.raises(JournalUnusable, match="install that version here, too"):
            open_journal(url, exclusive=exclusive)
    with pytest.raises(JournalUnusable, match="install that version here, too"):
        migrate(url)
    # Then nothing was changed
    with psycopg.connect(url) as connection:
        assert connection.execute("SELECT version_num FROM alembic_version").fetchall() == [("9999",)]


class StumbledError(BaseException):
    """Such as a wish to stop is."""


def test_whatever_a_transaction_ends_with_the_next_one_begins_anew(journal: SqlJournal) -> None:
    twice = text("INSERT INTO sources (name, kind) VALUES ('twice', 'mail')")
    long_answer = text("SELECT repeat('x', 1000000)")

    def stumbles(connection: Connection) -> None:
        for statement in (twice, long_answer, twice, long_answer):  # nobody waits for any of them
            connection.execute(statement)
        raise StumbledError

    for _ in range(20):  # more often than there are connections
        with pytest.raises(StumbledError):
            journal._database.write(stumbles)
        journal.record(mail())
    assert journal.counts().submissions == {SubmissionState.OPEN: 20}
    assert not journal._database.ask(text("SELECT name FROM sources WHERE name = 'twice'")).all()


def test_two_nodes_share_the_work_and_wake_each_other(url: str, journal: SqlJournal) -> None:
    other = open_journal(url, exclusive=True)
    try:
        heard: list[News] = []
        other.subscribe(heard.append)
        journal.record(mail())
        wait_for(lambda: News(posting=True) in heard)
        claimed = claim_one(other)

        assert claim(journal) == []
        settle(other, claimed, FAILED, REFUSED)
        with pytest.raises(ClaimLost):
            settle(journal, claimed, done(), ENDED)
        assert answer(journal).state is SubmissionState.CLOSED
    finally:
        other.close()


def test_a_node_that_slept_longer_than_its_hold_is_refused(url: str, journal: SqlJournal) -> None:
    name = journal.record(mail())
    with other_process(url, "exclusive") as sleeper:
        sleeper.does("globals().update(mine=claim_one(journal, hold=timedelta(milliseconds=300)))")
        sleeper.freeze()
        claimed = wait_for(lambda: claim(journal))[0]
        sleeper.thaw()

        refused = sleeper.does("settled_or_lost(journal, mine)")

        assert refused == "lost"
    assert claimed.in_doubt
    settle(journal, claimed, done(), ENDED)
    found = journal.submission(name).documents[0]
    assert found.outcome is Outcome.DONE
    assert [each.result for each in found.tries] == ["error", "done"]


def _has_settled(journal: SqlJournal, count: int) -> bool:
    return journal.work_left(["fapiao"]).unanswered >= count


def test_nodes_that_are_killed_lose_and_double_nothing(url: str, journal: SqlJournal) -> None:
    """Given nodes that claim and settle, when they are killed at any moment, then every booking has one outcome."""
    names = [journal.record(mail()) for _ in range(300)]
    for turn in range(1, 4):
        with other_process(url, "exclusive") as node:
            node.does("settle_some(journal, 5, hold=timedelta(milliseconds=500))")
            node.begins("settle_some(journal, 1000, hold=timedelta(milliseconds=500))")
            wait_for(partial(_has_settled, journal, 40 * turn), 60)
            node.kill()
    assert journal.work_left(["fapiao"]).pending > 0, "the nodes were killed too late"

    def drained() -> bool:
        for claimed in claim(journal, limit=8):
            settle(journal, claimed, done(), ENDED)
        return journal.work_left(["fapiao"]).pending == 0

    wait_for(drained, 60)
    found = [journal.submission(name) for name in names]
    assert {each.state for each in found} == {SubmissionState.SETTLED}
    assert {(each.documents[0].outcome, len(each.documents[0].invoices)) for each in found} == {(Outcome.DONE, 1)}


def test_an_older_journal_is_not_changed_under_a_node_that_runs(
    url: str, journal: SqlJournal, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert journal.gate(ENDPOINT).open  # it has a connection
    monkeypatch.setattr(migrations, "HEAD", "9001")
    monkeypatch.setattr(migrations, "REVISIONS", (*migrations.REVISIONS, "9001"))

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


# ------------------------------------------------------------------- what is cut off, stopped or in a race


@pytest.fixture
def line(postgres: Postgres) -> Iterator[FaultProxy]:
    """The way to the server, that a test may break."""
    with FaultProxy(postgres.port) as proxy:
        yield proxy


def through(line: FaultProxy, url: str) -> str:
    return re.sub(r"127\.0\.0\.1:\d+", f"{line.host}:{line.port}", url)


def test_whatever_the_database_has_as_its_default_a_write_is_durable_and_looks_again_at_what_has_changed(
    url: str,
) -> None:
    name = url.rpartition("/")[2]
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(f'ALTER DATABASE "{name}" SET synchronous_commit = off')
        connection.execute(f"ALTER DATABASE \"{name}\" SET default_transaction_isolation = 'serializable'")
    journal = open_journal(url, exclusive=True)
    try:

        def shown(setting: str, wanted: str) -> bool:
            return bool(
                journal._database.write(lambda each: each.exec_driver_sql(f"SHOW {setting}").scalar() == wanted)
            )

        assert shown("synchronous_commit", "on")
        assert shown("transaction_isolation", "read committed")
    finally:
        journal.close()


def test_what_a_node_had_locked_when_it_was_cut_off_is_free_soon(
    url: str, line: FaultProxy, journal: SqlJournal, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Given a node that is cut off in a transaction, when the server has waited, then another can go on."""
    sooner = tuple(each.replace("'10s'", "'300ms'") for each in BEGIN_WRITING)
    assert sooner != BEGIN_WRITING
    monkeypatch.setattr("watcher.journal.postgres_database.BEGIN_WRITING", sooner)
    journal.record(mail())
    claimed = claim_one(journal)
    other = open_journal(through(line, url), exclusive=True)
    try:
        assert other.gate(ENDPOINT).open  # it has a connection
        cut = line.meet(Fault(kind=Kind.SWALLOW, of=Way.DOWN, after=b"UPDATE bookings", times=None))
        with ThreadPoolExecutor(1) as worker:
            lost = worker.submit(settle, other, claimed, FAILED, REFUSED)
            wait_for(lambda: cut.fired)

            settle(journal, claimed, done(), ENDED)  # waits for the row

            line.heal()
            with pytest.raises(ClaimLost):
                lost.result(30)
    finally:
        other.close()


def test_a_line_that_swallows_all_and_tells_nothing_is_given_up(
    url: str, line: FaultProxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("watcher.journal.postgres_database.LONGEST_TRANSACTION_SECONDS", 0.5)
    journal = open_journal(through(line, url), exclusive=True)
    try:
        name = journal.record(mail())
        swallowed = line.meet(Fault(kind=Kind.SWALLOW, of=Way.BOTH))
        with ThreadPoolExecutor(1) as worker:
            asked = worker.submit(journal.submission, name)
            try:
                assert asked.result(20).id == name  # over another connection
            finally:
                line.drop()
        assert swallowed.fired == 1
    finally:
        journal.close()


class Meanwhile:
    """Has something else done, in a thread, right after the first statement like `part`; waits for it only a little."""

    def __init__(self, journal: SqlJournal, part: str, work: Callable[[], Any]) -> None:
        self._part, self._work = part, work
        self._worker = ThreadPoolExecutor(1)
        self.done: Future[Any] | None = None
        self._listening = ExitStack()
        self._listening.enter_context(heard(after=self._hear, of=journal))

    def _hear(self, _connection: Connection, statement: str, _values: Any) -> None:
        if self._part in statement and self.done is None:
            self.done = self._worker.submit(self._work)
            wait([self.done], timeout=1)

    def result(self) -> Any:
        self._listening.close()
        assert self.done is not None
        with self._worker:
            return self.done.result(20)


def test_a_late_answer_that_comes_while_the_next_one_is_written_is_not_overlooked(
    url: str, journal: SqlJournal
) -> None:
    name = journal.record(mail())
    late = claim_one(journal, hold=timedelta(milliseconds=-1))
    now = claim_one(journal)
    other = open_journal(url, exclusive=True)

    def arrives() -> None:
        with pytest.raises(ClaimLost):
            settle(other, late, done(invoice(expense_id="E-1")), ENDED)

    try:
        meanwhile = Meanwhile(journal, "FROM invoices", arrives)
        settle(journal, now, done(invoice(expense_id="E-2")), ENDED)
        meanwhile.result()
    finally:
        other.close()

    found = journal.submission(name).documents[0]
    assert (found.outcome, found.code) == (Outcome.ATTENTION, "BOOKED_TWICE")
    assert {each.expense_id for each in found.invoices} == {"E-1", "E-2"}


def test_what_is_tried_again_while_another_node_deletes_what_is_old_is_not_deleted(
    url: str, journal: SqlJournal
) -> None:
    name = journal.record(mail())
    book(journal, FAILED)
    answer(journal)
    wait_for(lambda: journal.now() > (journal.submission(name).answered_at or journal.now()))
    other = open_journal(url, exclusive=False)

    def retried() -> bool:
        try:
            return other.retry(name) == 1
        except UsageError:
            return False  # deleted before

    try:
        meanwhile = Meanwhile(journal, "FOR UPDATE SKIP LOCKED", retried)
        forgotten = journal.forget(timedelta(milliseconds=-1))
        assert meanwhile.result() == (forgotten == 0)
    finally:
        other.close()
    assert sum(journal.counts().submissions.values()) == 1 - forgotten


WHOLE = document("f" * 64)
PART = document(BookingKey.of_part("f" * 64, 1, 3), sha256="f" * 64)


@pytest.mark.parametrize(("first", "second"), [(WHOLE, PART), (PART, WHOLE)])
@pytest.mark.parametrize("put_back", [False, True])
def test_a_file_that_two_nodes_take_in_at_once_whole_and_in_parts_is_posted_once(
    url: str, journal: SqlJournal, first: NewDocument, second: NewDocument, put_back: bool
) -> None:
    came = file(first)
    if put_back:  # its key is known, and is to be another submission's
        name = journal.record(file(document("other"), key=came.key))
        book(journal, FAILED)
        answer(journal, "shared", target="error/other.pdf")
        came = replace(came, succeeds=name)
    other = open_journal(url, exclusive=False)
    try:
        meanwhile = Meanwhile(journal, "FROM bookings", lambda: other.record(mail(second)))
        journal.record(came)
        late = meanwhile.result()
    finally:
        other.close()

    assert [each.key.content for each in claim(journal, limit=8)] == [first.content]
    (document_,) = journal.submission(late).documents
    assert (document_.outcome, document_.code) == (Outcome.ERROR, "PARTLY_BOOKED")


def test_who_takes_in_other_files_waits_for_nobody(url: str, journal: SqlJournal) -> None:
    other = open_journal(url, exclusive=False)
    try:
        meanwhile = Meanwhile(journal, "FROM bookings", lambda: other.record(mail(document("b"))))
        journal.record(mail(document("a")))
        waited = meanwhile.done is None or not meanwhile.done.done()
        meanwhile.result()
    finally:
        other.close()
    assert not waited
    assert len(claim(journal, limit=8)) == 2
