"""The lean servers that benchmarks run against are as strict and as faithful as the sandbox's, and count what came."""

from __future__ import annotations

import smtplib
import time
import uuid
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
import requests

from benchmarks.servers import Servers
from watcher.sandbox.endpoint import Endpoint

ADDRESS = "https://files.example/a.pdf"


@pytest.fixture(scope="module")
def servers() -> Iterator[Servers]:
    with Servers() as running:
        yield running


@pytest.fixture(autouse=True)
def _counting_from_nothing(servers: Servers) -> None:
    servers.reset()


def order(**data: Any) -> dict[str, Any]:
    given = {"attachment_url": ADDRESS, "purchase_invoice": "N", "create_expense": "Y", "user_code": "903851", **data}
    return {"data": given, "bizId": str(uuid.uuid4()), "timestamp": int(time.time() * 1000)}


def shape(value: Any) -> Any:
    """Keys and types, without what stands there."""
    if isinstance(value, dict):
        return {key: shape(each) for key, each in value.items()}
    return [shape(each) for each in value] if isinstance(value, list) else type(value)


def test_recognition_answers_as_the_sandbox_does(servers: Servers) -> None:
    with Endpoint() as endpoint:
        faithful = requests.post(endpoint.url, json=order(), timeout=10).json()
    lean = requests.post(servers.url, json=order(), timeout=10).json()
    assert shape(lean) == shape(faithful)
    assert lean["resCode"] == 200000
    assert lean["data"][0]["ocr_result"]["attachment_url"] == ADDRESS


def test_each_answer_has_an_invoice_and_an_expense_of_its_own(servers: Servers) -> None:
    with requests.Session() as session:
        (first,), (second,) = (session.post(servers.url, json=order(), timeout=10).json()["data"] for _ in range(2))
    assert first["ocr_result"]["invoice_num"] != second["ocr_result"]["invoice_num"]
    assert first["check_result"]["invoice_number"] == first["ocr_result"]["invoice_num"]
    assert first["expense_result"]["expense_id"] != second["expense_result"]["expense_id"]


def test_what_is_not_as_documented_is_refused_and_not_counted(servers: Servers) -> None:
    answer = requests.post(servers.url, json=order(more="than is documented"), timeout=10).json()
    assert answer["resCode"] != 200000
    assert servers.counts().posts == 0


def test_requests_are_told_in_their_order_with_what_they_were_for(servers: Servers) -> None:
    before = time.monotonic()
    for name in ("a", "b"):
        requests.post(servers.url, json=order(attachment_url=f"https://files.example/{name}.pdf"), timeout=10)
    found = servers.arrivals()
    assert [each.attachment_url for each in found] == ["https://files.example/a.pdf", "https://files.example/b.pdf"]
    assert before < found[0].at < found[1].at < time.monotonic()


def test_an_answer_comes_no_sooner_than_it_is_asked_to(servers: Servers) -> None:
    servers.answer_after(0.2)
    answer = requests.post(servers.url, json=order(), timeout=10)
    servers.answer_after(0.0)
    assert answer.elapsed >= timedelta(seconds=0.2)
    assert servers.counts().most_at_once == 1


@pytest.mark.parametrize("size", [0, 100, 3_000_000])
def test_an_upload_of_any_size_gets_an_address_and_the_connection_goes_on(servers: Servers, size: int) -> None:
    with requests.Session() as session:
        files = {"file": ("a.pdf", bytes(size), "application/pdf")}
        posted = session.post(servers.upload_url, files=files, timeout=10).json()
        put = session.put(servers.upload_url, data=bytes(size), timeout=10).json()
    assert posted["data"]["attachment_url"] != put["data"]["attachment_url"]
    assert servers.counts().uploads == 2


def test_mails_are_taken_one_after_the_other_on_one_connection(servers: Servers) -> None:
    with smtplib.SMTP(servers.smtp_host, servers.smtp_port, timeout=10) as smtp:
        for number in range(3):
            smtp.sendmail("", ["zhang@corp.example"], f"Subject: {number}\r\n\r\n.\r\n..\r\ntext\r\n")
    assert servers.counts().mails == 3
