"""requests' connections, watched: each knows the request it serves, and says when the first byte leaves.

That is what the difference between "not sent" and "in doubt" rests on; exception types do not tell it.
"""

from __future__ import annotations

import socket
import ssl
import threading
from concurrent.futures import Future
from concurrent.futures import TimeoutError as FutureTimeout
from functools import partial
from typing import Any

import requests
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.exceptions import ConnectTimeoutError, NameResolutionError, NewConnectionError
from urllib3.util import SKIP_HEADER

from watcher.clock import boot_seconds
from watcher.deadline import Flight
from watcher.http_session import VerifyingAdapter

# A kept connection that lay idle longer is not used again: the commonest servers close theirs after five
# seconds or more, and a request that crosses such a close is in doubt for nothing.
IDLE_SECONDS = 4.0

_LINE_END = b"\r\n"
_MOST_LINES = 64  # that are kept: a request has ten, and only its length differs

_Addresses = list[tuple[Any, ...]]


class Resolver:
    """Name look-ups that can be waited for with a bound; one at a time for each name."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._under_way: dict[tuple[str, int], Future[_Addresses]] = {}

    def addresses(self, host: str, port: int, timeout_seconds: float) -> _Addresses:
        """As getaddrinfo. Raises OSError, and TimeoutError after `timeout_seconds`."""
        asked = (host, port)
        with self._lock:
            answer = self._under_way.get(asked)
            if answer is None:
                answer = Future()
                threading.Thread(target=self._look_up, args=(asked, answer), name="resolve", daemon=True).start()
                self._under_way[asked] = answer  # once there is a thread that will answer
        try:
            return answer.result(timeout_seconds)
        except FutureTimeout as error:
            raise TimeoutError("the name server does not answer") from error

    def _look_up(self, asked: tuple[str, int], answer: Future[_Addresses]) -> None:
        try:
            found = socket.getaddrinfo(*asked, type=socket.SOCK_STREAM)
        except (OSError, UnicodeError) as error:
            result: _Addresses | Exception = error if isinstance(error, OSError) else OSError("not a host name")
        else:
            result = list(found)
        with self._lock:
            del self._under_way[asked]
        if isinstance(result, Exception):
            answer.set_exception(result)
        else:
            answer.set_result(result)


class Line:
    """One thread's way to the server: the request that its connections serve just now."""

    def __init__(self, resolver: Resolver, connect_timeout_seconds: float) -> None:
        self.resolver = resolver
        self.connect_timeout_seconds = connect_timeout_seconds
        self._flight: Flight | None = None

    @property
    def flight(self) -> Flight:
        if self._flight is None:
            raise RuntimeError("a connection is used outside of a request")
        return self._flight

    @flight.setter
    def flight(self, flight: Flight | None) -> None:
        self._flight = flight

    def open(self, host: str, port: int, options: Any) -> socket.socket:
        """A connected socket, whose timeout is what the rest of connecting (proxy, TLS) may take. Raises OSError."""
        until = self.flight.deadline.within(self.connect_timeout_seconds)
        failure: OSError = TimeoutError("the connect timeout is over")
        addresses = self.resolver.addresses(host, port, until.remaining())
        for left, (family, kind, protocol, _name, address) in zip(range(len(addresses), 0, -1), addresses, strict=True):
            if not until.remaining():
                break
            sock = socket.socket(family, kind, protocol)
            try:
                for option in options or ():
                    sock.setsockopt(*option)
                sock.settimeout(max(until.remaining() / left, 0.001))  # a dead address leaves time for the others
                sock.connect(address)
                self.flight.use(sock)
            except OSError as error:
                sock.close()
                failure = error
            else:
                sock.settimeout(max(until.remaining(), 0.001))
                return sock
        raise failure


