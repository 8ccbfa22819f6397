"""contract.md's table under "Wire", row by row, by the installed command against a misbehaving endpoint.

What concerns one document is tried in one run with a file for each row; what concerns all of them has a run of its own.
"""

from __future__ import annotations

import hashlib
import json
import re
import socket
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field
from email.utils import formatdate, parsedate_to_datetime
from pathlib import Path
from typing import Any

import pytest

from tests.support.raw_server import RawServer, answer
from tests.support.workplace import ZHANG, Workplace, pdf
from watcher.model import SubmissionState
from watcher.sandbox.endpoint import Endpoint
from watcher.sandbox.endpoint_ledger import Received

QUICK = {"first": "1s", "factor": 1, "longest": "1s", "give_up_after": "1h"}
VECTORS = Path(__file__).parent.parent / "unit" / "vectors"  # the documentation's own examples


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """What the endpoint does to a file (for its first `times` tries), and what must come of it."""

    does: dict[str, Any] = field(default_factory=dict)
    times: int | None = None
    outcome: str
    code: str | None = None
    tries: int = 1
    said: str | None = None  # in the note beside the file; None: no note
    invoices: int = 1


TABLE = {
    "booked": Row(outcome="done"),
    "several": Row(does={"invoices": 3}, outcome="done", invoices=3),
    "unchecked": Row(does={"check": False}, outcome="done"),
    "refused": Row(
        does={"res_code": 300042, "res_msg": "识别失败"}, outcome="error", code="300042", said="识别失败", invoices=0
    ),
    "as-text": Row(does={"res_code": "E-7", "res_msg": "坏了"}, outcome="error", code="E-7", said="坏了", invoices=0),
    "other-400000": Row(
        does={"res_code": 400000, "res_msg": "余额不足"}, outcome="error", code="400000", said="余额不足", invoices=0
    ),
    "empty": Row(does={"invoices": 0}, outcome="error", code="NO_INVOICE", said="发票", invoices=0),
    "no-expense": Row(
        does={"expense": False, "invoice_message": "重复报销", "invoice_message_code": "R1"},
        outcome="error",
        code="R1",
        said="重复报销",
    ),
    "message": Row(
        does={"invoice_message": "抬头不符", "invoice_message_code": "T01"},
        outcome="attention",
        code="T01",
        said="抬头不符",
    ),
    "unverified": Row(does={"verified": False}, outcome="attention", said="查验"),
    "passing": Row(does={"res_code": 500123, "res_msg": "busy"}, times=1, outcome="done", tries=2),
    "throttled": Row(does={"status": 429}, times=1, outcome="done", tries=2),
    "server-error": Row(does={"status": 500}, times=1, outcome="done", tries=2),
    "unavailable": Row(does={"status": 503}, times=2, outcome="done", tries=3),
    "cut-before": Row(does={"cut": "before"}, times=1, outcome="done", tries=2),
    "cut-after": Row(does={"cut": "after"}, times=1, outcome="done", tries=2),
    "silent": Row(does={"silent": "after"}, times=1, outcome="done", tries=2),
    "trickle": Row(does={"trickle": 0.05}, times=1, outcome="done", tries=2),
    "no-json": Row(does={"broken": True}, times=1, outcome="done", tries=2),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """What came of one file."""

    document: dict[str, Any]
    requests: list[Received]
    where: str  # inbox, done or error
    note: str | None


@pytest.fixture(scope="module")
def seen(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Seen]]:
    """One run over a file for each row of the table."""
    with Endpoint() as endpoint:
        rules = {"retry_on": [{"code": 500123}], "retry": QUICK, "connect_timeout": "1s", "timeout": "2s"}
        workplace = Workplace(tmp_path_factory.mktemp("wire"), endpoint, **rules).with_folder().write()
        for name, row in TABLE.items():
            workplace.drop(f"{name}.pdf", pdf(name))
            if row.does:
                endpoint.behave(pattern=_address(name), times=row.times, **row.does)
        ended = workplace.command("run", "--once", "--wait", "20s")
        assert ended.returncode == 1, ended.stderr  # some ended in error, none is pending
        documents = {
            submission["documents"][0]["name"]: submission["documents"][0] for submission in workplace.submissions()
        }
        yield {name: _seen(name, workplace, endpoint, documents[f"{name}.pdf"]) for name in TABLE}


