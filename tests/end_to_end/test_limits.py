"""How much a sender may submit and an address is answered in an hour, through the installed command."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.support.mails import mail, part
from tests.support.servers.dovecot import Account, Dovecot
from tests.support.servers.smtp import SmtpSink
from tests.support.workplace import Workplace, pdf
from watcher.sandbox.endpoint import Endpoint

DONE = "发票/已处理"
ALIAS = "zhang.san@corp.example"
EXIT_PENDING = 3


@pytest.fixture
def account(dovecot: Dovecot) -> Account:
    return dovecot.account()


@pytest.fixture
def workplace(tmp_path: Path, endpoint: Endpoint, dovecot: Dovecot, account: Account, smtp_sink: SmtpSink) -> Workplace:
    made = Workplace(tmp_path, endpoint).with_smtp(smtp_sink.host, smtp_sink.port)
    with (tmp_path / "employees.csv").open("a", encoding="utf-8") as employees:
        employees.write(f"{ALIAS},903851,张三,zh\n")
    return made.with_mailbox(dovecot.host, dovecot.port, account.username, account.password)


def limited(workplace: Workplace, **limit: object) -> Workplace:
    workplace.config["mailboxes"][0]["per_sender"] = limit
    return workplace.write()


def submit(account: Account, *marks: str, sender: str = "zhang@corp.example", size: int = 0) -> None:
    for mark in marks:
        account.append(mail(part(pdf(mark, size), name=f"{mark}.pdf"), sender=sender, subject=mark))


def an_hour_passes(workplace: Workplace) -> None:
    """What the journal counts by is an hour and a minute older; whatever else it knows stays as it is."""
    hour_ms = 61 * 60 * 1000
    with sqlite3.connect(workplace.root / "journal.db") as journal:
        journal.execute("UPDATE submissions SET recorded_at = recorded_at - ?", (hour_ms,))
        journal.execute("UPDATE sent SET sent_at = sent_at - ?", (hour_ms,))
        journal.execute("UPDATE submissions SET due_at = due_at - ? WHERE due_at IS NOT NULL", (hour_ms,))
    journal.close()


def subjects(sink: SmtpSink) -> list[str]:
    return [str(reply.message["Subject"]) for reply in sink.received]


def told_to_wait(sink: SmtpSink) -> Sequence[str]:
    return [subject for subject in subjects(sink) if "排队" in subject]


def test_the_surplus_of_a_person_waits_in_the_mailbox_and_they_are_told_once(
    workplace: Workplace, endpoint: Endpoint, account: Account, smtp_sink: SmtpSink
) -> None:
    limited(workplace, submissions=3)
    submit(account, "1", "2")
    submit(account, "3", "4", "5", sender=ALIAS)
    submit(account, "another", sender="smith@corp.example")

    first = workplace.command("run", "--once")

    assert (first.returncode, "2 mails wait" in first.stdout) == (EXIT_PENDING, True)
    assert sorted(each["subject"] for each in workplace.submissions()) == ["1", "2", "3", "another"]
    assert (len(account.messages()), len(account.messages(DONE))) == (2, 4)
    (notice,) = [reply for reply in smtp_sink.received if "排队" in str(reply.message["Subject"])]
    assert (notice.sender, notice.recipients) == ("", (ALIAS,))
    assert notice.message["Auto-Submitted"] == "auto-replied"
    body = notice.message.get_body(("plain",))
    assert body is not None
    assert "超过了 3 封" in body.get_content()
    assert "mails that wait because their senders have submitted what per_sender allows in an hour: 2" in (
        workplace.status()
    )

    assert workplace.command("run", "--once").returncode == EXIT_PENDING
    assert (len(endpoint.requests), len(told_to_wait(smtp_sink))) == (4, 1)
    an_hour_passes(workplace)
    assert workplace.command("run", "--once").returncode == 0

    assert (len(endpoint.requests), len(account.messages())) == (6, 0)
    assert len(told_to_wait(smtp_sink)) == 1


def test_what_cannot_be_proven_uses_up_nobodys_allowance(
    workplace: Workplace, endpoint: Endpoint, account: Account
) -> None:
    workplace.config["mailboxes"][0]["verify_sender"] = {"results_from": "mx.corp.example", "dkim": False}
    limited(workplace, submissions=2)
    submit(account, "forged 1", "forged 2", "forged 3", "forged 4")
    proven = b"Authentication-Results: mx.corp.example; dmarc=pass header.from=corp.example\r\n"
    for mark in ("a", "b"):
        account.append(proven + mail(part(pdf(mark)), subject=mark))

    assert workplace.command("run", "--once").returncode == 0

    assert len(endpoint.requests) == 2
    assert len(workplace.submissions("--state", "held")) == 4


def test_bytes_are_limited_too_and_a_mail_that_is_too_much_by_itself_comes_alone(
    workplace: Workplace, endpoint: Endpoint, account: Account
) -> None:
    limited(workplace, bytes="100kB")
    submit(account, "large", size=200_000)
    submit(account, "small")

    assert workplace.command("run", "--once").returncode == EXIT_PENDING

    assert [each["subject"] for each in workplace.submissions()] == ["large"]
    an_hour_passes(workplace)
    assert workplace.command("run", "--once").returncode == 0
    assert len(endpoint.requests) == 2


def test_beyond_sixty_replies_an_hour_to_one_address_replies_wait(
    workplace: Workplace, account: Account, smtp_sink: SmtpSink
) -> None:
    workplace.config["mailboxes"][0]["per_sender"] = None
    workplace.write()
    submit(account, *(str(number) for number in range(62)))
    submit(account, "another", sender="smith@corp.example")

    first = workplace.command("run", "--once")

    assert (first.returncode, "2 still to be answered" in first.stdout) == (1, True)
    assert len(smtp_sink.received) == 61
    assert (len(account.messages()), len(account.messages(DONE))) == (2, 61)
    assert "2 to be answered, and tried again: its recipient got 60 replies within an hour" in workplace.status()
    an_hour_passes(workplace)
    assert workplace.command("run", "--once").returncode == 0
    assert (len(smtp_sink.received), len(account.messages())) == (63, 0)
