"""A company in a temporary folder: a configuration, folders, an employee list, and the installed command."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Protocol, Self

import yaml

from tests.support.waiting import wait_for

COMMAND = Path(sys.executable).parent / "invoice-watcher"
EMPLOYEES = """email,user_code,name,language
zhang@corp.example,903851,张三,zh
smith@corp.example,903852,Ann Smith,en
"""
ZHANG = "903851"


def pdf(mark: str, size: int = 0) -> bytes:
    """A small PDF of one page, different for each mark, with so many bytes of nothing in it."""
    return b"".join(
        (
            b"%PDF-1.4\n% ",
            mark.encode(),
            b"\n1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj\n",
            b"2 0 obj<</Type/Pages/Kids[3 0 R]/Count 1>>endobj\n",
            b"3 0 obj<</Type/Page/Parent 2 0 R/MediaBox[0 0 90 90]>>endobj\n",
            b"%" * size,
            b"\ntrailer<</Root 1 0 R/Size 4>>\nstartxref\n0\n%%EOF\n",
        )
    )


class Addressed(Protocol):
    """A recognition endpoint: the sandbox's, or a raw server."""

    @property
    def url(self) -> str: ...


class Workplace:
    """Builds a configuration around `root` and runs the installed command on it."""

    def __init__(self, root: Path, endpoint: Addressed, **recognition: Any) -> None:
        self.root = root
        self.inbox = root / "inbox"
        self.done = root / "done"
        self.error = root / "error"
        self.config_file = root / "config.yaml"
        self.inbox.mkdir(parents=True)
        (root / "employees.csv").write_text(EMPLOYEES, encoding="utf-8")
        self.config: dict[str, Any] = {
            "journal": f"sqlite:///{root}/journal.db",
            "recognition": {"url": endpoint.url, "timeout": "10s", **recognition},
            "stores": {"default": {"type": "objects", "service": "fs", "options": {"root": str(root / "store")}}},
            "directory": {"file": "employees.csv"},
            "folders": [],
            "mailboxes": [],
        }

    def with_folder(self, **keys: Any) -> Self:
        folder = {
            "name": "shared",
            "path": str(self.inbox),
            "done": str(self.done),
            "error": str(self.error),
            "user_code": {"from": "subfolder"},
        }
        self.config["folders"].append({**folder, **keys})
        return self

    def with_mailbox(self, host: str, port: int, username: str, password: str, **keys: Any) -> Self:
        mailbox = {
            "name": "fapiao",
            "host": host,
            "port": port,
            "tls": "none",
            "username": username,
            "password": password,
            "done": "发票/已处理",
            "error": "发票/失败",
            "verify_sender": False,
        }
        self.config["mailboxes"].append({**mailbox, **keys})
        return self

    def with_smtp(self, host: str, port: int) -> Self:
        sender = "发票助手 <fapiao@corp.example>"
        self.config["smtp"] = {"host": host, "port": port, "tls": "none", "from": sender}
        return self

    def write(self) -> Self:
        self.config_file.write_text(yaml.safe_dump(self.config, allow_unicode=True), encoding="utf-8")
        return self

    def drop(self, name: str, content: bytes, user_code: str = ZHANG) -> Path:
        """Put a file where an employee would, as a program would: written, then closed."""
        folder = self.inbox / user_code
        folder.mkdir(exist_ok=True)
        (folder / name).write_bytes(content)
        return folder / name

    # ------------------------------------------------------------------------------------ commands

    def command(self, *arguments: str, timeout: float = 60.0) -> subprocess.CompletedProcess[str]:
        """The installed command with this configuration."""
        return subprocess.run(
            [COMMAND, "--config", self.config_file, *arguments],
            capture_output=True,
            text=True,
            timeout=timeout,
            check=False,
            env=environment(),
        )

    def submissions(self, *arguments: str) -> list[dict[str, Any]]:
        """What `list --json` says, newest first; nothing while there is no journal yet."""
        answer = self.command("list", "--json", *arguments)
        return [json.loads(line) for line in answer.stdout.splitlines()]

    def closed(self, count: int) -> list[dict[str, Any]]:
        """Wait until that many submissions are answered, and give them."""
        return wait_for(
            lambda: found if len(found := self.submissions("--state", "closed")) >= count else [],
            timeout=30,
            what=f"{count} closed submissions",
        )

    @contextlib.contextmanager
    def daemon(self) -> Iterator[Daemon]:
        """The daemon, running until the block ends; it must then end well."""
        with self._started() as daemon:
            yield daemon
            if daemon.process.poll() is None:
                assert daemon.stop() == 0, daemon.said()

    @contextlib.contextmanager
    def _started(self) -> Iterator[Daemon]:
        log = self.root / "daemon.log"
        with log.open("ab") as output:
            process = subprocess.Popen(
                [COMMAND, "--config", self.config_file, "run"],
                stdout=output,
                stderr=output,
                env=environment(),
                start_new_session=True,
            )
            daemon = Daemon(process, log)
            try:
                wait_for(lambda: "The daemon is ready" in daemon.said() or process.poll() is not None, 20, "the daemon")
                assert process.poll() is None, daemon.said()
                yield daemon
            finally:
                if process.poll() is None:
                    process.kill()
                process.wait()


class Daemon:
    """A running `invoice-watcher run`."""

    def __init__(self, process: subprocess.Popen[bytes], log: Path) -> None:
        self.process = process
        self._log = log

    def said(self) -> str:
        return self._log.read_text(encoding="utf-8", errors="replace")

    def signal(self, number: signal.Signals) -> None:
        self.process.send_signal(number)

    def stop(self, timeout: float = 30.0) -> int:
        """SIGTERM; its exit status."""
        self.process.terminate()
        return self.process.wait(timeout)


def environment() -> dict[str, str]:
    return {**os.environ, "PYTHONWARNINGS": "error::ResourceWarning", "NO_COLOR": "1"}