def _address(name: str) -> str:
    return f"*{hashlib.sha256(pdf(name)).hexdigest()}*"


def _seen(name: str, workplace: Workplace, endpoint: Endpoint, document: dict[str, Any]) -> Seen:
    places = {place: getattr(workplace, place) / ZHANG / f"{name}.pdf" for place in ("inbox", "done", "error")}
    (where,) = [place for place, path in places.items() if path.exists()]
    note = places[where].with_name(f"{name}.pdf.txt")
    return Seen(
        document=document,
        requests=[request for request in endpoint.requests if request.biz_id == document["biz_id"]],
        where=where,
        note=note.read_text(encoding="utf-8-sig") if note.exists() else None,
    )


@pytest.mark.parametrize("name", TABLE)
def test_a_document_ends_as_the_table_says(seen: dict[str, Seen], name: str) -> None:
    row, found = TABLE[name], seen[name]
    assert (found.document["outcome"], found.document["code"]) == (row.outcome, row.code)
    assert found.document["attempts"] == row.tries
    assert len(found.document["invoices"]) == row.invoices
    assert found.where == ("error" if row.outcome == "error" else "done")
    assert (found.note is None) == (row.said is None)
    assert row.said is None or row.said in (found.note or "")


@pytest.mark.parametrize("name", TABLE)
def test_every_try_has_the_same_biz_id_and_its_own_time_and_none_overlaps(seen: dict[str, Seen], name: str) -> None:
    tries = seen[name].requests
    times = [request.timestamp for request in tries]
    assert len(tries) == TABLE[name].tries
    assert len(set(times)) == len(times)
    assert all(re.fullmatch(r"\d{13}", str(moment)) for moment in times)
    assert not any(request.overlapped for request in tries)


# ------------------------------------------------------------------------------- the gate, for all of them


@pytest.fixture
def workplace(tmp_path: Path, endpoint: Endpoint) -> Workplace:
    quick = {"connect_timeout": "1s", "timeout": "2s", "concurrency": 1, "probe": "1s", "retry": QUICK}
    return Workplace(tmp_path, endpoint, **quick).with_folder().write()


def gate(workplace: Workplace) -> str:
    """What `status` says of it, however it is wrapped."""
    return workplace.status().partition("gate: ")[2].partition(" submissions: ")[0]


@pytest.mark.parametrize(
    ("does", "reason"),
    [
        ({"no_key": True}, "请预先配置识别秘钥"),
        ({"status": 404}, "recognition.url"),
        ({"status": 403}, "recognition.auth"),
    ],
)
def test_a_closed_gate_holds_everything_and_says_why(
    workplace: Workplace, endpoint: Endpoint, does: dict[str, Any], reason: str
) -> None:
    workplace.config["recognition"]["probe"] = "1h"
    workplace.write()
    endpoint.behave(**does)
    for name in ("a", "b", "c"):
        workplace.drop(f"{name}.pdf", pdf(name))

    ended = workplace.command("run", "--once")

    assert (ended.returncode, len(endpoint.requests)) == (3, 1)
    assert reason in ended.stdout
    assert gate(workplace).startswith("CLOSED since ")
    assert reason in gate(workplace)
    pending = [document for submission in workplace.submissions() for document in submission["documents"]]
    assert [(document["state"], document["outcome"], document["attempts"]) for document in pending] == [
        ("pending", None, 0)
    ] * 3
    assert len(list(workplace.inbox.rglob("*.pdf"))) == 3


