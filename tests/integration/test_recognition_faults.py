"""What the network may do: the request ends in time, nothing is posted twice, and what is in doubt is known."""

from __future__ import annotations

import contextlib
import gzip
import logging
import select
import signal
import socket
import struct
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import Any

import pytest

from tests.support.raw_server import RawServer, answer
from tests.support.recognisers import biz_id, recogniser
from tests.support.servers.certificates import make_certificate
from tests.support.waiting import wait_for
from watcher.clock import boot_seconds
from watcher.deadline import Deadline, Flight, Watchdog
from watcher.model import Exchange
from watcher.ports import Recogniser
from watcher.recognition import client as client_module
from watcher.sandbox.endpoint import Endpoint

CONNECT, READ = 0.4, 0.6
TOTAL_SECONDS = CONNECT + READ
MARGIN_SECONDS = 1.5  # for a busy machine; what trickles here would take a minute
SHORT: dict[str, Any] = {"connect_timeout": f"{int(CONNECT * 1000)}ms", "timeout": f"{int(READ * 1000)}ms"}
BOOKED = b'{"resCode":200000,"resMsg":"success","data":[]}'


def timed(url: str) -> tuple[Exchange, float]:
    """One request with short times, and how long it took."""
    with recogniser(url, **SHORT) as client:
        started = time.monotonic()
        exchange = client.recognise("a.pdf", biz_id(), "1")
        return exchange, time.monotonic() - started


def trickle(connection: socket.socket, server: RawServer, data: bytes) -> None:
    """Byte by byte, each well within any timeout of a single read."""
    for byte in data:
        connection.sendall(bytes([byte]))
        if server.ended.wait(0.1):
            return


def never_answers(connection: socket.socket, server: RawServer) -> None:
    server.read_request(connection)
    server.ended.wait(60)


def trickles_its_header(connection: socket.socket, server: RawServer) -> None:
    server.read_request(connection)
    trickle(connection, server, b"HTTP/1.1 200 OK\r\n" + b"X-Slow: 1\r\n" * 100)


def trickles_its_status_line(connection: socket.socket, server: RawServer) -> None:
    server.read_request(connection)
    trickle(connection, server, b"HTTP/1.1 200 " + b"O" * 1000)


def trickles_its_body(connection: socket.socket, server: RawServer) -> None:
    server.read_request(connection)
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
    trickle(connection, server, b" " * 1000)


def trickles_a_body_without_length(connection: socket.socket, server: RawServer) -> None:
    """Whose end is the end of the connection: cut off, it would look like a whole answer."""
    server.read_request(connection)
    connection.sendall(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n" + BOOKED)
    trickle(connection, server, b" " * 1000)


def trickles_chunks(connection: socket.socket, server: RawServer) -> None:
    server.read_request(connection)
    connection.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
    trickle(connection, server, b"1\r\n \r\n" * 200)


def sends_continue_for_ever(connection: socket.socket, server: RawServer) -> None:
    server.read_request(connection)
    trickle(connection, server, b"HTTP/1.1 100 Continue\r\n\r\n" * 100)


@pytest.mark.parametrize(
    "behave",
    [
        never_answers,
        trickles_its_status_line,
        trickles_its_header,
        trickles_its_body,
        trickles_a_body_without_length,
        trickles_chunks,
        sends_continue_for_ever,
    ],
)
def test_a_request_ends_in_time_and_is_in_doubt(behave: Callable[[socket.socket, RawServer], None]) -> None:
    with RawServer(behave) as server:
        exchange, seconds = timed(server.url)

    assert TOTAL_SECONDS - 0.1 <= seconds < TOTAL_SECONDS + MARGIN_SECONDS
    assert exchange.sent
    assert exchange.response is None
    assert len(server.requests) == 1


def test_head_and_body_of_a_request_leave_in_one_piece() -> None:
    # Given a server that counts the segments with data in which a request comes
    pieces: list[int] = []

    def behave(connection: socket.socket, server: RawServer) -> None:
        server.read_request(connection)
        pieces.append(data_segments(connection))
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(BOOKED) + BOOKED)

    # When a document is posted
    with RawServer(behave) as server:
        exchange, _ = timed(server.url)

    # Then one was enough
    assert exchange.response is not None
    assert pieces == [1]


