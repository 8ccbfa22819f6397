"""Whatever a token server answers, it is told as a token that cannot be had, for no thread may fall over it."""

from __future__ import annotations

import socket

import pytest

from tests.support.raw_server import RawServer, answer
from watcher.config.sections import OAuth2
from watcher.errors import TokenRefused, TokenUnavailable
from watcher.oauth import AccessTokens


def _asked(reply: bytes) -> str:
    """The token that this answer gives."""

    def behave(connection: socket.socket, server: RawServer) -> None:
        server.read_request(connection)
        connection.sendall(reply)

    with RawServer(behave) as server:
        return AccessTokens(OAuth2.model_validate({"token_url": server.url, "client_id": "watcher"})).current()


@pytest.mark.parametrize(
    "reply",
    [
        answer(b"", status="302 Found", headers="Location: http://[::1\r\n"),
        answer(b"", status="302 Found", headers="Location: http://elsewhere.example/\r\n"),
        answer(b"[" * 60_000),
        answer(b'{"access_token": "' + b"x" * 2_000_000 + b'"}'),
        answer(b'{"access_token": "a\\nb"}'),
        answer(b"[]"),
        b"not HTTP at all\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{",
    ],
)
def test_an_answer_without_a_usable_token_is_tried_again_later(reply: bytes) -> None:
    with pytest.raises(TokenUnavailable) as raised:
        _asked(reply)
    assert not isinstance(raised.value, TokenRefused)
    assert str(raised.value).isprintable()


def test_a_token_is_read_from_the_final_answer() -> None:
    early = b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n"

    assert _asked(early + answer(b'{"access_token": "secret"}')) == "secret"


@pytest.mark.parametrize("expires_in", [b"3600", b'"3600"', b"null", b"-1", b"1e999", b'"soon"', b"[]", b"true"])
def test_a_token_is_used_whatever_is_said_of_its_life(expires_in: bytes) -> None:
    assert _asked(answer(b'{"access_token": "secret", "expires_in": ' + expires_in + b"}")) == "secret"
