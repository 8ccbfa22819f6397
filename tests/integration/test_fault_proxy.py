"""The proxy that spoils connections: each fault does what it says, where it says, as often as it says."""

from __future__ import annotations

import socket
from collections.abc import Iterator

import pytest

from tests.support.raw_server import RawServer
from tests.support.servers.fault_proxy import Fault, FaultProxy, Kind, Way
from tests.support.waiting import wait_for

ANSWER = bytes(range(256)) * 40


class Echo(RawServer):
    """Says a greeting, then everything back; `heard` is all it was ever told, `hung_up` how many clients ended."""

    def __init__(self) -> None:
        self.heard = bytearray()
        self.ends: list[str] = []
        super().__init__(self._talk)

    def _talk(self, connection: socket.socket, _server: RawServer) -> None:
        try:
            while data := connection.recv(65536):
                self.heard += data
                connection.sendall(data)
            self.ends.append("end")
        except ConnectionResetError:
            self.ends.append("reset")


@pytest.fixture
def echo() -> Iterator[Echo]:
    with Echo() as server:
        yield server


@pytest.fixture
def proxy(echo: Echo) -> Iterator[FaultProxy]:
    with FaultProxy(echo.port) as made:
        yield made


def connect(proxy: FaultProxy, timeout: float = 10.0) -> socket.socket:
    return socket.create_connection((proxy.host, proxy.port), timeout=timeout)


def read(connection: socket.socket, count: int) -> bytes:
    """That many bytes, or as many as come before the end."""
    data = b""
    while len(data) < count and (more := connection.recv(count - len(data))):
        data += more
    return data


def said_and_heard(proxy: FaultProxy, said: bytes) -> bytes:
    """What comes back of what is said; raises ConnectionResetError."""
    with connect(proxy) as connection:
        connection.sendall(said)
        return read(connection, len(said))


def test_without_a_fault_everything_passes_and_is_counted(proxy: FaultProxy, echo: Echo) -> None:
    assert said_and_heard(proxy, ANSWER * 50) == ANSWER * 50
    assert (proxy.connections, proxy.up, proxy.down) == (1, len(ANSWER) * 50, len(ANSWER) * 50)
    wait_for(lambda: echo.ends == ["end"], what="the server to see the end")
    wait_for(lambda: proxy.open == 0, what="the proxy to let go")


@pytest.mark.parametrize("at", [0, 1, 100, len(ANSWER) - 1])
def test_a_cut_lets_just_the_bytes_before_it_pass(proxy: FaultProxy, echo: Echo, at: int) -> None:
    armed = proxy.meet(Fault(kind=Kind.CUT, of=Way.DOWN, at=at))
    assert said_and_heard(proxy, ANSWER) == ANSWER[:at]
    assert armed.fired == 1
    assert said_and_heard(proxy, ANSWER) == ANSWER


def test_a_cut_upwards_is_what_the_server_sees(proxy: FaultProxy, echo: Echo) -> None:
    proxy.meet(Fault(kind=Kind.CUT, of=Way.UP, at=7))
    assert said_and_heard(proxy, ANSWER) == b""
    wait_for(lambda: echo.ends == ["end"], what="the server to see the end")
    assert bytes(echo.heard) == ANSWER[:7]


def test_a_reset_is_seen_as_one_at_both_ends(proxy: FaultProxy, echo: Echo) -> None:
    armed = proxy.meet(Fault(kind=Kind.RESET, of=Way.UP, at=5, times=2))
    for _ in range(2):
        with pytest.raises(ConnectionResetError):
            said_and_heard(proxy, ANSWER)
    assert armed.fired == 2
    assert said_and_heard(proxy, ANSWER) == ANSWER
    wait_for(lambda: echo.ends == ["reset", "reset", "end"], what="the server to see them")


def test_a_truncated_answer_ends_while_the_other_direction_goes_on(proxy: FaultProxy, echo: Echo) -> None:
    proxy.meet(Fault(kind=Kind.TRUNCATE, of=Way.DOWN, at=3))
    with connect(proxy) as connection:
        connection.sendall(b"hello")
        assert read(connection, 5) == b"hel"
        connection.sendall(b" world")
        wait_for(lambda: bytes(echo.heard) == b"hello world", what="the server to hear the rest")


def test_what_is_stalled_passes_when_the_proxy_heals(proxy: FaultProxy) -> None:
    armed = proxy.meet(Fault(kind=Kind.STALL, of=Way.DOWN, at=2))
    with connect(proxy, timeout=0.2) as connection:
        connection.sendall(b"hello")
        assert read(connection, 2) == b"he"
        with pytest.raises(TimeoutError):
            connection.recv(1)
        assert armed.fired == 1
        proxy.heal()
        connection.settimeout(10)
        assert read(connection, 3) == b"llo"


