"""Answers of HTTP services that come in drops: each wait is short, and the whole ends all the same."""

from __future__ import annotations

import socket
import time

import pytest
import requests

from tests.support.raw_server import RawServer, answer
from watcher.json_answers import EndlessAnswer, body_of


def trickling(connection: socket.socket, server: RawServer) -> None:
    server.read_request(connection)
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 10000\r\n\r\n")
    while not server.ended.wait(0.02):
        connection.sendall(b" ")


def test_an_answer_that_trickles_is_given_up_before_it_ends() -> None:
    with RawServer(trickling) as server, requests.get(server.url, stream=True, timeout=10) as response:
        began = time.monotonic()
        with pytest.raises(EndlessAnswer):
            body_of(response, largest_bytes=100_000, within_seconds=0.2)
        assert time.monotonic() - began < 10_000 * 0.02 / 2


def test_an_answer_that_is_cut_off_is_an_error_of_requests() -> None:
    def cut(connection: socket.socket, server: RawServer) -> None:
        server.read_request(connection)
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf")

    with (
        RawServer(cut) as server,
        requests.get(server.url, stream=True, timeout=10) as response,
        pytest.raises(requests.ConnectionError),
    ):
        body_of(response, largest_bytes=100, within_seconds=10)


def test_an_answer_in_order_comes_whole() -> None:
    def whole(connection: socket.socket, server: RawServer) -> None:
        server.read_request(connection)
        connection.sendall(answer(b'{"a": 1}'))

    with RawServer(whole) as server, requests.get(server.url, stream=True, timeout=10) as response:
        assert body_of(response, largest_bytes=100, within_seconds=10) == b'{"a": 1}'
