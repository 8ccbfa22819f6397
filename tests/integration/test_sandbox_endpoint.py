"""The sandbox's endpoint is as faithful and as strict as the documentation."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import requests

from tests.support.recognisers import SHANGHAI, biz_id
from watcher.recognition.response import read_response
from watcher.sandbox.endpoint import CLIENT_ID, CLIENT_SECRET, Endpoint

VECTORS = Path(__file__).parent.parent / "unit" / "vectors"
MISSING = object()


def order(**changes: Any) -> dict[str, Any]:
    """The documented request; changed at ``bizId`` or ``data.user_code``."""
    request: dict[str, Any] = json.loads((VECTORS / "request_book.json").read_bytes())
    for path, value in changes.items():
        *way, last = path.split("__")
        target = request[way[0]] if way else request
        if value is MISSING:
            del target[last]
        else:
            target[last] = value
    return request


def post(endpoint: Endpoint, body: Any = None, **headers: str) -> requests.Response:
    return requests.post(
        endpoint.url, json=order(bizId=biz_id()) if body is None else body, headers=headers, timeout=10
    )


def form(value: Any) -> Any:
    """Keys in their order and kinds of values; JSON within JSON too. The documentation's and ours are to be alike."""
    if isinstance(value, str) and value[:1] in ("{", "["):
        return ["JSON", form(json.loads(value))]
    if isinstance(value, dict):
        return [(key, form(inner)) for key, inner in value.items()]
    if isinstance(value, list):
        return [form(inner) for inner in value]
    return "number" if isinstance(value, int | float) else type(value).__name__


@pytest.mark.parametrize(("request_", "response"), [("request_book", "response_booked"),
                                                    ("request_recognise", "response_recognised")])  # fmt: skip
def test_an_answer_has_the_documented_form_to_the_key(endpoint: Endpoint, request_: str, response: str) -> None:
    documented = json.loads((VECTORS / f"{response}.json").read_bytes())

    given = post(endpoint, json.loads((VECTORS / f"{request_}.json").read_bytes()))

    assert given.status_code == 200
    assert form(given.json()) == form(documented)


def test_no_key_is_answered_as_documented_to_the_letter(endpoint: Endpoint) -> None:
    endpoint.behave(no_key=True)

    assert post(endpoint).json() == json.loads((VECTORS / "response_no_key.json").read_bytes())


def test_amounts_have_two_decimals_and_the_same_document_has_the_same_invoice(endpoint: Endpoint) -> None:
    # Given the same document posted twice
    first, second = (read_response(post(endpoint).content, SHANGHAI) for _ in range(2))

    # Then the invoice is the same, and the expenses are two: the bizIds were
    assert first is not None
    assert second is not None
    (one,), (other,) = first.invoices, second.invoices
    assert one.number == other.number
    assert one.amount == other.amount
    assert one.amount is not None
    assert len(one.amount.split(".")[1]) == 2
    assert one.expense_id != other.expense_id


def test_the_same_biz_id_has_the_same_expenses(endpoint: Endpoint) -> None:
    endpoint.behave(invoices=3)
    bodies = [post(endpoint, order()).json() for _ in range(2)]

    assert bodies[0] == bodies[1]
    assert len(endpoint.bookings[order()["bizId"]]) == 3
    assert [request.outcome for request in endpoint.requests] == ["booked", "again"]


@pytest.mark.parametrize(
    "changes",
    [
        {"bizId": MISSING},
        {"bizId": ""},
        {"bizId": "x" * 37},
        {"bizId": 7},
        {"timestamp": MISSING},
        {"timestamp": "1727247523662"},
        {"timestamp": 1727247523},
        {"timestamp": 1727247523662.5},
        {"timestamp": True},
        {"data": MISSING},
        {"data": []},
        {"data__attachment_url": MISSING},
        {"data__attachment_url": ""},
        {"data__purchase_invoice": "yes"},
        {"data__purchase_invoice": True},
        {"data__create_expense": "y"},
        {"data__create_expense": {}},
        {"data__user_code": MISSING},
        {"data__user_code": ""},
        {"data__user_code": 903851},
        {"data__remark": "x"},
        {"remark": "x"},
    ],
)
def test_what_the_documentation_does_not_allow_is_refused(endpoint: Endpoint, changes: dict[str, Any]) -> None:
    answer = post(endpoint, order(**changes))

    assert answer.json()["resCode"] == 400001
    assert [request.outcome for request in endpoint.requests] == ["refused"]
    assert endpoint.bookings == {}


def test_what_the_documentation_lets_out_may_be_left_out(endpoint: Endpoint) -> None:
    answer = post(
        endpoint, order(data__purchase_invoice=MISSING, data__create_expense=MISSING, data__user_code=MISSING)
    )

    assert answer.json()["resCode"] == 200000
    assert endpoint.requests[0].outcome == "recognised"


