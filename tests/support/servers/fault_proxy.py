"""A TCP proxy on loopback that does to connections what networks do: cut, reset, truncate, stall, swallow, dribble.

    with FaultProxy(server.port) as proxy:               # connect to proxy.port; everything passes
        armed = proxy.meet(Fault(kind=Kind.RESET, of=Way.DOWN, at=100))
        wait_for(lambda: armed.fired)                    # a test must know that its fault came true
        proxy.heal()                                     # what was stalled goes on, everything passes again

"Up" is what the client sends, "down" what the server answers.
"""

from __future__ import annotations

import contextlib
import select
import socket
import struct
import threading
import time
from dataclasses import dataclass
from enum import Enum
from typing import Self

from tests.support.servers.process import LOOPBACK, free_port

_PIECE = 65536
_MOST_UNSENT = 4 * _PIECE
_RESET = struct.pack("ii", 1, 0)  # SO_LINGER: what is closed now is reset


class Way(Enum):
    """A direction of a connection."""

    UP = "up"  # from the client to the server
    DOWN = "down"  # from the server to the client
    BOTH = "both"


class Kind(Enum):
    """What befalls a connection."""

    CUT = "both ends see the end of the connection (FIN)"
    RESET = "both ends see a reset (RST)"
    TRUNCATE = "who receives in this direction sees its end; what is still sent is lost, the other direction goes on"
    STALL = "nothing of this direction passes until the proxy heals; nothing is lost"
    SWALLOW = "what is sent in this direction is lost and nobody is told, as in a black hole; healing resets it"
    DRIBBLE = "from here on bytes of this direction pass in small pieces"


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """Strikes just before byte `at` of its direction passes, all bytes before that having passed.

    Bytes are counted on each connection by itself, from when the fault was set or the connection was
    made; with `across` over all connections. With `after` they are counted from where the client has
    said these bytes: upwards from their first one (so that 0 lets nothing of it through), downwards
    from what the server says when it has them. `times` connections are struck, None: every one.
    """

    kind: Kind
    of: Way = Way.BOTH  # what is counted, and what is stalled, swallowed …; with BOTH the first of the two strikes
    at: int = 0
    after: bytes | None = None
    across: bool = False
    times: int | None = 1
    piece: int = 1  # bytes, of DRIBBLE
    pause: float = 0.05  # seconds between the pieces


class Armed:
    """A fault that is set; `fired` is how many connections it has struck."""

    def __init__(self, fault: Fault, lines: list[_Line]) -> None:
        self.fault = fault
        self.fired = 0
        self._passed = 0  # with `across`
        self._begins = {flow: flow.passed for line in lines for flow in line.flows} if fault.after is None else {}
        self._struck: set[_Line] = set()

    def distance(self, flow: _Flow) -> int | None:
        """How many more bytes pass here before it strikes; None: it does not."""
        fault = self.fault
        spent = fault.times is not None and self.fired >= fault.times
        if spent or flow.line in self._struck or fault.of not in (flow.way, Way.BOTH):
            return None
        if fault.after is not None and flow not in self._begins:
            return None
        passed = self._passed if fault.across else flow.passed - self._begins.get(flow, 0)
        return max(0, fault.at - passed)

    def hear(self, line: _Line, said: bytes) -> None:
        """What the client is about to say, with a little of what it said before."""
        if self.fault.after is not None and line.up not in self._begins and self.fault.after in said:
            self._begins[line.up] = line.up.passed + len(line.up.waiting) - len(said) + said.index(self.fault.after)
            self._begins[line.down] = line.down.passed

    def note(self, flow: _Flow, count: int) -> None:
        if self.fault.of in (flow.way, Way.BOTH):
            self._passed += count

    def strike(self, line: _Line) -> None:
        self.fired += 1
        self._struck.add(line)


