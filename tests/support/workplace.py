"""A company in a temporary folder: a configuration, folders, an employee list, and the installed command."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Protocol, Self, TypeVar

import yaml

from tests.support.waiting import wait_for
from tests.support.warm import warm_command
from watcher.errors import JournalUnavailable, JournalUnusable
from watcher.journal.journal import SqlJournal
from watcher.journal.opening import open_journal
from watcher.model import SubmissionFilter, SubmissionState

COMMAND = Path(sys.executable).parent / "invoice-watcher"
EMPLOYEES = """email,user_code,name,language
zhang@corp.example,903851,张三,zh
smith@corp.example,903852,Ann Smith,en
"""
ZHANG = "903851"
LOOK_SECONDS = 0.1
PATIENCE_SECONDS = 60.0  # what takes a second may take many on a machine that does something else as well

T = TypeVar("T")


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

    def command(self, *arguments: str, timeout: float = 2 * PATIENCE_SECONDS) -> subprocess.CompletedProcess[str]:
        """The installed command with this configuration, which is not loaded anew each time; the daemon is."""
        whole = ["--config", str(self.config_file), *arguments]
        return warm_command(whole, environment=environment(), timeout=timeout)

    def command_anew(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """The same, loaded anew as a shell has it."""
        return subprocess.run(
            [COMMAND, "--config", self.config_file, *arguments],
            capture_output=True,
            text=True,
            timeout=2 * PATIENCE_SECONDS,
            check=False,
            env=environment(),
        )

    def submissions(self, *arguments: str) -> list[dict[str, Any]]:
        """What `list --json` says, newest first; nothing while there is no journal yet."""
        answer = self.command("list", "--json", *arguments)
        return [json.loads(line) for line in answer.stdout.splitlines()]

    def status(self) -> str:
        """In one line, because tables break theirs."""
        return " ".join(self.command("status").stdout.split())

    # ------------------------------------------------------------------------------------ waiting
    # The command is asked when the journal has something new to say.

    def closed(self, count: int, timeout: float = PATIENCE_SECONDS) -> list[dict[str, Any]]:
        """Wait until that many submissions are answered, and give them."""
        self.wait_for_submissions(count, SubmissionState.CLOSED, timeout=timeout)
        found = self.submissions("--state", "closed")
        assert len(found) >= count
        return found

    def wait_for_submissions(
        self,
        count: int,
        state: SubmissionState | None = None,
        *,
        source: str | None = None,
        timeout: float = PATIENCE_SECONDS,
    ) -> None:
        """Until so many are in the journal, in that state and of that source."""
        wanted = SubmissionFilter(state=state, source=source, limit=count)
        with self._journal() as journal:
            wait_for(
                lambda: len(_read(lambda: list(journal.submissions(wanted))) or ()) >= count,
                timeout, f"{count} submissions ({state or 'in any state'})", every=LOOK_SECONDS,
            )  # fmt: skip

    def dealt_with(self) -> int:
        """How many mails or files get nothing more: they are answered, held, or left alone."""
        with self._journal() as journal:
            counts = journal.counts().submissions
            alone = sum(source.left_alone for source in journal.source_health())
        return counts.get(SubmissionState.CLOSED, 0) + counts.get(SubmissionState.HELD, 0) + alone

    def wait_until_settled(self, timeout: float = PATIENCE_SECONDS) -> None:
        """Until nothing of what was taken in is to be posted or answered."""
        unfinished = (SubmissionState.OPEN, SubmissionState.SETTLED)
        with self._journal() as journal:
            wait_for(
                lambda: not any(journal.counts().submissions.get(state) for state in unfinished),
                timeout, "all that was taken in to be answered", every=LOOK_SECONDS,
            )  # fmt: skip

    def wait_for_status(self, words: str) -> None:
        """Until the command `status` says so."""
        shown: object = None

        def says(journal: SqlJournal) -> bool:
            nonlocal shown
            before, shown = shown, _read(lambda: _shown(journal))
            return shown != before and words in self.status()

        with self._journal() as journal:
            wait_for(lambda: says(journal), PATIENCE_SECONDS, f"the status to say {words!r}", every=LOOK_SECONDS)

    @contextlib.contextmanager
    def _journal(self) -> Iterator[SqlJournal]:
        """To read in, beside the daemon, which may still have to make it."""
        url = self.config["journal"]
        journal = wait_for(lambda: _read(lambda: open_journal(url, exclusive=False)), PATIENCE_SECONDS, "the journal")
        assert journal
        try:
            yield journal
        finally:
            journal.close()

    @contextlib.contextmanager
    def daemon(self, *through: str) -> Iterator[Daemon]:
        """The daemon, running until the block ends; it must then end well. `through`: a command that starts it."""
        with self._started(*through) as daemon:
            yield daemon
            if daemon.process.poll() is None:
                assert daemon.stop() == 0, daemon.said()

    @contextlib.contextmanager
    def _started(self, *through: str) -> Iterator[Daemon]:
        log = self.root / "daemon.log"
        with log.open("ab") as output:
            process = subprocess.Popen(
                [*through, COMMAND, "--config", self.config_file, "run"],
                stdout=output,
                stderr=output,
                env=environment(),
                start_new_session=True,
            )
            daemon = Daemon(process, log)
            try:
                wait_for(
                    lambda: "The daemon is ready" in daemon.said() or process.poll() is not None,
                    PATIENCE_SECONDS, "the daemon",
                )  # fmt: skip
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

    def stop(self, timeout: float = PATIENCE_SECONDS) -> int:
        """SIGTERM; its exit status."""
        self.process.terminate()
        return self.process.wait(timeout)


def _read(look: Callable[[], T]) -> T | None:
    """What it finds; None where the journal is not there yet, or cannot be read now, as on a disk that is full."""
    try:
        return look()
    except (JournalUnavailable, JournalUnusable):
        return None


def _shown(journal: SqlJournal) -> object:
    """What the command `status` shows of it."""
    waiting = (SubmissionFilter(state=state) for state in (SubmissionState.OPEN, SubmissionState.SETTLED))
    counts = journal.source_health(), journal.gates(), journal.counts()
    return *counts, *(list(journal.submissions(each)) for each in waiting)


def environment() -> dict[str, str]:
    return {**os.environ, "PYTHONWARNINGS": "error::ResourceWarning", "NO_COLOR": "1"}