class _Watched(HTTPConnection):
    """What both kinds of connection share."""

    def __init__(self, *args: Any, line: Line, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._line = line
        self._connecting = False
        self._held: bytes | None = None  # the head of a request, until its body is there; None: nothing is held
        self._checked: dict[tuple[Any, ...], bytes] = {}  # lines of the last request's head, by name and value
        self._lines: list[bytes] = []  # of this request's head, which were checked for the last one
        self._idle_since = boot_seconds()

    def _new_conn(self) -> socket.socket:
        try:
            sock = self._line.open(self._dns_host.strip("[]"), self.port, self.socket_options)
        except socket.gaierror as error:
            raise NameResolutionError(self.host, self, error) from error
        except TimeoutError as error:
            raise ConnectTimeoutError(self, "connect timeout") from error
        except OSError as error:
            raise NewConnectionError(self, "cannot connect") from error
        return sock

    def connect(self) -> None:
        self._connecting = True
        try:
            super().connect()
        finally:
            self._connecting = False

    @property
    def is_connected(self) -> bool:
        """Whether a kept connection can be used again."""
        return super().is_connected and boot_seconds() - self._idle_since < IDLE_SECONDS

    def putrequest(self, method: str, url: str, skip_host: bool = False, skip_accept_encoding: bool = False) -> None:  # noqa: FBT001, FBT002 - urllib3's signature
        """The secret part of an address is added here, where no log and no error sees it any more."""
        if (query := self._line.flight.hidden_query) is not None:
            url = f"{url}{'&' if '?' in url else '?'}{query}"
        self._lines.clear()
        super().putrequest(method, url, skip_host, skip_accept_encoding)

    def putheader(self, header: Any, *values: Any) -> None:
        """A line that was checked and encoded once is not for each request: that is half of what a request costs."""
        if (line := self._checked.get((header, *values))) is not None:
            self._lines.append(line)
            return
        super().putheader(header, *values)
        if _is_plain(header, values):
            if len(self._checked) >= _MOST_LINES:
                self._checked.clear()
            self._checked[header, values[0]] = f"{header}: {values[0]}\r\n".encode("latin-1")

    def request(self, method: str, url: str, body: Any = None, headers: Any = None, **options: Any) -> None:
        """Head and body leave in one piece: as two they cost two packets, and wake the server twice."""
        self._held = b"" if body else None
        super().request(method, url, body, headers, **options)

    def send(self, data: Any) -> None:
        if self.sock is None:
            self.connect()
        if not self._connecting:
            if self._lines:  # this is the head: they belong before the blank line that ends it
                data = b"".join((data[: -len(_LINE_END)], *self._lines, _LINE_END))
                self._lines.clear()
            if self._held == b"":
                self._held = data
                return
            data, self._held = (self._held or b"") + data, None
            self._line.flight.leave(self.sock)
        super().send(data)
        self._idle_since = boot_seconds()

    def getresponse(self) -> Any:
        response = super().getresponse()
        self._idle_since = boot_seconds()
        return response


def _is_plain(header: Any, values: tuple[Any, ...]) -> bool:
    """A line as most are: one value, of text, that is sent."""
    return isinstance(header, str) and len(values) == 1 and isinstance(values[0], str) and values[0] != SKIP_HEADER


class WatchedHttp(_Watched):
    """Over plain TCP."""


class WatchedHttps(_Watched, HTTPSConnection):
    """Over TLS."""


class WatchedAdapter(VerifyingAdapter):
    """requests' adapter on watched connections, for one thread and one address: it sends nothing twice.

    What follows from the address and the proxies is worked out once, and of an answer no more than is asked for:
    requests does it all for each request, which is half of what it costs.
    """

    def __init__(self, line: Line, context: ssl.SSLContext | None) -> None:
        self._kinds: dict[Any, Any] = {
            HTTPConnection: partial(WatchedHttp, line=line),
            HTTPSConnection: partial(WatchedHttps, line=line),
        }
        self._pool: Any = None
        self._target: str | None = None
        super().__init__(context, pool_connections=4, pool_maxsize=1, max_retries=0)

    def get_connection_with_tls_context(self, *args: Any, **kwargs: Any) -> Any:
        if (pool := self._pool) is None:
            self._pool = pool = self._watched(super().get_connection_with_tls_context(*args, **kwargs))
        return pool

    def request_url(self, *args: Any, **kwargs: Any) -> str:
        if self._target is None:
            self._target = super().request_url(*args, **kwargs)
        return self._target

    def build_response(self, req: Any, resp: Any) -> requests.Response:  # noqa: ARG002 - requests' signature
        """Status, headers and body, and nothing of cookies and encodings."""
        response = requests.Response()
        response.status_code, response.headers, response.raw = resp.status, resp.headers, resp
        return response

    def close(self) -> None:
        super().close()
        self._pool = None  # who sends again begins anew

    def _watched(self, pool: Any) -> Any:
        kind = pool.ConnectionCls
        if not isinstance(kind, partial):
            if kind not in self._kinds:
                raise requests.exceptions.InvalidSchema("only HTTP proxies can be used")
            pool.ConnectionCls = self._kinds[kind]
        return pool
