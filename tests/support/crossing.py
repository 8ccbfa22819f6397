"""A workplace whose every connection leads through a proxy that can be told to spoil it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Self
from urllib.parse import urlsplit

from tests.support.mails import mail, part
from tests.support.servers.dovecot import Account
from tests.support.servers.fault_proxy import FaultProxy
from tests.support.servers.s3 import S3
from tests.support.servers.smtp import SmtpSink
from tests.support.workplace import Workplace, pdf
from watcher.journal.opening import open_journal
from watcher.model import Outcome, Submission, SubmissionFilter, SubmissionState
from watcher.sandbox.endpoint import Endpoint

DONE = "发票/已处理"
QUICK = {"first": "1s", "factor": 1, "longest": "1s"}
# They take turns, because one person may send sixty mails within an hour.
SENDERS = [f"zhan{number}@corp.example" for number in range(4)]


@dataclass(frozen=True, slots=True)
class _At:
    url: str


class Crossing:
    """A mailbox, its replies, an S3 store and the endpoint; `proxies` by what lies behind them."""

    def __init__(self, root: Path, account: Account, sink: SmtpSink, s3: S3, endpoint: Endpoint) -> None:
        self.account, self.sink, self.endpoint, self.s3 = account, sink, endpoint, s3
        self.proxies = {
            "imap": FaultProxy(account.server.port),
            "smtp": FaultProxy(sink.port),
            "store": FaultProxy(s3.port),
            "endpoint": FaultProxy(urlsplit(endpoint.url).port or 0),
        }
        self.bucket = s3.bucket()
        self.workplace = self._workplace(root)
        self.names: list[str] = []

    @contextmanager
    def opened(self) -> Iterator[Self]:
        with ExitStack() as stack:
            for proxy in self.proxies.values():
                stack.enter_context(proxy)
            yield self

    def _workplace(self, root: Path) -> Workplace:
        address = urlsplit(self.endpoint.url)._replace(netloc=f"127.0.0.1:{self.proxies['endpoint'].port}")
        made = Workplace(root, _At(address.geturl()), connect_timeout="2s", timeout="5s", retry=QUICK)
        made.config["stores"]["default"] = {
            "type": "objects",
            "service": "s3",
            "options": {
                "bucket": self.bucket,
                "endpoint": f"http://127.0.0.1:{self.proxies['store'].port}",
                "region": self.s3.region,
                "access_key_id": self.s3.access_key_id,
                "secret_access_key": self.s3.secret_access_key,
            },
        }
        made.with_smtp("127.0.0.1", self.proxies["smtp"].port)
        imap = self.proxies["imap"].port
        directory = ["email,user_code,name", *(f"{each},90385{number},张三" for number, each in enumerate(SENDERS))]
        (root / "employees.csv").write_text("\n".join(directory), encoding="utf-8")
        return made.with_mailbox("127.0.0.1", imap, self.account.username, self.account.password, poll="1s").write()

    def submit(self, *, size: int = 0) -> str:
        """A mail with one invoice; its subject."""
        name = f"n{len(self.names)}"
        sender = SENDERS[len(self.names) % len(SENDERS)]
        self.names.append(name)
        self.account.append(mail(part(pdf(name, size), name=f"{name}.pdf"), subject=name, sender=sender))
        return name

    def submissions(self, state: SubmissionState | None = None) -> list[Submission]:
        """The mails as the journal has them, beside the daemon."""
        journal = open_journal(self.workplace.config["journal"], exclusive=False)
        try:
            return list(journal.submissions(SubmissionFilter(state=state, source="fapiao", limit=None)))
        finally:
            journal.close()

    def all_answered(self, timeout: float = 60.0) -> None:
        """Wait until everything that was submitted is closed."""
        self.workplace.wait_for_submissions(len(self.names), SubmissionState.CLOSED, source="fapiao", timeout=timeout)

    def assert_nothing_lost_and_nothing_twice(self, *, others: int = 0) -> None:
        """Each mail was booked once and moved once, and is answered in one reply, however often that was sent.

        `others` is how many bookings there are beside those of the mails.
        """
        requests = self.endpoint.requests
        submissions = self.submissions()
        assert sorted(submission.subject or "" for submission in submissions) == sorted(self.names)
        assert {document.outcome for each in submissions for document in each.documents} == {Outcome.DONE}
        assert not any(request.overlapped for request in requests)
        booked = Counter(request.biz_id for request in requests if request.outcome == "booked")
        assert set(booked.values()) == {1}
        assert len(booked) == len(self.names) + others
        assert len({request.attachment_url for request in requests}) == len(booked)
        assert self.account.messages() == []
        moved = [message.raw for message in self.account.messages(DONE)]
        assert len(moved) == len(set(moved)) == len(self.names)
        replies = {(reply.message["In-Reply-To"], reply.message["Message-ID"]) for reply in self.sink.received}
        assert len(replies) == len({answered for answered, _ in replies}) == len(self.names)
