"""A journal in a SQLite file: who may open it, what it is taken for, and what a kill leaves."""

from __future__ import annotations

import collections
import os
import shutil
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Callable
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest

from tests.support.journal_process import other_process
from tests.support.journals import ENDED, FAILED, HOLD, answer, book, claim, done, mail, settle
from tests.support.servers.process import program
from tests.support.tmpfs import small_disk
from tests.support.waiting import wait_for
from watcher.errors import JournalUnavailable, JournalUnusable
from watcher.journal import migrate as migrations
from watcher.journal.lock import FileLock, holder_of, lock_of
from watcher.journal.opening import is_same_journal, migrate, open_journal
from watcher.model import Kind, Outcome, SubmissionFilter, SubmissionState
from watcher.ports import HOLD_MARGIN


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "journal.db"


@pytest.fixture
def url(path: Path) -> str:
    return f"sqlite:///{path}"


def rows(path: Path, statement: str) -> list[tuple[object, ...]]:
    with closing(sqlite3.connect(path)) as connection:
        return connection.execute(statement).fetchall()


def test_a_journal_is_made_for_its_owner_alone(path: Path, url: str) -> None:
    journal = open_journal(url, exclusive=True)
    journal.record(mail())
    try:
        modes = {each.name: each.stat().st_mode & 0o777 for each in path.parent.iterdir()}
    finally:
        journal.close()
    assert modes == dict.fromkeys(("journal.db", "journal.db-wal", "journal.db-shm", "journal.db.lock"), 0o600)
    assert rows(path, "PRAGMA journal_mode") == [("wal",)]


def test_a_journal_is_the_same_whatever_links_and_spellings_lead_to_it(path: Path, url: str) -> None:
    (path.parent / "link").symlink_to(path.parent)
    same = [
        url,
        f"sqlite:///{path.parent}/link/journal.db",
        f"sqlite:///{path.parent}/link/../{path.parent.name}/journal.db",
    ]
    others = [f"sqlite:///{path.parent}/other.db", "postgresql://h/journal", "postgresql://h/other"]

    assert [is_same_journal(url, each) for each in same] == [True] * 3
    assert [is_same_journal(url, each) for each in others] == [False] * 3
    assert [is_same_journal(others[1], each) for each in others] == [False, True, False]


def test_a_second_daemon_is_kept_out_and_told_who_is_in(path: Path, url: str) -> None:
    with other_process(url, "exclusive") as other:
        pid = other.does("__import__('os').getpid()")

        with pytest.raises(JournalUnusable) as refusal:
            open_journal(url, exclusive=True)
        with pytest.raises(JournalUnusable):
            migrate(url)

    assert str(path) + ".lock" in str(refusal.value)
    assert pid in str(refusal.value)


def test_people_read_and_decide_beside_a_running_daemon(url: str) -> None:
    daemon = open_journal(url, exclusive=True)
    try:
        name = daemon.record(mail())
        book(daemon, FAILED)
        woken = threading.Event()
        daemon.subscribe(lambda _news: woken.set())
        with other_process(url, "beside") as other:
            assert other.does(f"journal.submission({name!r}).state") == "settled"
            woken.clear()
            assert other.does(f"journal.retry({name!r})") == "1"

            assert woken.wait(5)
            assert daemon.submission(name).state is SubmissionState.OPEN
    finally:
        daemon.close()


def test_the_daemon_is_not_woken_by_what_it_writes_itself(url: str) -> None:
    daemon = open_journal(url, exclusive=True)
    try:
        daemon.register_sources({"fapiao": Kind.MAIL})
        woken: list[float] = []
        daemon.subscribe(lambda _news: woken.append(1))
        assert daemon.claim_source("fapiao", HOLD) is not None
        with other_process(url, "beside") as other:
            other.does("journal.record(mail())")
            wait_for(lambda: woken)
        assert len(woken) == 1
    finally:
        daemon.close()


