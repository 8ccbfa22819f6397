"""Several daemons on one PostgreSQL, a load that does not cease, and an oracle for what came of it."""

from __future__ import annotations

import contextlib
import re
import signal
import subprocess
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from typing import Any, Self

import psycopg
import yaml

from tests.support.servers.dovecot import Account
from tests.support.servers.fault_proxy import FaultProxy
from tests.support.servers.smtp import SmtpSink
from tests.support.waiting import wait_for
from tests.support.workplace import COMMAND, LOOK_SECONDS, ZHANG, Workplace, environment, pdf
from watcher.sandbox.endpoint import Endpoint
from watcher.sandbox.endpoint_ledger import Received

CONNECT_SECONDS, TIMEOUT_SECONDS = 1, 4
REQUEST_SECONDS = CONNECT_SECONDS + TIMEOUT_SECONDS  # after it began, a request is surely over
DONE = "发票/已处理"


class Node:
    """One daemon, with a log of its own, and a line of its own to the database."""

    def __init__(self, name: str, process: subprocess.Popen[bytes], log: Path, line: FaultProxy, config: Path) -> None:
        self.name, self.process, self.line = name, process, line
        self._log, self._config = log, config

    def said(self) -> str:
        return self._log.read_text(encoding="utf-8", errors="replace")

    def has_settled(self) -> bool:
        """Whether it is ready, or has ended."""
        return "The daemon is ready" in self.said() or self.process.poll() is not None

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()

    def freeze(self) -> None:
        self.process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        self.process.send_signal(signal.SIGCONT)

    def stop(self, timeout: float = 60.0) -> int:
        """SIGTERM; its exit status."""
        self.process.terminate()
        return self.process.wait(timeout)

    def status(self) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [COMMAND, "--config", self._config, "status"],
            capture_output=True, text=True, timeout=60, check=False, env=environment(),
        )  # fmt: skip


class Nodes:
    """Starts nodes that share a workplace and a database; what still runs at the end has to end well."""

    def __init__(self, workplace: Workplace, journal: str) -> None:
        self._workplace, self._journal = workplace, journal
        self._held = contextlib.ExitStack()
        self._running: list[Node] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        with self._held, ThreadPoolExecutor() as pool:
            if error[0] is None:
                running = self.running()
                for node, status in zip(running, pool.map(Node.stop, running), strict=True):
                    assert status == 0, node.said()

    def running(self) -> list[Node]:
        """Those that have not ended."""
        return [node for node in self._running if node.process.poll() is None]

    def start(self, *names: str) -> list[Node]:
        """All at once; returns when they are ready."""
        nodes = [self._started(name) for name in names]
        for node in nodes:
            wait_for(node.has_settled, 60, f"node {node.name}")
            assert node.process.poll() is None, node.said()
        return nodes

    def _started(self, name: str) -> Node:
        line = self._held.enter_context(FaultProxy(int(self._journal.rpartition(":")[2].partition("/")[0])))
        root = self._workplace.root
        config, log = root / f"{name}.yaml", root / f"{name}.log"
        journal = re.sub(r"127\.0\.0\.1:\d+", f"{line.host}:{line.port}", self._journal)
        config.write_text(yaml.safe_dump({**self._workplace.config, "journal": journal}, allow_unicode=True), "utf-8")
        with log.open("ab") as output:
            process = subprocess.Popen(
                [COMMAND, "--config", config, "run"],
                stdout=output, stderr=output, env=environment(), start_new_session=True,
            )  # fmt: skip
        self._held.callback(_end, process)
        self._running.append(Node(name, process, log, line, config))
        return self._running[-1]


def _end(process: subprocess.Popen[bytes]) -> None:
    if process.poll() is None:
        process.kill()
    process.wait()


# One employee sends them all, who gets 60 replies within an hour, and may send as many mails: on a slow machine a load
# goes on until there are more.
_MOST_MAILS = 50


class Load:
    """Drops a file and, now and then, sends a mail, until it is told to cease."""

    def __init__(self, workplace: Workplace, account: Account, *, pause: float = 0.25, mail_every: int = 4) -> None:
        self._workplace, self._account = workplace, account
        self._pause, self._mail_every = pause, mail_every
        self._ceasing = threading.Event()
        self._thread = threading.Thread(target=self._run, name="load")
        self.files: list[str] = []
        self.mails: list[str] = []  # Message-IDs
        self.contents: set[bytes] = set()
        self.failure: Exception | None = None

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.cease()

    @property
    def submissions(self) -> int:
        return len(self.files) + len(self.mails)

    def cease(self) -> None:
        self._ceasing.set()
        self._thread.join()
        assert self.failure is None, self.failure

    def _run(self) -> None:
        number = 0
        try:
            while not self._ceasing.wait(self._pause):
                self._file(f"{number:04}.pdf", pdf(f"file {number}"))
                if number % self._mail_every == 0 and len(self.mails) < _MOST_MAILS:
                    # Every second mail brings what lies in the folder as well.
                    self._mail(number, pdf(f"file {number}" if number % (2 * self._mail_every) else f"mail {number}"))
                number += 1
        except Exception as error:  # noqa: BLE001 - told by `cease`, in the test's own thread
            self.failure = error

    def _file(self, name: str, content: bytes) -> None:
        self._workplace.drop(name, content)
        self.files.append(name)
        self.contents.add(content)

    def _mail(self, number: int, content: bytes) -> None:
        message = EmailMessage()
        message["From"], message["To"] = "zhang@corp.example", "fapiao@corp.example"
        message["Subject"], message["Message-ID"] = f"发票 {number}", f"<{number}@corp.example>"
        message.set_content("请查收")
        message.add_attachment(content, maintype="application", subtype="pdf", filename="a.pdf")
        self._account.append(message.as_bytes())
        self.mails.append(message["Message-ID"])
        self.contents.add(content)


