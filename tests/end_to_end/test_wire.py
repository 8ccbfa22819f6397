"""contract.md's table under "Wire", row by row, by the installed command against a misbehaving endpoint.

What concerns one document is tried in one run with a file for each row; what concerns all of them has a run of its own.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest

from tests.support.workplace import ZHANG, Workplace, pdf
from watcher.sandbox.endpoint import Endpoint
from watcher.sandbox.endpoint_ledger import Received

QUICK = {"first": "1s", "factor": 1, "longest": "1s", "give_up_after": "1h"}
NEVER = {"first": "3650d", "factor": 1, "longest": "3650d", "give_up_after": "3650d"}
NO_BACKOFF = "3600s"  # no try of NEVER lies within


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
