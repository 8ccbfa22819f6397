"""Runs hostile mails through the installed daemon with a real Dovecot, and collects what came of each."""

from __future__ import annotations

import contextlib
import imaplib
import io
import re
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from tests.hostile.case import DELEGATES, EMPLOYEES, FIXED, FROM, PROOF, Case, Mailbox, booked, letter
from tests.hostile.marks import ESCAPED
from tests.support.servers.dovecot import PASSWORD, Account, Dovecot
from tests.support.servers.smtp import Received, SmtpSink
from tests.support.waiting import wait_for
from tests.support.workplace import ZHANG, Daemon, Workplace, pdf
from watcher.cli.reading import show
from watcher.sandbox.endpoint import Endpoint

_PLACES = {"INBOX": "INBOX", "done": "发票/已处理", "error": "发票/失败"}
_BEGAN = datetime(2026, 11, 1, tzinfo=UTC)  # each mail has its own minute: by that it is known again, wherever it lies
_PROVING = {"verify_sender": {"results_from": "mx.corp.example", "dkim": True}, "unverified": "hold"}
_SETTINGS: Mapping[Mailbox, dict[str, Any]] = {
    "proving": _PROVING,
    "refusing": {"verify_sender": {"results_from": "topmost"}, "unverified": "refuse", "reply": {"unknown": True}},
    "believing": {"verify_sender": False},
    "limited": {**_PROVING, "per_sender": {"submissions": 3, "bytes": "10MB"}},
    "fixed": {**_PROVING, "user_code": FIXED, "senders": ["*@corp.example"]},
}
_SECONDS = 240.0  # a machine that does something else as well may take that long


@dataclass(frozen=True, slots=True, kw_only=True)
class Became:
    """What came of one mail."""

    submission: dict[str, Any] | None  # as `list --json` has it
    shown: str  # what `show` says of it, where that was asked for
    posted: list[str]  # whose each request with its document was
    place: str  # where it lies: INBOX, done, error; else nowhere, or in several places
    replies: list[Reply]


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """An answer as it came; the mail as latin-1, so that it fits JSON."""

    sender: str
    recipients: list[str]
    raw: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What came of all of them."""

    became: dict[str, Became]
    listed: str  # what `list` prints for people
    log: str
    status: int  # that the daemon ended with
    posted: list[str]  # the sha256 of each request's document
    replies: int
    files: list[str]  # below the company's folder
    escaped: list[str]  # files that were written where none belongs


class Company:
    """The daemon's surroundings: three mailboxes, an endpoint, and a server for the replies."""

    def __init__(self, root: Path, dovecot: Dovecot, smtp: SmtpSink, endpoint: Endpoint, **settings: Any) -> None:
        """`settings` change the mailbox "proving"."""
        self._smtp = smtp
        self._endpoint = endpoint
        self._accounts = {name: _account(dovecot, name) for name in _SETTINGS}
        self._workplace = Workplace(root / "work", endpoint).with_smtp(smtp.host, smtp.port)
        self._workplace.config["directory"]["delegates"] = DELEGATES
        for name in _SETTINGS:
            self._configure(name, {**_SETTINGS[name], **(settings if name == "proving" else {})})
        self._workplace.config["links"] = {"known": True}
        self._workplace.write()
        (self._workplace.root / "employees.csv").write_text(EMPLOYEES, encoding="utf-8")
        self._sent: list[Case] = []

    def _configure(self, name: Mailbox, settings: dict[str, Any]) -> None:
        account = self._accounts[name]
        given = {"name": name, "poll": "1s", "per_sender": None, **settings}
        self._workplace.with_mailbox(
            account.server.host, account.server.port, account.username, account.password, **given
        )

    def run(self, cases: Sequence[Case]) -> Report:
        """All mails, with good ones before, among and after them, by one daemon."""
        first, last = ([_good(f"good {when}", name) for name in _SETTINGS] for when in ("before", "after"))
        self._deliver([*first, *cases[::2], _good("good among", "proving"), *cases[1::2], *last])
        with self._workplace.daemon() as daemon:
            self._wait_until_answered(daemon, last)
            # A further round begins only when the one before has taken in all that it found.
            at_last = [_good("good at last", name) for name in _SETTINGS]
            self._deliver(at_last)
            self._wait_until_answered(daemon, at_last)
            self._workplace.wait_until_settled(_SECONDS)
            said, status = daemon.said(), daemon.stop()
        return self._report(daemon.said() or said, status)

    def _deliver(self, cases: Sequence[Case]) -> None:
        for each in cases:
            received_at = _BEGAN + timedelta(minutes=len(self._sent))
            self._accounts[each.mailbox].append(each.raw, received_at=received_at)
            self._sent.append(each)
            if each.answered is not None:
                self._endpoint.behave(pattern=f"*{each.sha256}*", res_code=300042, res_msg=each.answered)

    def _wait_until_answered(self, daemon: Daemon, goods: Sequence[Case]) -> None:
        missing = {each.name for each in goods}
        looked_at = 0

        def answered() -> bool:
            nonlocal looked_at
            assert daemon.process.poll() is None, daemon.said()
            new = self._smtp.received[looked_at:]
            looked_at += len(new)
            missing.difference_update(str(each.message["Subject"]).rpartition("] ")[2] for each in new)
            return not missing

        wait_for(answered, _SECONDS, f"{missing} to be answered", every=0.1)

    # ------------------------------------------------------------------------------- what came of it

    def _report(self, log: str, status: int) -> Report:
        submissions = self._workplace.submissions("--limit", "10000")
        by_time = {(each["source"], datetime.fromisoformat(each["received_at"])): each for each in submissions}
        places = {name: _places(account) for name, account in self._accounts.items()}
        replies = _by_submission(self._smtp.received)
        became = {}
        for number, each in enumerate(self._sent):
            moment = _BEGAN + timedelta(minutes=number)
            found = by_time.get((each.mailbox, moment))
            became[each.name] = Became(
                submission=found,
                shown=self._shown(found["id"]) if found and each.is_shown else "",
                posted=self._posted(each.sha256),
                place="+".join(places[each.mailbox].get(moment, ["nowhere"])),
                replies=replies.get(found["id"], []) if found else [],
            )
        return Report(
            became=became,
            listed=self._workplace.command("list", "--limit", "10000").stdout,
            log=log,
            status=status,
            posted=[_content(request.attachment_url) for request in self._endpoint.requests],
            replies=len(self._smtp.received),
            files=sorted(str(path.relative_to(self._workplace.root)) for path in _files(self._workplace.root)),
            escaped=[str(path) for path in _escaped(self._workplace.root)],
        )

    def _posted(self, sha256: str) -> list[str]:
        """The employee of each request with this content."""
        posted = (each for each in self._endpoint.requests if _content(each.attachment_url) == sha256)
        return [str(each.user_code) for each in posted]

    def _shown(self, identifier: str) -> str:
        """By the command's own function: to start the command for each of them would take a minute."""
        with contextlib.redirect_stdout(io.StringIO()) as said:
            show(self._workplace.config_file, identifier, as_json=False)
        return said.getvalue()


