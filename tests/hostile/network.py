"""Runs the mails that need name servers within a network of one machine, and prints what came of them."""

from __future__ import annotations

import contextlib
import json
import socket
import sys
import tempfile
import threading
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

from tests.hostile import delegates, signatures
from tests.hostile.run import Became, Company, Reply, Report
from tests.hostile.signed import LISTS, Keys
from tests.hostile.structures import LINKS
from tests.support.servers.dovecot import Dovecot
from tests.support.servers.name_server import NameServer
from tests.support.servers.smtp import SmtpSink
from tests.support.small_internet import PUBLIC, inside
from watcher.sandbox.endpoint import Endpoint

CLOUD = "169.254.169.254"
_HOSTS = ("evil.example", "evilnnfp.jss.com.cn.evil.example")
_PORTS = (25, 80, 443)


def run_inside() -> tuple[Report, int]:
    """What came of the mails, and how often somebody connected to where none of their links may lead."""
    done = inside([sys.executable, "-m", "tests.hostile.network"], dict.fromkeys(_HOSTS, PUBLIC), further=[CLOUD])
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout.splitlines()[-1])
    became = {
        name: Became(**{**values, "replies": [Reply(**each) for each in values["replies"]]})
        for name, values in told["report"].pop("became").items()
    }
    return Report(became=became, **told["report"]), told["visits"]


class _Traps:
    """Listens on every address, and counts who comes."""

    def __init__(self) -> None:
        self.visits = 0
        self._sockets = [socket.create_server(("", port)) for port in _PORTS]
        self._threads = [threading.Thread(target=self._wait, args=(each,), daemon=True) for each in self._sockets]

    def _wait(self, listening: socket.socket) -> None:
        while True:
            visitor, _ = listening.accept()
            self.visits += 1
            visitor.close()

    @contextlib.contextmanager
    def set(self) -> Iterator[None]:
        for thread in self._threads:
            thread.start()
        yield


def _run() -> None:
    keys, traps = Keys(), _Traps()
    cases = [*(each.case(keys) for each in (*signatures.CASES, *delegates.CASES)), *LINKS]
    with (
        tempfile.TemporaryDirectory() as folder,
        NameServer(keys.records),
        traps.set(),
        Dovecot() as dovecot,
        SmtpSink() as smtp,
        Endpoint() as endpoint,
    ):
        report = Company(Path(folder), dovecot, smtp, endpoint, arc_sealers=[LISTS]).run(cases)
    sys.stdout.write(json.dumps({"report": asdict(report), "visits": traps.visits}))


if __name__ == "__main__":
    _run()
