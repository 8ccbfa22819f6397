"""The demo's stage: a folder, the three servers, a configuration, and the daemon as a process of its own."""

from __future__ import annotations

import contextlib
import json
import os
import shlex
import shutil
import socket
import subprocess
import sys
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Self

from watcher.sandbox.endpoint import Endpoint
from watcher.sandbox.mailbox import SandboxMailbox
from watcher.sandbox.samples import EMPLOYEES, SampleFile, SampleMail
from watcher.sandbox.smtp import SandboxSmtp

_PROGRAM = "invoice-watcher"
ADDRESS = "fapiao@corp.example"
DONE, ERROR = "发票/已处理", "发票/失败"
_LATENCY_SECONDS = (0.2, 0.8)
_STOP_SECONDS = 20.0
_LIST_SECONDS = 30.0
_NOT_OURS = ("INVOICE_WATCHER_CONFIG", "NOTIFY_SOCKET", "WATCHDOG_USEC", "CREDENTIALS_DIRECTORY")


class Stage:
    """Between `with` and its end the servers run; everything lies in `folder`, and stays there."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.config = folder / "config.yaml"
        self.inbox = folder / "inbox"
        self.done = folder / "done"
        self.error = folder / "error"
        self.replies = folder / "replies"
        self.log = folder / "daemon.log"
        self.journal = folder / "journal.db"
        self.page = f"127.0.0.1:{_free_port()}"
        for made in (self.inbox, self.done, self.error, self.replies, folder / "store"):
            made.mkdir()
        self.endpoint = Endpoint(latency=_LATENCY_SECONDS, log=folder / "endpoint.log")
        self.mailbox = SandboxMailbox(users={ADDRESS: "demo"})
        self.smtp = SandboxSmtp(folder=self.replies)
        self._servers = ExitStack()
        self._daemon: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        with ExitStack() as started:
            for server in (self.endpoint, self.mailbox, self.smtp):
                started.enter_context(server)
            self._servers = started.pop_all()
        (self.folder / "employees.csv").write_text(EMPLOYEES, encoding="utf-8")
        self.config.write_text(_configuration_text(self), encoding="utf-8")
        return self

    def __exit__(self, *_: object) -> None:
        self.stop_daemon()
        self._servers.close()

    def deliver(self, mail: SampleMail) -> None:
        self.mailbox.append(ADDRESS, mail.raw)

    def drop(self, file: SampleFile) -> None:
        """As people do it: written beside, then renamed."""
        path = self.inbox / file.path
        path.parent.mkdir(exist_ok=True)
        part = path.with_name(path.name + ".part")
        part.write_bytes(file.content)
        part.rename(path)

    def command(self, *arguments: str) -> list[str]:
        """The real command, with the demo's configuration."""
        return [sys.executable, "-m", "watcher", "--config", str(self.config), *arguments]

    def typed(self, *arguments: str) -> str:
        """The same as a line for any other terminal: by the program's name alone only where a shell finds it."""
        beside = Path(sys.executable).with_name(_PROGRAM)
        whole = [str(beside)] if beside.exists() else [sys.executable, "-m", "watcher"]
        start = [_PROGRAM] if shutil.which(_PROGRAM) else whole
        return shlex.join([*start, "--config", str(self.config), *arguments])

    def start_daemon(self) -> None:
        with self.log.open("ab") as log:
            self._daemon = subprocess.Popen(  # noqa: S603 - our own command
                self.command("run"), stdout=log, stderr=log, stdin=subprocess.DEVNULL, env=_environment()
            )

    def stop_daemon(self) -> int | None:
        """End it as systemd does; its exit status, None where it had to be killed or never ran."""
        daemon, self._daemon = self._daemon, None
        if daemon is None:
            return None
        with contextlib.suppress(ProcessLookupError):
            daemon.terminate()
        try:
            return daemon.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            daemon.kill()
            daemon.wait()
            return None

    @property
    def daemon_ended(self) -> int | None:
        """The daemon's exit status, None while it runs."""
        return self._daemon.poll() if self._daemon is not None else None

    def submissions(self) -> list[dict[str, Any]]:
        """What `list --json` says, oldest first; nothing while the journal is not there yet."""
        if not self.journal.exists():
            return []
        listed = subprocess.run(  # noqa: S603 - our own command
            self.command("list", "--json", "--limit", "1000"),
            capture_output=True,
            timeout=_LIST_SECONDS,
            check=False,
            env=_environment(),
        )
        lines = listed.stdout.decode().splitlines() if listed.returncode == 0 else []
        return [json.loads(line) for line in reversed(lines)]

    def page_answers(self) -> bool:
        host, _, port = self.page.partition(":")
        with contextlib.suppress(OSError), socket.create_connection((host, int(port)), timeout=1):
            return True
        return False

    def log_tail(self, lines: int = 15) -> str:
        return "\n".join(self.log.read_text(encoding="utf-8", errors="replace").splitlines()[-lines:])


def _environment() -> Mapping[str, str]:
    """Ours, without what would point the daemon elsewhere."""
    return {key: value for key, value in os.environ.items() if key not in _NOT_OURS}


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        return int(listening.getsockname()[1])


def _configuration_text(stage: Stage) -> str:
    import yaml

    text = yaml.safe_dump(_configuration(stage), allow_unicode=True, sort_keys=False, width=120)
    return f"# Written by `invoice-watcher demo`. Try: {stage.typed('check')}\n{text}"


def _configuration(stage: Stage) -> dict[str, Any]:
    return {
        "journal": f"sqlite:///{stage.journal}",
        "language": "zh",
        "timezone": "Asia/Shanghai",
        "recognition": {"url": stage.endpoint.url, "retry": {"first": "1s"}},
        "stores": {
            "default": {
                "type": "objects",
                "service": "fs",
                "options": {"root": str(stage.folder / "store")},
                "attachment_url": "https://files.corp.example/{key}",  # nobody fetches it here
            }
        },
        "directory": {"file": str(stage.folder / "employees.csv")},
        "mailboxes": [
            {
                "name": "fapiao",
                "host": stage.mailbox.host,
                "port": stage.mailbox.port,
                "tls": "none",
                "username": ADDRESS,
                "password": "demo",
                "done": DONE,
                "error": ERROR,
                "poll": "2s",
                # Nothing signs the mails of the demo. Never do this with a mailbox that others can write to.
                "verify_sender": False,
            }
        ],
        "smtp": {
            "host": stage.smtp.host,
            "port": stage.smtp.port,
            "tls": "none",
            "from": f"发票助手 <{ADDRESS}>",
        },
        "folders": [
            {
                "name": "shared",
                "path": str(stage.inbox),
                "done": str(stage.done),
                "error": str(stage.error),
                "user_code": {"from": "subfolder"},
                "poll": "2s",
                "settle": "1s",
            }
        ],
        "web": {"listen": stage.page},
    }