def _account(dovecot: Dovecot, name: Mailbox) -> Account:
    user = "fapiao" if name == "proving" else name
    return Account(server=dovecot, username=f"{user}@corp.example", password=PASSWORD)


def _good(name: str, mailbox: Mailbox) -> Case:
    name = f"{name}, {mailbox}"
    whose = FIXED if mailbox == "fixed" else ZHANG
    raw = letter(name, PROOF, FROM, f"Subject: {name}")
    return Case(name, raw, booked(whose, "zhang@corp.example"), pdf(name), mailbox)


def _places(account: Account) -> dict[datetime, list[str]]:
    """In which folders the mail of each minute lies."""
    found: dict[datetime, list[str]] = {}
    for place, folder in _PLACES.items():
        for moment in _dates(account, folder):
            found.setdefault(moment, []).append(place)
    return found


def _dates(account: Account, folder: str) -> Iterator[datetime]:
    for line in account.attributes("(INTERNALDATE)", folder):
        date = imaplib.Internaldate2tuple(line)
        assert date is not None, line
        yield datetime.fromtimestamp(time.mktime(date), UTC)


def _content(attachment_url: str | None) -> str:
    """The sha256 in a key."""
    found = re.search(r"[0-9a-f]{64}", attachment_url or "")
    return found[0] if found else f"no content in {attachment_url}"


def _by_submission(received: Sequence[Received]) -> dict[str, list[Reply]]:
    """The Message-ID of a reply has the submission that it answers."""
    found: dict[str, list[Reply]] = {}
    for each in received:
        submission = str(each.message["Message-ID"]).strip("<").partition(".")[0]
        reply = Reply(sender=each.sender, recipients=[*each.recipients], raw=each.raw.decode("latin-1"))
        found.setdefault(submission, []).append(reply)
    return found


def _files(folder: Path) -> Iterator[Path]:
    return (path for path in folder.rglob("*") if not path.is_dir())


def _escaped(root: Path) -> Iterator[Path]:
    """Where a name from outside could lead to: above the company's folder, and the usual targets."""
    yield from (path for path in root.parent.rglob(f"*{ESCAPED}*"))
    around = {*root.parents, Path.cwd(), *Path.cwd().parents, Path.home(), Path("/etc"), Path("/tmp"), Path("/var/tmp")}
    for folder in around:
        yield from (path for path in folder.glob(f"*{ESCAPED}*"))
