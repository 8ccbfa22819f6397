"""One workplace with something of everything: what is dropped and sent, and what has to become of it."""

from __future__ import annotations

import hashlib
import json
import os
import re
import smtplib
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from email.message import EmailMessage
from pathlib import Path
from typing import Self

import requests

from tests.support.archives import zipped
from tests.support.servers.dovecot import Account, Dovecot
from tests.support.servers.process import program
from tests.support.servers.smtp import Received, SmtpSink
from tests.support.warm import Running, Warm
from tests.support.workplace import COMMAND, ZHANG, Workplace, environment, pdf
from tests.torture.injector import Fault, Seen, supervise, watch
from tests.torture.places import Places
from watcher.sandbox.endpoint import Endpoint

DONE, ERROR = "发票/已处理", "发票/失败"
CONNECT_SECONDS, REQUEST_SECONDS = 2, 4
LATENCY_SECONDS = 0.1
IN_THE_WAY = b"%PDF-1.4 somebody else's, answered long ago\n%%EOF\n"
_FAULTY_RUN_SECONDS = 120.0  # it takes two, where the machine has nothing else to do
_FULL_RUN_SECONDS = 15.0  # answers wait for room without end
_RECOVERY_SECONDS = 300.0
_FILTER = "tests.torture.seccomp:hand_over"
_WAIT = "75s"  # longer than an answer is postponed, and than a booking in flight waits


@dataclass(frozen=True, slots=True, kw_only=True)
class Servers:
    """What all cases share."""

    dovecot: Dovecot
    smtp: SmtpSink
    warm: Warm

    def require_filters(self) -> None:
        """Raises OSError where no filter can be installed."""
        running = self.warm.start(["--version"], log=Path(os.devnull), environment=environment(), prepared_by=_FILTER)
        try:
            watch(running)
        finally:
            running.close()

    @classmethod
    @contextmanager
    def started(cls) -> Iterator[Self]:
        with Dovecot() as dovecot, SmtpSink() as smtp, Warm() as warm:
            yield cls(dovecot=dovecot, smtp=smtp, warm=warm)


