"""The client against the sandbox's endpoint: what is posted, and what becomes of the answers."""

from __future__ import annotations

import json
import ssl
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import Any

import pytest

from tests.support.raw_server import RawServer, answer
from tests.support.recognisers import biz_id, recogniser
from tests.support.servers.certificates import make_certificate
from tests.support.waiting import wait_for
from watcher.sandbox.endpoint import CLIENT_ID, CLIENT_SECRET, Endpoint
from watcher.tls import trusting_on_the_web

VECTORS = Path(__file__).parent.parent / "unit" / "vectors"


def auth(endpoint: Endpoint, **more: Any) -> dict[str, Any]:
    return {"token_url": endpoint.token_url, "client_id": CLIENT_ID, "client_secret": CLIENT_SECRET, **more}


def shape(value: Any) -> Any:
    """Keys in their order, and types."""
    return {key: shape(inner) for key, inner in value.items()} if isinstance(value, dict) else type(value).__name__


def keys(value: Any) -> Any:
    """The order of keys counts, all the way down."""
    return [(key, keys(inner)) for key, inner in value.items()] if isinstance(value, dict) else None


@pytest.mark.parametrize(("user_code", "vector"), [("903851", "request_book"), (None, "request_recognise")])
def test_what_is_posted_has_the_documented_keys_in_the_documented_order(
    endpoint: Endpoint, user_code: str | None, vector: str
) -> None:
    # Given the documentation's own example
    documented = json.loads((VECTORS / f"{vector}.json").read_bytes())
    before = time.time() * 1000

    # When the same document is posted
    with recogniser(endpoint.url) as client:
        client.recognise(documented["data"]["attachment_url"], documented["bizId"], user_code)

    # Then only the time stamp is another one: that of this try, in milliseconds
    posted = json.loads(endpoint.requests[0].body)
    assert before - 1 <= posted["timestamp"] <= time.time() * 1000
    assert posted | {"timestamp": 0} == documented | {"timestamp": 0}
    assert keys(posted) == keys(documented)
    assert shape(posted) == shape(documented)


def test_a_purchase_invoice_is_said_to_be_one(endpoint: Endpoint) -> None:
    with recogniser(endpoint.url, purchase_invoice=True) as client:
        client.recognise("a.pdf", biz_id(), "903851")

    assert json.loads(endpoint.requests[0].body)["data"]["purchase_invoice"] == "Y"


def test_an_invoice_is_booked_and_its_expense_comes_back(endpoint: Endpoint) -> None:
    with recogniser(endpoint.url) as client:
        exchange = client.recognise("21774/发票 1.pdf", biz_id(), "903851")

    assert (exchange.sent, exchange.status, exchange.token_refused) == (True, 200, False)
    assert exchange.response is not None
    (invoice,) = exchange.response.invoices
    assert invoice.verified is True
    assert invoice.expense_id == str(endpoint.requests[0].expense_ids[0])
    assert exchange.raw is not None
    assert invoice.number is not None
    assert invoice.number in exchange.raw


def test_the_same_biz_id_gives_the_same_expense_again(endpoint: Endpoint) -> None:
    same = biz_id()
    with recogniser(endpoint.url) as client:
        first, second = (client.recognise("a.pdf", same, "903851") for _ in range(2))

    assert first.response == second.response
    assert [request.outcome for request in endpoint.requests] == ["booked", "again"]


def test_connections_are_kept_and_used_again(endpoint: Endpoint) -> None:
    with recogniser(endpoint.url) as client:
        for _ in range(20):
            assert client.recognise("a.pdf", biz_id(), None).response is not None

    assert endpoint.connections == 1


def test_each_request_of_a_connection_has_every_header_once_and_the_length_of_its_own_body() -> None:
    # Given a server that keeps its connections
    def behave(connection: Any, server: RawServer) -> None:
        while server.read_request(connection):
            connection.sendall(answer(b'{"resCode": 200000, "data": []}'))

    with RawServer(behave) as server, recogniser(server.url, headers={"X-Company": "4711"}) as client:
        # When documents with addresses of different lengths are posted
        for url in ("a.pdf", "longer.pdf", "a.pdf", "the-longest-of-all.pdf"):
            assert client.recognise(url, biz_id(), "1").response is not None

        # Then all went over one connection, with the same head but for the length
        heads, bodies = zip(*(request.split(b"\r\n\r\n", 1) for request in server.requests), strict=True)
        assert server.connections == 1
        assert [_length(head) for head in heads] == [len(body) for body in bodies]
        assert len({tuple(sorted(_without_length(head))) for head in heads}) == 1
        names = [line.split(b":")[0].lower() for line in heads[-1].split(b"\r\n")[1:]]
        assert len(names) == len(set(names))
        assert {b"host", b"x-company", b"content-type", b"content-length"} <= set(names)