def test_one_booking_probes_a_closed_gate_and_its_success_lets_the_others_go_on(
    workplace: Workplace, endpoint: Endpoint
) -> None:
    endpoint.behave(no_key=True)
    with workplace.daemon():
        for name in ("a", "b", "c"):
            workplace.drop(f"{name}.pdf", pdf(name))
        assert endpoint.wait_until(lambda each: len(each.requests) == 3)
        endpoint.reset()
        workplace.closed(3)
    first, second, third, *_ = [request.received_at for request in endpoint.requests]
    assert second - first > 0.9
    assert third - second > 0.9
    documents = [document for submission in workplace.submissions() for document in submission["documents"]]
    assert [(document["outcome"], document["attempts"]) for document in documents] == [("done", 1)] * 3
    assert gate(workplace) == "open"


def test_a_document_whose_file_is_away_lets_another_one_probe_at_once(workplace: Workplace, endpoint: Endpoint) -> None:
    # Given a gate that is closed, and an hour later the first that is due to try it was taken out of its folder
    workplace.config["recognition"]["probe"] = "1h"
    workplace.config["stores"]["default"] = {"type": "resolve", "base_url": "https://files.example/"}
    workplace.write()
    endpoint.behave(no_key=True)
    for name in ("a.pdf", "b.pdf"):
        workplace.drop(name, pdf(name))
    assert workplace.command("run", "--once").returncode == 3
    (tried,) = [(request.attachment_url or "").rpartition("/")[2] for request in endpoint.requests]
    first = workplace.inbox / ZHANG / ("b.pdf" if tried == "a.pdf" else "a.pdf")
    away = first.rename(workplace.root / "away.pdf")
    with closing(sqlite3.connect(workplace.root / "journal.db")) as connection, connection:
        connection.execute("UPDATE gates SET due_at = 0")
    endpoint.reset()
    # When the endpoint can be used again
    ended = workplace.command("run", "--once")
    # Then the other one finds that out
    assert gate(workplace) == "open"
    assert "The endpoint still cannot be used" not in ended.stdout + ended.stderr
    assert {each["path"].rpartition("/")[2] for each in workplace.submissions("--outcome", "done")} == {tried}
    assert "the file is not there any more" in workplace.status()
    # And the first one is booked when its file is back
    away.rename(first)
    assert workplace.command("run", "--once", "--wait", "5s").returncode == 0
    assert len(workplace.submissions("--outcome", "done")) == 2


@pytest.mark.parametrize(("status", "dated"), [(429, False), (503, True)])
def test_retry_after_lets_everything_wait_and_counts_no_try(
    workplace: Workplace, endpoint: Endpoint, status: int, dated: bool
) -> None:
    workplace.drop("a.pdf", pdf("a"))
    workplace.drop("b.pdf", pdf("b"))
    until = formatdate(time.time() + 5, usegmt=True)
    endpoint.behave(status=status, retry_after=until if dated else 2, times=1)

    assert workplace.command("run", "--once", "--wait", "20s").returncode == 0

    asked, *others = endpoint.requests
    assert len(others) == 2
    pause = parsedate_to_datetime(until).timestamp() - asked.ended_at if dated else 2
    assert min(request.received_at for request in others) - asked.ended_at >= pause - 0.1
    documents = [document for submission in workplace.submissions() for document in submission["documents"]]
    assert [(document["outcome"], document["attempts"]) for document in documents] == [("done", 1)] * 2


@pytest.mark.parametrize(
    ("does", "outcome", "code"),
    [({"status": 429}, "error", "GAVE_UP"), ({"status": 500, "res_msg": "kaputt"}, "attention", "IN_DOUBT")],
)
def test_what_fails_for_too_long_is_given_up_and_what_is_in_doubt_is_not_called_failed(
    workplace: Workplace, endpoint: Endpoint, does: dict[str, Any], outcome: str, code: str
) -> None:
    workplace.config["recognition"]["retry"] = {"first": "0.2s", "longest": "0.2s", "give_up_after": "0.5s"}
    workplace.write()
    endpoint.behave(**does)
    workplace.drop("a.pdf", pdf("a"))

    assert workplace.command("run", "--once", "--wait", "5s").returncode == (1 if outcome == "error" else 0)

    ((document,),) = [submission["documents"] for submission in workplace.submissions()]
    assert (document["outcome"], document["code"]) == (outcome, code)
    assert len({request.biz_id for request in endpoint.requests}) == 1
    assert document["attempts"] == len(endpoint.requests) > 1


