"""What `check` says of a journal that is there, is not there yet, or is something else."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from sqlalchemy import make_url

from tests.support.old_journals import make_journal_0001
from tests.support.servers.postgres import Postgres
from tests.support.tmpfs import small_disk
from watcher.journal.checking import check_journal
from watcher.journal.opening import migrate, open_journal


def test_an_empty_database_is_in_order_because_the_first_run_makes_the_journal(postgres: Postgres) -> None:
    url = postgres.database()

    before = check_journal(url)
    migrate(url)
    after = check_journal(url)

    assert all(finding.ok and not finding.warning for finding in (*before, *after)), (before, after)
    assert "first run" in before[0].message
    assert "0 submissions" in after[0].message
    assert "PostgreSQL" in after[1].message
    assert "no daemon is connected" in after[1].message


def test_a_user_that_may_not_write_is_found_before_the_first_write_fails(postgres: Postgres) -> None:
    import psycopg

    url, new = postgres.database(), postgres.database()
    migrate(url)
    for each in (url, new):
        with psycopg.connect(each, autocommit=True) as connection:
            connection.execute(
                "DO $$ BEGIN CREATE ROLE reader LOGIN; EXCEPTION WHEN duplicate_object THEN NULL; END $$;"
                "REVOKE CREATE ON SCHEMA public FROM PUBLIC; GRANT SELECT ON ALL TABLES IN SCHEMA public TO reader;"
                "ALTER ROLE reader SET default_transaction_read_only = on"
            )
    as_reader = [make_url(each).set(username="reader").render_as_string() for each in (url, new)]

    there, empty = (check_journal(each) for each in as_reader)

    assert any(not finding.ok and "may not read and change" in finding.message for finding in there)
    assert any(not finding.ok and "no tables" in finding.message for finding in empty)
    assert any(finding.warning and "for reading only" in finding.message for finding in there)
    assert all(finding.mend for finding in (*there, *empty) if not finding.ok or finding.warning)


def test_a_file_that_is_not_there_is_in_order_and_an_empty_one_is_not_and_both_are_left_so(tmp_path: Path) -> None:
    path = tmp_path / "journal.db"

    assert check_journal(f"sqlite:///{path}")[0].ok
    assert not path.exists()

    path.touch()
    assert not check_journal(f"sqlite:///{path}")[0].ok
    assert [each.name for each in tmp_path.iterdir()] == ["journal.db"]
    assert path.stat().st_size == 0


def test_a_daemon_that_works_on_it_is_named_and_not_kept_off(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/journal.db"
    journal = open_journal(url, exclusive=True)
    running = check_journal(url)
    journal.close()
    stopped = check_journal(url)

    assert running[0].ok
    assert f"process {os.getpid()} works on it" in running[0].message
    assert "no daemon is running" in stopped[0].message


def test_a_journal_on_a_small_disk_in_memory_is_warned_of(tmp_path: Path) -> None:
    with small_disk(tmp_path / "disk", "4m") as disk:
        found = check_journal(f"sqlite:///{disk.path}/journal.db")

    assert [(finding.ok, finding.warning) for finding in found] == [(True, False), (True, True), (True, True)]
    assert "in memory" in found[1].message
    assert "are free" in found[2].message


def test_a_network_drive_is_no_place_for_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("watcher.journal.checking.kind_of", lambda _path: "cifs")

    (network,) = [finding for finding in check_journal(f"sqlite:///{tmp_path}/journal.db") if not finding.ok]

    assert "network drive (cifs)" in network.message
    assert "PostgreSQL" in (network.mend or "")


def test_a_link_into_a_directory_that_is_not_there_is_told(tmp_path: Path) -> None:
    path = tmp_path / "journal.db"
    path.symlink_to(tmp_path / "unmounted" / "journal.db")

    (finding,) = check_journal(f"sqlite:///{path}")

    assert not finding.ok
    assert "unmounted" in finding.message


def test_of_an_older_journal_it_is_said_what_brings_it_to_this_version_and_nothing_of_rights(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/journal.db"
    make_journal_0001(url)

    (finding,) = check_journal(url)

    assert "older version" in finding.message
    assert (finding.mend or "").startswith("start the daemon anew, which brings it to this version")


@pytest.mark.parametrize(
    ("url", "mend"), [("postgresql://127.0.0.1:1/journal", "runs"), ("sqlite:////etc/passwd", "name another place")]
)
def test_what_cannot_be_opened_is_told_with_what_fits_it(url: str, mend: str) -> None:
    (finding,) = check_journal(url)

    assert not finding.ok
    assert mend in (finding.mend or "")