class Scenario:
    """A fresh workplace in `root`, named by `mark`, which makes its contents and Message-IDs its own."""

    def __init__(self, root: Path, mark: str, servers: Servers) -> None:
        self.root = root
        self.mark = mark
        self._servers = servers
        self.endpoint = Endpoint(latency=LATENCY_SECONDS)
        self.account: Account = servers.dovecot.account()
        self.booked = pdf(f"{mark} booked")  # twice in the folder, and once in the mailbox
        self.refused = pdf(f"{mark} refused")
        self.inner = pdf(f"{mark} inner")
        self.taken = pdf(f"{mark} taken")
        self.nobodys = pdf(f"{mark} nobody's")
        self.mailed = pdf(f"{mark} mailed")
        self.bundle = zipped(("内/发票.pdf", self.inner))
        self.mails = {
            "mailed": self._mail("mailed", self.mailed),
            "known": self._mail("known", self.booked),
            "empty": self._mail("empty", None),
        }
        self.workplace = self._workplace()
        self.logs: list[Path] = []

    def __enter__(self) -> Self:
        self.endpoint.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.endpoint.stop()

    def _mail(self, name: str, content: bytes | None) -> bytes:
        message = EmailMessage()
        message["From"], message["To"] = "zhang@corp.example", "fapiao@corp.example"
        message["Subject"], message["Message-ID"] = f"发票 {name}", self.message_id(name)
        message.set_content("请查收")
        if content is not None:
            message.add_attachment(content, maintype="application", subtype="pdf", filename=f"{name}.pdf")
        return message.as_bytes().replace(b"\n", b"\r\n")

    def message_id(self, name: str) -> str:
        return f"<{re.sub(r'[^A-Za-z0-9]', '-', f'{name}.{self.mark}')}@corp.example>"

    def _workplace(self) -> Workplace:
        made = Workplace(
            self.root,
            self.endpoint,
            connect_timeout=f"{CONNECT_SECONDS}s",
            timeout=f"{REQUEST_SECONDS}s",
            concurrency=3,
            retry={"first": "1s"},
        )
        made.with_folder(settle="200ms").with_smtp(self._servers.smtp.host, self._servers.smtp.port)
        host, port = self._servers.dovecot.host, self._servers.dovecot.port
        return made.with_mailbox(host, port, self.account.username, self.account.password, idle=False)

    def begin_empty(self) -> None:
        """Nothing is there yet; `send` and `workplace.drop` bring it."""
        self.workplace.write()
        (self.root / "tmp").mkdir()
        self.mails.clear()

    def send(self, name: str, content: bytes) -> None:
        """A mail with this document."""
        self.mails[name] = self._mail(name, content)
        self.account.append(self.mails[name])

    def daemon(self) -> Running:
        """`run`, without faults."""
        command = ["--config", str(self.workplace.config_file), "run"]
        return self._servers.warm.start(command, log=self._log("daemon"), environment=self._environment())

    def prepare(self) -> None:
        """Everything is there, and nothing has run yet."""
        self.workplace.write()
        (self.root / "tmp").mkdir()
        self.endpoint.behave(
            pattern=f"*{hashlib.sha256(self.refused).hexdigest()}*", res_code=500123, res_msg="识别失败"
        )
        for name, content in (
            ("booked.pdf", self.booked),
            ("again.pdf", self.booked),
            ("refused.pdf", self.refused),
            ("bundle.zip", self.bundle),
            ("taken.pdf", self.taken),
        ):
            self.workplace.drop(name, content)
        (self.workplace.inbox / "nobody.pdf").write_bytes(self.nobodys)
        (self.workplace.done / ZHANG).mkdir(parents=True)
        (self.workplace.done / ZHANG / "taken.pdf").write_bytes(IN_THE_WAY)
        for raw in self.mails.values():
            self.account.append(raw)

    def run(self, fault: Fault | None) -> Seen:
        """`run --once`, its calls counted and the fault among them."""
        places = Places(
            self.root,
            {
                self._servers.dovecot.port: "imap",
                self._servers.smtp.port: "smtp",
                int(self.endpoint.base_url.rpartition(":")[2]): "endpoint",
            },
        )
        running = self._servers.warm.start(
            self._command("0s"), log=self._log("faulty"), environment=self._environment(), prepared_by=_FILTER
        )
        try:
            full = fault is not None and fault.kind == "full"
            return supervise(running, places, fault, _FULL_RUN_SECONDS if full else _FAULTY_RUN_SECONDS)
        finally:
            running.close()

    def run_under_strace(self, call: str, when: int, what: str) -> str:
        """The installed command, whose thread that first makes its `when`-th `call` meets `what`; strace's log.

        Without `--seccomp-bpf`: with it strace 6.1 let the signal be.
        """
        log = self.root / "strace.log"
        inject = ["-e", f"trace={call}", "-e", f"inject={call}:{what}:when={when}"]
        with self._log("faulty").open("ab") as output:
            subprocess.run(
                [program("strace", "strace"), "-f", "-o", log, *inject, COMMAND, *self._command("0s")],
                stdout=output,
                stderr=output,
                timeout=_FAULTY_RUN_SECONDS,
                check=False,
                env=self._environment(),
            )
        return log.read_text(errors="replace")

    def recover(self) -> int:
        """`run --once` without faults, until nothing more is to be done; its exit status."""
        running = self._servers.warm.start(
            self._command(_WAIT), log=self._log("recovery"), environment=self._environment()
        )
        try:
            status = running.status(_RECOVERY_SECONDS)
            assert status is not None, "the recovery does not come to an end"
            return status
        finally:
            running.kill()
            running.close()

    def replies(self) -> list[Received]:
        """All replies to mails of this workplace."""
        ours = [self.message_id(name).encode() for name in self.mails]
        return [one for one in list(self._servers.smtp.received) if any(each in one.raw for each in ours)]

    def send_again_under_another_message_id(self) -> None:
        """What must not happen: a second reply to one mail that is another to a mail client."""
        reply = self.replies()[0].message
        del reply["Message-ID"]
        reply["Message-ID"] = "<another@corp.example>"
        with smtplib.SMTP(self._servers.smtp.host, self._servers.smtp.port) as client:
            client.send_message(reply, "", reply["To"])

    def post_again(self, content: bytes) -> None:
        """What must not happen: the same content under another bizId."""
        digest = hashlib.sha256(content).hexdigest()
        body = json.loads(next(one.body for one in self.endpoint.requests if digest.encode() in one.body))
        body["bizId"] = "another"
        answer = requests.post(self.endpoint.url, json=body, timeout=10)
        assert answer.json()["resCode"] == 200000

    def said(self, what: str) -> str:
        path = self.root / f"{what}.log"
        return path.read_text(encoding="utf-8", errors="replace") if path.exists() else ""

    def _command(self, wait: str) -> list[str]:
        return ["--config", str(self.workplace.config_file), "run", "--once", "--wait", wait]

    def _log(self, what: str) -> Path:
        return self.root / f"{what}.log"

    def _environment(self) -> dict[str, str]:
        return {**environment(), "TMPDIR": str(self.root / "tmp")}