def data_segments(connection: socket.socket) -> int:
    """How many came with data: tcpi_data_segs_in of Linux's struct tcp_info."""
    told: tuple[int] = struct.unpack_from("I", connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 160), 152)
    return told[0]


def test_the_socket_of_a_request_that_is_over_is_closed() -> None:
    # Given a server that trickles and notices when the client is gone
    gone = threading.Event()

    def behave(connection: socket.socket, server: RawServer) -> None:
        server.read_request(connection)
        try:
            trickle(connection, server, b"HTTP/1.1 200 OK\r\n" + b"X: 1\r\n" * 1000)
        except OSError:
            gone.set()

    with RawServer(behave) as server:
        # When the time of a request is over
        timed(server.url)

        # Then the server sees the end of the connection
        assert gone.wait(5)


def test_a_tls_handshake_that_stalls_is_no_connection() -> None:
    with RawServer(lambda _connection, server: (server.ended.wait(60), None)[1]) as server:
        exchange, seconds = timed(server.url.replace("http:", "https:"))

    assert seconds < TOTAL_SECONDS + MARGIN_SECONDS
    assert not exchange.sent
    assert exchange.detail == "no answer in time"


def test_a_tls_handshake_that_trickles_is_no_connection() -> None:
    def behave(connection: socket.socket, server: RawServer) -> None:
        trickle(connection, server, b"\x16\x03\x03\x3f\xff" + b"\x02" * 1000)

    with RawServer(behave) as server:
        exchange, seconds = timed(server.url.replace("http:", "https:"))

    assert seconds < TOTAL_SECONDS + MARGIN_SECONDS
    assert not exchange.sent


def test_an_answer_that_trickles_through_tls_ends_in_time(
    tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    certificate = make_certificate(tmp_path_factory.mktemp("tls"))
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(certificate.ca_file))
    with Endpoint(tls=certificate.server_context()) as endpoint:
        endpoint.behave(trickle=0.1)
        exchange, seconds = timed(endpoint.url)

    assert TOTAL_SECONDS - 0.1 <= seconds < TOTAL_SECONDS + MARGIN_SECONDS
    assert exchange.sent
    assert exchange.response is None
    assert endpoint.requests[0].outcome == "booked"


def test_a_proxy_that_trickles_ends_in_time_and_nothing_was_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    def behave(connection: socket.socket, server: RawServer) -> None:
        connection.recv(65536)
        trickle(connection, server, b"HTTP/1.1 200 Connection established\r\n" + b"X: 1\r\n" * 1000)

    with RawServer(behave) as proxy:
        monkeypatch.setenv("HTTPS_PROXY", f"http://127.0.0.1:{proxy.port}")
        exchange, seconds = timed("https://endpoint.invalid/x")

    assert seconds < TOTAL_SECONDS + MARGIN_SECONDS
    assert not exchange.sent


def test_a_proxy_of_the_environment_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    def behave(connection: socket.socket, server: RawServer) -> None:
        while server.read_request(connection):
            connection.sendall(answer(BOOKED))

    with RawServer(behave) as proxy:
        monkeypatch.setenv("HTTP_PROXY", f"http://127.0.0.1:{proxy.port}")
        monkeypatch.setenv("NO_PROXY", "other.invalid")
        with recogniser("http://endpoint.invalid/x") as client:
            exchanges = [client.recognise("a.pdf", biz_id(), "1") for _ in range(3)]

    assert all(exchange.response for exchange in exchanges)
    assert proxy.requests[0].startswith(b"POST http://endpoint.invalid/x HTTP/1.1\r\n")
    assert proxy.connections == 1


