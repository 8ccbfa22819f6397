"""The token: how long it is kept, and who fetches it."""

from __future__ import annotations

import threading
from typing import Any

import pytest

from tests.support.raw_server import RawServer, answer
from watcher.config.sections import Auth
from watcher.errors import TokenRefused, TokenUnavailable
from watcher.recognition.token import TokenSource
from watcher.sandbox.endpoint import CLIENT_ID, CLIENT_SECRET, Endpoint


class Clock:
    """Seconds that pass when a test says so."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def source(url: str, clock: Clock | None = None, **more: Any) -> TokenSource:
    auth = Auth.model_validate({"token_url": url, "client_id": CLIENT_ID, "client_secret": CLIENT_SECRET, **more})
    return TokenSource(auth, clock=clock or Clock(), timeout_seconds=5)


def answering(body: str) -> RawServer:
    """A token endpoint that always answers so."""

    def behave(connection: Any, server: RawServer) -> None:
        while server.read_request(connection):
            connection.sendall(answer(body.encode()))

    return RawServer(behave)


def test_the_token_is_asked_for_as_documented_with_everything_encoded() -> None:
    with answering('{"data":{"access_token":"t","expires_in":60}}') as server:
        auth = {"token_url": server.url + "?v=1", "client_id": "a b", "client_secret": "p&q=r"}
        header = TokenSource(Auth.model_validate(auth)).header()

    assert header == {"access_token": "t"}
    assert server.requests[0].split(b" ")[:2] == [
        b"GET",
        b"/common/InvoiceOCR/ocrSyncWithConfig?v=1&grant_type=client_credentials&client_id=a+b&client_secret=p%26q%3Dr",
    ]


def test_a_token_is_kept_until_shortly_before_its_end() -> None:
    clock = Clock()
    with Endpoint(token_seconds=1000) as endpoint:
        token = source(endpoint.token_url, clock)
        first = token.header()

        clock.now += 899  # a tenth of its life is kept in reserve
        assert token.header() == first
        clock.now += 2
        assert token.header() != first

        assert endpoint.token_requests == 2


def test_a_token_whose_end_is_not_said_is_kept_for_two_hours() -> None:
    clock = Clock()
    with answering('{"data":{"access_token":"t"}}') as server:
        token = source(server.url, clock)
        token.header()

        clock.now += 2 * 3600 - 301
        token.header()
        assert len(server.requests) == 1
        clock.now += 2
        token.header()
        assert len(server.requests) == 2


@pytest.mark.parametrize("lifetime", ['"60"', "60", "60.0"])
def test_the_lifetime_may_be_a_number_or_a_text(lifetime: str) -> None:
    clock = Clock()
    with answering(f'{{"data":{{"access_token":"t","expires_in":{lifetime}}}}}') as server:
        token = source(server.url, clock)
        token.header()
        clock.now += 55
        token.header()

    assert len(server.requests) == 2


def test_token_and_lifetime_may_stand_anywhere_and_go_into_any_header() -> None:
    with answering('{"token":"t-1","ttl":60}') as server:
        header = source(server.url, token="token", expires_in="ttl", header="Authorization").header()

    assert header == {"Authorization": "t-1"}


def test_an_old_token_is_used_on_while_it_is_good_and_no_new_one_can_be_had() -> None:
    clock = Clock()
    with Endpoint(token_seconds=1000) as endpoint:
        token = source(endpoint.token_url, clock)
        old = token.header()
        endpoint.behave(on="token", status=503)

        # In the reserve, the old one still serves, and the endpoint is not hammered
        clock.now += 950
        assert [token.header() for _ in range(5)] == [old] * 5
        assert endpoint.token_requests == 2

        # After its end, there is none
        clock.now += 51
        with pytest.raises(TokenUnavailable):
            token.header()


def test_a_refused_token_is_fetched_anew_once_for_all_who_saw_it_refused() -> None:
    with Endpoint() as endpoint:
        token = source(endpoint.token_url)
        old = token.header()
        fresh: list[Any] = []
        threads = [threading.Thread(target=lambda: fresh.append(token.refresh(old))) for _ in range(16)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(10)

        assert len({header["access_token"] for header in fresh}) == 1
        assert fresh[0] != old
        assert endpoint.token_requests == 2


@pytest.mark.parametrize(
    "body",
    ["", "<html>", "{}", '{"data":{"access_token":null}}', '{"data":{"access_token":""}}', '{"data":"t"}',
     '{"resCode":400100,"resMsg":"client_id error"}', r'{"data":{"access_token":"a\r\nX-Evil: 1"}}'],
)  # fmt: skip
def test_an_answer_without_a_usable_token_is_a_refusal(body: str) -> None:
    with answering(body) as server, pytest.raises(TokenRefused) as refusal:
        source(server.url).header()

    assert CLIENT_SECRET not in str(refusal.value)


def test_a_refusal_says_what_the_endpoint_said_but_never_the_secret() -> None:
    body = f'{{"resCode":400100,"resMsg":"no client with secret {CLIENT_SECRET}"}}'
    with answering(body) as server, pytest.raises(TokenRefused) as refusal:
        source(server.url).header()

    assert "400100 no client with secret ***" in str(refusal.value)


def test_a_secret_that_cannot_be_read_is_a_refusal_that_names_its_place() -> None:
    with Endpoint() as endpoint, pytest.raises(TokenRefused, match="/nowhere/secret"):
        source(endpoint.token_url, client_secret={"file": "/nowhere/secret"}).header()


def test_a_token_endpoint_that_is_not_there_may_come_back() -> None:
    with pytest.raises(TokenUnavailable) as failure:
        source("http://127.0.0.1:1/token").header()

    assert "refused" in str(failure.value)
    assert CLIENT_SECRET not in f"{failure.value!r} {failure.value.__cause__!r}"
