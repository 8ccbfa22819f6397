"""What `check` says of a journal that is there, is not there yet, or is something else."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.servers.postgres import Postgres
from watcher.journal.checking import check_journal
from watcher.journal.opening import migrate


def test_an_empty_database_is_in_order_because_the_first_run_makes_the_journal(postgres: Postgres) -> None:
    url = postgres.database()

    (before,) = check_journal(url)
    assert before.ok
    assert "first run" in before.message

    migrate(url)
    (after,) = check_journal(url)
    assert after.ok
    assert "0 submissions" in after.message


def test_a_file_that_is_not_there_is_in_order_and_an_empty_one_is_not_and_both_are_left_so(tmp_path: Path) -> None:
    path = tmp_path / "journal.db"

    assert check_journal(f"sqlite:///{path}")[0].ok
    assert not path.exists()

    path.touch()
    assert not check_journal(f"sqlite:///{path}")[0].ok
    assert [each.name for each in tmp_path.iterdir()] == ["journal.db"]
    assert path.stat().st_size == 0


def test_a_link_into_a_directory_that_is_not_there_is_told(tmp_path: Path) -> None:
    path = tmp_path / "journal.db"
    path.symlink_to(tmp_path / "unmounted" / "journal.db")

    (finding,) = check_journal(f"sqlite:///{path}")

    assert not finding.ok
    assert "unmounted" in finding.message


@pytest.mark.parametrize(
    ("url", "mend"), [("postgresql://127.0.0.1:1/journal", "runs"), ("sqlite:////etc/passwd", "name another place")]
)
def test_what_cannot_be_opened_is_told_with_what_fits_it(url: str, mend: str) -> None:
    (finding,) = check_journal(url)

    assert not finding.ok
    assert mend in (finding.mend or "")
