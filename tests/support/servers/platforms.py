"""Invoice platforms on one local TLS server: each hands its files out as platforms were seen to do.

What they have in common: HEAD is refused, a browser's User-Agent is wanted, an expired link is a page with status 200.
"""

from __future__ import annotations

import re
import socket
import ssl
import tempfile
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from urllib.parse import parse_qsl, urlsplit

from tests.support.servers.certificates import Certificate, make_certificate
from tests.support.servers.platform_plays import HOSTS, PLAYS
from tests.support.servers.platform_replies import Asked, Reply, expired
from watcher.documents.links.public_network import PublicNetwork

PUBLIC = "93.184.216.34"

Play = Callable[[Asked, re.Match[str]], Reply]


@dataclass(slots=True)
class Platforms:
    """`asked` is every request; `play` adds or replaces what an address does; `connected` is every address dialled.

    `listen` are the addresses and ports to listen at.
    """

    listen: Sequence[tuple[str, int]] = (("127.0.0.1", 0),)
    asked: list[Asked] = field(default_factory=list)
    connected: list[tuple[str, int]] = field(default_factory=list)
    plays: list[tuple[str, re.Pattern[str], Play]] = field(default_factory=list)
    port: int = 0
    certificate: Certificate | None = None
    _servers: list[Any] = field(default_factory=list)
    _folder: Any = None

    def __enter__(self) -> Self:
        self._folder = tempfile.TemporaryDirectory()
        self.certificate = make_certificate(Path(self._folder.name), HOSTS)
        for address in self.listen:
            server = _Server(address, self, self.certificate.server_context())
            self._servers.append(server)
            threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
        self.port = self._servers[0].server_address[1]
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for server in self._servers:
            server.shutdown()
            server.server_close()
        self._folder.cleanup()

    def play(self, host: str, path: str, play: Play) -> None:
        self.plays.insert(0, (host, re.compile(path), play))

    def clear(self) -> None:
        self.asked.clear()
        self.connected.clear()
        self.plays.clear()

    @property
    def tls(self) -> ssl.SSLContext:
        assert self.certificate is not None
        return self.certificate.client_context()

    def network(self, names: Mapping[str, Sequence[str]] | None = None) -> PublicNetwork:
        """The internet as these tests have it: names lead to a public address unless `names` says another one.

        What is dialled after it was judged ends at the local server.
        """
        given = names or {}

        def connect(address: str, port: int, seconds: float) -> socket.socket:
            self.connected.append((address, port))
            return socket.create_connection(("127.0.0.1", self.port), timeout=seconds)

        return PublicNetwork(look_up=lambda host, _port: given.get(host, [PUBLIC]), connect=connect)

    def reply(self, asked: Asked) -> Reply:
        self.asked.append(asked)
        if asked.method == "HEAD":
            return Reply(status=405)
        if "Mozilla" not in asked.headers.get("user-agent", ""):
            return Reply(status=405)
        for host, pattern, play in (*self.plays, *PLAYS):
            if host == asked.host and (found := pattern.fullmatch(asked.path)) is not None:
                return play(asked, found)
        return expired()


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, address: tuple[str, int], platforms: Platforms, tls: ssl.SSLContext) -> None:
        super().__init__(address, _Handler)
        self.platforms = platforms
        self.tls = tls

    def finish_request(self, request: Any, client_address: Any) -> None:
        """The handshake is made in the connection's own thread, and may fail as tests want it to."""
        try:
            secured = self.tls.wrap_socket(request, server_side=True)
        except (OSError, ssl.SSLError):
            return
        try:
            _Handler(secured, client_address, self)
        finally:
            secured.close()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Clients hang up in the middle: that is what some tests are about."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self._answer()

    do_POST = do_HEAD = do_GET  # noqa: N815 - as above

    def _answer(self) -> None:
        whole = urlsplit(self.path)
        host = self.headers.get("Host", "")
        asked = Asked(
            method=self.command,
            host=host,
            path=whole.path,
            query=dict(parse_qsl(whole.query, keep_blank_values=True)),
            headers={name.lower(): value for name, value in self.headers.items()},
            body=self.rfile.read(int(self.headers.get("Content-Length", 0))),
        )
        server: Any = self.server
        reply = server.platforms.reply(asked)
        self.wfile.write(reply.interim)
        self.send_response(reply.status)
        for name, value in reply.headers.items():
            self.wfile_headers(name, value)
        if "Content-Length" not in reply.headers:
            self.send_header("Content-Length", str(len(reply.body)))
        self.end_headers()
        reply.send(self.wfile)
        self.close_connection = True

    def wfile_headers(self, name: str, value: str | bytes) -> None:
        """Header values may be raw bytes, as platforms send them."""
        self.send_header(name, value.decode("latin-1") if isinstance(value, bytes) else value)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - http.server has it so
        """Tests look at `asked`."""
