"""Servers that fail, people who interfere, and kills, while mails are on their way through the installed command."""

from __future__ import annotations

import contextlib
import signal
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.mails import mail, part
from tests.support.servers.dovecot import Account, Dovecot
from tests.support.servers.smtp import SmtpSink
from tests.support.waiting import wait_for
from tests.support.workplace import LOOK_SECONDS, Workplace, pdf
from watcher.sandbox.endpoint import Endpoint

DONE = "发票/已处理"


@pytest.fixture
def server() -> Iterator[Dovecot]:
    """One of the test's own, that it may stop."""
    with Dovecot() as started:
        yield started


@pytest.fixture
def account(server: Dovecot) -> Account:
    return server.account()


@pytest.fixture
def workplace(tmp_path: Path, endpoint: Endpoint, account: Account, smtp_sink: SmtpSink) -> Workplace:
    made = Workplace(tmp_path, endpoint).with_smtp(smtp_sink.host, smtp_sink.port)
    server = account.server
    return made.with_mailbox(server.host, server.port, account.username, account.password, poll="1s").write()


def invoice(mark: str, **header: str) -> bytes:
    return mail(part(pdf(mark), name=f"{mark}.pdf"), subject=mark, **header)


def connections(port: int) -> int:
    """How many are open to that port here that are not ours: nobody but root can see what the daemon has open."""
    ours = []
    for entry in Path("/proc/self/fd").iterdir():
        with contextlib.suppress(FileNotFoundError):  # closed meanwhile
            ours.append(str(entry.readlink()))
    lines = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    there = [line for line in lines if line[2].endswith(f":{port:04X}") and line[3] == "01"]
    return sum(1 for line in there if f"socket:[{line[9]}]" not in ours)


def test_many_mails_at_once_are_each_answered_once_over_two_connections(
    workplace: Workplace, endpoint: Endpoint, account: Account, smtp_sink: SmtpSink
) -> None:
    workplace.config["directory"]["rules"] = [{"match": r"^e(\d+)@corp\.example$", "user_code": r"\1"}]
    workplace.write()
    for number in range(100):
        account.append(invoice(f"n{number}", sender=f"e{number}@corp.example"))
    with workplace.daemon():
        wait_for(lambda: not account.messages(), 60, "all to be moved", every=LOOK_SECONDS)
        wait_for(lambda: connections(account.server.port) == 2, 60, "two connections")
    assert sorted(request.user_code or "" for request in endpoint.requests) == sorted(map(str, range(100)))
    recipients = [recipient for reply in smtp_sink.received for recipient in reply.recipients]
    assert sorted(recipients) == sorted(f"e{number}@corp.example" for number in range(100))
    assert len(account.messages(DONE)) == 100


def test_a_mail_server_that_is_restarted_is_told_and_found_again(
    workplace: Workplace, account: Account, smtp_sink: SmtpSink
) -> None:
    with workplace.daemon():
        account.append(invoice("one"))
        smtp_sink.wait_for(1, timeout=60)
        account.server.stop()
        workplace.wait_for_status("fapiao DOWN")

        account.server.start()
        account.append(invoice("two"))

        smtp_sink.wait_for(2, timeout=60)
        workplace.wait_for_status("fapiao up")


def test_a_refused_login_is_told_and_not_repeated_until_somebody_mends_it(
    workplace: Workplace, account: Account
) -> None:
    (mailbox,) = workplace.config["mailboxes"]
    mailbox["password"] = "wrong"
    workplace.write()
    with workplace.daemon() as daemon:
        workplace.wait_for_status("is refused")
        assert "every few minutes" in workplace.status()

        mailbox["password"] = account.password
        workplace.write()
        daemon.signal(signal.SIGHUP)

        workplace.wait_for_status("fapiao up")
    assert account.server.said.count("auth failed") == 1


def test_while_no_reply_can_be_sent_the_mail_stays_and_the_status_says_why(
    workplace: Workplace, account: Account, smtp_sink: SmtpSink
) -> None:
    smtp_sink.refuse("MAIL", "550 5.7.1 nobody may send here")
    account.append(invoice("one"))
    assert workplace.command("run", "--once").returncode == 1
    assert "1 to be answered, and tried again: the SMTP server refuses the envelope sender" in workplace.status()
    assert len(account.messages()) == 1

    smtp_sink.accept()
    assert workplace.command("run", "--once", "--wait", "60s").returncode == 0

    assert len(smtp_sink.received) == 1
    assert len(account.messages(DONE)) == 1
    assert "tried again" not in workplace.status()


def test_a_recipient_that_is_refused_for_good_closes_the_submission_and_show_says_so(
    workplace: Workplace, account: Account, smtp_sink: SmtpSink
) -> None:
    smtp_sink.refuse("RCPT", "550 5.1.1 no such user")
    account.append(invoice("one"))

    assert workplace.command("run", "--once").returncode == 0

    (submission,) = workplace.submissions("--state", "closed")
    assert "no such user" in " ".join(workplace.command("show", submission["id"]).stdout.split())
    assert len(account.messages(DONE)) == 1


def test_kills_at_any_time_double_neither_posts_nor_replies(
    workplace: Workplace, endpoint: Endpoint, account: Account, smtp_sink: SmtpSink
) -> None:
    for number in range(20):
        account.append(invoice(f"n{number}"))
    for _ in range(5):
        heard = len(smtp_sink.received)
        with workplace._started() as daemon:
            wait_for(lambda heard=heard: len(smtp_sink.received) >= min(heard + 3, 20), 60, "replies")  # type: ignore[misc]
            daemon.process.kill()

    with workplace.daemon():
        assert len(workplace.closed(20, timeout=150)) == 20

    assert {request.outcome for request in endpoint.requests} <= {"booked", "again"}
    assert Counter(request.outcome for request in endpoint.requests)["booked"] == 20
    assert len({reply.message["Message-ID"] for reply in smtp_sink.received}) == 20
    assert Counter(reply.message["In-Reply-To"] for reply in smtp_sink.received).total() < 26
    assert len(account.messages(DONE)) == 20
    assert account.messages() == []


def test_mails_that_people_moved_or_deleted_meanwhile_are_answered_once_all_the_same(
    workplace: Workplace, endpoint: Endpoint, account: Account, smtp_sink: SmtpSink
) -> None:
    endpoint.behave(held=True)
    account.create("别处")
    uids = [account.append(invoice(name)) for name in ("elsewhere", "deleted", "marked", "stays")]
    with workplace.daemon():
        workplace.wait_for_submissions(4)
        account.move(uids[0], "INBOX", "别处")
        account.delete(uids[1])
        account.flag(uids[2], r"\Deleted")
        endpoint.release()
        workplace.closed(4)

    assert len(smtp_sink.received) == 4
    assert len(account.messages("别处")) == 1
    assert [message.flags for message in account.messages()] == [frozenset({r"\Deleted"})]
    assert len(account.messages(DONE)) == 1
