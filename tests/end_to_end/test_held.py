"""Mails that wait for the administrator, and what `release` and `refuse` do, through the installed command."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.support.mails import mail, part
from tests.support.servers.dovecot import Account, Dovecot
from tests.support.servers.smtp import SmtpSink
from tests.support.workplace import Workplace, pdf
from watcher.sandbox.endpoint import Endpoint

DONE, FAILED = "发票/已处理", "发票/失败"


@pytest.fixture
def account(dovecot: Dovecot) -> Account:
    return dovecot.account()


@pytest.fixture
def workplace(tmp_path: Path, endpoint: Endpoint, dovecot: Dovecot, account: Account, smtp_sink: SmtpSink) -> Workplace:
    """A mailbox that believes its server's results alone, and holds whatever is doubtful."""
    made = Workplace(tmp_path, endpoint).with_smtp(smtp_sink.host, smtp_sink.port)
    doubtful = {"verify_sender": {"results_from": "mx.corp.example", "dkim": False}, "unknown": "hold"}
    return made.with_mailbox(dovecot.host, dovecot.port, account.username, account.password, **doubtful).write()


def unproven(mark: str, **header: str) -> bytes:
    return mail(part(pdf(mark)), **header)


def held(workplace: Workplace) -> dict[str, Any]:
    """The one mail that is held after a look at the mailbox."""
    done = workplace.command("run", "--once")
    assert done.returncode == 0, done.stderr
    (found,) = workplace.submissions("--state", "held")
    return found


def test_a_released_mail_is_taken_in_from_the_mailbox_for_whom_it_was_held(
    workplace: Workplace, endpoint: Endpoint, account: Account, smtp_sink: SmtpSink
) -> None:
    account.append(unproven("a", subject="taxi"))
    found = held(workplace)
    assert (found["reason"], found["user_code"], found["documents"]) == ("UNVERIFIED_SENDER", "903851", [])
    shown = " ".join(workplace.command("show", found["id"]).stdout.split())
    assert "903851 张三" in shown
    assert "no Authentication-Results of mx.corp.example" in shown
    assert "1 held for your decision" in workplace.status()

    released = workplace.command("release", found["id"])

    assert (released.returncode, "for the employee 903851" in released.stdout) == (0, True)
    assert not endpoint.requests
    assert workplace.command("run", "--once").returncode == 0
    assert [request.user_code for request in endpoint.requests] == ["903851"]
    (closed,) = workplace.submissions()
    assert (closed["id"], closed["state"], closed["reason"]) == (found["id"], "closed", None)
    assert [one["outcome"] for one in closed["documents"]] == ["done"]
    (reply,) = smtp_sink.received
    assert reply.recipients == ("zhang@corp.example",)
    assert (len(account.messages()), len(account.messages(DONE))) == (0, 1)
    assert "though it was held: UNVERIFIED_SENDER" in " ".join(workplace.command("show", found["id"]).stdout.split())
    again = workplace.command("release", found["id"])
    assert (again.returncode, "is not held" in again.stderr) == (2, True)


def test_a_daemon_that_runs_takes_a_decision_up_at_once(
    workplace: Workplace, endpoint: Endpoint, account: Account, smtp_sink: SmtpSink
) -> None:
    workplace.config["mailboxes"][0]["poll"] = "1h"
    workplace.write()
    account.append(unproven("a", subject="released"))
    account.append(unproven("b", subject="refused"))
    with workplace.daemon():
        workplace.wait_for_submissions(2)
        ids = {each["subject"]: each["id"] for each in workplace.submissions("--state", "held")}

        assert workplace.command("release", ids["released"]).returncode == 0
        assert workplace.command("refuse", ids["refused"]).returncode == 0

        workplace.closed(2)
    assert len(endpoint.requests) == 1
    assert [str(reply.message["Subject"]).endswith("released") for reply in smtp_sink.received] == [True]
    assert (len(account.messages(DONE)), len(account.messages(FAILED))) == (1, 1)


STRANGER = "stranger@elsewhere.example"


@pytest.mark.parametrize(
    ("sender", "reason"),
    [(STRANGER, "UNKNOWN_SENDER"), ("zhang@corp.example>, <smith@corp.example", "UNVERIFIED_SENDER")],
    ids=["unknown", "two authors"],
)
def test_a_mail_of_which_nobody_knows_whose_it_is_needs_the_employee_number(
    workplace: Workplace, account: Account, smtp_sink: SmtpSink, sender: str, reason: str
) -> None:
    account.append(unproven("a", sender=sender))
    found = held(workplace)
    assert (found["reason"], found["user_code"]) == (reason, None)

    without = workplace.command("release", found["id"])
    assert (without.returncode, "--user-code" in without.stderr) == (2, True)
    assert workplace.command("release", found["id"], "--user-code", "903852").returncode == 0
    assert workplace.command("run", "--once").returncode == 0

    told = [STRANGER] if sender == STRANGER else []  # of two authors neither is told
    assert [recipient for reply in smtp_sink.received for recipient in reply.recipients] == told
    (booked,) = workplace.submissions()
    assert [(one["user_code"], one["outcome"]) for one in booked["documents"]] == [("903852", "done")]
    assert "903852 Ann Smith" in " ".join(workplace.command("show", found["id"]).stdout.split())


def test_a_mail_is_not_released_for_what_cannot_be_an_employee_number(workplace: Workplace, account: Account) -> None:
    account.append(unproven("a", sender=STRANGER))
    found = held(workplace)

    for code in ("", " ", "a\nb", "\udcff"):  # the last is a byte that is no UTF-8
        answer = workplace.command("release", found["id"], "--user-code", code)
        assert (answer.returncode, answer.stdout) == (2, ""), code
        assert "cannot be an employee number" in " ".join(answer.stderr.split())
        assert "Traceback" not in answer.stderr

    assert workplace.submissions("--state", "held") == [found]


def test_each_mail_gets_what_was_decided_on_it_last(
    workplace: Workplace, endpoint: Endpoint, account: Account, smtp_sink: SmtpSink
) -> None:
    for subject in ("for another", "refused", "released and refused"):
        account.append(unproven(subject, subject=subject))
    assert workplace.command("run", "--once").returncode == 0
    ids = {each["subject"]: each["id"] for each in workplace.submissions("--state", "held")}

    assert workplace.command("release", ids["for another"], "--user-code", "903852").returncode == 0
    assert workplace.command("release", ids["released and refused"]).returncode == 0
    refused = workplace.command("refuse", ids["refused"], ids["released and refused"])

    assert (refused.returncode, refused.stdout.count("unanswered")) == (0, 2)
    assert not endpoint.requests
    assert workplace.command("run", "--once").returncode == 0
    assert [request.user_code for request in endpoint.requests] == ["903852"]
    assert [str(reply.message["Subject"]).endswith("for another") for reply in smtp_sink.received] == [True]
    assert [len(account.messages(folder)) for folder in ("INBOX", DONE, FAILED)] == [0, 1, 2]


def test_a_released_mail_that_is_not_in_the_folder_is_waited_for_and_said_to_be(
    workplace: Workplace, endpoint: Endpoint, account: Account
) -> None:
    account.append(unproven("a"))
    found = held(workplace)
    (message,) = account.messages()
    account.delete(message.uid)
    workplace.command("release", found["id"])

    assert workplace.command("run", "--once").returncode == 0
    assert "1 released" in workplace.status()
    account.append(message.raw)
    workplace.command("run", "--once")

    assert len(endpoint.requests) == 1
    assert "released, to be taken in" not in workplace.status()
