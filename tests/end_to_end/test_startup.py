"""Starting is quick and small because costly libraries wait until they are needed."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest
import requests

from tests.support.waiting import wait_for
from tests.support.workplace import PATIENCE_SECONDS, Workplace, pdf
from watcher.sandbox.endpoint import Endpoint

_IMPORTED = re.compile(r"^import time: .*\| +([\w.]+)$", re.MULTILINE)
_SERVED = re.compile(r"The page is served\. \[address=([\d.:]+)\]")
HEAVY = {"alembic", "apprise", "apscheduler", "dkim", "imap_tools", "jinja2", "opendal", "pydantic", "requests"}
HEAVY |= {"flask", "prometheus_client", "rich", "sqlalchemy", "typer", "waitress", "watchdog", "xlsxwriter"}
HEAVY |= {"olefile", "tarfile"}


def modules(report: str) -> set[str]:
    """What was loaded, by a report of `-X importtime`."""
    names = set(_IMPORTED.findall(report))
    assert "watcher" in names, "that is no report"
    return names


def libraries(report: str) -> set[str]:
    """The libraries of `HEAVY` in it."""
    return {name.partition(".")[0] for name in modules(report)} & HEAVY


@pytest.fixture
def workplace(tmp_path: Path, endpoint: Endpoint, monkeypatch: pytest.MonkeyPatch) -> Workplace:
    monkeypatch.setenv("PYTHONPROFILEIMPORTTIME", "1")
    return Workplace(tmp_path, endpoint).with_folder().write()


def test_the_command_line_is_read_by_typer_alone() -> None:
    started = subprocess.run(
        [sys.executable, "-X", "importtime", "-c", "import watcher.cli.app"],
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert libraries(started.stderr) == {"typer"}
    assert "watcher.model" not in modules(started.stderr)


def test_a_health_check_needs_no_typer_and_neither_values_nor_dataclasses_nor_logging(workplace: Workplace) -> None:
    answer = workplace.command_anew("ready", "--wait", "0s")
    assert answer.returncode == 1
    assert modules(answer.stderr).isdisjoint({"typer", "dataclasses", "inspect", "logging", "watcher.model"})
    assert libraries(answer.stderr) == set()


@pytest.mark.parametrize("option", ["--help", "--version"])
def test_help_needs_typer_alone(workplace: Workplace, option: str) -> None:
    assert libraries(workplace.command_anew(option).stderr) == {"typer"}


def test_the_journal_is_read_without_what_only_a_daemon_needs(workplace: Workplace) -> None:
    workplace.drop("a.pdf", pdf("a"))
    assert workplace.command_anew("run", "--once").returncode == 0
    for arguments in (("list", "--json"), ("export",)):
        answer = workplace.command_anew(*arguments)
        assert answer.returncode == 0
        assert libraries(answer.stderr) <= {"pydantic", "sqlalchemy", "typer"}


def test_a_daemon_that_waits_for_a_file_has_no_terminal_tables_migrations_templates_mail_or_page(
    workplace: Workplace,
) -> None:
    workplace.config["alerts"] = {"urls": ["json://127.0.0.1:9/robot"]}
    workplace.write()
    with workplace.daemon() as daemon:
        loaded = libraries(daemon.said())
    unneeded = {"alembic", "apprise", "dkim", "flask", "imap_tools", "jinja2", "prometheus_client", "rich", "waitress"}
    unneeded |= {"olefile", "tarfile", "typer"}
    assert loaded.isdisjoint(unneeded), loaded


def test_a_daemon_that_will_reply_loads_its_templates_once_it_is_ready(workplace: Workplace) -> None:
    workplace.with_mailbox("127.0.0.1", 9, "fapiao", "nobody answers").with_smtp("127.0.0.1", 9).write()
    with workplace.daemon() as daemon:
        wait_for(lambda: "jinja2" in libraries(daemon.said()), PATIENCE_SECONDS, "the templates to be loaded")
        before = daemon.said().partition("The daemon is ready")[0]
        assert "jinja2" not in libraries(before)


def test_a_page_that_nobody_looks_at_loads_no_flask(workplace: Workplace) -> None:
    workplace.config["web"] = {"listen": "127.0.0.1:0", "password": "open sesame, all of you"}
    workplace.write()
    with workplace.daemon() as daemon:
        page = wait_for(lambda: _SERVED.findall(daemon.said()), PATIENCE_SECONDS, "the page to be served")[0]
        assert libraries(daemon.said()).isdisjoint({"flask", "jinja2"})
        assert requests.get(f"http://{page}/readyz", timeout=PATIENCE_SECONDS).status_code == 200
        assert "flask" in libraries(daemon.said())