def test_a_packed_answer_is_unpacked_and_its_size_is_what_it_unpacks_to() -> None:
    packed = {True: gzip.compress(BOOKED), False: gzip.compress(b" " * 50_000_000)}

    def behave(connection: socket.socket, server: RawServer) -> None:
        while server.read_request(connection):
            body = packed[len(server.requests) == 1]
            connection.sendall(answer(body, headers="Content-Encoding: gzip\r\n"))

    with RawServer(behave) as server, recogniser(server.url) as client:
        assert client.recognise("a.pdf", biz_id(), "1").response is not None
        bomb = client.recognise("a.pdf", biz_id(), "1")

    assert (bomb.sent, bomb.response) == (True, None)
    assert bomb.detail is not None
    assert "larger than" in bomb.detail


@pytest.mark.parametrize(
    "written",
    [
        b"HTTP/1.1 200 OK\r\n" + b"X: 1\r\n" * 1000 + b"\r\n",
        b"X" * 100_000,
        b"\x00" * 99,
        b"HTTP/1.1 abc\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n{}",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
    ],
)
def test_an_answer_that_is_no_http_is_in_doubt(written: bytes) -> None:
    def behave(connection: socket.socket, server: RawServer) -> None:
        server.read_request(connection)
        connection.sendall(written)

    with RawServer(behave) as server:
        exchange, _ = timed(server.url)

    assert (exchange.sent, exchange.response) == (True, None)
    assert exchange.detail
    assert len(server.requests) == 1


def test_a_header_that_cannot_be_sent_is_a_value_too(endpoint: Endpoint) -> None:
    for wrong in ("钥匙", "a\r\nb"):
        with recogniser(endpoint.url, headers={"X-Key": wrong}) as client:
            exchange = client.recognise("a.pdf", biz_id(), "1")

        assert not exchange.sent
        assert exchange.detail
        assert wrong not in exchange.detail
    assert endpoint.requests == ()


def full_listener(stack: ExitStack, host: str, port: int) -> int:
    """The port of a listener whose queue is full: who connects hears nothing, as from a host that is gone."""
    listener = stack.enter_context(socket.socket())
    listener.bind((host, port))
    listener.listen(0)
    for _ in range(3):
        waiting = stack.enter_context(socket.socket())
        waiting.settimeout(0)
        waiting.connect_ex(listener.getsockname())
    return int(listener.getsockname()[1])


def test_a_server_that_accepts_nothing_is_no_connection() -> None:
    with ExitStack() as stack:
        port = full_listener(stack, "127.0.0.1", 0)

        exchange, seconds = timed(f"http://127.0.0.1:{port}/x")

    # Then the connect timeout ends it
    assert seconds < TOTAL_SECONDS + MARGIN_SECONDS
    assert not exchange.sent


def test_a_name_server_that_does_not_answer_is_waited_for_no_longer_than_the_connect_timeout(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # Given a resolver that hangs (there is no name server here to be stopped)
    answered = threading.Event()

    def hang(*_arguments: object, **_more: object) -> list[object]:
        answered.wait(30)
        raise OSError("too late")

    monkeypatch.setattr(socket, "getaddrinfo", hang)
    exchange, seconds = timed("http://slow.invalid/x")
    answered.set()

    assert seconds < CONNECT + MARGIN_SECONDS
    assert not exchange.sent


@pytest.mark.parametrize(
    ("url", "said"), [("http://127.0.0.1:1/x", "refused"), ("http://nowhere.invalid/x", "cannot be resolved")]
)
def test_what_was_never_connected_was_not_sent(url: str, said: str) -> None:
    exchange, _ = timed(url)

    assert exchange == Exchange(sent=False, detail=exchange.detail)
    assert exchange.detail is not None
    assert said in exchange.detail


@pytest.mark.parametrize("dead", ["refuses", "is silent"])
def test_an_address_that_is_dead_does_not_keep_the_next_one_from_being_tried(
    monkeypatch: pytest.MonkeyPatch, endpoint: Endpoint, dead: str
) -> None:
    # Given a name with two addresses, of which the first is dead
    port = int(endpoint.base_url.rsplit(":", 1)[1])
    found = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (host, port)) for host in ("127.0.0.9", "127.0.0.1")]
    with ExitStack() as stack:
        if dead == "is silent":
            full_listener(stack, "127.0.0.9", port)
        monkeypatch.setattr(socket, "getaddrinfo", lambda *_arguments, **_more: found)

        # When something is posted there
        exchange, _ = timed(endpoint.url)

    # Then the second one has taken it
    assert exchange.response is not None


