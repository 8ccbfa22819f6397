"""One HTTPS request of ours: pinned to a public address, ended by a deadline, its answer read within bounds.

http.client and nothing above it: no proxy or password of the environment, no cookie, no redirect by itself,
nothing that is unpacked behind our back.
"""

from __future__ import annotations

import http.client
import socket
import ssl
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Protocol

from msgspec import Struct

from watcher.deadline import Deadline, Flight, Watchdog
from watcher.documents.links.address import Address
from watcher.documents.links.results import NotHad
from watcher.http_final import FinalResponse
from watcher.model import Reason
from watcher.tls import trusting

_CHUNK_BYTES = 64 * 1024
_PACKED = ("gzip", "x-gzip", "deflate")
_LATE = "it took too long"
_HEADERS = {
    # Platforms refuse what is no browser.
    "User-Agent": "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0",
    "Accept": "*/*",
    "Accept-Language": "zh-CN,zh;q=0.9,en;q=0.8",
    "Accept-Encoding": "identity",
    "Connection": "close",
}


class Network(Protocol):
    """What gives connections."""

    def open(self, host: str, port: int, deadline: Deadline) -> socket.socket:
        """Raises NotHad."""


def public_authorities() -> ssl.SSLContext:
    """The system's authorities, and those that come with requests, because slim systems have none."""
    from requests.utils import DEFAULT_CA_BUNDLE_PATH

    context = trusting(None)
    context.load_verify_locations(DEFAULT_CA_BUNDLE_PATH)
    return context


class Request(Struct, frozen=True, kw_only=True):
    """GET without a body, else POST."""

    address: Address
    body: bytes | None = None
    content_type: str | None = None
    referer: Address | None = None

    @property
    def headers(self) -> dict[str, str]:
        headers = dict(_HEADERS)
        if self.content_type is not None:
            headers["Content-Type"] = self.content_type
        if self.referer is not None:
            headers["Referer"] = _shown_to(self.address, self.referer)
        return headers


def _shown_to(address: Address, referer: Address) -> str:
    """As browsers do: another host learns where one comes from, and not the address with its token."""
    at_home = referer.authority == address.authority
    return str(referer).partition("#")[0] if at_home else f"https://{referer.authority}/"


class Answer(Struct, frozen=True, kw_only=True):
    """The head of an answer; the body is read once, and only while the exchange is open."""

    status: int
    headers: Mapping[str, str]  # names in lower case, values as latin-1 text, the first of each
    body: Iterator[bytes]


class Wire:
    """Makes requests, for many threads at once."""

    def __init__(self, network: Network, tls: ssl.SSLContext) -> None:
        self._network = network
        self._tls = tls
        self._watchdog = Watchdog()

    @contextmanager
    def exchange(self, request: Request, deadline: Deadline, largest_bytes: int) -> Iterator[Answer]:
        """The answer, until the end of the block. Raises NotHad, out of `Answer.body` too."""
        with Flight(deadline, self._watchdog) as flight:
            connection = _Pinned(request.address, self._network, self._tls, flight)
            try:
                with _translated(flight):
                    response = _asked(connection, request)
                    headers = _headers(response)
                yield Answer(
                    status=response.status, headers=headers, body=_body(response, headers, flight, largest_bytes)
                )
            finally:
                connection.close()


class _Pinned(http.client.HTTPSConnection):
    """A connection to the address that was judged, with a certificate of the name that was asked for."""

    response_class = FinalResponse

    def __init__(self, address: Address, network: Network, tls: ssl.SSLContext, flight: Flight) -> None:
        super().__init__(address.host, address.port, context=tls)
        self._network = network
        self._tls = tls
        self._flight = flight

    def connect(self) -> None:
        plain = self._network.open(self.host, self.port, self._flight.deadline)
        plain.settimeout(max(self._flight.deadline.remaining(), 0.001))
        try:
            # The handshake comes when the deadline can end it: it may trickle as well as any answer.
            secured = self._tls.wrap_socket(plain, server_hostname=self.host, do_handshake_on_connect=False)
        except (OSError, ValueError):
            plain.close()
            raise
        self.sock = secured
        self._flight.use(secured)
        secured.do_handshake()


def _asked(connection: _Pinned, request: Request) -> http.client.HTTPResponse:
    method = "GET" if request.body is None else "POST"
    connection.request(method, request.address.target, body=request.body, headers=request.headers)
    return connection.getresponse()


def _headers(response: http.client.HTTPResponse) -> Mapping[str, str]:
    found: dict[str, str] = {}
    for name, value in response.getheaders():
        found.setdefault(name.lower(), value)
    return found


def _body(
    response: http.client.HTTPResponse, headers: Mapping[str, str], flight: Flight, largest_bytes: int
) -> Iterator[bytes]:
    """Unpacked where it came packed though nobody asked for that; what is too large is not read to its end."""
    declared = headers.get("content-length", "")
    if declared.isascii() and declared.isdigit() and int(declared[:18]) > largest_bytes:
        raise NotHad(Reason.TOO_LARGE, "it is too large")
    left = largest_bytes
    for chunk in _unpacked(_raw(response, flight), headers.get("content-encoding", "").strip().lower()):
        left -= len(chunk)
        if left < 0:
            raise NotHad(Reason.TOO_LARGE, "it is too large")
        yield chunk


def _raw(response: http.client.HTTPResponse, flight: Flight) -> Iterator[bytes]:
    while True:
        with _translated(flight):
            chunk = response.read(_CHUNK_BYTES)
            if flight.expired:
                raise TimeoutError(_LATE)
            if not chunk and response.length:
                raise http.client.IncompleteRead(b"", response.length)
        if not chunk:
            return
        yield chunk


def _unpacked(chunks: Iterator[bytes], encoding: str) -> Iterator[bytes]:
    if encoding in ("", "identity"):
        yield from chunks
        return
    if encoding not in _PACKED:
        raise NotHad(Reason.LINK_EXPIRED, "it is packed in a way that nobody asked for")
    unpacking = zlib.decompressobj(wbits=zlib.MAX_WBITS | 32)  # gzip or zlib, as it turns out
    for chunk in chunks:
        rest = chunk
        while rest:
            try:
                piece = unpacking.decompress(rest, _CHUNK_BYTES)
            except zlib.error as error:
                raise NotHad(Reason.LINK_EXPIRED, "it cannot be unpacked") from error
            if piece:
                yield piece
            rest = b"" if unpacking.eof else unpacking.unconsumed_tail
    if not unpacking.eof:
        raise NotHad(Reason.LINK_UNREACHABLE, "the connection was cut off", again=True)


@contextmanager
def _translated(flight: Flight) -> Iterator[None]:
    """Errors of the connection as ours. Their own texts may hold the address."""
    try:
        yield
    except NotHad:
        raise
    except ssl.SSLCertVerificationError as error:
        raise NotHad(Reason.LINK_REFUSED, f"its certificate is not accepted: {error.verify_message}") from error
    except http.client.InvalidURL as error:
        raise NotHad(Reason.LINK_REFUSED, "it is no address") from error
    except (OSError, http.client.HTTPException, ValueError) as error:
        late = flight.expired or isinstance(error, TimeoutError)
        detail = _LATE if late else f"the connection failed ({type(error).__name__})"
        raise NotHad(Reason.LINK_UNREACHABLE, detail, again=True) from error