def test_a_daemon_on_a_journal_with_the_same_number_on_another_drive_does_not_hold_this_one(tmp_path: Path) -> None:
    with small_disk(tmp_path / "one", "1m") as one, small_disk(tmp_path / "other", "1m") as other:
        # Given two drives that have given one number to the locks of two journals
        journals = [disk.path / "journal.db" for disk in (one, other)]
        for journal in journals:
            lock_of(journal).write_text("1\n")
        if len({lock_of(journal).stat().st_ino for journal in journals}) > 1:
            pytest.skip("the drives number their files in other ways")
        # When a daemon runs on the one
        held = FileLock(lock_of(journals[0]))
        # Then it is the one's alone
        assert [holder_of(journal) for journal in journals] == [str(os.getpid()), None]
        held.release()
        assert holder_of(journals[0]) is None


def test_a_killed_daemon_leaves_the_lock_the_outcomes_and_what_was_in_flight(url: str) -> None:
    with other_process(url, "exclusive") as other:
        booked = other.does("journal.record(mail())")
        other.does("book(journal)")
        flying = other.does("journal.record(mail())")
        other.does("claim_one(journal)")
        other.does("journal.register_sources({'fapiao': Kind.MAIL})")
        assert other.does("journal.claim_source('fapiao', HOLD) is not None") == "True"
        assert other.does("len(journal.claim_answers('fapiao', limit=1, hold=HOLD))") == "1"
        other.kill()

    journal = open_journal(url, exclusive=True)
    try:
        assert journal.submission(booked).documents[0].outcome is Outcome.DONE
        assert claim(journal) == []  # the endpoint may still be at work on it
        assert journal.claim_source("fapiao", HOLD) is not None
        assert answer(journal).id == booked
        (tried,) = journal.submission(flying).documents[0].tries
        assert tried.ended_at is None
    finally:
        journal.close()


def test_a_try_that_its_process_did_not_survive_is_in_doubt(url: str) -> None:
    with other_process(url, "exclusive") as other:
        name = other.does("journal.record(mail())")
        other.does("claim_one(journal, hold=timedelta(milliseconds=300))")
        other.kill()

    journal = open_journal(url, exclusive=True)
    try:
        claimed = wait_for(lambda: claim(journal))[0]
        assert claimed.in_doubt
        first, second = journal.submission(name).documents[0].tries
        assert (first.in_doubt, first.ended_at, second.in_doubt) == (True, None, False)
        settle(journal, claimed, done(), ENDED)
    finally:
        journal.close()


def test_what_was_in_flight_waits_for_its_request_alone_however_often_the_daemon_starts(url: str) -> None:
    request = timedelta(seconds=100)
    with other_process(url, "exclusive") as other:
        other.does("journal.record(mail())")
        other.does(f"claim_one(journal, hold={request + HOLD_MARGIN!r})".replace("datetime.", ""))
        other.kill()

    waits = []
    for _ in range(3):
        journal = open_journal(url, exclusive=True)
        assert claim(journal) == []
        (submission,) = journal.submissions(SubmissionFilter(limit=None))
        (document,) = journal.submission(submission.id).documents
        (tried,) = document.tries
        assert tried.in_doubt
        assert document.due_at is not None
        waits.append(document.due_at - tried.started_at)
        journal.close()

    assert request + timedelta(seconds=2) <= min(waits) == max(waits) < request + HOLD_MARGIN / 2


def test_a_postponed_answer_stays_postponed_over_a_restart(url: str) -> None:
    journal = open_journal(url, exclusive=True)
    journal.record(mail())
    book(journal)
    (claimed,) = journal.claim_answers("fapiao", limit=1, hold=HOLD)
    journal.postpone_answer(claimed, timedelta(hours=1), "the mail server is away")
    journal.close()

    again = open_journal(url, exclusive=True)
    try:
        assert again.claim_answers("fapiao", limit=1, hold=HOLD) == []
    finally:
        again.close()


@pytest.mark.parametrize("content", [b"%PDF-1.7 no database at all", b"SQLite format 3\x00" + b"\xff" * 4000])
def test_a_file_that_is_no_journal_is_left_as_it_is(path: Path, url: str, content: bytes) -> None:
    path.write_bytes(content)

    for exclusive in (True, False):
        with pytest.raises(JournalUnusable, match=r"journal\.db"):
            open_journal(url, exclusive=exclusive)

    assert path.read_bytes() == content


