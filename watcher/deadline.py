"""The end of a request as a whole, which a timeout per read cannot hold.

A server that trickles keeps every single read short. So one thread, shared by all requests of a
client, shuts the sockets of those whose time is over; the reading thread then sees the end of the
connection. It sleeps while nothing is near its end, and is gone while nothing is under way.
"""

from __future__ import annotations

import contextlib
import errno
import math
import socket
import struct
import threading
from collections.abc import Callable
from typing import Any, Self

from watcher.clock import boot_seconds

Clock = Callable[[], float]

# What becomes, when a socket is closed, of what was not delivered yet (struct linger: on or off, seconds).
_DROPPING = struct.pack("ii", 1, 0)
_DELIVERING = struct.pack("ii", 0, 0)
_LONGEST_MILLISECONDS = 2**31 - 1  # what a C int holds


def started(thread: threading.Thread) -> None:
    """Start it. Raises OSError where no thread can be had, as for any other thing that the system lacks."""
    try:
        thread.start()
    except RuntimeError as error:
        raise OSError(errno.EAGAIN, "no thread can be had") from error


class Deadline:
    """A point in time, in seconds of `clock`."""

    __slots__ = ("_clock", "at")

    def __init__(self, seconds: float, clock: Clock = boot_seconds, *, begun_at: float | None = None) -> None:
        self._clock = clock
        self.at = (clock() if begun_at is None else begun_at) + seconds

    def remaining(self) -> float:
        """Seconds left; never negative."""
        return max(0.0, self.at - self._clock())

    def within(self, seconds: float) -> Deadline:
        """The earlier of this one and one in so many seconds."""
        return Deadline(min(seconds, self.remaining()), self._clock)


class Flight:
    """One request under way: whether any of it may have left, and the socket to shut when its time is over."""

    __slots__ = ("_lock", "_socket", "_watchdog", "deadline", "expired", "hidden_query", "sent")

    def __init__(self, deadline: Deadline, watchdog: Watchdog, hidden_query: str | None = None) -> None:
        self.deadline = deadline
        self.hidden_query = hidden_query  # what of the address nobody else may see
        self.sent = False
        self.expired = False
        self._socket: socket.socket | None = None
        self._lock = threading.Lock()
        self._watchdog = watchdog

    def __enter__(self) -> Self:
        self._watchdog.watch(self)
        return self

    def __exit__(self, *_error: object) -> None:
        self._watchdog.forget(self)
        with self._lock:
            self._socket = None

    def use(self, sock: Any) -> None:
        """From now on it depends on this socket. Raises TimeoutError where the time is already over."""
        with self._lock:
            self._socket = sock if isinstance(sock, socket.socket) else sock.socket  # TLS within a proxy's TLS
        if self.expired or not self.deadline.remaining():
            raise TimeoutError("the time for the whole request is over")

    def leave(self, sock: Any) -> None:
        """Called just before each piece goes out, and never late: a stopped process must not send afterwards."""
        self.use(sock)
        if not self.sent:
            left = max(self.deadline.remaining(), 0.001)
            sock.settimeout(left)
            self._deliver_within(left)
            self.sent = True

    def _deliver_within(self, seconds: float) -> None:
        """What the server has not taken by then the kernel drops, whether this process is stopped, dead or gone on.

        By itself it would go on for a quarter of an hour, and deliver the request when another one is under way.
        """
        self._set(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, min(math.ceil(seconds * 1000), _LONGEST_MILLISECONDS))
        self._set(socket.SOL_SOCKET, socket.SO_LINGER, _DROPPING)

    def arrive(self) -> None:
        """The answer is there: the connection may be kept, and ends as others do."""
        self._set(socket.SOL_SOCKET, socket.SO_LINGER, _DELIVERING)

    def _set(self, level: int, option: int, value: int | bytes) -> None:
        with self._lock:
            if self._socket is None:
                return
            try:
                self._socket.setsockopt(level, option, value)
            except OSError:  # closed meanwhile, or no TCP
                return

    def expire(self) -> None:
        """End it from another thread."""
        with self._lock:
            self.expired = True
            if self._socket is not None:
                # Not SSLSocket's own method: that one takes the TLS layer off, and what is still
                # buffered would be read as if it were the plain answer.
                with contextlib.suppress(OSError):
                    socket.socket.shutdown(self._socket, socket.SHUT_RDWR)


class Watchdog:
    """The thread that ends requests whose time is over."""

    def __init__(self) -> None:
        self._lock = threading.Lock()  # taken as it is where nobody has to be told: that costs less
        self._changed = threading.Condition(self._lock)
        self._flights: set[Flight] = set()
        self._wakes_at = float("inf")
        self._thread: threading.Thread | None = None

    def watch(self, flight: Flight) -> None:
        """From now on its socket is shut when its time is over. Raises OSError where no thread can be had."""
        with self._lock:
            if self._thread is None:
                thread = threading.Thread(target=self._run, name="request-deadlines", daemon=True)
                started(thread)
                self._thread = thread  # once it runs: where no thread can be had, the next request tries again
            self._flights.add(flight)
            if flight.deadline.at < self._wakes_at:
                self._changed.notify()

    def forget(self, flight: Flight) -> None:
        with self._lock:
            self._flights.discard(flight)

    def look(self) -> None:
        """Look now; with nothing under way the thread ends."""
        with self._changed:
            self._changed.notify()

    def _run(self) -> None:
        with self._changed:
            while self._flights:
                for flight in [flight for flight in self._flights if not flight.deadline.remaining()]:
                    self._flights.discard(flight)
                    flight.expire()
                self._sleep()
            self._thread = None
            self._wakes_at = float("inf")

    def _sleep(self) -> None:
        if self._flights:
            first = min(self._flights, key=lambda flight: flight.deadline.at)
            self._wakes_at = first.deadline.at
            self._changed.wait(first.deadline.remaining())
