"""A WebDAV share: wsgidav on cheroot, in a thread."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from cheroot.wsgi import Server
from wsgidav.fs_dav_provider import FilesystemProvider
from wsgidav.wsgidav_app import WsgiDAVApp

from tests.support.servers.process import LOOPBACK, Served, free_port, served_folder
from tests.support.waiting import wait_for

USERNAME = "invoices"
PASSWORD = "secret"


class WebDav(Served):
    """A folder `root`, served at `url` to `username` with `password` (Basic)."""

    username = USERNAME
    password = PASSWORD

    def __init__(self) -> None:
        self.port = free_port()
        self.url = f"http://{LOOPBACK}:{self.port}"
        self.folder = served_folder("webdav")
        self.root: Path = self.folder / "root"
        self.root.mkdir()
        self._refusal: str | None = None
        self._server: Server | None = None
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Serve, on the same port as before."""
        server = Server((LOOPBACK, self.port), self._answer_or_refuse(WsgiDAVApp(_configuration(self.root))))
        server.shutdown_timeout = 1
        server.prepare()
        self._server = server
        self._thread = threading.Thread(target=server.serve, daemon=True)
        self._thread.start()
        wait_for(lambda: server.ready, 10, "the WebDAV server to be ready")

    def stop(self) -> None:
        """Refuse connections; files are kept."""
        if self._server is not None and self._thread is not None:
            self._server.stop()
            self._thread.join()
        self._server = self._thread = None

    def refuse(self, status: str | None) -> None:
        """Answer everything with `status` (such as ``"507 Insufficient Storage"``) until called with None."""
        self._refusal = status

    def _answer_or_refuse(self, app: WsgiDAVApp) -> Callable[[dict[str, Any], Any], Iterable[bytes]]:
        def answer(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
            if self._refusal is not None:
                start_response(self._refusal, [("Content-Length", "0")])
                return []
            answered: Iterable[bytes] = app(environ, start_response)
            return answered

        return answer


def _configuration(root: Path) -> dict[str, Any]:
    return {
        "provider_mapping": {"/": FilesystemProvider(str(root), readonly=False)},
        "simple_dc": {"user_mapping": {"*": {USERNAME: {"password": PASSWORD}}}},
        "http_authenticator": {"accept_basic": True, "accept_digest": False, "default_to_digest": False},
        "logging": {"enable": False},
        "verbose": 0,
    }