def test_a_black_hole_tells_nobody_and_is_a_reset_when_the_proxy_heals(proxy: FaultProxy, echo: Echo) -> None:
    with connect(proxy, timeout=0.2) as connection:
        connection.sendall(b"before")
        assert read(connection, 6) == b"before"
        armed = proxy.meet(Fault(kind=Kind.SWALLOW, of=Way.UP, at=2))
        connection.sendall(b"swallowed")
        assert read(connection, 2) == b"sw"
        with pytest.raises(TimeoutError):
            connection.recv(1)
        assert armed.fired == 1
        proxy.heal()
        connection.settimeout(10)
        with pytest.raises(ConnectionResetError):
            connection.recv(1)
    wait_for(lambda: echo.ends == ["reset"], what="the server to see it")
    assert bytes(echo.heard) == b"beforesw"


def test_a_mark_upwards_does_not_get_through(proxy: FaultProxy, echo: Echo) -> None:
    proxy.meet(Fault(kind=Kind.CUT, of=Way.UP, after=b"COMMIT"))
    with connect(proxy) as connection:
        connection.sendall(b"BEGIN;COM")
        assert read(connection, 9) == b"BEGIN;COM"
        connection.sendall(b"MIT;")
        assert connection.recv(1) == b""
    assert bytes(echo.heard) == b"BEGIN;COM"


def test_the_answer_to_a_mark_is_lost_and_nothing_before_it(proxy: FaultProxy, echo: Echo) -> None:
    armed = proxy.meet(Fault(kind=Kind.CUT, of=Way.DOWN, after=b"COMMIT"))
    with connect(proxy) as connection:
        connection.sendall(b"BEGIN;")
        assert read(connection, 6) == b"BEGIN;"
        assert armed.fired == 0
        connection.sendall(b"COMMIT;")
        assert connection.recv(1) == b""
    assert armed.fired == 1
    assert bytes(echo.heard) == b"BEGIN;COMMIT;"


def test_a_mark_that_was_said_before_the_fault_was_set_is_none(proxy: FaultProxy) -> None:
    with connect(proxy) as connection:
        connection.sendall(b"COMMIT;")
        assert read(connection, 7) == b"COMMIT;"
        armed = proxy.meet(Fault(kind=Kind.CUT, of=Way.DOWN, after=b"COMMIT"))
        connection.sendall(b"BEGIN;")
        assert read(connection, 6) == b"BEGIN;"
    assert armed.fired == 0


def test_bytes_across_connections_are_counted_together(proxy: FaultProxy) -> None:
    armed = proxy.meet(Fault(kind=Kind.CUT, of=Way.DOWN, at=8, across=True))
    assert said_and_heard(proxy, b"12345") == b"12345"
    assert said_and_heard(proxy, b"12345") == b"123"
    assert armed.fired == 1


def test_every_connection_is_struck_where_no_number_is_given(proxy: FaultProxy) -> None:
    armed = proxy.meet(Fault(kind=Kind.CUT, of=Way.DOWN, at=1, times=None))
    assert [said_and_heard(proxy, b"ab") for _ in range(3)] == [b"a"] * 3
    assert armed.fired == 3


def test_bytes_dribble_and_none_is_lost(proxy: FaultProxy) -> None:
    armed = proxy.meet(Fault(kind=Kind.DRIBBLE, of=Way.DOWN, piece=3, pause=0.01))
    with connect(proxy) as connection:
        connection.sendall(b"0123456789")
        pieces = [connection.recv(100)]
        while len(b"".join(pieces)) < 10:
            pieces.append(connection.recv(100))
    assert b"".join(pieces) == b"0123456789"
    assert len(pieces) > 1
    assert armed.fired == 1


def test_refused_connections_end_what_is_open_until_it_listens_again(proxy: FaultProxy) -> None:
    with connect(proxy) as connection:
        connection.sendall(b"x")
        assert connection.recv(1) == b"x"
        proxy.refuse()
        assert connection.recv(1) == b""
    with pytest.raises(ConnectionRefusedError):
        connect(proxy)
    proxy.listen()
    assert said_and_heard(proxy, b"again") == b"again"


def test_a_server_that_is_away_looks_like_a_reset(echo: Echo) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        nobody = taken.getsockname()[1]
    with FaultProxy(nobody) as proxy, pytest.raises(ConnectionResetError):
        said_and_heard(proxy, b"hello")