def test_a_refusal_after_a_try_in_doubt_may_have_been_booked(workplace: Workplace, endpoint: Endpoint) -> None:
    endpoint.behave(res_code=300042, res_msg="识别失败")
    endpoint.behave(cut="before", times=1)
    workplace.drop("a.pdf", pdf("a"))
    assert workplace.command("run", "--once", "--wait", "5s").returncode == 0
    ((document,),) = [submission["documents"] for submission in workplace.submissions()]
    assert (document["outcome"], document["code"]) == ("attention", "IN_DOUBT")
    assert "识别失败" in document["message"]
    assert "可能已经入账" in (workplace.done / ZHANG / "a.pdf.txt").read_text(encoding="utf-8-sig")


@pytest.fixture
def holding(workplace: Workplace) -> Workplace:
    """What is in doubt waits for a person."""
    workplace.config["recognition"]["in_doubt"] = "hold"
    return workplace.write()


def test_what_is_in_doubt_is_held_where_the_configuration_says_so(holding: Workplace, endpoint: Endpoint) -> None:
    endpoint.behave(cut="after", times=1)
    holding.drop("a.pdf", pdf("a"))

    ended = holding.command("run", "--once", "--wait", "5s")

    assert (ended.returncode, len(endpoint.requests)) == (3, 1)
    assert "held for your decision" in ended.stdout
    (submission,) = holding.submissions("--state", "held")
    (document,) = submission["documents"]
    assert (submission["reason"], document["outcome"], document["due_at"]) == ("IN_DOUBT", None, None)
    assert "1 held for your decision" in holding.command("status").stdout
    assert (holding.inbox / ZHANG / "a.pdf").exists()
    holding.drop("again.pdf", pdf("a"))
    assert holding.command("run", "--once", "--wait", "5s").returncode == 3
    assert len(holding.submissions("--state", "held")) == 2
    assert len(endpoint.requests) == 1


@pytest.mark.parametrize(("decision", "same"), [(["release"], True), (["retry", "--new"], False)])
def test_a_person_lets_what_is_held_be_posted_again(
    holding: Workplace, endpoint: Endpoint, decision: list[str], same: bool
) -> None:
    endpoint.behave(cut="before", times=1)
    holding.drop("a.pdf", pdf("a"))
    holding.command("run", "--once", "--wait", "5s")
    (submission,) = holding.submissions()

    assert holding.command(*decision, submission["id"]).returncode == 0

    assert holding.command("run", "--once").returncode == 0
    first, second = [request.biz_id for request in endpoint.requests]
    assert (first == second) is same
    assert (holding.done / ZHANG / "a.pdf").exists()


def test_a_person_leaves_what_is_held_in_doubt_and_the_employee_is_told(holding: Workplace, endpoint: Endpoint) -> None:
    endpoint.behave(cut="after", times=1)
    holding.drop("a.pdf", pdf("a"))
    holding.command("run", "--once", "--wait", "5s")
    (submission,) = holding.submissions()

    assert holding.command("refuse", submission["id"]).returncode == 0

    assert holding.command("run", "--once").returncode == 0
    assert len(endpoint.requests) == 1
    assert "可能已经入账" in (holding.done / ZHANG / "a.pdf.txt").read_text(encoding="utf-8-sig")
    again = holding.command("refuse", submission["id"])
    assert (again.returncode, "is not held" in again.stderr) == (2, True)