def test_a_biz_id_belongs_to_one_employee(endpoint: Endpoint) -> None:
    post(endpoint, order())

    assert post(endpoint, order(data__user_code="1")).json()["resCode"] == 400001


@pytest.mark.parametrize("body", [b"", b"{", b"\xff", b"[]", b"null", b"[" * 100_000])
def test_what_is_no_json_object_is_refused(endpoint: Endpoint, body: bytes) -> None:
    answer = requests.post(endpoint.url, data=body, timeout=10)

    assert answer.json()["resCode"] == 400001


def test_other_methods_and_paths_are_not_there(endpoint: Endpoint) -> None:
    wrong = requests.get(endpoint.url, timeout=10)

    assert (wrong.status_code, wrong.headers["Allow"]) == (405, "POST")
    assert requests.post(endpoint.base_url + "/x", json={}, timeout=10).status_code == 404


def test_without_a_valid_token_nothing_is_done() -> None:
    with Endpoint(token=True, token_seconds=1000) as endpoint:
        assert post(endpoint).status_code == 401
        assert post(endpoint, access_token="made-up").status_code == 401

        given = requests.get(endpoint.token_url, timeout=10, params={
            "grant_type": "client_credentials", "client_id": CLIENT_ID, "client_secret": CLIENT_SECRET,
        }).json()["data"]  # fmt: skip

        assert given["expires_in"] == 1000
        assert post(endpoint, access_token=given["access_token"]).json()["resCode"] == 200000
        endpoint.revoke_tokens()
        assert post(endpoint, access_token=given["access_token"]).status_code == 401


def test_a_token_that_has_expired_is_refused() -> None:
    with Endpoint(token=True, token_seconds=0) as endpoint:
        token = requests.get(endpoint.token_url, timeout=10, params={
            "grant_type": "client_credentials", "client_id": CLIENT_ID, "client_secret": CLIENT_SECRET,
        }).json()["data"]["access_token"]  # fmt: skip

        assert post(endpoint, access_token=token).status_code == 401


@pytest.mark.parametrize("wrong", [{"grant_type": "password"}, {"client_id": "x"}, {"client_secret": "x"}])
def test_a_token_is_given_to_nobody_else(endpoint: Endpoint, wrong: dict[str, str]) -> None:
    right = {"grant_type": "client_credentials", "client_id": CLIENT_ID, "client_secret": CLIENT_SECRET}

    assert requests.get(endpoint.token_url, params=right | wrong, timeout=10).status_code == 401


def test_an_upload_gets_an_attachment_url_that_is_the_contents(endpoint: Endpoint) -> None:
    content = bytes(range(256)) * 40_000 + b"\r\n--x\r\n"
    answers = [
        requests.post(endpoint.upload_url, files={"file": (name, content)}, timeout=30).json()
        for name in ("发票.pdf", "b.pdf")
    ]

    assert [upload.size for upload in endpoint.uploads] == [len(content)] * 2
    assert answers[0]["resCode"] == 200000
    assert answers[0]["data"]["attachment_url"] == answers[1]["data"]["attachment_url"]
    assert answers[0]["data"]["attachment_url"].endswith(".pdf")


def test_an_upload_without_a_file_is_refused(endpoint: Endpoint) -> None:
    assert requests.post(endpoint.upload_url, files={"other": b"x"}, timeout=10).json()["resCode"] == 400001
    assert requests.post(endpoint.upload_url, data=b"x", timeout=10).json()["resCode"] == 400001


def test_a_chunked_request_is_read_too(endpoint: Endpoint) -> None:
    body = json.dumps(order()).encode()

    answer = requests.post(endpoint.url, data=iter([body[:50], body[50:]]), timeout=10)

    assert answer.json()["resCode"] == 200000


# --------------------------------------------------------------------------------- misbehaviour


@pytest.mark.parametrize(
    ("behaviour", "expected"),
    [
        ({"invoices": 0}, []),
        ({"invoices": 2}, [{"verified": True}, {"verified": True}]),
        ({"verified": False}, [{"verified": False}]),
        ({"check": False}, [{"verified": None}]),
        ({"expense": False}, [{"expense_id": None, "message": None}]),
        ({"expense": False, "invoice_message": "重复"}, [{"expense_id": None, "message": "重复"}]),
        ({"invoice_message": "超标", "invoice_message_code": "E7"}, [{"message": "超标", "message_code": "E7"}]),
    ],
)
def test_invoices_are_as_they_are_ordered(
    endpoint: Endpoint, behaviour: dict[str, Any], expected: list[dict[str, Any]]
) -> None:
    endpoint.behave(**behaviour)

    response = read_response(post(endpoint).content, SHANGHAI)

    assert response is not None
    found = [
        {name: getattr(invoice, name) for name in wanted}
        for invoice, wanted in zip(response.invoices, expected, strict=True)
    ]
    assert found == expected


