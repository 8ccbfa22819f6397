"""The servers that contestants work against: in a process of their own, and so lean that they are not the limit."""

from __future__ import annotations

import json
import sys
import tempfile
import urllib.request
from pathlib import Path
from typing import Any, NamedTuple

from tests.support.servers.process import LOOPBACK, Process, Served
from tests.support.waiting import wait_for

PROJECT = Path(__file__).resolve().parents[2]


class Arrival(NamedTuple):
    """A request for recognition: when it was whole, in seconds of CLOCK_MONOTONIC, and of what."""

    at: float
    attachment_url: str
    biz_id: str


class Counts(NamedTuple):
    """What came so far."""

    posts: int
    answered: int
    uploads: int
    mails: int
    under_way: int
    most_at_once: int


class Servers(Served):
    """A recognition endpoint that answers success after `latency` seconds, an upload target and an SMTP sink."""

    def __init__(self, *, latency: float = 0.0) -> None:
        self._latency = latency
        self._process: Process | None = None
        self._ports: dict[str, int] = {}
        self.folder = Path(tempfile.mkdtemp(prefix="bench-servers-"))

    def start(self) -> None:
        ports = self.folder / "ports.json"
        ports.unlink(missing_ok=True)
        command = [sys.executable, "-m", "benchmarks.servers", str(ports), str(self._latency)]
        self._process = Process(command, log=self.folder / "output.log", cwd=PROJECT)
        self._process.wait_until(ports.exists)
        self._ports = json.loads(ports.read_text())

    def stop(self) -> None:
        if self._process is not None:
            self._process.stop()
        self._process = None

    @property
    def url(self) -> str:
        """Of the recognition endpoint."""
        return self._address("/ocr")

    @property
    def upload_url(self) -> str:
        """Takes a multipart POST or a PUT, and answers {"resCode": 200000, "data": {"attachment_url": …}}."""
        return self._address("/upload")

    @property
    def smtp_host(self) -> str:
        return LOOPBACK

    @property
    def smtp_port(self) -> int:
        return self._ports["smtp"]

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    def counts(self) -> Counts:
        return Counts(**self._ask("GET", "/counts"))

    def arrivals(self) -> list[Arrival]:
        return [Arrival(*each) for each in self._ask("GET", "/arrivals")]

    def answer_after(self, latency: float) -> None:
        """Seconds, for requests that come from now on."""
        self._latency = latency
        self._ask("PUT", f"/latency/{latency}")

    def reset(self) -> None:
        """Count from nothing again."""
        self._ask("DELETE", "/counts")

    def wait_for_posts(self, count: int, timeout: float = 600.0) -> None:
        wait_for(lambda: self.counts().posts >= count, timeout, f"{count} requests for recognition")

    def wait_for_answers(self, count: int, timeout: float = 600.0) -> None:
        wait_for(lambda: self.counts().answered >= count, timeout, f"{count} answers")

    def wait_for_mails(self, count: int, timeout: float = 600.0) -> None:
        wait_for(lambda: self.counts().mails >= count, timeout, f"{count} replies")

    def _address(self, path: str) -> str:
        return f"http://{LOOPBACK}:{self._ports['http']}{path}"

    def _ask(self, method: str, path: str) -> Any:
        request = urllib.request.Request(self._address(path), method=method)
        with urllib.request.urlopen(request, timeout=60) as answer:
            return json.loads(answer.read())
