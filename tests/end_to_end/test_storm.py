"""An endpoint that does everything wrong in turn, and kills meanwhile: what is told in the end is still right."""

from __future__ import annotations

import random
from collections import defaultdict
from pathlib import Path
from typing import Any

import pytest

from tests.support.waiting import wait_for
from tests.support.workplace import ZHANG, Workplace, pdf
from watcher.sandbox.endpoint import Endpoint

FILES = 36
KILLS = 2
# What an endpoint, a gateway before it, or a network can do; each to the next one or two requests.
WRONGS: tuple[dict[str, Any], ...] = (
    *({"status": status} for status in (301, 302, 400, 401, 403, 404, 405, 408, 413, 429, 500, 502, 503, 504)),
    {"status": 429, "retry_after": 1},
    {"status": 503, "retry_after": 1},
    {"status": 503, "retry_after": "nonsense"},
    {"no_key": True},
    {"res_code": 400000, "res_msg": "余额不足"},
    {"res_code": 300042, "res_msg": "识别失败"},
    {"res_code": 500123, "res_msg": "busy"},
    {"res_code": ""},
    {"broken": True},
    {"padding": 200_000},
    {"cut": "before"},
    {"cut": "after"},
    {"silent": "before"},
    {"silent": "after"},
    {"trickle": 0.05},
    {"invoices": 0},
    {"expense": False, "invoice_message": "重复报销"},
)


@pytest.fixture
def workplace(tmp_path: Path, endpoint: Endpoint) -> Workplace:
    rules = {
        "connect_timeout": "1s",
        "timeout": "1s",
        "probe": "0.3s",
        "concurrency": 4,
        "retry": {"first": "0.2s", "longest": "0.5s"},
        "retry_on": [{"code": 500123}],
    }
    return Workplace(tmp_path, endpoint, **rules).with_folder().write()


@pytest.mark.parametrize("seed", [1])
def test_whatever_the_endpoint_does_nothing_is_lost_doubled_or_told_wrong(
    workplace: Workplace, endpoint: Endpoint, seed: int
) -> None:
    chance = random.Random(seed)  # the same storm each time
    for wrong in chance.sample(WRONGS, len(WRONGS)):
        endpoint.behave(times=chance.choice((1, 2)), **wrong)
    names = [f"{number}.pdf" for number in range(FILES)]
    for kill in range(KILLS):
        seen = len(endpoint.requests)
        with workplace.daemon() as daemon:
            for name in names[kill::KILLS]:
                workplace.drop(name, pdf(name))
            wait_for(lambda seen=seen: len(endpoint.requests) >= seen + 12, 60, "some requests")  # type: ignore[misc]
            daemon.process.kill()
            daemon.process.wait()
    with workplace.daemon() as daemon:
        submissions = workplace.closed(FILES, timeout=120)
        assert "Traceback" not in daemon.said()

    documents = [document for submission in submissions for document in submission["documents"]]
    assert sorted(document["name"] for document in documents) == sorted(names)
    ids = defaultdict(set)
    for request in endpoint.requests:
        ids[request.attachment_url].add(request.biz_id)
    assert all(len(each) == 1 for each in ids.values())
    assert not [request for request in endpoint.requests if request.overlapped]
    for document in documents:
        check(document, endpoint, workplace)


def check(document: dict[str, Any], endpoint: Endpoint, workplace: Workplace) -> None:
    """What is said of a document is what the endpoint has in its books, and its file lies where that belongs."""
    booked = endpoint.bookings.get(document["biz_id"], ())
    told = {invoice["expense_id"] for invoice in document["invoices"]} - {None}
    match document["outcome"]:
        case "done":
            assert told == {str(expense) for expense in booked} != set()
        case "attention":
            assert document["code"] == "IN_DOUBT"
        case outcome:
            assert (outcome, booked) == ("error", ())
    folder = workplace.error if document["outcome"] == "error" else workplace.done
    assert (folder / ZHANG / document["name"]).read_bytes() == pdf(document["name"])
    assert (folder / ZHANG / f"{document['name']}.txt").exists() == (document["outcome"] != "done")
