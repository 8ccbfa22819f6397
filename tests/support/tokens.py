"""A token server of OAuth 2."""

from __future__ import annotations

import json
import threading
import time
import urllib.parse
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler

from tests.support.servers.local_http import LocalHttp


class TokenServer(LocalHttp):
    """Gives what `grant` gives; `forms` has what was posted. `successor` is a further refresh token."""

    def __init__(
        self,
        grant: Callable[[], str],
        *,
        expires_in: float = 3600,
        status: int = 200,
        successor: str | None = None,
    ) -> None:
        self.forms: list[dict[str, str]] = []
        self._granted_until = 0.0
        forms = self.forms
        server = self

        class Answer(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                posted = self.rfile.read(int(self.headers["Content-Length"])).decode()
                forms.append(dict(urllib.parse.parse_qsl(posted)))
                granted: dict[str, object] = {"error": "invalid_grant"}
                if status == 200:
                    granted = {"access_token": grant(), "expires_in": expires_in}
                    server._granted_until = time.monotonic() + expires_in
                if successor is not None:
                    granted["refresh_token"] = successor
                body = json.dumps(granted).encode()
                self.send_response(status)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - as it is there
                """Nothing: the test's output is for the test."""

        super().__init__(Answer)
        self.url = self.address("/token")

    def wait_until_expired(self) -> None:
        while time.monotonic() < self._granted_until:
            threading.Event().wait(0.01)
