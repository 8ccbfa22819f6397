"""Starting is quick and small because costly libraries wait until they are needed."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.workplace import Workplace, pdf
from watcher.sandbox.endpoint import Endpoint

_IMPORTED = re.compile(r"^import time: .*\| +([\w.]+)$", re.MULTILINE)
HEAVY = {"alembic", "apprise", "apscheduler", "dkim", "imap_tools", "jinja2", "opendal", "pydantic", "requests"}
HEAVY |= {"flask", "prometheus_client", "rich", "sqlalchemy", "waitress", "watchdog", "xlsxwriter"}


def libraries(report: str) -> set[str]:
    """The libraries of `HEAVY` in a report of `-X importtime`."""
    names = _IMPORTED.findall(report)
    assert "watcher" in names, "that is no report"
    return {name.partition(".")[0] for name in names} & HEAVY


@pytest.fixture
def workplace(tmp_path: Path, endpoint: Endpoint, monkeypatch: pytest.MonkeyPatch) -> Workplace:
    monkeypatch.setenv("PYTHONPROFILEIMPORTTIME", "1")
    return Workplace(tmp_path, endpoint).with_folder().write()


def test_the_command_line_is_read_without_any_of_them() -> None:
    started = subprocess.run(
        [sys.executable, "-X", "importtime", "-c", "import watcher.cli.app"],
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert libraries(started.stderr) == set()


@pytest.mark.parametrize("option", ["--help", "--version"])
def test_help_needs_none_of_them(workplace: Workplace, option: str) -> None:
    assert libraries(workplace.command_anew(option).stderr) == set()


def test_the_journal_is_read_without_what_only_a_daemon_needs(workplace: Workplace) -> None:
    workplace.drop("a.pdf", pdf("a"))
    assert workplace.command_anew("run", "--once").returncode == 0
    for arguments in (("list", "--json"), ("export",)):
        answer = workplace.command_anew(*arguments)
        assert answer.returncode == 0
        assert libraries(answer.stderr) <= {"pydantic", "sqlalchemy"}


def test_a_daemon_that_waits_for_a_file_has_no_terminal_tables_migrations_templates_mail_or_page(
    workplace: Workplace,
) -> None:
    workplace.config["alerts"] = {"urls": ["json://127.0.0.1:9/robot"]}
    workplace.write()
    with workplace.daemon() as daemon:
        loaded = libraries(daemon.said())
    unneeded = {"alembic", "apprise", "dkim", "flask", "imap_tools", "jinja2", "prometheus_client", "rich", "waitress"}
    assert loaded.isdisjoint(unneeded), loaded
