"""Many requests to one address, by one thread: what is the same for all of them is worked out once.

Requests finds proxy, pool and target for each request anew, checks each header, keeps cookies, and sends head and body
apart: all that costs more than the rest.
"""

from __future__ import annotations

import ssl
import threading
import weakref
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Generic, TypeVar

import requests
from requests.utils import get_environ_proxies
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.util import SKIP_HEADER

from watcher.http_final import FinalResponse
from watcher.http_request import NO_HEADERS, Kept, PreparedRequests, with_body
from watcher.http_session import VerifyingAdapter, needs_tls
from watcher.tls import trusting_on_the_web

# A slow line has a connection's timeout for each piece: so much passes in ten seconds on any that is of use.
PIECE_BYTES = 64 * 1024
_LINE_END = b"\r\n"
_MOST_LINES = 64  # that are kept: a request has ten, and only its length differs


class _Joining(HTTPConnection):
    """What both kinds of connection share."""

    response_class = FinalResponse

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._connecting = False
        self._held: bytes | None = None  # the head of a request, until its body is there; None: nothing is held
        self._checked: dict[tuple[Any, ...], bytes] = {}  # lines of the last request's head, by name and value
        self._lines: list[bytes] = []  # of this request's head, which were checked for the last one

    def connect(self) -> None:
        self._connecting = True
        try:
            super().connect()
        finally:
            self._connecting = False

    def putrequest(self, method: str, url: str, skip_host: bool = False, skip_accept_encoding: bool = False) -> None:  # noqa: FBT001, FBT002 - urllib3's signature
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
        """The head leaves with the first piece of the body: apart they cost two packets, and wake the server twice."""
        self._held = b"" if body else None
        super().request(method, url, body, headers, **options)

    def send(self, data: Any) -> None:
        if self.sock is None:
            self.connect()
        if not self._connecting:  # else it is for a proxy
            if self._lines:  # this is the head: they belong before the blank line that ends it
                data = b"".join((data[: -len(_LINE_END)], *self._lines, _LINE_END))
                self._lines.clear()
            if self._held == b"":
                self._held = data
                return
            if self._held is not None:
                data, self._held = self._held + data, None
            self.leave()
        super().send(data)

    def leave(self) -> None:
        """Called just before each piece of a request goes out."""


def _is_plain(header: Any, values: tuple[Any, ...]) -> bool:
    """A line as most are: one value, of text, that is sent."""
    return isinstance(header, str) and len(values) == 1 and isinstance(values[0], str) and values[0] != SKIP_HEADER


class JoiningHttp(_Joining):
    """Over plain TCP."""


class JoiningHttps(_Joining, HTTPSConnection):
    """Over TLS."""


class SteadyAdapter(VerifyingAdapter):
    """requests' adapter for one thread, one address and one set of proxies: it sends nothing twice.

    What follows from these is worked out once, and of an answer no more than is asked for.
    """

    def __init__(self, context: ssl.SSLContext | None) -> None:
        self._pool: Any = None
        self._target: str | None = None
        super().__init__(context, pool_connections=4, pool_maxsize=1, max_retries=0)

    def init_poolmanager(self, connections: int, maxsize: int, block: bool = False, **more: Any) -> None:  # noqa: FBT001, FBT002 - requests' signature
        super().init_poolmanager(connections, maxsize, block, blocksize=PIECE_BYTES, **more)

    def proxy_manager_for(self, proxy: str, **more: Any) -> Any:
        return super().proxy_manager_for(proxy, blocksize=PIECE_BYTES, **more)

    def get_connection_with_tls_context(self, *args: Any, **kwargs: Any) -> Any:
        if self._pool is None:
            self._pool = super().get_connection_with_tls_context(*args, **kwargs)
        return self._pool

    def kind_for(self, kind: Any) -> Any:
        return {HTTPConnection: JoiningHttp, HTTPSConnection: JoiningHttps}.get(kind, kind)

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


A = TypeVar("A", bound=SteadyAdapter)


class Way(Generic[A]):
    """One thread's way to an address: its connections, and its request.

    No redirect is followed, no cookie is kept, nothing is read of ~/.netrc.
    """

    def __init__(self, adapter: A, prepared: PreparedRequests, proxies: Mapping[str, str]) -> None:
        self.adapter = adapter
        self._prepared = prepared
        self._proxies = proxies
        self._kept: Kept | None = None  # its own: nobody else changes its body

    def send(
        self,
        method: str,
        headers: Mapping[str, str],
        body: Any = None,
        *,
        timeout: tuple[float, float],
        of_body: Mapping[str, str] = NO_HEADERS,
    ) -> requests.Response:
        """The answer, whose body is still to be read. `body`: bytes, or a stream that has a length.

        `timeout`: seconds to connect, and between two pieces of the answer. `of_body`: headers that change with the
        body, in our own words. Raises what requests raises.
        """
        # The adapter's `send`, not the session's: that one works out the next address of a redirect even
        # where it is not to be followed, and fails where it is nonsense.
        kept = self._kept
        if kept is not None and kept.fits(method, headers, body):
            request = kept.request
            with_body(request, body, of_body)
        else:
            request = self._prepared.request(method, headers, body, of_body)
            self._kept = Kept(method, headers, request) if body is not None else None
        return self.adapter.send(request, stream=True, timeout=timeout, proxies=self._proxies)

    def close(self) -> None:
        """Let go of kept connections; a request that follows makes a new one."""
        self.adapter.close()


class Ways(Generic[A]):
    """A way to `url` for each thread, with an adapter of its own.

    Proxies of the environment (HTTPS_PROXY, NO_PROXY) count as they are now. `ca_file` has the authorities that alone
    are believed, else see `trusting_on_the_web`. Raises UnusableAuthorities.
    """

    def __init__(self, url: str, ca_file: Path | None, adapter: Callable[[ssl.SSLContext | None], A]) -> None:
        self._prepared = PreparedRequests(url)
        self._adapter = adapter
        self._proxies = get_environ_proxies(url)
        self._context = trusting_on_the_web(ca_file) if needs_tls(url, self._proxies) else None
        self._of_thread = threading.local()
        self._made: weakref.WeakSet[Way[A]] = weakref.WeakSet()
        self._lock = threading.Lock()

    def mine(self) -> Way[A]:
        """That of the thread that asks."""
        way: Way[A] | None = getattr(self._of_thread, "way", None)
        if way is None:
            self._of_thread.way = way = Way(self._adapter(self._context), self._prepared, self._proxies)
            with self._lock:
                self._made.add(way)
        return way

    def close(self) -> None:
        """Let go of kept connections; a request that follows makes a new one."""
        with self._lock:
            ways = list(self._made)
        for way in ways:
            way.close()