class _Flow:
    """One direction of a connection."""

    def __init__(self, line: _Line, way: Way, source: socket.socket, sink: socket.socket) -> None:
        self.line, self.way, self.source, self.sink = line, way, source, sink
        self.passed = 0
        self.tail = b""  # the last that was said
        self.waiting = bytearray()  # came, and may not have passed yet
        self.unsent = bytearray()  # passes as soon as the other end takes it
        self.stalled = self.swallows = self.ended = self.told = False
        self.piece, self.pause, self.not_before = _PIECE, 0.0, 0.0

    @property
    def wants_more(self) -> bool:
        return not self.ended and not self.stalled and len(self.unsent) < _MOST_UNSENT

    def send(self, now: float) -> None:
        """Hand over what may pass, and the end where there is nothing more."""
        if self.unsent and now >= self.not_before:
            with contextlib.suppress(BlockingIOError):
                del self.unsent[: self.sink.send(self.unsent[: self.piece])]
            self.not_before = now + self.pause if self.pause else 0.0
        if self.ended and not (self.unsent or self.stalled or self.swallows or self.told):
            self.told = True
            with contextlib.suppress(OSError):
                self.sink.shutdown(socket.SHUT_WR)

    def flush(self) -> None:
        """All that may pass, now: what strikes next must not overtake it."""
        self.sink.settimeout(5)
        with contextlib.suppress(OSError):
            self.sink.sendall(self.unsent)
        self.unsent.clear()
        self.sink.setblocking(False)


class _Line:
    """A client's connection and ours to the server."""

    def __init__(self, client: socket.socket, server: socket.socket) -> None:
        self.client, self.server = client, server
        self.up = _Flow(self, Way.UP, client, server)
        self.down = _Flow(self, Way.DOWN, server, client)
        self.flows = (self.up, self.down)
        self.open = True
        for sock in (client, server):
            sock.setblocking(False)
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def close(self, *, reset: bool) -> None:
        for sock in (self.client, self.server):
            with contextlib.suppress(OSError):
                if reset:
                    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
                else:
                    sock.shutdown(socket.SHUT_RDWR)
            sock.close()
        self.open = False


