"""One daemon at work, seen through all that shows it: its log, `status`, `ready`, /livez, /readyz and /metrics."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
import requests

from tests.support.metrics import Scrape
from tests.support.servers.dovecot import Dovecot
from tests.support.waiting import wait_for
from tests.support.workplace import PATIENCE_SECONDS, Workplace, pdf
from watcher.sandbox.endpoint import Endpoint

PROJECT = Path(__file__).resolve().parents[2]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@dataclass(frozen=True, kw_only=True)
class Seen:
    """What was seen while it ran, and after it had been stopped."""

    done: str  # the ids of the submissions
    failed: str
    log: list[dict[str, Any]]
    status: dict[str, Any]
    page: str
    scrape: Scrape
    ready: int
    health: dict[str, tuple[int, Any]]
    ready_afterwards: str
    status_afterwards: str

    def life(self, submission: str) -> list[dict[str, Any]]:
        return [line for line in self.log if submission in str(line["fields"].get("submission"))]


@pytest.fixture(scope="module")
def seen(tmp_path_factory: pytest.TempPathFactory, dovecot: Dovecot) -> Iterator[Seen]:
    with Endpoint() as endpoint:
        yield run(tmp_path_factory.mktemp("monitoring"), endpoint, dovecot)


def run(root: Path, endpoint: Endpoint, dovecot: Dovecot) -> Seen:
    """One file is booked at its second try, one is refused; a mailbox is refused its login."""
    account = dovecot.account()
    workplace = Workplace(root, endpoint, retry={"first": "0.1s", "longest": "0.1s"}, concurrency=1)
    workplace.with_folder().with_mailbox(dovecot.host, dovecot.port, account.username, "wrong")
    address = f"127.0.0.1:{free_port()}"
    workplace.config |= {"web": {"listen": address}, "log": {"format": "json"}, "alerts": {"after": "1s"}}
    workplace.write()
    endpoint.behave(status=500, times=1)
    with workplace.daemon() as daemon:
        ready = workplace.command("ready", "--wait", "60s").returncode
        workplace.drop("good.pdf", pdf("good"))
        workplace.closed(1)
        endpoint.behave(res_code=300042, times=1)
        workplace.drop("bad.pdf", pdf("bad"))
        failed, done = workplace.closed(2)
        wait_for(lambda: "Something needs a person" in daemon.said(), PATIENCE_SECONDS, "an alert")
        status, page = workplace.command("status", "--json"), workplace.command("status")
        scrape = Scrape.of(f"http://{address}")
        health = {path: answered(f"http://{address}/{path}") for path in ("livez", "readyz")}
    lines = [line for line in daemon.said().splitlines() if line.startswith("{")]
    return Seen(
        done=done["id"],
        failed=failed["id"],
        log=[json.loads(line) for line in lines],
        status=json.loads(status.stdout),
        page=page.stdout,
        scrape=scrape,
        ready=ready,
        health=health,
        ready_afterwards=workplace.command("ready", "--wait", "0s").stderr,
        status_afterwards=workplace.command("status").stdout,
    )


def answered(url: str) -> tuple[int, Any]:
    answer = requests.get(url, timeout=30)
    return answer.status_code, answer.json()


# ------------------------------------------------------------------------------------------------ log


def test_the_life_of_a_submission_can_be_read_out_of_the_log(seen: Seen) -> None:
    """Taken in, posted, failed, posted again, booked, answered: a line each, all of them by its id."""
    told = [(line["message"], line["level"]) for line in seen.life(seen.done)]
    assert told == [
        ("A submission was taken in.", "info"),
        ("A document is posted.", "info"),
        ("A try failed and is repeated.", "warning"),
        ("A document is posted.", "info"),
        ("A booking has its outcome.", "warning"),  # a try of it is in doubt, but it is booked
        ("A submission is answered.", "info"),
    ] or told[4] == ("A booking has its outcome.", "info")
    tries = [line["fields"]["try"] for line in seen.life(seen.done) if line["message"] == "A document is posted."]
    assert tries == [1, 2]
    answer = seen.life(seen.done)[-1]["fields"]
    assert (answer["source"], answer["outcomes"]) == ("shared", "1 done")
    assert answer["moved_to"].endswith("good.pdf")


def test_why_one_failed_stands_in_its_lines(seen: Seen) -> None:
    (outcome,) = [line for line in seen.life(seen.failed) if line["message"] == "A booking has its outcome."]
    assert (outcome["level"], outcome["fields"]["outcome"], outcome["fields"]["code"]) == ("warning", "error", "300042")


def test_every_line_has_the_same_keys(seen: Seen) -> None:
    assert {tuple(line) for line in seen.log} == {("ts", "level", "logger", "message", "fields")}
    assert all(datetime.fromisoformat(line["ts"]).tzinfo is not None for line in seen.log)


def test_a_refused_login_is_told_once_as_what_it_is(seen: Seen) -> None:
    told = [line["fields"] for line in seen.log if line["message"] == "Something needs a person."]
    assert [fields["alert"] for fields in told] == ["login"]
    assert "fapiao" in told[0]["detail"]
    assert [alert["key"] for alert in seen.status["alerts"]] == ["login fapiao"]
    assert seen.scrape.value("invoice_watcher_alerts", kind="login") == 1


# --------------------------------------------------------------------------------------------- status


def test_status_tells_of_the_daemon_and_of_each_source(seen: Seen) -> None:
    assert seen.status["daemon"]["running"]
    assert seen.status["daemon"]["ready"]
    assert seen.status["daemon"]["pid"]
    by_name = {source["name"]: source for source in seen.status["sources"]}
    shared, fapiao = by_name["shared"], by_name["fapiao"]
    assert (shared["kind"], shared["up"], shared["pending"], shared["last_trouble"]) == ("folder", True, 0, None)
    assert shared["looked_at"] is not None
    assert shared["last_taken_in"] is not None
    assert (fapiao["kind"], fapiao["up"], fapiao["looked_at"]) == ("mailbox", False, None)
    assert "refused" in fapiao["last_trouble"]["said"]


def test_status_tells_what_was_done_of_late(seen: Seen) -> None:
    assert (seen.status["settled"]["hour"]["done"], seen.status["settled"]["day"]["error"]) == (1, 1)
    assert {result: tried["count"] for result, tried in seen.status["tries"].items()} == {
        "unknown": 1,
        "answered": 1,
        "refused": 1,
    }
    assert "300042" in seen.status["tries"]["refused"]["said"]


def test_the_page_for_people_fits_a_terminal_and_says_it_in_words(seen: Seen) -> None:
    page = " ".join(seen.page.split())
    assert "daemon: ready; version" in page
    assert "fapiao DOWN" in page
    assert "settled in the last hour: 1 done, 1 error" in page
    table = seen.page.partition("\n\n")[2].partition("\n\n")[0].splitlines()[:3]
    assert table[0].startswith("source")
    assert max(len(line.rstrip()) for line in table) <= 80


def test_without_a_daemon_status_says_so_and_goes_on(seen: Seen) -> None:
    assert seen.status_afterwards.startswith("daemon: NOT RUNNING here")
    assert "gate: open" in seen.status_afterwards


# ------------------------------------------------------------------------------------ ready and health


def test_a_daemon_with_a_refused_mailbox_is_ready_and_alive(seen: Seen) -> None:
    assert seen.ready == 0
    assert seen.health["readyz"] == (200, {"ready": True, "missing": []})
    assert seen.health["livez"] == (200, {"alive": True, "late": []})


def test_who_asks_when_none_runs_is_told_so(seen: Seen) -> None:
    assert seen.ready_afterwards.startswith("invoice-watcher: not ready: no daemon runs with ")


# -------------------------------------------------------------------------------------------- metrics


def test_metrics_count_what_happened(seen: Seen) -> None:
    def value(name: str, **labels: str) -> float | None:
        return seen.scrape.value(f"invoice_watcher_{name}", **labels)

    assert value("documents_total", source="shared", outcome="done") == 1
    assert value("documents_total", source="shared", outcome="error") == 1
    assert value("documents_total", source="fapiao", outcome="done") == 0
    assert value("submissions_taken_in_total", source="shared") == 2
    assert value("tries_total", kind="first", result="unknown") == 1
    assert value("tries_total", kind="again", result="answered") == 1
    assert value("source_up", source="fapiao") == 0
    assert value("source_up", source="shared") == 1
    assert (value("ready"), value("journal_up"), value("gate_open"), value("workers_late")) == (1, 1, 1, 0)
    assert value("pending", source="shared") == 0
    for stage in ("open", "store", "answer"):
        assert value("stage_duration_seconds_count", stage=stage) == 2
    assert value("stage_duration_seconds_count", stage="recognise") == 3
    assert value("answer_delay_seconds_count") == 2
    assert (value("journal_size_bytes") or 0) > 0
    assert seen.scrape.value("process_cpu_seconds_total")


def test_metrics_follow_the_conventions_and_have_few_series(seen: Seen) -> None:
    own = {name: family for name, family in seen.scrape.families.items() if name.startswith("invoice_watcher_")}
    assert own
    for name, family in own.items():
        assert family.documentation.endswith("."), name
        assert not name.endswith(("_total", "_ms", "_minutes", "_kb")), name
        for word in ("duration", "age", "delay"):
            assert word not in name.split("_") or name.endswith("_seconds"), name
    labels = {label for family in own.values() for sample in family.samples for label in sample.labels}
    assert labels <= {"source", "outcome", "kind", "result", "store", "stage", "le", "version", "python"}
