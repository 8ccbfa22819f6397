"""A platform that takes uploads: a real HTTP server which checks that they are multipart as RFC 7578 has it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from email import message_from_bytes
from http.server import BaseHTTPRequestHandler
from typing import Any

from tests.support.servers.local_http import LocalHttp


@dataclass(frozen=True, slots=True, kw_only=True)
class Upload:
    """One POST as it came."""

    headers: Mapping[str, str]
    form: Mapping[str, str]
    field: str
    file_name: str
    media_type: str
    data: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """What to answer once; a body that is no dict is sent as it is."""

    status: int = 200
    body: Any = None
    headers: Mapping[str, str] = field(default_factory=dict)
    cut_off: bool = False


class UploadPlatform(LocalHttp):
    """Answers ``{"resCode": 200000, "data": {"attachment_url": …}}``, or what `replies` has next."""

    def __init__(self) -> None:
        self.uploads: list[Upload] = []
        self.replies: list[Reply] = []
        self.requests: list[str] = []
        super().__init__(_handler(self))

    @property
    def url(self) -> str:
        return self.address("/common/files/upload")

    def stored(self, url: str) -> bytes:
        """What was uploaded and got this address."""
        return next(one.data for one in self.uploads if url.endswith(f"/{one.file_name}"))


def _handler(platform: UploadPlatform) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            platform.requests.append("GET")
            self._answer(platform.replies.pop(0) if platform.replies else Reply(status=405, body={}))

        def do_POST(self) -> None:
            platform.requests.append("POST")
            body = self.rfile.read(int(self.headers["Content-Length"]))
            upload = _parsed(dict(self.headers.items()), body)
            platform.uploads.append(upload)
            normal = {"resCode": 200000, "data": {"attachment_url": f"https://files.example/{upload.file_name}"}}
            self._answer(platform.replies.pop(0) if platform.replies else Reply(body=normal))

        def _answer(self, reply: Reply) -> None:
            data = reply.body if isinstance(reply.body, bytes) else json.dumps(reply.body).encode()
            self.send_response(reply.status)
            for name, value in reply.headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(data) + (100 if reply.cut_off else 0)))
            self.end_headers()
            self.wfile.write(data)
            self.close_connection = self.close_connection or reply.cut_off

        def log_message(self, *_: object) -> None:
            """Nothing: tests speak by themselves."""

    return Handler


def _parsed(headers: dict[str, str], body: bytes) -> Upload:
    message = message_from_bytes(f"Content-Type: {headers['Content-Type']}\r\n\r\n".encode() + body)
    assert message.get_content_type() == "multipart/form-data"
    assert not message.defects
    form: dict[str, str] = {}
    file = None
    for part in message.walk():
        if part.is_multipart():
            continue
        assert not part.defects
        data = part.get_payload(decode=True)
        assert isinstance(data, bytes)
        name = str(part.get_param("name", header="content-disposition"))
        if part.get_filename() is None:
            form[name] = data.decode()
        else:
            file = (name, str(part.get_filename()), part.get_content_type(), data)
    assert file is not None
    field_name, file_name, media_type, content = file
    return Upload(
        headers=headers, form=form, field=field_name, file_name=file_name, media_type=media_type, data=content
    )
