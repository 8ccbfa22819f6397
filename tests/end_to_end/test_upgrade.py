"""A newer version of the installed command on the journal of an older one, and an older one on a newer journal."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from tests.support.old_journals import PENDING, content, make_journal_0001, pdf
from tests.support.workplace import ZHANG, Workplace
from watcher.journal import migrate as migrations
from watcher.sandbox.endpoint import Endpoint
from watcher.sources.folder.identity import Fingerprint


@pytest.fixture
def workplace(tmp_path: Path, endpoint: Endpoint) -> Workplace:
    return Workplace(tmp_path, endpoint).with_folder().write()


def still_lies_there(workplace: Workplace, name: str) -> None:
    """Put a file that the older version had taken in where it took it from."""
    status = workplace.drop(name, pdf(name.partition(".")[0])).stat()
    fingerprint, place = Fingerprint.of(status, stable_inodes=True), f"{ZHANG}/{name}"
    key = fingerprint.key("shared", place)
    with closing(sqlite3.connect(workplace.root / "journal.db")) as connection:
        (old,) = connection.execute("SELECT key FROM submissions WHERE place = ?", (place,)).fetchone()
        connection.execute("UPDATE identities SET key = ? WHERE key = ?", (key, old))
        connection.execute(
            "UPDATE submissions SET key = ?, fingerprint = ? WHERE key = ?", (key, str(fingerprint), old)
        )
        connection.commit()


def test_the_first_start_of_a_newer_version_finishes_what_the_older_one_began(
    workplace: Workplace, endpoint: Endpoint
) -> None:
    url = workplace.config["journal"]
    make_journal_0001(url)
    for name in ("pending.pdf", "unanswered.pdf", "fresh.zip"):
        still_lies_there(workplace, name)
    before = content(url)
    refused = workplace.command("status")
    workplace.drop("booked again.pdf", pdf("booked"))

    ended = workplace.command("run", "--once")

    assert (refused.returncode, "older version (0001)" in refused.stderr) == (1, True)
    assert ended.returncode == 0, ended.stderr
    assert content(f"sqlite:///{workplace.root}/journal.db.0001.bak") == before
    pending = {row[5] for row in before["bookings"] if row[10] == "pending"}
    assert {request.biz_id for request in endpoint.requests} == pending
    assert len(endpoint.requests) == len(pending) == 3
    assert sorted(path.name for path in (workplace.done / ZHANG).iterdir() if path.suffix != ".txt") == [
        "booked again.pdf",
        "fresh.zip",
        "pending.pdf",
        "unanswered.pdf",
    ]
    (again,) = [each for each in workplace.submissions() if each["path"] == f"{ZHANG}/booked again.pdf"]
    assert [document["outcome"] for document in again["documents"]] == ["duplicate"]
    assert [each["state"] for each in workplace.submissions() if each["id"] == PENDING] == ["closed"]


def test_every_command_refuses_the_journal_of_a_newer_version_and_leaves_it_as_it_is(workplace: Workplace) -> None:
    assert workplace.command("migrate").returncode == 0
    path = workplace.root / "journal.db"
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
        connection.commit()
    before = path.read_bytes()

    for command in (["run"], ["run", "--once"], ["migrate"], ["status"], ["list"], ["show", "a"], ["retry", "a"]):
        ended = workplace.command(*command)
        assert (ended.returncode, "newer version of invoice-watcher (9999)" in ended.stderr) == (1, True), command
        assert "install that version here, too; this one has changed nothing" in " ".join(ended.stderr.split())
    checked = workplace.command("check")
    assert (checked.returncode, "newer version of invoice-watcher (9999)" in checked.stdout) == (1, True)
    assert path.read_bytes() == before
    assert migrations.HEAD < "9999"
