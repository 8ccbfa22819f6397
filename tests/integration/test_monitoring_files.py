"""The alert rules and the dashboard that are shipped name metrics and labels that the daemon has, and are sound."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml
from msgspec.structs import replace

from tests.support.metrics import Scrape
from watcher.metrics import Exposition, Reading
from watcher.model import (
    Alert,
    Backlog,
    Gate,
    Outcome,
    Signs,
    SourceHealth,
    SourceWork,
    Stage,
    Storage,
    Workload,
)

FOLDER = Path(__file__).resolve().parents[2] / "monitoring"
RULES, TESTS = FOLDER / "invoice-watcher.rules.yml", FOLDER / "invoice-watcher.rules.test.yml"
DASHBOARD = FOLDER / "grafana-dashboard.json"

NOW = datetime(2026, 11, 26, 9, 0, tzinfo=UTC)
AN_HOUR_AGO = NOW - timedelta(hours=1)
WAITS = {"fapiao": Backlog(count=3, oldest=AN_HOUR_AGO)}
FULL = Reading(
    version="1.0",
    ready=True,
    late=0,
    sources=("fapiao", "shared"),
    last_good={"fapiao": NOW},
    signs=Signs(
        now=NOW,
        sources=(SourceHealth(name="fapiao", up=True, since=NOW, left_alone=2), SourceHealth(name="shared", up=None)),
        held=WAITS,
        unanswered=WAITS,
        overdue=WAITS,
    ),
    workload=Workload(now=NOW, sources={"fapiao": SourceWork(pending=5, due=1, oldest=AN_HOUR_AGO)}),
    storage=Storage(kind="sqlite", where="/journal.db", schema="0005", size=4096, free=10**9),
    gate=Gate(open=False),
    alerts=(Alert(key="source fapiao", since=NOW, said="down", told_at=NOW),),
)
_STRINGS = re.compile(r'"(?:[^"\\]|\\.)*"')
_NAMES = re.compile(r"\b(?:invoice_watcher|process)_\w+")
_SELECTED = re.compile(r"\b((?:invoice_watcher|process)_\w+)\{([^}]*)\}")
_BY = re.compile(r"\bby \(([^)]*)\)")
_OF_PROMETHEUS = {"job", "instance"}


def scraped(reading: Reading = FULL) -> Scrape:
    """All that there is to see, once everything has happened."""
    exposition = Exposition()
    exposition.meter.expect(["fapiao", "shared"], ["default"])
    exposition.meter.taken_in("fapiao")
    exposition.meter.tried("first", "answered")
    exposition.meter.settled("fapiao", Outcome.DONE)
    exposition.meter.store_failed("default", refused=False)
    exposition.meter.took(Stage.RECOGNISE, 0.5)
    return Scrape(exposition.text(lambda: reading).decode())


def rules() -> Iterator[dict[str, Any]]:
    for group in yaml.safe_load(RULES.read_text(encoding="utf-8"))["groups"]:
        yield from group["rules"]


def panels() -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(DASHBOARD.read_text(encoding="utf-8"))["panels"]
    return found


def expressions() -> dict[str, str]:
    """By where each stands."""
    found = {rule["alert"]: rule["expr"] for rule in rules()}
    return found | {
        f"panel {panel['title']} {target['refId']}": target["expr"] for panel in panels() for target in panel["targets"]
    }


def test_rules_and_dashboard_name_only_metrics_that_there_are() -> None:
    there = scraped().names
    unknown = {
        place: sorted(set(_NAMES.findall(_STRINGS.sub("", expression))) - there)
        for place, expression in expressions().items()
    }
    assert {place: names for place, names in unknown.items() if names} == {}


def test_rules_and_dashboard_name_only_labels_that_there_are() -> None:
    seen = scraped()
    wrong = []
    for place, expression in expressions().items():
        named = set(_NAMES.findall(_STRINGS.sub("", expression)))
        labels = {label for name in named for each in seen.labels(name) for label in each} | _OF_PROMETHEUS
        asked = {label.strip() for group in _BY.findall(expression) for label in group.split(",")}
        for _, selector in _SELECTED.findall(_STRINGS.sub("", expression)):
            asked |= {re.split(r"[=!~]", part)[0].strip() for part in selector.split(",") if part.strip()}
        if asked - labels:
            wrong.append((place, sorted(asked - labels)))
    assert wrong == []


def test_every_rule_says_what_is_wrong_in_both_languages_and_where_to_look() -> None:
    for rule in rules():
        assert rule["labels"]["severity"] in ("warning", "critical"), rule["alert"]
        assert set(rule["annotations"]) == {"summary", "summary_zh", "look"}, rule["alert"]


def test_every_rule_watches_what_the_issue_asks_for() -> None:
    """A source down, the gate closed, mail held, a backlog that ages, and a daemon that is gone or hangs."""
    assert {rule["alert"].removeprefix("InvoiceWatcher") for rule in rules()} >= {
        *("Down", "NotReady", "WorkerHangs", "JournalAway", "SourceDown", "GateClosed", "HeldForLong", "BacklogAges"),
    }


def test_the_dashboard_is_one_that_grafana_can_load() -> None:
    board = json.loads(DASHBOARD.read_text(encoding="utf-8"))
    assert {"title", "uid", "schemaVersion", "panels", "templating", "time"} <= set(board)
    numbers = [panel["id"] for panel in board["panels"]]
    assert len(set(numbers)) == len(numbers)
    cells = [
        (x, y)
        for panel in board["panels"]
        for grid in [panel["gridPos"]]
        for x in range(grid["x"], grid["x"] + grid["w"])
        for y in range(grid["y"], grid["y"] + grid["h"])
    ]
    assert len(set(cells)) == len(cells), "panels lie over one another"
    assert max(x for x, _ in cells) < 24


def test_what_cannot_be_read_of_the_journal_is_left_out_and_said() -> None:
    away = replace(FULL, signs=None, workload=None, storage=None, gate=None, alerts=())
    seen = scraped(away)
    assert seen.value("invoice_watcher_journal_up") == 0
    assert seen.value("invoice_watcher_tries_total", kind="first", result="answered") == 1
    assert not {name for name in seen.names if "pending" in name or "gate" in name or "source_up" in name}


def test_gauges_say_how_long_the_oldest_has_waited() -> None:
    seen = scraped()
    assert seen.value("invoice_watcher_oldest_pending_age_seconds", source="fapiao") == 3600
    assert seen.value("invoice_watcher_oldest_held_age_seconds", source="fapiao") == 3600
    assert seen.value("invoice_watcher_oldest_held_age_seconds", source="shared") == 0
    assert seen.value("invoice_watcher_source_up", source="fapiao") == 1
    assert seen.value("invoice_watcher_source_up", source="shared") is None
    assert seen.value("invoice_watcher_gate_open") == 0
    assert seen.value("invoice_watcher_alerts", kind="source") == 1


def test_the_journal_is_read_once_for_several_scrapes_in_a_row() -> None:
    read: list[Reading] = []

    def reading() -> Reading:
        read.append(FULL)
        return FULL

    exposition = Exposition()
    for _ in range(5):
        exposition.text(reading)
    assert len(read) == 1


def test_the_table_of_the_documents_has_every_metric_as_it_is() -> None:
    text = (FOLDER.parent / "docs" / "monitoring.md").read_text(encoding="utf-8")
    documented = [line for line in text.splitlines() if line.startswith("| `invoice_watcher_")]
    assert documented == [
        f"| `{name}{'_total' if family.type == 'counter' else ''}` | {family.type} "
        f"| {', '.join(sorted({label for each in family.samples for label in each.labels} - {'le'}))} "
        f"| {family.documentation} |"
        for name, family in scraped().families.items()
        if name.startswith("invoice_watcher_")
    ]


# ------------------------------------------------------------------- by Prometheus itself, where it is


@pytest.fixture
def promtool() -> str:
    """Not among the servers that `make test` installs: the tests above say most of it, too."""
    found = shutil.which("promtool")
    if found is None:
        pytest.skip("promtool is missing (Debian: apt-get install prometheus)")
    return found


def told(command: list[str], folder: Path) -> str:
    ended = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=60, check=False)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    return ended.stdout


def test_the_rules_fire_when_they_should(promtool: str) -> None:
    assert "SUCCESS" in told([promtool, "check", "rules", RULES.name], FOLDER)
    assert "SUCCESS" in told([promtool, "test", "rules", TESTS.name], FOLDER)


def test_prometheus_can_parse_every_expression_of_the_dashboard(promtool: str, tmp_path: Path) -> None:
    parsed = [
        {"record": f"panel:number:{number}", "expr": expression.replace("$__rate_interval", "5m")}
        for number, expression in enumerate(expressions().values())
    ]
    (tmp_path / "rules.yml").write_text(yaml.safe_dump({"groups": [{"name": "all", "rules": parsed}]}))
    assert f"{len(parsed)} rules found" in told([promtool, "check", "rules", "rules.yml"], tmp_path)


def test_what_a_daemon_exposes_is_what_prometheus_reads(promtool: str) -> None:
    exposition = Exposition()
    text = exposition.text(lambda: FULL)
    ended = subprocess.run([promtool, "check", "metrics"], input=text, capture_output=True, timeout=60, check=False)
    assert (ended.returncode, ended.stdout + ended.stderr) == (0, b"")
