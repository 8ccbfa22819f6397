"""What every ports.Recogniser promises."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.support.recognisers import biz_id, recogniser
from watcher.ports import Recogniser, Token
from watcher.recognition.token import TokenSource
from watcher.sandbox.endpoint import CLIENT_ID, CLIENT_SECRET, Endpoint


@pytest.fixture(params=["plain", "with a token"])
def subject(request: pytest.FixtureRequest) -> Iterator[tuple[Recogniser, Endpoint]]:
    """The implementation, and the endpoint that it talks to."""
    wanted = request.param == "with a token"
    with Endpoint(token=wanted) as endpoint:
        auth = {"token_url": endpoint.token_url, "client_id": CLIENT_ID, "client_secret": CLIENT_SECRET}
        with recogniser(endpoint.url, auth=auth if wanted else None) as client:
            yield client, endpoint


def test_the_endpoint_is_the_address_that_is_posted_to(subject: tuple[Recogniser, Endpoint]) -> None:
    client, endpoint = subject

    assert client.endpoint == endpoint.url


def test_one_call_is_one_request(subject: tuple[Recogniser, Endpoint]) -> None:
    client, endpoint = subject
    exchange = client.recognise("a.pdf", biz_id(), "903851")

    assert exchange.sent
    assert exchange.response is not None
    assert exchange.response.code == "200000"
    assert len(endpoint.requests) == 1


def test_without_a_user_code_no_expense_is_wanted(subject: tuple[Recogniser, Endpoint]) -> None:
    client, endpoint = subject
    exchange = client.recognise("a.pdf", biz_id(), None)

    assert exchange.response is not None
    assert exchange.response.invoices[0].expense_id is None
    assert endpoint.bookings == {}


@pytest.mark.parametrize(
    "behaviour",
    [{"status": 500}, {"status": 404}, {"cut": "before"}, {"cut": "after"}, {"broken": True}, {"no_key": True}],
)
def test_no_failure_is_an_exception(subject: tuple[Recogniser, Endpoint], behaviour: dict[str, Any]) -> None:
    client, endpoint = subject
    endpoint.behave(**behaviour)

    exchange = client.recognise("a.pdf", biz_id(), "903851")

    assert exchange.sent
    assert len(endpoint.requests) == 1


def test_an_endpoint_that_is_gone_is_an_exchange_that_was_not_sent(subject: tuple[Recogniser, Endpoint]) -> None:
    client, endpoint = subject
    endpoint.stop()

    exchange = client.recognise("a.pdf", biz_id(), "903851")

    assert not exchange.sent
    assert exchange.detail


def test_check_posts_no_document(subject: tuple[Recogniser, Endpoint]) -> None:
    client, endpoint = subject

    assert all(finding.ok for finding in client.check())
    assert endpoint.requests == ()


def test_the_token_source_is_a_token() -> None:
    def promised(token: Token) -> Token:
        return token

    assert callable(promised(TokenSource.__new__(TokenSource)).header)