def test_an_order_may_be_for_some_documents_and_for_some_times_only(endpoint: Endpoint) -> None:
    endpoint.behave(status=503, pattern="*.ofd", times=2)
    urls = ["a.pdf", "a.ofd", "b.pdf", "b.ofd", "c.ofd"]

    answers = [post(endpoint, order(bizId=biz_id(), data__attachment_url=url)).status_code for url in urls]

    assert answers == [200, 503, 200, 503, 200]


def test_the_newest_order_decides_until_all_are_taken_back(endpoint: Endpoint) -> None:
    endpoint.behave(status=500)
    endpoint.behave(status=502, times=1)

    answers = [post(endpoint).status_code for _ in range(2)]
    endpoint.reset()

    assert [*answers, post(endpoint).status_code] == [502, 500, 200]


def test_an_order_that_does_not_exist_is_refused(endpoint: Endpoint) -> None:
    with pytest.raises(ValueError, match="latancy"):
        endpoint.behave(latancy=1)


def test_orders_may_come_over_http_and_the_log_be_read(endpoint: Endpoint) -> None:
    control = endpoint.base_url + "/sandbox/behave"
    assert requests.post(control, json={"status": 503, "times": 1}, timeout=10).status_code == 200
    assert requests.post(control, json={"nonsense": 1}, timeout=10).status_code == 400
    assert post(endpoint).status_code == 503
    requests.post(control, json={"latency": [0, 0.01], "no_key": True}, timeout=10)
    assert post(endpoint).json()["resCode"] == 400000
    requests.delete(control, timeout=10)
    post(endpoint, order())

    log = requests.get(endpoint.base_url + "/sandbox/requests", timeout=10).json()
    bookings = requests.get(endpoint.base_url + "/sandbox/bookings", timeout=10).json()
    assert [entry["outcome"] for entry in log] == ["misbehaved", "misbehaved", "booked"]
    assert bookings == {order()["bizId"]: log[-1]["expense_ids"]}


def test_every_request_is_logged_as_a_line_of_json(tmp_path: Path) -> None:
    with Endpoint(log=tmp_path / "log") as endpoint:
        post(endpoint, order())
        post(endpoint, order(bizId=MISSING))

    lines = [json.loads(line) for line in (tmp_path / "log").read_text(encoding="utf-8").splitlines()]
    assert [line["outcome"] for line in lines] == ["booked", "refused"]
    assert lines[0].items() >= {"biz_id": order()["bizId"], "user_code": "903851", "timestamp": 1727247523662}.items()
    assert lines[0]["expense_ids"]


def test_two_requests_with_one_biz_id_at_once_are_noticed() -> None:
    with Endpoint(latency=0.2) as endpoint, ThreadPoolExecutor(2) as pool:
        list(pool.map(lambda _: post(endpoint, order()), range(2)))

        assert sorted(request.overlapped for request in endpoint.requests) == [False, True]
        assert endpoint.most_at_once == 2
        assert len(endpoint.bookings) == 1


def test_a_request_whose_client_has_gone_is_carried_out_all_the_same() -> None:
    with Endpoint(latency=0.3) as endpoint:
        with pytest.raises(requests.ReadTimeout):
            requests.post(endpoint.url, json=order(), timeout=0.05)
        assert endpoint.bookings == {}

        assert endpoint.wait_until(lambda now: len(now.requests) == 1)
        assert len(endpoint.bookings) == 1


def test_what_is_held_is_dealt_with_when_it_is_released_and_what_comes_after_that_at_once() -> None:
    with Endpoint() as endpoint, ThreadPoolExecutor(1) as pool:
        endpoint.behave(held=True)
        held = pool.submit(post, endpoint, order())
        assert endpoint.wait_until(lambda now: now.under_way == 1)
        assert endpoint.bookings == {}
        assert not held.done()

        endpoint.release()

        assert held.result(10).json()["resCode"] == 200000
        assert len(endpoint.bookings) == 1
        assert post(endpoint, order(bizId="another")).json()["resCode"] == 200000


def test_what_never_is_answered_is_booked_or_not_as_ordered() -> None:
    with Endpoint() as endpoint:
        for moment, booked in (("before", 0), ("after", 1)):
            endpoint.behave(silent=moment, times=1)
            with pytest.raises(requests.ReadTimeout):
                requests.post(endpoint.url, json=order(), timeout=0.2)
            assert len(endpoint.bookings) == booked


def test_the_command_says_where_it_is_and_ends_when_it_is_told_to() -> None:
    code = "from watcher.sandbox.endpoint_command import serve; serve(port=0, latency=0.0)"
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout is not None
        url = child.stdout.readline().split()[-1]

        assert requests.post(url, json=order(), timeout=10).json()["resCode"] == 200000
        child.send_signal(signal.SIGTERM)

        assert child.wait(10) == 0