def test_requests_that_begin_together_look_the_name_up_once(
    monkeypatch: pytest.MonkeyPatch, endpoint: Endpoint
) -> None:
    # Given a name server that counts
    port = int(endpoint.base_url.rsplit(":", 1)[1])
    asked: list[object] = []

    def find(host: str, *_arguments: object, **_more: object) -> list[object]:
        asked.append(host)
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", port))]

    monkeypatch.setattr(socket, "getaddrinfo", find)
    # When threads with a connection of their own each post one after the other, all within a second
    now = [boot_seconds()]
    monkeypatch.setattr("watcher.recognition.connections.boot_seconds", lambda: now[0])
    with recogniser(endpoint.url, **SHORT) as client:
        exchanges = [_in_a_thread_of_its_own(client) for _ in range(3)]
        once = len(asked)
        now[0] += 1.5
        exchanges.append(_in_a_thread_of_its_own(client))

    # Then the name was looked up once, and again when that was a while ago
    assert all(exchange.response is not None for exchange in exchanges)
    assert (once, len(asked)) == (1, 2)


def _in_a_thread_of_its_own(client: Recogniser) -> Exchange:
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(client.recognise, "a.pdf", biz_id(), "1").result(TOTAL_SECONDS + MARGIN_SECONDS)


# ------------------------------------------------------------------------------- never twice


def closes_after_reading(connection: socket.socket, server: RawServer) -> None:
    server.read_request(connection)


def resets_after_reading(connection: socket.socket, server: RawServer) -> None:
    server.read_request(connection)
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()


def answers_half(connection: socket.socket, server: RawServer) -> None:
    server.read_request(connection)
    connection.sendall(answer(BOOKED)[:-10])


def answers_once_and_closes_on_the_second(connection: socket.socket, server: RawServer) -> None:
    if server.read_request(connection):
        connection.sendall(answer(BOOKED))
        server.read_request(connection)


@pytest.mark.parametrize("behave", [closes_after_reading, resets_after_reading, answers_half])
def test_a_post_that_was_cut_off_is_in_doubt_and_never_sent_again(
    behave: Callable[[socket.socket, RawServer], None],
) -> None:
    with RawServer(behave) as server, recogniser(server.url) as client:
        exchange = client.recognise("a.pdf", biz_id(), "1")

        assert exchange.sent
        assert exchange.response is None
        assert exchange.detail
        assert len(server.requests) == 1
        assert server.connections == 1


def test_a_post_on_a_kept_connection_that_is_cut_off_is_never_sent_again() -> None:
    with RawServer(answers_once_and_closes_on_the_second) as server, recogniser(server.url) as client:
        first = client.recognise("a.pdf", biz_id(), "1")
        second = client.recognise("b.pdf", biz_id(), "1")

        assert first.response is not None
        assert (second.sent, second.response) == (True, None)
        assert len(server.requests) == 2
        assert server.connections == 1


