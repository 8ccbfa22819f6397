"""HTTP/1.1 by hand on asyncio: a thousand waiting connections in one thread cost next to nothing.

Only what a JSON endpoint needs: Content-Length and chunked bodies, keep-alive, `Expect: 100-continue`.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
import threading
from collections.abc import Callable, Mapping
from http import HTTPStatus
from urllib.parse import parse_qsl, urlsplit

from msgspec import Struct, field

_LARGEST_HEAD_BYTES = 64 * 1024
_LARGEST_BODY_BYTES = 64 * 1024 * 1024


class HttpRequest(Struct, frozen=True, kw_only=True):
    """A request that came whole. Header names are in lower case."""

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes
    connection: int  # a number for each connection: requests on a kept one share it


class HttpAnswer(Struct, frozen=True, kw_only=True):
    """What to answer. `trickle` sends it byte by byte, so many seconds apart."""

    status: int = 200
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)
    media_type: str = "application/json;charset=UTF-8"
    trickle: float | None = None
    code: str | None = None  # the resCode in it, for the log

    def encoded(self) -> bytes:
        lines = [f"HTTP/1.1 {self.status} {_phrase(self.status)}", f"Content-Type: {self.media_type}"]
        lines += [f"Content-Length: {len(self.body)}", *(f"{name}: {value}" for name, value in self.headers.items())]
        return "\r\n".join([*lines, "", ""]).encode() + self.body


class BadRequestError(Exception):
    """What came is not HTTP as understood here."""

    def __init__(self, status: int) -> None:
        super().__init__(status)
        self.status = status


class Connection(asyncio.Protocol):
    """One client. Answers are given in order: the next request is read once this one is answered."""

    def __init__(self, server: HttpServer, number: int) -> None:
        self._server = server
        self._number = number
        self._buffer = bytearray()
        self._busy = False
        self._continued = False
        self._keep = True
        self.transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)  # noqa: S101 - tells the type
        self.transport = transport
        self._server.connections.add(self)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - asyncio's signature
        self.transport = None
        self._server.connections.discard(self)

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        if not self._busy:
            self._next()

    def reply(self, answer: HttpAnswer) -> None:
        """Answer the request under way; a client that is gone gets nothing."""
        if self.transport is None:
            return
        if answer.trickle is not None:
            self._drip(memoryview(answer.encoded()), answer.trickle)
            return
        self.transport.write(answer.encoded())
        self._busy = False
        if not self._keep:
            self.transport.close()
        elif self._buffer:
            self._next()

    def cut(self) -> None:
        """Close it at once, with a reset."""
        if self.transport is not None:
            self.transport.abort()

    def _drip(self, left: memoryview, seconds: float) -> None:
        if self.transport is None:
            return
        if not left:
            self.transport.close()
            return
        self.transport.write(bytes(left[:1]))
        self._server.loop.call_later(seconds, self._drip, left[1:], seconds)

    def _next(self) -> None:
        try:
            request = self._parsed()
        except BadRequestError as error:
            self._keep = False
            self.reply(HttpAnswer(status=error.status))
            return
        if request is not None:
            self._busy = True
            self._continued = False
            self._server.respond(request, self)

    def _parsed(self) -> HttpRequest | None:
        """The next request, taken out of the buffer; None while it is not whole."""
        if self._buffer and not self._buffer[:1].isalpha():  # such as the first byte of TLS
            raise BadRequestError(HTTPStatus.BAD_REQUEST)
        end = self._buffer.find(b"\r\n\r\n")
        if end < 0:
            if len(self._buffer) > _LARGEST_HEAD_BYTES:
                raise BadRequestError(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE)
            return None
        method, target, version, headers = _head(bytes(self._buffer[:end]))
        found = _body(self._buffer, end + 4, headers)
        if found is None:
            self._encourage(headers)
            return None
        body, used = found
        del self._buffer[:used]
        self._keep = version != "HTTP/1.0" and headers.get("connection", "").lower() != "close"
        url = urlsplit(target)
        return HttpRequest(
            method=method,
            path=url.path,
            query=dict(parse_qsl(url.query, keep_blank_values=True)),
            headers=headers,
            body=body,
            connection=self._number,
        )

    def _encourage(self, headers: Mapping[str, str]) -> None:
        if headers.get("expect", "").lower() == "100-continue" and not self._continued and self.transport:
            self._continued = True
            self.transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")


Respond = Callable[[HttpRequest, Connection], None]


class HttpServer:
    """A listening socket and the thread that serves it. `respond` is called in that thread."""

    def __init__(self, respond: Respond, *, host: str, port: int, tls: ssl.SSLContext | None = None) -> None:
        self.respond = respond
        self.connections: set[Connection] = set()
        self.accepted = 0
        self._tls = tls
        self._socket = _listening(host, port)
        self.loop = asyncio.new_event_loop()
        self.host, self.port = self._socket.getsockname()[:2]
        self._serving = threading.Event()
        self._thread = threading.Thread(target=self._run, name="sandbox-endpoint", daemon=True)

    def start(self) -> None:
        """Returns when it serves."""
        self._thread.start()
        self._serving.wait()

    def stop(self) -> None:
        """Cut every connection and end the thread."""
        if self._thread.is_alive():
            self.loop.call_soon_threadsafe(self.loop.stop)
            self._thread.join()
        self.loop.close()
        self._socket.close()

    def _run(self) -> None:
        asyncio.set_event_loop(self.loop)
        serving = self.loop.create_server(self._accept, sock=self._socket, ssl=self._tls, backlog=1024)
        server = self.loop.run_until_complete(serving)
        self.loop.call_soon(self._serving.set)
        try:
            self.loop.run_forever()
        finally:
            server.close()
            for connection in list(self.connections):
                connection.cut()
            self.loop.run_until_complete(asyncio.sleep(0))
            self.loop.run_until_complete(asyncio.sleep(0))

    def _accept(self) -> Connection:
        self.accepted += 1
        return Connection(self, self.accepted)


def _listening(host: str, port: int) -> socket.socket:
    sock = socket.create_server((host, port), backlog=1024)
    sock.settimeout(0)
    return sock


def _head(raw: bytes) -> tuple[str, str, str, dict[str, str]]:
    try:
        first, *lines = raw.decode("utf-8", "replace").split("\r\n")
        method, target, version = first.split(" ")
        pairs = (line.split(":", 1) for line in lines)
        return method, target, version, {name.strip().lower(): value.strip() for name, value in pairs}
    except ValueError as error:
        raise BadRequestError(HTTPStatus.BAD_REQUEST) from error


def _body(buffer: bytearray, start: int, headers: Mapping[str, str]) -> tuple[bytes, int] | None:
    """The body and where it ends; None while it is not whole."""
    if "chunked" in headers.get("transfer-encoding", "").lower():
        return _chunked(buffer, start)
    written = headers.get("content-length", "0")
    if not (written.isascii() and written.isdigit()):
        raise BadRequestError(HTTPStatus.BAD_REQUEST)
    end = start + int(written)
    if end - start > _LARGEST_BODY_BYTES:
        raise BadRequestError(HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
    return (bytes(buffer[start:end]), end) if len(buffer) >= end else None


def _chunked(buffer: bytearray, start: int) -> tuple[bytes, int] | None:
    body = bytearray()
    while (line_end := buffer.find(b"\r\n", start)) >= 0:
        try:
            size = int(buffer[start:line_end].split(b";")[0], 16)
        except ValueError as error:
            raise BadRequestError(HTTPStatus.BAD_REQUEST) from error
        end = line_end + 2 + size
        if len(body) + size > _LARGEST_BODY_BYTES:
            raise BadRequestError(HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
        if len(buffer) < end + 2:
            return None
        body += buffer[line_end + 2 : end]
        start = end + 2
        if size == 0:
            return bytes(body), start
    return None


def _phrase(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return "Unknown"
