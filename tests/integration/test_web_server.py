"""The web server by itself: what it listens at, what it bears, and that it takes nothing down with it."""

from __future__ import annotations

import logging
import socket
import threading
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from typing import Any
from wsgiref.types import StartResponse, WSGIEnvironment

import pytest
import requests

from tests.support.waiting import wait_for
from watcher.errors import ListenFailed
from watcher.web import server as web_server
from watcher.web.server import Server, listening


def answering(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [b"hello"]


Serve = Callable[..., Server]


@pytest.fixture
def serve() -> Iterator[Serve]:
    started: list[Server] = []

    def start(listen: str = "127.0.0.1:0", application: Any = answering) -> Server:
        started.append(Server(listen, lambda: application))
        started[-1].start()
        return started[-1]

    yield start
    for each in started:
        each.stop()


def address_of(server: Server) -> str:
    return f"http://{wait_for(lambda: server.address, what='the server to listen')}"


def test_it_answers_and_tells_no_version(serve: Serve) -> None:
    answer = requests.get(address_of(serve()), timeout=10)
    assert answer.text == "hello"
    assert answer.headers["Server"] == "invoice-watcher"


def test_a_host_without_a_port_in_use_answers_at_all_its_addresses(serve: Serve) -> None:
    port = address_of(serve("localhost:0")).rpartition(":")[2]
    assert requests.get(f"http://localhost:{port}", timeout=10).ok


def test_a_body_larger_than_any_form_is_refused(serve: Serve) -> None:
    address = address_of(serve())
    assert requests.post(address, data=b"x" * 70_000, timeout=10).status_code == 413


def test_a_port_that_is_taken_is_told_once_and_had_as_soon_as_it_is_free(
    serve: Serve, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(web_server, "_AGAIN_SECONDS", 0.02)
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        server = serve(f"127.0.0.1:{port}")
        (record,) = wait_for(lambda: [each for each in caplog.records if each.levelno == logging.ERROR])
        assert "Address already in use" in record.__dict__["detail"]
    assert requests.get(address_of(server), timeout=10).text == "hello"
    assert len([each for each in caplog.records if each.levelno == logging.ERROR]) == 1


def test_it_can_be_stopped_while_it_waits_for_its_port() -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        server = Server(f"127.0.0.1:{other.getsockname()[1]}", lambda: answering)
        server.start()
        server.stop()
    assert server.address is None


def test_after_a_stop_its_port_is_free_at_once(serve: Serve) -> None:
    server = Server("127.0.0.1:0", lambda: answering)
    server.start()
    address = address_of(server)
    assert requests.get(address, timeout=10).ok
    server.stop()
    for each in listening(address.removeprefix("http://")):
        each.close()
    assert not [thread for thread in threading.enumerate() if thread.name == "web"]


@pytest.mark.parametrize("listen", ["192.0.2.1:0", "no-such-host.invalid:80", "a..b:80"])
def test_what_cannot_be_listened_at_is_told_in_one_sentence(listen: str) -> None:
    with pytest.raises(ListenFailed, match=listen):
        listening(listen)


def test_an_application_that_cannot_be_made_takes_nothing_down_and_is_told_once(
    caplog: pytest.LogCaptureFixture,
) -> None:
    def broken() -> Any:
        raise RuntimeError("broken")

    server = Server("127.0.0.1:0", broken)
    server.start()
    address = address_of(server)
    assert [requests.get(address, timeout=10).status_code for _ in range(3)] == [500] * 3
    server.stop()
    assert caplog.text.count("The page cannot be made") == 1


def test_an_application_is_made_once_and_not_before_somebody_asks() -> None:
    made: list[int] = []

    def make() -> Any:
        made.append(1)
        return answering

    server = Server("127.0.0.1:0", make)
    server.start()
    address = address_of(server)
    assert made == []
    with ThreadPoolExecutor(4) as visitors:
        answers = list(visitors.map(lambda _: requests.get(address, timeout=10).text, range(8)))
    server.stop()
    assert (answers, made) == (["hello"] * 8, [1])


@pytest.mark.parametrize("said", [b"", b"GET / HTTP/1.1\r\nHost: a\r\nX-Dribble: "])
def test_connections_that_never_come_to_their_request_keep_nobody_out(serve: Serve, said: bytes) -> None:
    address = address_of(serve())
    host, _, port = address.removeprefix("http://").rpartition(":")
    with ExitStack() as held:
        for _ in range(150):
            connection = held.enter_context(socket.create_connection((host, int(port)), timeout=10))
            connection.sendall(said)
        assert requests.get(address, timeout=10).text == "hello"
