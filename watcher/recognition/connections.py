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

from watcher.clock import boot_seconds
from watcher.deadline import Flight, started
from watcher.http_way import JoiningHttp, JoiningHttps, SteadyAdapter

# A kept connection that lay idle longer is not used again: the commonest servers close theirs after five
# seconds or more, and a request that crosses such a close is in doubt for nothing.
IDLE_SECONDS = 4.0

# Requests that begin together ask once: each look-up takes a thread, because nothing else bounds it.
_KNOWN_SECONDS = 1.0

_Addresses = list[tuple[Any, ...]]


class Resolver:
    """Name look-ups that can be waited for with a bound; one at a time for each name, and one in a second."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._under_way: dict[tuple[str, int], Future[_Addresses]] = {}
        self._known: dict[tuple[str, int], tuple[float, _Addresses]] = {}  # and until when

    def addresses(self, host: str, port: int, timeout_seconds: float) -> _Addresses:
        """As getaddrinfo. Raises OSError, and TimeoutError after `timeout_seconds`."""
        asked = (host, port)
        with self._lock:
            known_until, known = self._known.get(asked, (0.0, []))
            if boot_seconds() < known_until:
                return known
            answer = self._under_way.get(asked)
            if answer is None:
                answer = Future()
                thread = threading.Thread(target=self._look_up, args=(asked, answer), name="resolve", daemon=True)
                started(thread)
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
            if not isinstance(result, Exception):
                self._known[asked] = (boot_seconds() + _KNOWN_SECONDS, result)
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


class _Watched(JoiningHttp):
    """What both kinds of connection share."""

    def __init__(self, *args: Any, line: Line, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._line = line
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

    @property
    def is_connected(self) -> bool:
        """Whether a kept connection can be used again."""
        return super().is_connected and boot_seconds() - self._idle_since < IDLE_SECONDS

    def putrequest(self, method: str, url: str, skip_host: bool = False, skip_accept_encoding: bool = False) -> None:  # noqa: FBT001, FBT002 - urllib3's signature
        """The secret part of an address is added here, where no log and no error sees it any more."""
        if (query := self._line.flight.hidden_query) is not None:
            url = f"{url}{'&' if '?' in url else '?'}{query}"
        super().putrequest(method, url, skip_host, skip_accept_encoding)

    def leave(self) -> None:
        self._line.flight.leave(self.sock)

    def getresponse(self) -> Any:
        response = super().getresponse()
        self._idle_since = boot_seconds()
        return response


class WatchedHttp(_Watched):
    """Over plain TCP."""


class WatchedHttps(_Watched, JoiningHttps):
    """Over TLS."""


class WatchedAdapter(SteadyAdapter):
    """The adapter on watched connections."""

    def __init__(self, line: Line, context: ssl.SSLContext | None) -> None:
        self.line = line
        self._kinds: dict[Any, Any] = {
            HTTPConnection: partial(WatchedHttp, line=line),
            HTTPSConnection: partial(WatchedHttps, line=line),
        }
        super().__init__(context)

    def kind_for(self, kind: Any) -> Any:
        if isinstance(kind, partial):
            return kind
        if kind not in self._kinds:
            raise requests.exceptions.InvalidSchema("only HTTP proxies can be used")
        return self._kinds[kind]
