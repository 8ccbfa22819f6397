"""A world of HTTP services that repeat what they know: token servers, endpoint, store, upload, directory."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from http.server import BaseHTTPRequestHandler
from typing import Any

from tests.support.servers.local_http import LocalHttp

Answer = tuple[int, Any]


class EchoingWorld(LocalHttp):
    """Answers by the first part of the path; where `answers` has nothing, 500 with `echo` in every place there is.

    `posted` are the bodies that came for recognition, `echo` what is repeated, beside the request itself.
    """

    def __init__(self, answers: Mapping[str, Callable[[str], Answer]], echo: Callable[[], str]) -> None:
        self.posted: list[str] = []
        self._answers = answers
        self._echo = echo
        world = self

        class Service(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def _serve(self) -> None:
                length = int(self.headers.get("Content-Length", 0))
                body = self.rfile.read(length).decode("utf-8", "replace")
                said = f"{world._echo()} {self.requestline} {self.headers.as_string()} {body[:2000]}"
                status, content = world._answer(self.path, body, " ".join(said.split()))
                self._send(status, content if isinstance(content, bytes) else json.dumps(content).encode())

            def _send(self, status: int, content: bytes) -> None:
                self.send_response(status, world._echo()[:500] if status >= 400 else None)
                self.send_header("Content-Length", str(len(content)))
                self.send_header("ETag", '"1"')
                self.end_headers()
                if self.command != "HEAD":
                    self.wfile.write(content)

            do_GET = do_POST = do_PUT = do_DELETE = do_HEAD = do_OPTIONS = _serve  # noqa: N815 - the library's names

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the library's name
                """Nothing: the test's output is for the test."""

        super().__init__(Service)

    def url(self, path: str = "") -> str:
        return self.address(path)

    def _answer(self, path: str, body: str, said: str) -> Answer:
        service = path.strip("/").partition("/")[0].partition("?")[0]
        if service == "ocr" and body:
            self.posted.append(body)
        answer = self._answers.get(service)
        return (500, _repeating(said)) if answer is None else answer(said)


def _repeating(said: str) -> dict[str, Any]:
    keys = ("resMsg", "error", "error_description", "message")
    return {"resCode": 300999, **dict.fromkeys(keys, said), "data": {"message": said}}


def repeating(said: str, status: int = 200) -> Answer:
    """An answer that says everything."""
    return status, _repeating(said)


def refused_by_s3(said: str) -> Answer:
    """S3's own form."""
    from html import escape

    told = f"<Error><Code>AccessDenied</Code><Message>{escape(said)}</Message></Error>"
    return 403, told.encode()