def test_a_kept_connection_that_the_server_has_closed_is_noticed_before_anything_is_sent() -> None:
    # Given a server that closes each connection after one answer, without saying so
    closed = threading.Event()

    def behave(connection: socket.socket, server: RawServer) -> None:
        if server.read_request(connection):
            connection.sendall(answer(BOOKED))
            connection.shutdown(socket.SHUT_RDWR)
            closed.set()

    with RawServer(behave) as server, recogniser(server.url) as client:
        for number in range(1, 6):
            # When the next document is posted after that
            exchange = client.recognise("a.pdf", biz_id(), "1")
            assert closed.wait(5)
            closed.clear()

            # Then it goes out on a new connection, and none is in doubt
            assert exchange.response is not None
            assert server.connections == number
        assert len(server.requests) == 5


def test_a_connection_that_lay_idle_for_long_is_not_used_again(
    endpoint: Endpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    with recogniser(endpoint.url) as client:
        client.recognise("a.pdf", biz_id(), "1")
        monkeypatch.setattr("watcher.recognition.connections.IDLE_SECONDS", 0.0)
        client.recognise("b.pdf", biz_id(), "1")

    assert endpoint.connections == 2


@pytest.mark.parametrize(("moment", "booked"), [("before", 0), ("after", 1)])
def test_what_the_endpoint_cut_off_may_or_may_not_be_booked(endpoint: Endpoint, moment: str, booked: int) -> None:
    endpoint.behave(cut=moment, times=1)
    same = biz_id()
    with recogniser(endpoint.url) as client:
        cut_off = client.recognise("a.pdf", same, "1")
        assert len(endpoint.bookings) == booked
        again = client.recognise("a.pdf", same, "1")

    assert (cut_off.sent, cut_off.status) == (True, None)
    assert again.response is not None
    assert len(endpoint.bookings) == 1
    assert [len(request.expense_ids) for request in endpoint.requests] == [booked, 1]


def test_a_process_that_was_stopped_while_connecting_does_not_send_when_it_goes_on() -> None:
    """The claim of what it posts is another node's by then."""
    # Given a child that connects to a server whose TLS handshake is slow
    code = """
        import sys
        from tests.support.recognisers import biz_id, recogniser
        import watcher.recognition.connections as connections

        connect = connections.WatchedHttp.connect
        def slow(self):
            connect(self)
            print("connected", flush=True)
            sys.stdin.readline()
        connections.WatchedHttp.connect = slow
        with recogniser(sys.argv[1], connect_timeout="500ms", timeout="500ms") as client:
            print(client.recognise("a.pdf", biz_id(), "1").sent, flush=True)
    """
    with RawServer(never_answers) as server:
        child = subprocess.Popen(
            [sys.executable, "-c", textwrap.dedent(code), server.url],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=Path.cwd(),
        )  # fmt: skip
        with child:
            assert child.stdin is not None
            assert child.stdout is not None
            assert child.stdout.readline() == "connected\n"

            # When it is stopped beyond the time of the request, and goes on
            child.send_signal(signal.SIGSTOP)
            stopped_at = time.monotonic()
            wait_for(lambda: time.monotonic() - stopped_at > 1.2, what="the time of the request to be over")
            child.send_signal(signal.SIGCONT)
            child.stdin.write("\n")
            child.stdin.flush()

            # Then nothing is sent any more
            assert child.stdout.readline() == "False\n"
        assert server.requests == []


def test_a_request_whose_time_was_over_before_it_began_is_not_sent() -> None:
    """A process may be stopped at any point after it has looked at the clock."""
    with RawServer(never_answers) as server, recogniser(server.url, **SHORT) as client:
        exchange = client.recognise("a.pdf", biz_id(), "1", begun_at=boot_seconds() - TOTAL_SECONDS)
        assert not exchange.sent
    assert server.requests == []


def test_a_piece_of_a_request_does_not_leave_when_its_time_is_over() -> None:
    """Given a process that is stopped between the header and the body, when it goes on, then the body stays here."""
    now = 0.0
    here, there = socket.socketpair()
    with here, there, Flight(Deadline(1.0, lambda: now), Watchdog()) as flight:
        flight.leave(here)
        now = 2.0
        with pytest.raises(TimeoutError):
            flight.leave(here)
        assert flight.sent


def test_what_the_server_did_not_take_in_time_is_not_delivered_later() -> None:
    """Given a line that passes nothing on, when it is healed after the request's time, then the request is gone."""
    listener = socket.socket()
    with listener, ExitStack() as held:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        url = f"http://127.0.0.1:{listener.getsockname()[1]}/"
        long = "a" * 200_000  # more than the server's side takes unread, less than ours does
        with recogniser(url, **SHORT) as client:
            exchange = client.recognise(long, biz_id(), "1")
        assert exchange.sent
        connection = held.enter_context(listener.accept()[0])
        connection.settimeout(10)

        received = b""
        with contextlib.suppress(ConnectionResetError):
            while more := connection.recv(65536):
                received += more

    assert received
    assert long.encode() not in received


def test_requests_under_way_are_ended_one_by_one_by_one_thread() -> None:
    # Given many requests to a server that trickles for ever
    threads = 32
    before = set(threading.enumerate())  # a test before this one may have left its own, just about to end
    with RawServer(trickles_its_body) as server, recogniser(server.url, **SHORT) as client:
        ended: list[float] = []

        def post() -> None:
            started = time.monotonic()
            client.recognise("a.pdf", biz_id(), "1")
            ended.append(time.monotonic() - started)

        workers = [threading.Thread(target=post) for _ in range(threads)]
        for worker in workers:
            worker.start()

        # When they are under way, one thread looks after all of them
        new = set(threading.enumerate()) - before
        assert sum(thread.name == "request-deadlines" for thread in new) <= 1
        for worker in workers:
            worker.join(20)

    # Then each of them ended in time
    assert len(ended) == threads
    assert max(ended) < TOTAL_SECONDS + MARGIN_SECONDS


def test_what_goes_wrong_is_told_without_addresses_or_headers(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    with recogniser("http://nowhere.invalid/x?key=my-password", headers={"X-Key": "my-other-password"}) as client:
        exchange = client.recognise("a.pdf", biz_id(), "1")

    assert "password" not in f"{exchange} {caplog.text}"


def test_a_thread_that_cannot_be_had_fails_its_request_and_no_later_one(monkeypatch: pytest.MonkeyPatch) -> None:
    # Given a machine that has no room for a thread, once for each that a request needs
    start, refused = threading.Thread.start, set[str]()

    def start_or_fail(thread: threading.Thread) -> None:
        if thread.name in {"resolve", "request-deadlines"} - refused:
            refused.add(thread.name)
            raise RuntimeError("can't start new thread")
        start(thread)

    monkeypatch.setattr(threading.Thread, "start", start_or_fail)
    with RawServer(trickles_its_header) as server, recogniser(server.url, **SHORT) as client:
        for _ in range(2):
            exchange = client.recognise("a.pdf", biz_id(), "1")
            assert (exchange.sent, exchange.detail) == (False, "no thread can be had")
        # When there is room again, then the address is found and the deadline is held
        started = time.monotonic()
        exchange = client.recognise("a.pdf", biz_id(), "1")
        seconds = time.monotonic() - started
    assert exchange.sent
    assert seconds < TOTAL_SECONDS + MARGIN_SECONDS


# ---------------------------------------------------------------------------------------- odd answers


def hints_at_first(connection: socket.socket, server: RawServer) -> None:
    """Interim answers before each final one, and time for whoever takes the first for the answer."""
    number = 0
    while server.read_request(connection):
        number += 1
        connection.sendall(b"HTTP/1.1 102 Processing\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n")
        select.select([connection], [], [], 0.2)
        connection.sendall(answer(b'{"resCode":200000,"resMsg":"answer %d","data":[]}' % number))


def test_each_document_has_its_own_answer_whatever_comes_before_it() -> None:
    with RawServer(hints_at_first) as server, recogniser(server.url) as client:
        exchanges = [client.recognise("a.pdf", biz_id(), "1") for _ in range(3)]

    assert [exchange.response and exchange.response.message for exchange in exchanges] == [
        "answer 1",
        "answer 2",
        "answer 3",
    ]


def test_interim_answers_without_an_end_are_given_up_and_in_doubt() -> None:
    def hints_for_ever(connection: socket.socket, server: RawServer) -> None:
        server.read_request(connection)
        connection.sendall(b"HTTP/1.1 103 Early Hints\r\n\r\n" * 1000)

    with RawServer(hints_for_ever) as server, recogniser(server.url) as client:
        exchange = client.recognise("a.pdf", biz_id(), "1")

    assert exchange.sent
    assert exchange.status is None


@pytest.mark.parametrize("off", [timedelta(days=-30), timedelta(days=30)])
def test_a_date_to_come_again_is_one_of_the_servers_clock_however_wrong_ours_is(off: timedelta) -> None:
    theirs = datetime.now(UTC) + off
    until, now = (format_datetime(each, usegmt=True) for each in (theirs + timedelta(seconds=100), theirs))

    def later(connection: socket.socket, server: RawServer) -> None:
        server.read_request(connection)
        said = f"Retry-After: {until}\r\nDate: {now}\r\n".encode()
        connection.sendall(answer(BOOKED).replace(b"\r\n", b"\r\n" + said, 1))

    with RawServer(later) as server, recogniser(server.url) as client:
        exchange = client.recognise("a.pdf", biz_id(), "1")

    assert exchange.retry_after == 100


def test_a_date_that_is_none_says_nothing_of_when_to_come_again() -> None:
    def with_an_odd_zone(connection: socket.socket, server: RawServer) -> None:
        server.read_request(connection)
        odd = b"Retry-After: Mon, 01 Jan 2026 00:00:00 +99999999999999\r\n"
        connection.sendall(answer(BOOKED).replace(b"\r\n", b"\r\n" + odd, 1))

    with RawServer(with_an_odd_zone) as server, recogniser(server.url) as client:
        exchange = client.recognise("a.pdf", biz_id(), "1")

    assert exchange.response is not None
    assert exchange.retry_after is None


@pytest.mark.parametrize(
    "around", [b"%b", b'[{"ocr_result":{"invoice_num":"1"},"expense_result":%b}]'], ids=["data", "expense"]
)
@pytest.mark.parametrize("depth", [200, 600, 100_000])
def test_an_answer_that_is_nested_without_reason_is_in_no_known_form(depth: int, around: bytes) -> None:
    def nested(connection: socket.socket, server: RawServer) -> None:
        server.read_request(connection)
        connection.sendall(answer(b'{"resCode":200000,"data":' + around % (b"[" * depth + b"]" * depth) + b"}"))

    with RawServer(nested) as server, recogniser(server.url) as client:
        exchange = client.recognise("a.pdf", biz_id(), "1")

    assert exchange.sent
    assert exchange.response is None


def test_what_nobody_foresaw_in_an_answer_is_an_answer_that_is_not_understood(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def stumbles(*_: Any) -> None:
        raise KeyError("of ours")

    monkeypatch.setattr(client_module, "read_response", stumbles)
    with RawServer(hints_at_first) as server, recogniser(server.url) as client:
        exchange = client.recognise("a.pdf", biz_id(), "1")

    assert exchange.sent
    assert exchange.status == 200
    assert exchange.response is None
    assert "An answer could not be read." in caplog.text


def test_the_longest_timeout_lets_requests_leave() -> None:
    with RawServer(hints_at_first) as server, recogniser(server.url, timeout="40d") as client:
        exchange = client.recognise("a.pdf", biz_id(), "1")

    assert exchange.response is not None