def _length(head: bytes) -> int:
    (line,) = [line for line in head.split(b"\r\n") if line.lower().startswith(b"content-length:")]
    return int(line.split(b":")[1])


def _without_length(head: bytes) -> list[bytes]:
    return [line for line in head.split(b"\r\n") if not line.lower().startswith(b"content-length:")]


def test_many_threads_post_at_once_each_on_its_own_connection() -> None:
    # Given an endpoint that answers nobody until all are there
    threads = 32
    with Endpoint() as endpoint, recogniser(endpoint.url) as client, ThreadPoolExecutor(threads) as pool:
        endpoint.behave(held=True)

        # When as many threads as a node may have post twice
        posting = pool.map(lambda n: client.recognise(f"{n}.pdf", biz_id(), "1"), range(threads * 2))

        # Then they do so side by side, and each answer is that of its own document
        assert endpoint.wait_until(lambda each: each.under_way == threads, 30)
        endpoint.release()
        exchanges = list(posting)
        assert all(exchange.response for exchange in exchanges)
        assert len({exchange.response.invoices[0].expense_id for exchange in exchanges if exchange.response}) == 64
        assert endpoint.connections <= threads


@pytest.mark.parametrize("status", [400, 401, 403, 404, 405, 429, 500, 502, 503])
def test_a_status_comes_back_as_it_is(endpoint: Endpoint, status: int) -> None:
    endpoint.behave(status=status)
    with recogniser(endpoint.url) as client:
        exchange = client.recognise("a.pdf", biz_id(), "1")

    assert (exchange.sent, exchange.status, exchange.token_refused) == (True, status, False)
    assert len(endpoint.requests) == 1


@pytest.mark.parametrize("location", ["{url}", "http://[::1", "//", "", "ftp://x", "?" * 5000])
def test_a_redirect_is_not_followed(endpoint: Endpoint, location: str) -> None:
    endpoint.behave(location=location.format(url=endpoint.url), status=307, times=1)
    with recogniser(endpoint.url) as client:
        exchange = client.recognise("a.pdf", biz_id(), "1")

    assert exchange.status == 307
    assert len(endpoint.requests) == 1


@pytest.mark.parametrize(("written", "seconds"), [(7, 7.0), ("0", 0.0), ("soon", None), ("99999999999", 86400.0)])
def test_retry_after_is_read_in_seconds_and_bounded(
    endpoint: Endpoint, written: str | int, seconds: float | None
) -> None:
    endpoint.behave(status=429, retry_after=written)
    with recogniser(endpoint.url) as client:
        assert client.recognise("a.pdf", biz_id(), "1").retry_after == seconds


def test_retry_after_is_read_as_a_date(endpoint: Endpoint) -> None:
    endpoint.behave(status=503, retry_after=format_datetime(datetime.now(UTC) + timedelta(seconds=100), usegmt=True))
    with recogniser(endpoint.url) as client:
        seconds = client.recognise("a.pdf", biz_id(), "1").retry_after

    assert seconds is not None
    assert 60 < seconds <= 100


def test_no_key_is_an_answer_with_its_code(endpoint: Endpoint) -> None:
    endpoint.behave(no_key=True)
    with recogniser(endpoint.url) as client:
        exchange = client.recognise("a.pdf", biz_id(), "1")

    assert exchange.response is not None
    assert (exchange.response.code, exchange.response.message) == ("400000", "配置校验失败,请预先配置识别秘钥")


def test_an_answer_that_is_no_json_is_none(endpoint: Endpoint) -> None:
    endpoint.behave(broken=True)
    with recogniser(endpoint.url) as client:
        exchange = client.recognise("a.pdf", biz_id(), "1")

    assert (exchange.sent, exchange.status, exchange.response) == (True, 200, None)
    assert exchange.raw
    assert endpoint.requests[0].outcome == "booked"


def test_an_endless_answer_is_not_swallowed(endpoint: Endpoint) -> None:
    endpoint.behave(padding=20_000_000, times=1)
    with recogniser(endpoint.url) as client:
        exchange = client.recognise("a.pdf", biz_id(), "1")
        after = client.recognise("a.pdf", biz_id(), "1")

    assert (exchange.sent, exchange.response) == (True, None)
    assert exchange.detail is not None
    assert "larger than" in exchange.detail
    assert after.response is not None


