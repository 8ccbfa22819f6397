"""A journal of an earlier version is brought to this one whole, or stays as it was."""

from __future__ import annotations

import hashlib
import signal
import sqlite3
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.support.journals import ENDED, ENDPOINT, HOLD, document, done, mail, settle
from tests.support.old_journals import BOOKED, FAILED, ITS_DUPLICATE, PENDING, content, make_journal_0001, pdf
from watcher.errors import JournalUnusable
from watcher.journal import migrate as migrations
from watcher.journal.opening import migrate, open_journal
from watcher.model import DocumentState, Outcome, SubmissionFilter, SubmissionState

if TYPE_CHECKING:
    from tests.support.servers.postgres import Postgres

ROOT = Path(__file__).resolve().parents[2]
# Dies, or falls over, in the middle of what the migrations do.
INTERRUPTED = """
import os, signal, sys
from alembic import op
whole, done = op.create_index, []
def create_index(*arguments, **options):
    done.append(arguments)
    if len(done) == 3:
        {fault}
    whole(*arguments, **options)
op.create_index = create_index
from watcher.journal.opening import migrate
migrate(sys.argv[1])
"""


@pytest.fixture(params=["sqlite", "postgres"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "sqlite":
        made = f"sqlite:///{tmp_path}/journal.db"
    else:
        made = str(request.getfixturevalue("postgres").database())
    make_journal_0001(made)
    return made


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """The file of a journal of schema 0001 on SQLite."""
    make_journal_0001(f"sqlite:///{tmp_path}/journal.db")
    return tmp_path / "journal.db"


def interrupted(url: str, fault: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", INTERRUPTED.format(fault=fault), url]
    return subprocess.run(command, capture_output=True, text=True, check=False, cwd=ROOT)


def test_nothing_of_an_older_journal_is_changed_but_its_schema(url: str) -> None:
    before = content(url)

    migrate(url)

    after = content(url)
    assert before.pop("alembic_version") == [("0001",)]
    assert after.pop("alembic_version") == [(migrations.HEAD,)]
    widths = {table: len(rows[0]) for table, rows in before.items() if rows}  # columns are only ever added at the end
    assert {table: [row[: widths.get(table)] for row in rows] for table, rows in after.items()} == before


def test_work_goes_on_where_the_older_version_left_it(url: str) -> None:
    journal = open_journal(url, exclusive=True)
    try:
        pending = journal.submission(PENDING).documents[0]
        claimed = {
            each.biz_id: each
            for each in journal.claim_bookings(sources=["fapiao", "shared"], endpoint=ENDPOINT, limit=9, hold=HOLD)
        }
        assert len(claimed) == 3
        assert (claimed[pending.biz_id or ""].in_doubt, claimed[pending.biz_id or ""].try_number) == (True, 2)
        for each in claimed.values():
            settle(journal, each, done(), ENDED)
        assert [len(journal.claim_answers(source, limit=9, hold=HOLD)) for source in ("shared", "fapiao")] == [3, 0]
        assert {state: count for state, count in journal.counts().submissions.items() if count} == {
            SubmissionState.HELD: 1,
            SubmissionState.SETTLED: 3,
            SubmissionState.CLOSED: 4,
        }
    finally:
        journal.close()


def test_what_was_booked_before_is_a_duplicate_and_what_failed_has_another_go(url: str) -> None:
    sha256 = {mark: hashlib.sha256(pdf(mark)).hexdigest() for mark in ("booked", "failed")}
    journal = open_journal(url, exclusive=True)
    try:
        first = journal.submission(BOOKED).documents[0]
        copy = journal.submission(journal.record(mail(document(sha256["booked"]), key="mail-new-1"))).documents[0]
        again = journal.submission(journal.record(mail(document(sha256["failed"]), key="mail-new-2"))).documents[0]
        assert (copy.outcome, copy.duplicate_of, copy.biz_id) == (Outcome.DUPLICATE, first.id, first.biz_id)
        assert journal.submission(ITS_DUPLICATE).documents[0].duplicate_of == first.id
        assert again.state is DocumentState.PENDING
        assert again.biz_id != journal.submission(FAILED).documents[0].biz_id
        assert len(list(journal.submissions(SubmissionFilter()))) == 10
    finally:
        journal.close()


@pytest.mark.parametrize("fault", ["os.kill(os.getpid(), signal.SIGKILL)", "raise RuntimeError('fell over')"])
def test_an_older_journal_whose_migration_is_interrupted_stays_what_it_was(url: str, fault: str) -> None:
    before = content(url)

    ended = interrupted(url, fault)

    assert ended.returncode == (-signal.SIGKILL if "SIGKILL" in fault else 1), ended.stderr
    assert content(url) == before
    migrate(url)
    assert content(url)["alembic_version"] == [(migrations.HEAD,)]


def test_the_copy_beside_a_migrated_journal_is_a_whole_one_of_the_older_version(path: Path) -> None:
    before = content(f"sqlite:///{path}")

    migrate(f"sqlite:///{path}")

    copy = path.with_name("journal.db.0001.bak")
    assert copy.stat().st_mode & 0o777 == 0o600
    assert content(f"sqlite:///{copy}") == before
    assert sorted(each.name for each in path.parent.glob("*.bak*")) == [copy.name]
    with pytest.raises(JournalUnusable, match=r"older version \(0001\)"):
        open_journal(f"sqlite:///{copy}", exclusive=False)


def test_a_copy_of_an_earlier_upgrade_gives_way_to_what_the_journal_is_now(path: Path) -> None:
    copy = path.with_name("journal.db.0001.bak")
    copy.write_bytes(b"from before the older version was gone back to")
    path.with_name("journal.db.0001.bak.part").write_bytes(b"what a crash left")
    before = content(f"sqlite:///{path}")

    migrate(f"sqlite:///{path}")

    assert content(f"sqlite:///{copy}") == before
    assert sorted(each.name for each in path.parent.glob("*.bak*")) == [copy.name]


def test_a_journal_that_cannot_be_copied_is_not_migrated(path: Path) -> None:
    before = content(f"sqlite:///{path}")
    room = path.stat().st_size // 2
    script = (
        "import resource, sys; from watcher.journal.opening import migrate; "
        f"resource.setrlimit(resource.RLIMIT_FSIZE, ({room}, {room})); migrate(sys.argv[1])"
    )

    ended = subprocess.run(
        [sys.executable, "-c", script, f"sqlite:///{path}"], capture_output=True, text=True, check=False, cwd=ROOT
    )

    assert "could not be copied" in ended.stderr
    assert content(f"sqlite:///{path}") == before
    assert list(path.parent.glob("*.bak*")) == []


def test_nodes_that_start_at_once_migrate_an_older_journal_once(postgres: Postgres) -> None:
    url = postgres.database()
    make_journal_0001(url)

    with ThreadPoolExecutor(3) as pool:
        journals = list(pool.map(lambda _: open_journal(url, exclusive=True), range(3)))

    assert content(url)["alembic_version"] == [(migrations.HEAD,)]
    for journal in journals:
        assert journal.submission(PENDING).id == PENDING
        journal.close()


def test_the_first_migration_makes_what_the_first_version_made(path: Path, tmp_path: Path) -> None:
    from sqlalchemy import create_engine

    from tests.integration.test_journal_migrations import shape
    from tests.support.old_journals import run_migrations

    made, kept = create_engine(f"sqlite:///{tmp_path}/made.db"), create_engine(f"sqlite:///{path}")
    with made.connect() as first, kept.connect() as second:
        run_migrations(first, "0001")
        assert shape(first) == shape(second)
    made.dispose()
    kept.dispose()


def test_nothing_of_the_migrations_is_loaded_where_there_is_nothing_to_migrate(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/new.db"
    script = (
        "import sys; from watcher.journal.opening import open_journal; "
        "open_journal(sys.argv[1], exclusive=True).close(); print('alembic' in sys.modules)"
    )
    for _ in ("made", "opened"):
        ended = subprocess.run(
            [sys.executable, "-c", script, url], capture_output=True, text=True, check=True, cwd=ROOT
        )
        assert ended.stdout == "False\n"
    with closing(sqlite3.connect(tmp_path / "new.db")) as connection:
        assert connection.execute("SELECT version_num FROM alembic_version").fetchall() == [(migrations.HEAD,)]