def test_a_folder_whose_name_is_too_long_is_told_without_a_traceback(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/{'x' * 300}/journal.db"

    for exclusive in (True, False):
        with pytest.raises(JournalUnusable, match="File name too long"):
            open_journal(url, exclusive=exclusive)
    with pytest.raises(JournalUnusable, match="File name too long"):
        migrate(url)


def test_the_database_of_another_program_is_left_as_it_is(path: Path, url: str) -> None:
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE albums (title TEXT)")
    before = path.read_bytes()

    for exclusive in (True, False):
        with pytest.raises(JournalUnusable, match="something else"):
            open_journal(url, exclusive=exclusive)

    assert path.read_bytes() == before


def test_the_journal_of_a_newer_program_is_left_alone(path: Path, url: str) -> None:
    open_journal(url, exclusive=True).close()
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
        connection.commit()

    for exclusive in (True, False):
        with pytest.raises(JournalUnusable, match="newer version"):
            open_journal(url, exclusive=exclusive)
    with pytest.raises(JournalUnusable, match="newer version"):
        migrate(url)


@pytest.mark.parametrize("harm", ["cut short", "overwritten"])
def test_a_damaged_journal_is_told_and_not_written_over(path: Path, url: str, harm: str) -> None:
    journal = open_journal(url, exclusive=True)
    for _ in range(50):
        journal.record(mail())
    journal.close()
    content = path.read_bytes()
    broken = (
        content[: len(content) // 2] if harm == "cut short" else content[:8192] + b"\xa5" * 40_000 + content[48_192:]
    )
    path.write_bytes(broken)

    with pytest.raises(JournalUnusable, match="damaged"):
        open_journal(url, exclusive=True)
    assert path.read_bytes() == broken


PLACES = (0, 16, 18, 24, 28, 40, 44, 96, 100, 105, 4096, 8192, 20_480, 81_920)


def test_wherever_it_is_harmed_a_journal_is_told_and_not_written_over(path: Path, url: str) -> None:
    journal = open_journal(url, exclusive=True)
    for _ in range(30):
        journal.record(mail())
    journal.close()
    whole = path.read_bytes()
    harmed = [whole[:length] for length in (1, 50, 99, 100, 512, 4095, 4096, 8192, len(whole) // 2, len(whole) - 1)]
    harmed += [whole[:at] + b"\xa5" * 16 + whole[at + 16 :] for at in PLACES]
    harmed += [whole[:at] + bytes(4096) + whole[at + 4096 :] for at in (0, 100, 4096, 8192)]

    for number, content in enumerate(harmed):
        path.write_bytes(content)
        with pytest.raises(JournalUnusable, match=r"journal\.db") as told:
            open_journal(url, exclusive=True)
        assert "\n" not in str(told.value)
        assert path.read_bytes() == content, number

    path.write_bytes(whole)
    open_journal(url, exclusive=True).close()
    assert rows(path, "SELECT count(*) FROM submissions") == [(30,)]


def test_a_journal_that_lost_its_file_or_its_content_is_not_begun_anew(path: Path, url: str) -> None:
    journal = open_journal(url, exclusive=True)
    journal.record(mail())
    log = path.with_name("journal.db-wal").read_bytes()
    journal.close()

    for remove, said in ((path.unlink, "only its -wal is there"), (path.touch, "it is empty")):
        path.unlink(missing_ok=True)
        path.touch()
        remove()
        path.with_name("journal.db-wal").write_bytes(log)
        for exclusive in (True, False):
            with pytest.raises(JournalUnusable, match=said):
                open_journal(url, exclusive=exclusive)
        assert path.with_name("journal.db-wal").read_bytes() == log


@pytest.mark.parametrize("make", [Path.mkdir, os.mkfifo])
def test_what_is_no_file_is_no_journal(path: Path, url: str, make: Callable[[Path], None]) -> None:
    make(path)
    for exclusive in (True, False):
        with pytest.raises(JournalUnusable, match="it is no file"):
            open_journal(url, exclusive=exclusive)


def test_a_database_that_has_our_names_by_chance_is_left_as_it_is(path: Path, url: str) -> None:
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE submissions (poem TEXT)")
        connection.execute("CREATE TABLE alembic_version (version_num TEXT)")
        connection.execute("INSERT INTO alembic_version VALUES (?)", (migrations.HEAD,))
        connection.commit()
    before = path.read_bytes()

    for exclusive in (True, False):
        with pytest.raises(JournalUnusable, match="it has no"):
            open_journal(url, exclusive=exclusive)

    assert path.read_bytes() == before


def test_the_log_of_another_database_is_not_copied_into_the_journal(path: Path, url: str, tmp_path: Path) -> None:
    open_journal(url, exclusive=True).close()
    before = path.read_bytes()
    with closing(sqlite3.connect(tmp_path / "albums.db", isolation_level=None)) as connection:
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("CREATE TABLE albums (title TEXT)")
        foreign = (tmp_path / "albums.db-wal").read_bytes()
    path.with_name("journal.db-wal").write_bytes(foreign)

    for exclusive in (True, False):
        with pytest.raises(JournalUnusable, match="something else"):
            open_journal(url, exclusive=exclusive)

    assert path.read_bytes() == before
    path.with_name("journal.db-wal").unlink()
    open_journal(url, exclusive=True).close()


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everything")
def test_a_journal_that_may_not_be_written_is_told_by_the_daemon_and_read_by_others(path: Path, url: str) -> None:
    open_journal(url, exclusive=True).close()
    path.chmod(0o400)
    with pytest.raises(JournalUnusable, match="may not be written"):
        open_journal(url, exclusive=True)
    open_journal(url, exclusive=False).close()


_OPEN_IT = """
import sys
from watcher.errors import JournalUnusable
from watcher.journal.opening import open_journal
for exclusive in (True, False):
    try:
        open_journal(sys.argv[1], exclusive=exclusive)
    except JournalUnusable as error:
        print(error)
"""


@pytest.mark.skipif(os.geteuid() != 0, reason="root alone can make what belongs to another")
def test_a_journal_of_another_user_is_told_with_who_that_is(path: Path, url: str) -> None:
    # Given a journal that the user nobody has made
    open_journal(url, exclusive=True).close()
    for each in (path, path.with_name("journal.db.lock")):
        os.chown(each, 65534, 65534)

    # When who has no more rights than a user opens it, as the daemon and as `list`
    powerless = [str(program("setpriv", "util-linux")), "--bounding-set=-all", "--inh-caps=-all"]
    said = subprocess.run(
        [*powerless, sys.executable, "-c", _OPEN_IT, url], capture_output=True, text=True, check=True
    ).stdout.splitlines()

    # Then both say whose it is, and how to go on
    told = "Permission denied: it is of the user nobody; run this as that user: runuser -u nobody -- invoice-watcher …"
    assert said == [
        f"the journal's lock {path}.lock cannot be opened: {told}",
        f"the journal {path} cannot be read: {told}",
    ]


def test_a_journal_whose_making_was_killed_is_made_anew(path: Path, url: str) -> None:
    for name in ("journal.db.new", "journal.db.new-journal"):
        path.with_name(name).write_bytes(b"half of it")
    open_journal(url, exclusive=True).close()
    assert sorted(each.name for each in path.parent.iterdir()) == ["journal.db", "journal.db.lock"]


def test_a_checkpoint_that_a_full_disk_or_a_kill_cut_off_is_no_damage(path: Path, url: str) -> None:
    open_journal(url, exclusive=True).close()
    size_before = path.stat().st_size
    journal = open_journal(url, exclusive=True)
    for _ in range(20):
        journal.record(mail())
    log = path.with_name("journal.db-wal")
    written = log.read_bytes()
    journal.close()  # copies all of the log into the file
    assert path.stat().st_size > size_before
    log.write_bytes(written)
    os.truncate(path, size_before)  # its header already tells the size that it was to become

    reader = open_journal(url, exclusive=False)
    assert len(list(reader.submissions(SubmissionFilter(limit=None)))) == 20
    reader.close()
    open_journal(url, exclusive=True).close()
    assert rows(path, "SELECT count(*) FROM submissions") == [(20,)]


def test_where_there_is_no_journal_only_the_daemon_makes_one(path: Path, url: str) -> None:
    with pytest.raises(JournalUnusable, match="no journal"):
        open_journal(url, exclusive=False)
    assert not path.exists()

    with pytest.raises(JournalUnusable, match="does not exist"):
        open_journal(f"sqlite:///{path.parent}/nowhere/journal.db", exclusive=True)

    migrate(url)
    open_journal(url, exclusive=False).close()


@pytest.mark.parametrize("wrong", ["sqlite://", "sqlite:///:memory:", "mysql://host/db", "nonsense"])
def test_a_url_that_names_no_journal_is_told(wrong: str) -> None:
    with pytest.raises(JournalUnusable):
        open_journal(wrong, exclusive=True)


def test_a_full_or_busy_disk_loses_only_the_write_and_says_so(path: Path, url: str) -> None:
    journal = open_journal(url, exclusive=True)
    try:
        kept = journal.record(mail())
        connection = journal._database._writer._connection  # type: ignore[attr-defined]
        pages = connection.exec_driver_sql("PRAGMA page_count").scalar_one()
        connection.exec_driver_sql(f"PRAGMA max_page_count = {pages}")
        with pytest.raises(JournalUnavailable, match="full"):
            collections.deque((journal.record(mail()) for _ in range(1000)), maxlen=0)
        connection.exec_driver_sql("PRAGMA max_page_count = 1073741823")

        again = journal.record(mail())

        assert journal.submission(kept).id == kept
        assert journal.submission(again).id == again
    finally:
        journal.close()


def test_a_closed_journal_and_one_from_before_a_fork_say_so(url: str) -> None:
    journal = open_journal(url, exclusive=True)
    child = os.fork()
    if child == 0:
        try:
            journal.record(mail())
        except JournalUnusable:
            os._exit(7)
        os._exit(1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 7
    journal.close()

    with pytest.raises(JournalUnavailable, match="closed"):
        journal.record(mail())
    open_journal(url, exclusive=True).close()


OURS = migrations.HEAD
NEXT = """
import sqlalchemy as sa
from alembic import op
revision = "9001"
down_revision = "{head}"
def upgrade():
    op.add_column("sources", sa.Column("colour", sa.Text))
    op.execute("UPDATE sources SET colour = 'red'{fault}")
"""


@pytest.fixture
def next_version(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A later version of the program, with one more migration."""
    folder = tmp_path / "migrations"
    shutil.copytree(migrations.MIGRATIONS, folder, ignore=shutil.ignore_patterns("__pycache__"))
    monkeypatch.setattr(migrations, "MIGRATIONS", folder)
    monkeypatch.setattr(migrations, "HEAD", "9001")
    monkeypatch.setattr(migrations, "REVISIONS", (*migrations.REVISIONS, "9001"))
    return folder / "versions" / "9001_next.py"


def test_an_older_journal_is_copied_and_brought_to_this_version(
    path: Path, url: str, request: pytest.FixtureRequest
) -> None:
    journal = open_journal(url, exclusive=True)
    journal.register_sources({"fapiao": Kind.MAIL})
    journal.close()
    request.getfixturevalue("next_version").write_text(NEXT.format(head=OURS, fault=""))
    with pytest.raises(JournalUnusable, match="older version"):
        open_journal(url, exclusive=False)

    open_journal(url, exclusive=True).close()

    assert rows(path, "SELECT name, colour FROM sources") == [("fapiao", "red")]
    copy = path.with_name(f"journal.db.{OURS}.bak")
    assert copy.stat().st_mode & 0o777 == 0o600
    assert rows(copy, "SELECT version_num FROM alembic_version") == [(OURS,)]
    assert rows(copy, "SELECT name FROM sources") == [("fapiao",)]


def test_a_migration_that_fails_changes_nothing(path: Path, url: str, request: pytest.FixtureRequest) -> None:
    open_journal(url, exclusive=True).close()
    request.getfixturevalue("next_version").write_text(NEXT.format(head=OURS, fault=" WHERE nonsense"))

    with pytest.raises(JournalUnusable, match="nonsense"):
        migrate(url)

    assert rows(path, "SELECT version_num FROM alembic_version") == [(OURS,)]
    assert "colour" not in {row[1] for row in rows(path, "PRAGMA table_info(sources)")}
