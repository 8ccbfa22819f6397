"""Whether attachment URLs lead to documents is found out before the endpoint does."""

from __future__ import annotations

from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest

from tests.support.servers.local_http import LocalHttp
from tests.support.servers.s3 import S3
from watcher.config import sections
from watcher.model import Finding
from watcher.stores.objects import ObjectsStore
from watcher.stores.resolve import ResolveStore


class Files(LocalHttp):
    """Serves the files below a folder under /files/, a login page under /login/, and refuses the rest."""

    def __init__(self, folder: Path) -> None:
        class Answer(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                status, body = self._found()
                self.send_response_only(status)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                if self.command == "GET":
                    self.wfile.write(body)

            do_HEAD = do_GET  # noqa: N815 - as http.server calls it

            def _found(self) -> tuple[int, bytes]:
                file = folder / unquote(self.path).removeprefix("/files/")
                if self.path.startswith("/files/"):
                    return (200, file.read_bytes()) if file.is_file() else (404, b"")
                return (200, b"who are you?") if self.path.startswith("/login/") else (403, b"")

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - as it is there
                """Nothing: the test's output is for the test."""

        super().__init__(Answer)


@pytest.fixture
def files(tmp_path: Path) -> Iterator[Files]:
    with Files(tmp_path) as serving:
        yield serving


def checked(root: Path, attachment_url: str) -> list[Finding]:
    section: dict[str, Any] = {"type": "objects", "service": "fs", "options": {"root": str(root)}}
    store = ObjectsStore("default", sections.ObjectsStore.model_validate(section | {"attachment_url": attachment_url}))
    try:
        return store.check()
    finally:
        store.close()


def test_the_probe_is_fetched_at_the_address_that_the_endpoint_would_get(tmp_path: Path, files: Files) -> None:
    told = {
        name: checked(tmp_path, template)[-1]
        for name, template in {
            "good": files.address("/files/{key}"),
            "elsewhere": files.address("/files/other/{key}"),
            "behind a login": files.address("/login/{key}"),
            "refused": files.address("/private/{key}"),
            "unreachable": "http://127.0.0.1:1/{key}",
        }.items()
    }

    assert {name: (finding.ok, finding.warning) for name, finding in told.items()} == {
        "good": (True, False),
        "elsewhere": (False, False),
        "behind a login": (False, False),
        "refused": (True, True),
        "unreachable": (True, True),
    }
    assert "404" in told["elsewhere"].message
    assert all(finding.mend for name, finding in told.items() if name != "good")
    assert list(tmp_path.iterdir()) == []  # not even a folder, which would be root's where root checks


def test_a_signed_address_is_fetched_and_never_told(s3: S3) -> None:
    options = {
        "bucket": s3.bucket(), "endpoint": s3.endpoint, "region": s3.region,
        "access_key_id": s3.access_key_id, "secret_access_key": s3.secret_access_key,
    }  # fmt: skip
    section = {"type": "objects", "service": "s3", "options": options, "attachment_url": "presigned: 1d"}
    store = ObjectsStore("default", sections.ObjectsStore.model_validate(section))

    wrote, fetched = store.check()

    assert wrote.ok
    assert (fetched.ok, fetched.warning) == (True, False)
    assert "X-Amz" not in fetched.message
    assert s3.keys(options["bucket"]) == []


@pytest.mark.parametrize(
    ("base", "size", "said"),
    [
        ("/files/", 3, (True, False, "leads to it")),
        ("/files/", 4, (False, False, "3 bytes instead of 4")),
        ("/files/other/", 3, (False, False, "404")),
        ("/private/", 3, (True, True, "403")),
        ("/private/", None, (True, False, "answers")),
    ],
)
def test_the_address_of_a_file_that_waits_is_tried(
    tmp_path: Path, files: Files, base: str, size: int | None, said: tuple[bool, bool, str]
) -> None:
    (tmp_path / "1").mkdir()
    (tmp_path / "1" / "发票 a.pdf").write_bytes(b"abc")
    section = sections.ResolveStore.model_validate({"type": "resolve", "base_url": files.address(base)})
    sample = None if size is None else ("1/发票 a.pdf", size)

    about, parts = ResolveStore("drive", section, parts=None, sample=lambda: sample).check()

    assert (about.ok, about.warning) == said[:2]
    assert said[2] in about.message
    assert (parts.ok, parts.warning) == (True, True)
    assert "parts" in (parts.mend or "")