def test_fixed_headers_are_sent(endpoint: Endpoint) -> None:
    with (
        Endpoint(token=True) as strict,
        recogniser(strict.url, headers={"access_token": "wrong"}) as client,
    ):
        assert client.recognise("a.pdf", biz_id(), "1").status == 401


# ------------------------------------------------------------------------------------- the token


def test_the_token_is_fetched_once_for_all_threads() -> None:
    with Endpoint(token=True) as endpoint:
        endpoint.behave(on="token", latency=0.2)
        with recogniser(endpoint.url, auth=auth(endpoint)) as client, ThreadPoolExecutor(16) as pool:
            exchanges = list(pool.map(lambda n: client.recognise(f"{n}.pdf", biz_id(), "1"), range(32)))

        assert all(exchange.response for exchange in exchanges)
        assert endpoint.token_requests == 1


def test_a_refused_token_is_fetched_anew_and_the_document_posted_once_more() -> None:
    with Endpoint(token=True) as endpoint, recogniser(endpoint.url, auth=auth(endpoint)) as client:
        client.recognise("a.pdf", biz_id(), "1")
        endpoint.revoke_tokens()

        exchange = client.recognise("b.pdf", biz_id(), "1")

        assert exchange.response is not None
        assert not exchange.token_refused
        assert endpoint.token_requests == 2
        assert [request.status for request in endpoint.requests] == [200, 401, 200]


def test_many_threads_with_a_refused_token_fetch_one_fresh_token() -> None:
    with (
        Endpoint(token=True) as endpoint,
        recogniser(endpoint.url, auth=auth(endpoint)) as client,
        ThreadPoolExecutor(16) as pool,
    ):
        list(pool.map(lambda n: client.recognise(f"{n}.pdf", biz_id(), "1"), range(16)))
        endpoint.revoke_tokens()

        exchanges = list(pool.map(lambda n: client.recognise(f"{n}.pdf", biz_id(), "1"), range(16)))

        assert all(exchange.response for exchange in exchanges)
        assert endpoint.token_requests == 2


@pytest.mark.parametrize("behaviour", [{"status": 401}, {"status": 403}, {"res_code": 401001, "res_msg": "expired"}])
def test_a_token_that_is_refused_twice_is_refused_for_good(endpoint: Endpoint, behaviour: dict[str, Any]) -> None:
    endpoint.behave(**behaviour)
    with recogniser(endpoint.url, auth=auth(endpoint, refused=["401001"])) as client:
        exchange = client.recognise("a.pdf", biz_id(), "1")

    assert exchange.token_refused
    assert exchange.status == behaviour.get("status", 200)
    assert len(endpoint.requests) == 2
    assert endpoint.token_requests == 2


def test_a_wrong_secret_is_refused_without_posting_and_never_told() -> None:
    with Endpoint(token=True) as endpoint:
        with recogniser(endpoint.url, auth=auth(endpoint) | {"client_secret": "my-password-7"}) as client:
            exchange = client.recognise("a.pdf", biz_id(), "1")

        assert (exchange.sent, exchange.token_refused) == (False, True)
        assert exchange.detail is not None
        assert "401" in exchange.detail
        assert "my-password-7" not in exchange.detail
        assert endpoint.requests == ()


@pytest.mark.parametrize(("behaviour", "refused"), [({"status": 500}, False), ({"cut": "before"}, False),
                                                    ({"status": 404}, True), ({"res_code": 1}, True)])  # fmt: skip
def test_a_token_that_cannot_be_had_is_not_sent(endpoint: Endpoint, behaviour: dict[str, Any], refused: bool) -> None:
    endpoint.behave(on="token", **behaviour)
    with recogniser(endpoint.url, auth=auth(endpoint)) as client:
        exchange = client.recognise("a.pdf", biz_id(), "1")

    assert (exchange.sent, exchange.token_refused) == (False, refused)
    assert exchange.detail
    assert endpoint.requests == ()


def test_a_token_endpoint_that_hangs_does_not_hold_the_request_beyond_its_time(endpoint: Endpoint) -> None:
    endpoint.behave(on="token", silent="before")
    with recogniser(endpoint.url, auth=auth(endpoint), connect_timeout="500ms", timeout="500ms") as client:
        started = time.monotonic()
        exchange = client.recognise("a.pdf", biz_id(), "1")

    assert time.monotonic() - started < 4
    assert not exchange.sent
    assert not exchange.token_refused