class Books:
    """What the journal says, asked past every node."""

    def __init__(self, journal: str) -> None:
        self._journal = journal

    def rows(self, statement: str) -> list[tuple[Any, ...]]:
        with psycopg.connect(self._journal, autocommit=True, connect_timeout=30) as connection:
            return connection.execute(statement).fetchall()

    def closed(self) -> int:
        return int(self.rows("SELECT count(*) FROM submissions WHERE state = 'closed'")[0][0])

    def claimed_sources(self) -> list[str]:
        return [str(row[0]) for row in self.rows("SELECT name FROM sources WHERE claimed ORDER BY name")]

    def wait_until_closed(self, load: Load, timeout: float) -> None:
        what = f"{load.submissions} closed submissions"
        wait_for(lambda: self.closed() >= load.submissions, timeout, what, every=LOOK_SECONDS)

    def tries_without_end(self) -> int:
        """Requests under way, and those of which nobody can know any more what became of them."""
        return int(self.rows("SELECT count(*) FROM tries WHERE ended_at IS NULL")[0][0])

    def answers_not_kept(self, requests: Sequence[Received]) -> int:
        """How many of these requests, which were answered, have no try that has ended."""
        ended = Counter(
            dict(self.rows("SELECT biz_id, count(*) FROM tries WHERE ended_at IS NOT NULL GROUP BY biz_id"))
        )
        return (Counter(request.biz_id for request in requests) - ended).total()

    def expenses(self) -> dict[str, set[str]]:
        """By bizId, of all that are booked."""
        found: defaultdict[str, set[str]] = defaultdict(set)
        rows = self.rows("SELECT b.biz_id, i.expense_id FROM bookings b JOIN invoices i ON i.booking = b.id")
        for biz_id, expense in rows:
            found[biz_id].add(expense)
        return dict(found)

    def outcomes(self) -> Mapping[str, int]:
        return dict(self.rows("SELECT outcome, count(*) FROM documents GROUP BY outcome"))


def assert_nothing_lost_and_nothing_twice(
    *, load: Load, workplace: Workplace, account: Account, smtp: SmtpSink, endpoint: Endpoint, books: Books
) -> None:
    """What has to hold when all is answered, whatever has happened to nodes, lines and the database."""
    # Nothing lost: every file and every mail lies where its answer says, and has one submission.
    assert sorted(path.name for path in (workplace.done / ZHANG).glob("*.pdf")) == sorted(load.files)
    assert [path for path in workplace.inbox.rglob("*") if path.is_file()] == []
    assert not workplace.error.exists() or [path for path in workplace.error.rglob("*") if path.is_file()] == []
    assert account.messages() == []
    moved = [message_from_bytes(each.raw, policy=policy.default)["Message-ID"] for each in account.messages(DONE)]
    assert sorted(moved) == sorted(load.mails)
    assert books.rows("SELECT count(*), count(DISTINCT key) FROM submissions")[0] == (load.submissions,) * 2

    # Each mail has one reply; one that was sent twice is the same to a mail client.
    replies = {(str(each.message["In-Reply-To"]), str(each.message["Message-ID"])) for each in smtp.received}
    assert sorted(answered for answered, _ in replies) == sorted(load.mails)

    # Nothing twice: one bizId for each content, and no two requests of one at the same time.
    by_biz_id: defaultdict[str, list[float]] = defaultdict(list)
    for request in endpoint.requests:
        assert request.biz_id is not None
        assert not request.overlapped
        by_biz_id[request.biz_id].append(request.received_at)
    assert len(by_biz_id) == len(load.contents)
    for times in by_biz_id.values():
        for earlier, later in zip(sorted(times), sorted(times)[1:], strict=False):
            assert later - earlier > REQUEST_SECONDS, "posted again while the other request may have been under way"

    # No outcome was lost or overwritten: the journal says what the endpoint's ledger says.
    ledger = {biz_id: {str(each) for each in expenses} for biz_id, expenses in endpoint.bookings.items()}
    assert books.expenses() == ledger
    assert all(len(expenses) == 1 for expenses in ledger.values())
    outcomes = books.outcomes()
    assert outcomes == {"done": len(load.contents), "duplicate": load.submissions - len(load.contents)}


@contextlib.contextmanager
def passing(seconds: float) -> Iterator[None]:
    """At least so much time passes within: for what must last longer than a hold."""
    until = time.monotonic() + seconds
    yield
    wait_for(lambda: time.monotonic() >= until, seconds + 10, "the time to pass")