def test_what_was_in_flight_at_a_kill_is_held_where_the_configuration_says_so(
    holding: Workplace, endpoint: Endpoint
) -> None:
    endpoint.behave(silent="after", times=1)
    with holding.daemon() as daemon:
        holding.drop("a.pdf", pdf("a"))
        assert endpoint.wait_until(lambda each: len(each.requests) == 1)
        daemon.process.kill()
        daemon.process.wait()

    with holding.daemon():
        holding.wait_for_submissions(1, SubmissionState.HELD)
    assert len(holding.submissions("--state", "held")) == 1
    assert len(endpoint.requests) == 1


def test_what_stays_in_doubt_can_be_tried_again_by_a_person(workplace: Workplace, endpoint: Endpoint) -> None:
    endpoint.behave(res_code=300042)
    endpoint.behave(cut="before", times=1)
    workplace.drop("a.pdf", pdf("a"))
    workplace.command("run", "--once", "--wait", "5s")
    (submission,) = workplace.submissions()
    assert submission["documents"][0]["code"] == "IN_DOUBT"
    endpoint.reset()

    assert workplace.command("retry", submission["id"]).returncode == 0
    assert workplace.command("run", "--once").returncode == 0

    assert len({request.biz_id for request in endpoint.requests}) == 1
    ((document,),) = [submission["documents"] for submission in workplace.submissions()]
    assert (document["outcome"], document["code"]) == ("done", None)
    assert not (workplace.done / ZHANG / "a.pdf.txt").exists()


def test_a_probe_that_fails_counts_no_try_and_gives_nothing_up(workplace: Workplace, endpoint: Endpoint) -> None:
    workplace.config["recognition"] |= {"probe": "0.2s", "retry": {"first": "0.1s", "give_up_after": "0.1s"}}
    workplace.write()
    endpoint.behave(status=500)
    endpoint.behave(no_key=True, times=1)
    with workplace.daemon():
        workplace.drop("a.pdf", pdf("a"))
        assert endpoint.wait_until(lambda each: len(each.requests) >= 5)
        (submission,) = workplace.submissions()
        assert (submission["documents"][0]["attempts"], submission["state"]) == (0, "open")
        endpoint.reset()
        workplace.closed(1)


def test_the_time_before_a_gate_counts_for_nothing_also_where_the_address_is_changed_then(
    workplace: Workplace, endpoint: Endpoint
) -> None:
    # Given a document that failed once, and stood an hour before the gate of a wrong address
    workplace.config["recognition"]["retry"] = {"first": "0.1s", "longest": "0.1s", "give_up_after": "30m"}
    workplace.config["recognition"]["probe"] = "1h"
    workplace.write()
    endpoint.behave(status=404)
    endpoint.behave(status=429, times=1)
    workplace.drop("a.pdf", pdf("a"))
    assert workplace.command("run", "--once", "--wait", "5s").returncode == 3
    assert "recognition.url" in gate(workplace)
    with closing(sqlite3.connect(workplace.root / "journal.db")) as connection, connection:
        connection.execute("UPDATE bookings SET first_failed_at = first_failed_at - 3600000")
        connection.execute("UPDATE gates SET since = since - 3600000")
    # When the address is mended, and the document fails there once more
    with Endpoint() as other:
        other.behave(status=429, times=1)
        workplace.config["recognition"]["url"] = other.url
        workplace.write()
        # Then it is tried again, and not given up
        assert workplace.command("run", "--once", "--wait", "5s").returncode == 0
    ((document,),) = [submission["documents"] for submission in workplace.submissions()]
    assert (document["outcome"], document["attempts"]) == ("done", 3)