class FaultProxy:
    """Passes connections to `port` on, and does to them what it is told, at any time and from any thread.

    `connections` counts those that came, `up` and `down` the bytes that passed.
    """

    def __init__(self, port: int, host: str = LOOPBACK) -> None:
        self.host = LOOPBACK
        self.port = free_port()
        self.connections = self.up = self.down = 0
        self._target = (host, port)
        self._armed: list[Armed] = []
        self._lines: list[_Line] = []
        self._lock = threading.RLock()
        self._listener: socket.socket | None = None
        self._alarm, self._bell = socket.socketpair()
        self._ending = False
        # Bound, and never listening: while connections are refused, nobody else gets the port.
        self._reserve = socket.socket()
        self._reserve.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self._reserve.bind((self.host, self.port))
        self._thread = threading.Thread(target=self._run, name="fault-proxy", daemon=True)

    def __enter__(self) -> Self:
        self.listen()
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ending = True
        self._ring()
        self._thread.join()
        self.refuse()
        for sock in (self._reserve, self._alarm, self._bell):
            sock.close()

    # ------------------------------------------------------------------------------- what tests say

    def meet(self, *faults: Fault) -> Armed:
        """From now on these strike, and none of those before; the first of them, armed."""
        with self._lock:
            for line in self._lines:
                line.up.tail = b""  # what was said before is no mark
            self._armed = [Armed(fault, self._lines) for fault in faults]
            return self._armed[0]

    def heal(self) -> None:
        """Everything passes: what was stalled goes on, where bytes were lost the connection is reset."""
        with self._lock:
            self._armed = []
            for line in list(self._lines):
                if any(flow.swallows for flow in line.flows):
                    self._close(line, reset=True)
                for flow in line.flows:
                    flow.stalled, flow.piece, flow.pause, flow.not_before = False, _PIECE, 0.0, 0.0
            self._ring()

    def refuse(self) -> None:
        """No connection is accepted, and those that are open end, as where a server is stopped."""
        with self._lock:
            if self._listener is not None:
                # Closing alone would leave it listening until the thread that waits for it has woken up.
                self._listener.shutdown(socket.SHUT_RDWR)
                self._listener.close()
                self._listener = None
            self.drop()

    def listen(self) -> None:
        """Accept connections (again)."""
        with self._lock:
            if self._listener is None:
                self._listener = socket.create_server((self.host, self.port), backlog=128)
                self._listener.setblocking(False)
                self._ring()

    def drop(self, *, reset: bool = False) -> int:
        """End every open connection now; how many."""
        with self._lock:
            lines = list(self._lines)
            for line in lines:
                self._close(line, reset=reset)
            self._ring()
        return len(lines)

    @property
    def open(self) -> int:
        """How many connections are open."""
        return len(self._lines)

    # --------------------------------------------------------------------------------- its one thread

    def _run(self) -> None:
        while not self._ending:
            with self._lock:
                readable, writable, timeout = self._interests()
            with contextlib.suppress(OSError, ValueError):  # closed meanwhile by `drop`: ask anew
                select.select(readable, writable, [], timeout)
            with self._lock, contextlib.suppress(BlockingIOError):
                self._answer_bell()
                self._accept()
                for line in list(self._lines):
                    self._serve(line)

    def _interests(self) -> tuple[list[socket.socket], list[socket.socket], float | None]:
        now = time.monotonic()
        flows = [flow for line in self._lines for flow in line.flows]
        readable = [self._bell] + ([self._listener] if self._listener else [])
        readable += [flow.source for flow in flows if flow.wants_more]
        writable = [flow.sink for flow in flows if flow.unsent and flow.not_before <= now]
        later = [flow.not_before - now for flow in flows if flow.unsent and flow.not_before > now]
        return readable, writable, min(later, default=None)

    def _ring(self) -> None:
        self._alarm.send(b"!")

    def _answer_bell(self) -> None:
        while select.select([self._bell], [], [], 0)[0]:
            self._bell.recv(1024)

    def _accept(self) -> None:
        while self._listener is not None and select.select([self._listener], [], [], 0)[0]:
            client, _ = self._listener.accept()
            self.connections += 1
            try:
                server = socket.create_connection(self._target, timeout=5)
            except OSError:
                client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
                client.close()
                continue
            self._lines.append(_Line(client, server))

    def _serve(self, line: _Line) -> None:
        try:
            for flow in line.flows:
                if line.open and flow.wants_more:
                    self._receive(flow)
                if line.open:
                    self._pass_on(flow)
                if line.open:
                    flow.send(time.monotonic())
        except OSError:  # one end was reset: so is the other, unless that is lost, too
            if any(flow.swallows or flow.stalled for flow in line.flows):
                for flow in line.flows:
                    flow.unsent.clear()
            else:
                self._close(line, reset=True)
            return
        if line.open and all(flow.told for flow in line.flows):
            self._close(line, reset=False)

    def _receive(self, flow: _Flow) -> None:
        try:
            data = flow.source.recv(_PIECE)
        except BlockingIOError:
            return
        except OSError:
            flow.ended = True
            raise
        flow.ended = not data
        if flow.swallows or not data:
            return
        flow.waiting += data
        if flow.way is Way.UP:
            said = flow.tail + data
            for armed in self._armed:
                armed.hear(flow.line, said)
            flow.tail = said[-256:]

    def _pass_on(self, flow: _Flow) -> None:
        """As much of what waits as may pass; then what strikes, strikes."""
        while flow.waiting and flow.line.open and not (flow.stalled or flow.swallows):
            near = [(distance, armed) for armed in self._armed if (distance := armed.distance(flow)) is not None]
            distance, first = min(near, key=lambda each: each[0], default=(len(flow.waiting), None))
            count = min(distance, len(flow.waiting))
            self._let_pass(flow, count)
            if first is None or not flow.waiting:
                continue
            self._strike(first, flow)

    def _let_pass(self, flow: _Flow, count: int) -> None:
        flow.unsent += flow.waiting[:count]
        del flow.waiting[:count]
        flow.passed += count
        if flow.way is Way.UP:
            self.up += count
        else:
            self.down += count
        for armed in self._armed:
            armed.note(flow, count)

    def _strike(self, armed: Armed, struck: _Flow) -> None:
        line, fault = struck.line, armed.fault
        armed.strike(line)
        for flow in line.flows:
            flow.flush()
        if fault.kind in (Kind.CUT, Kind.RESET):
            self._close(line, reset=fault.kind is Kind.RESET)
            return
        for flow in line.flows if fault.of is Way.BOTH else [struck]:
            self._afflict(flow, fault)

    def _afflict(self, flow: _Flow, fault: Fault) -> None:
        if fault.kind is Kind.STALL:
            flow.stalled = True
        elif fault.kind is Kind.DRIBBLE:
            flow.piece, flow.pause = fault.piece, fault.pause
        else:
            flow.swallows = True
            flow.waiting.clear()
            if fault.kind is Kind.TRUNCATE:
                flow.sink.shutdown(socket.SHUT_WR)

    def _close(self, line: _Line, *, reset: bool) -> None:
        line.close(reset=reset)
        if line in self._lines:
            self._lines.remove(line)
