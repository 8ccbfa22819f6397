"""Every command of the documents: ours are run on a journal that has what they ask for, or say where else they are;
of those that are not run, what they name is there."""

from __future__ import annotations

import contextlib
import re
import shutil
import sqlite3
import sys
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.testing import CliRunner

from tests.support.documents import DOCUMENTS, Command, commands, text
from tests.support.journals import FAILED, answer, book, mail
from watcher.cli.app import app
from watcher.journal.opening import open_journal
from watcher.model import Reason, SubmissionState

# What stands in blocks of these documents is drawn, and not typed in.
DRAWN = {"docs/architecture.md"}

# Ours that are not run here, and why.
ELSEWHERE = {
    "run": "the daemon: test_docs.py runs it with the first configuration",
    "check": "tries servers: test_docs.py runs it with the first configuration",
    "ready": "asks a running daemon",
    "sandbox": "a server",
    "demo": "test_demo.py",
}

# Programs of the system that are not run here, and why.
NOT_RUN = {
    **dict.fromkeys("systemctl journalctl timedatectl systemd-analyze systemd-creds".split(), "needs systemd"),
    **dict.fromkeys(
        "install chown chmod usermod useradd groupadd sysctl mount mv cp rm mkdir ln".split(),
        "changes the machine, as root",
    ),
    **dict.fromkeys("apt apt-get dpkg curl wget tar git unzip".split(), "fetches and installs"),
    **dict.fromkeys(
        "docker podman nginx promtool hadolint jq ssh scp rsync".split(), "needs what is not part of the project"
    ),
    **dict.fromkeys("createuser createdb psql pg_dump pg_restore".split(), "needs a database server of one's own"),
    **dict.fromkeys(
        "cd df ls ss fuser openssl findmnt mountpoint cat tail grep diff id getent stat dig ping uname".split(),
        "shows what is on the machine",
    ),
    "editor": "a person types in it",
    "sqlite3": "the test of copies does the same by the library",
    "make": "test_docs.py looks for the target",
    "install.sh": "changes the machine, as root",
    "python": "serves files",
    "python3": "makes an environment",
    "pip": "fetches and installs",
}

_UNIT = "invoice-watcher"
_OTHER_UNITS = {"systemd-timesyncd", "postgresql", "prometheus", "nginx", "caddy"}
# Where the installer and the unit put things; what is below them is the administrator's.
_PLACES = ("/opt/invoice-watcher", "/etc/invoice-watcher", "/var/lib/invoice-watcher", "/usr/local/bin/invoice-watcher")
_OF_OURS = re.compile(r"/(?:opt|etc|var/lib|usr/local/bin|run)/invoice-watcher[\w.-]*")

ALL = sorted({command for name in DOCUMENTS if name not in DRAWN for command in commands(name)}, key=str)
OURS = [command for command in ALL if command.is_ours]
THEIRS = [command for command in ALL if not command.is_ours]


def _is_run(command: Command) -> bool:
    if "--offline" in command.arguments:
        return True
    return command.arguments[0] not in ELSEWHERE and not command.arguments[0].startswith("-")


# ------------------------------------------------------------------------------------------ ours


@pytest.mark.parametrize("command", OURS, ids=str)
def test_every_command_of_ours_is_one_and_has_its_options(command: Command) -> None:
    group: Any = typer.main.get_command(app)
    arguments = [argument.strip("[]") for argument in command.arguments]
    while arguments[:1] in (["--config"], ["-c"]):
        arguments = arguments[2:]
    if arguments and arguments[0].startswith("-"):
        assert arguments[0] in {option for each in group.params for option in each.opts} | {"--help"}
        return
    name, *rest = arguments
    assert name in group.commands
    group.commands[name].make_context(name, rest)  # raises where there is no such option


CONFIGURATION = """
journal: sqlite:///journal.db
recognition: {url: "http://127.0.0.1:9/ocr"}
stores: {default: {type: objects, service: fs, options: {root: /srv/invoices/store}}}
folders: [{name: shared, path: inbox}]
"""


@pytest.fixture(scope="module")
def journal_files(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str, str]:
    """A journal with one submission that failed, one that is held for its sender, and their ids."""
    root = tmp_path_factory.mktemp("company")
    journal = open_journal(f"sqlite:///{root}/journal.db", exclusive=True)
    try:
        failed = journal.record(mail())
        book(journal, FAILED)
        answer(journal)
        held = journal.record(mail(state=SubmissionState.HELD, reason=Reason.UNVERIFIED_SENDER))
    finally:
        journal.close()
    return root, failed, held


@pytest.fixture
def workplace(journal_files: tuple[Path, str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a configuration and a copy of the journal, in which the command is typed."""
    for path in journal_files[0].glob("journal.db*"):
        shutil.copy(path, tmp_path)
    (tmp_path / "config.yaml").write_text(CONFIGURATION, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "excepthook", sys.excepthook)  # commands put one of theirs there
    return tmp_path


@pytest.mark.parametrize("command", [each for each in OURS if _is_run(each)], ids=str)
def test_every_command_of_ours_that_asks_or_decides_does_so(
    command: Command, workplace: Path, journal_files: tuple[Path, str, str]
) -> None:
    _, failed, held = journal_files
    identifier = held if command.arguments[0] in ("release", "refuse") else failed
    arguments = [identifier if argument.isupper() else argument for argument in command.arguments]
    result = CliRunner().invoke(app, arguments)
    assert (result.exit_code, result.exception) == (0, None), result.output


def test_a_copy_that_is_made_while_the_daemon_has_the_journal_is_a_journal(workplace: Path) -> None:
    # Given a daemon's journal, of which something is still in the write-ahead log
    running = open_journal(f"sqlite:///{workplace}/journal.db", exclusive=True)
    try:
        newest = running.record(mail())
        # When it is copied as docs/operate.md says
        (statement,) = re.findall(r'journal\.db "(VACUUM INTO [^"]+)"', text("docs/operate.md"))
        with contextlib.closing(sqlite3.connect(workplace / "journal.db")) as connection:
            connection.execute(statement.replace("/var/backups", str(workplace)))
    finally:
        running.close()
    # Then the copy is a journal that a daemon starts with, and has all of it
    copied = open_journal(f"sqlite:///{workplace}/invoice-watcher.db", exclusive=True)
    try:
        assert copied.submission(newest).id == newest
    finally:
        copied.close()


# ----------------------------------------------------------------------------------------- theirs


@pytest.mark.parametrize("command", THEIRS, ids=str)
def test_every_other_command_is_one_that_is_known_not_to_be_run_here(command: Command) -> None:
    assert command.program in NOT_RUN, f"say in NOT_RUN why {command.program} is not run"
    assert command.user in (None, "invoice-watcher", "postgres")


@pytest.mark.parametrize("command", THEIRS, ids=str)
def test_the_units_and_places_that_commands_name_are_ours(command: Command) -> None:
    named = _OF_OURS.findall(" ".join(command.arguments))
    assert [
        place for place in named if place not in _PLACES and not place.startswith("/var/lib/invoice-watcher.")
    ] == []
    if command.program == "systemctl":
        verb, *units = [argument for argument in command.arguments if not argument.startswith("-")]
        assert verb in set("cat daemon-reload disable edit enable kill reload restart show start status stop".split())
        known = {_UNIT, *_OTHER_UNITS}
        assert {re.sub(r"(@\S*)?(\.service)?$", "", unit) for unit in units} <= known