def test_a_closed_gate_and_the_time_of_the_next_try_survive_a_kill(workplace: Workplace, endpoint: Endpoint) -> None:
    workplace.config["recognition"] |= {"probe": "1h", "retry": {"first": "1h", "factor": 1, "longest": "1h"}}
    workplace.write()
    endpoint.behave(res_code=500123, times=1)
    workplace.config["recognition"]["retry_on"] = [{"code": 500123}]
    workplace.write()
    workplace.drop("waits.pdf", pdf("waits"))
    assert workplace.command("run", "--once").returncode == 3
    due = workplace.submissions()[0]["documents"][0]["due_at"]
    endpoint.behave(no_key=True, times=1)
    with workplace.daemon() as daemon:
        workplace.drop("shut.pdf", pdf("shut"))
        assert endpoint.wait_until(lambda each: len(each.requests) == 2)
        workplace.wait_for_status("gate: CLOSED")
        daemon.process.kill()
        daemon.process.wait()

    workplace.drop("later.pdf", pdf("later"))
    assert workplace.command("run", "--once").returncode == 3

    assert gate(workplace).startswith("CLOSED")
    assert len(endpoint.requests) == 2
    found = {each["documents"][0]["name"]: each["documents"][0] for each in workplace.submissions()}
    assert set(found) == {"waits.pdf", "shut.pdf", "later.pdf"}
    assert found["waits.pdf"]["due_at"] == due


# ------------------------------------------------------------------------ the source document, byte by byte


def answering(body: bytes) -> RawServer:
    def behave(connection: socket.socket, server: RawServer) -> None:
        while server.read_request(connection):
            connection.sendall(answer(body))

    return RawServer(behave)


@pytest.mark.parametrize(
    ("wanted", "timezone", "day"),
    [
        (True, "Asia/Shanghai", "2026-02-05"),
        (True, "America/Los_Angeles", "2026-02-04"),
        (False, "Asia/Shanghai", "2026-02-05"),
    ],
)
def test_the_documented_answers_are_read_to_the_digit(tmp_path: Path, wanted: bool, timezone: str, day: str) -> None:
    example = VECTORS / f"response_{'booked' if wanted else 'recognised'}.json"
    with answering(example.read_bytes()) as server:
        workplace = Workplace(tmp_path, server, create_expense=wanted, purchase_invoice=not wanted).with_folder()
        workplace.config["timezone"] = timezone
        workplace.write()
        if wanted:
            workplace.drop("a.pdf", pdf("a"))
        else:  # an employee number is only wanted for an expense
            (workplace.inbox / "a.pdf").write_bytes(pdf("a"))
        assert workplace.command("run", "--once").returncode == 0

    ((document,),) = [submission["documents"] for submission in workplace.submissions()]
    assert document["outcome"] == "done"
    (invoice,) = document["invoices"]
    assert invoice == {
        "number": "26317000000552768706",
        "code": None,
        "type": "21",
        "name": "电子发票(普通发票)",
        "amount": "43.50",
        "tax_amount": "1.27",
        "currency": "CNY",
        "date": day,
        "seller_name": "上海滴滴畅行科技有限公司",
        "seller_tax_code": "91310114MA1GW61J6U",
        "buyer_name": "上海云简软件科技有限公司",
        "buyer_tax_code": "913101123325776235",
        "verified": True,
        "expense_id": "387278780" if wanted else None,
        "expense_status": "Y" if wanted else None,
        "message": None,
        "message_code": None,
    }
    (request,) = server.requests
    posted = json.loads(request.partition(b"\r\n\r\n")[2])
    assert list(posted) == ["data", "bizId", "timestamp"]
    keys = {"create_expense": "Y", "user_code": ZHANG} if wanted else {}
    url = posted["data"]["attachment_url"]
    assert posted["data"] == {"attachment_url": url, "purchase_invoice": "N" if wanted else "Y", **keys}


def test_no_more_requests_leave_within_a_second_than_the_rate_allows(workplace: Workplace, endpoint: Endpoint) -> None:
    workplace.config["recognition"] |= {"rate": "5/s", "concurrency": 16}
    workplace.write()
    for number in range(12):
        workplace.drop(f"{number}.pdf", pdf(f"{number}"))
    assert workplace.command("run", "--once").returncode == 0
    moments = sorted(request.received_at for request in endpoint.requests)
    assert len(moments) == 12
    # The way to the endpoint takes some time, and not always the same.
    assert max(sum(first <= other < first + 0.8 for other in moments) for first in moments) <= 5