def test_no_log_line_has_the_secret_or_the_token(endpoint: Endpoint, caplog: pytest.LogCaptureFixture) -> None:
    # Given the most talkative level there is, for every library
    caplog.set_level(1)

    # When a token is fetched, refused and fetched again
    with Endpoint(token=True) as strict, recogniser(strict.url, auth=auth(strict)) as client:
        client.recognise("a.pdf", biz_id(), "1")
        tokens = strict.tokens
        strict.revoke_tokens()
        client.recognise("a.pdf", biz_id(), "1")
        strict.behave(on="token", status=500)
        strict.revoke_tokens()
        client.recognise("a.pdf", biz_id(), "1")

    # Then the libraries did talk, and said neither
    said = caplog.text + "".join(str(vars(record)) for record in caplog.records)
    assert "/common/unAuth/tokens/get" in said
    assert CLIENT_SECRET not in said
    assert tokens
    assert not any(token in said for token in tokens)


# ------------------------------------------------------------------------------------------ TLS


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Any:
    return make_certificate(tmp_path_factory.mktemp("tls"))


def test_a_private_authority_of_the_environment_is_believed(certificate: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(certificate.ca_file))
    with Endpoint(tls=certificate.server_context()) as endpoint, recogniser(endpoint.url) as client:
        exchanges = [client.recognise("a.pdf", biz_id(), "1") for _ in range(5)]

        assert all(exchange.response for exchange in exchanges)
        assert endpoint.connections == 1


def test_a_certificate_that_nobody_vouches_for_is_refused_before_anything_is_sent(certificate: Any) -> None:
    with Endpoint(tls=certificate.server_context()) as endpoint, recogniser(endpoint.url) as client:
        exchange = client.recognise("a.pdf", biz_id(), "1")

        assert not exchange.sent
        assert exchange.detail is not None
        assert "certificate" in exchange.detail
        assert endpoint.requests == ()


def test_a_server_that_does_not_speak_tls_is_no_connection(endpoint: Endpoint) -> None:
    with recogniser(endpoint.url.replace("http:", "https:")) as client:
        exchange = client.recognise("a.pdf", biz_id(), "1")

    assert not exchange.sent
    assert exchange.detail is not None
    assert "TLS" in exchange.detail


# ---------------------------------------------------------------------------------------- check


def test_check_posts_nothing(endpoint: Endpoint) -> None:
    with recogniser(endpoint.url, auth=auth(endpoint)) as client:
        findings = client.check()

    assert [(finding.subject, finding.ok, finding.warning) for finding in findings] == [
        ("token", True, False),
        ("recognition", True, False),
    ]
    assert endpoint.requests == ()


@pytest.mark.parametrize(("seconds", "warning", "said"), [(7200, False, "for 2:00:00"), (60, True, "for 60 s only")])
def test_check_says_how_long_the_token_lasts(seconds: int, warning: bool, said: str) -> None:
    with Endpoint(token_seconds=seconds) as endpoint, recogniser(endpoint.url, auth=auth(endpoint)) as client:
        token = client.check()[0]

    assert (token.ok, token.warning) == (True, warning)
    assert said in token.message


def test_check_warns_of_a_path_that_is_not_there(endpoint: Endpoint) -> None:
    with recogniser(endpoint.base_url + "/wrong") as client:
        (finding,) = client.check()

    assert finding.ok
    assert finding.warning
    assert "404" in finding.message


def test_check_says_what_is_wrong_with_the_token_and_the_address(endpoint: Endpoint) -> None:
    nowhere = "http://127.0.0.1:1/x"
    with recogniser(nowhere, auth=auth(endpoint) | {"client_secret": "wrong-secret"}) as client:
        token, address = client.check()

    assert not token.ok
    assert not address.ok
    assert token.mend
    assert address.mend
    assert "wrong-secret" not in token.message


def test_a_closed_client_leaves_no_thread_behind(endpoint: Endpoint) -> None:
    before = set(threading.enumerate())
    with recogniser(endpoint.url, auth=auth(endpoint)) as client:
        client.recognise("a.pdf", biz_id(), "1")

    wait_for(lambda: set(threading.enumerate()) <= before, 60, "the threads to end")


def test_the_tls_context_asks_for_certificates() -> None:
    context = trusting_on_the_web(None)

    assert context.verify_mode is ssl.CERT_REQUIRED
    assert context.check_hostname
    assert context.minimum_version is ssl.TLSVersion.TLSv1_2
