"""A mail forwarded to the mailbox, by the installed command, with a real IMAP and SMTP server."""

from __future__ import annotations

import secrets
from email.message import EmailMessage
from pathlib import Path

import pytest

from tests.support.servers.dovecot import Account, Dovecot
from tests.support.servers.smtp import SmtpSink
from tests.support.workplace import Workplace, pdf
from watcher.sandbox.endpoint import Endpoint
from watcher.sandbox.mailbox import SandboxMailbox


@pytest.fixture
def account(dovecot: Dovecot) -> Account:
    return dovecot.account()


@pytest.fixture
def workplace(tmp_path: Path, endpoint: Endpoint, dovecot: Dovecot, account: Account, smtp_sink: SmtpSink) -> Workplace:
    made = Workplace(tmp_path, endpoint).with_smtp(smtp_sink.host, smtp_sink.port)
    return made.with_mailbox(dovecot.host, dovecot.port, account.username, account.password).write()


def mail(*attachments: tuple[str, bytes], sender: str = "张三 <zhang@corp.example>", **headers: str) -> bytes:
    message = EmailMessage()
    message["From"] = sender
    message["To"] = headers.pop("to", "fapiao@corp.example")
    message["Subject"] = headers.pop("Subject", "Fwd: 打车发票")
    message["Message-ID"] = headers.pop("Message_ID", "<one@corp.example>")
    for name, value in headers.items():
        message[name.replace("_", "-")] = value
    message.set_content("请查收")
    for name, content in attachments:
        message.add_attachment(content, maintype="application", subtype="pdf", filename=name)
    return message.as_bytes()


def test_a_forwarded_mail_with_two_pdfs_becomes_two_posts_and_one_reply(
    workplace: Workplace, endpoint: Endpoint, account: Account, smtp_sink: SmtpSink
) -> None:
    account.append(mail(("甲.pdf", pdf("one")), ("乙.pdf", pdf("two"))))

    answer = workplace.command("run", "--once")

    assert answer.returncode == 0, answer.stderr
    assert [request.user_code for request in endpoint.requests] == ["903851", "903851"]
    (reply,) = smtp_sink.received
    assert (reply.sender, reply.recipients) == ("", ("zhang@corp.example",))
    assert reply.message["In-Reply-To"] == "<one@corp.example>"
    assert reply.message["Auto-Submitted"] == "auto-replied"
    text = reply.message.get_body(("plain",))
    assert text is not None
    words = text.get_content()
    for request in endpoint.requests:
        assert str(request.expense_ids[0]) in words
    assert "甲.pdf" in words
    assert account.messages() == []
    assert len(account.messages("发票/已处理")) == 1


def test_a_burst_in_a_folder_does_not_starve_the_mailbox(
    workplace: Workplace, endpoint: Endpoint, account: Account, smtp_sink: SmtpSink
) -> None:
    workplace.config["recognition"]["concurrency"] = 2
    workplace.with_folder().write()
    endpoint.behave(latency=0.2)
    files = 200
    with workplace.daemon() as daemon:
        for number in range(files):
            workplace.drop(f"{number}.pdf", pdf(f"file {number}"))
        assert endpoint.wait_until(lambda each: len(each.requests) >= 4, 30)
        account.append(mail(("a.pdf", pdf("from the mail"))))
        smtp_sink.wait_for(1, timeout=60)
        assert len(endpoint.requests) < files  # files still wait, and the mail is answered
        daemon.process.kill()
        daemon.process.wait()


def test_an_unknown_sender_gets_nothing_posted_and_no_answer(
    workplace: Workplace, endpoint: Endpoint, account: Account, smtp_sink: SmtpSink
) -> None:
    account.append(mail(("a.pdf", pdf("a")), sender="stranger@elsewhere.example"))
    workplace.command("run", "--once")
    assert endpoint.requests == ()
    assert smtp_sink.received == []
    assert len(account.messages("发票/失败")) == 1


def test_a_mail_whose_sender_nothing_proves_is_held_where_it_is(
    workplace: Workplace, endpoint: Endpoint, account: Account, smtp_sink: SmtpSink
) -> None:
    del workplace.config["mailboxes"][0]["verify_sender"]
    workplace.write()
    account.append(mail(("a.pdf", pdf("a"))))
    assert workplace.command("run", "--once").returncode == 0
    assert endpoint.requests == ()
    assert smtp_sink.received == []
    assert len(account.messages()) == 1
    (held,) = workplace.submissions("--state", "held")
    assert held["reason"] == "UNVERIFIED_SENDER"


def test_a_vendor_s_mail_that_an_employee_forwards_by_a_rule_is_booked_for_and_answered_to_the_employee(
    workplace: Workplace, endpoint: Endpoint, account: Account, smtp_sink: SmtpSink
) -> None:
    workplace.config["mailboxes"][0] |= {"verify_sender": {"results_from": "mx.corp.example"}, "forwarded_for": True}
    workplace.write()
    results = "mx.corp.example; dmarc=pass header.from=vendor.example"
    forwarded = {
        "sender": "noreply@vendor.example",
        "X_Forwarded_For": "zhang@corp.example fapiao@corp.example",
    }
    account.append(mail(("a.pdf", pdf("proven")), Authentication_Results=results, **forwarded))
    account.append(mail(("b.pdf", pdf("forged")), **forwarded))

    assert workplace.command("run", "--once").returncode == 0

    (request,) = endpoint.requests
    assert request.user_code == "903851"
    (reply,) = smtp_sink.received
    assert reply.recipients == ("zhang@corp.example",)
    assert {(each["sender"], each["reason"]) for each in workplace.submissions()} == {
        ("zhang@corp.example", "UNVERIFIED_SENDER"),
        ("zhang@corp.example", None),
    }


@pytest.mark.parametrize(
    ("more", "why"),
    [
        ({}, "none of it stands for corp.example"),
        ({"sender": "zhang@corp.example, smith@corp.example"}, "there is more than one address"),
    ],
)
def test_a_held_mail_says_why_to_whoever_decides(
    workplace: Workplace, account: Account, more: dict[str, str], why: str
) -> None:
    workplace.config["mailboxes"][0]["verify_sender"] = {"results_from": "mx.corp.example", "dkim": False}
    workplace.write()
    results = "Authentication-Results: mx.corp.example; dkim=pass header.d=elsewhere.example\r\n"
    account.append(results.encode() + mail(("a.pdf", pdf("a")), **more))
    workplace.command("run", "--once")
    (held,) = workplace.submissions("--state", "held")
    assert why in " ".join(workplace.command("show", held["id"]).stdout.split())


def test_a_mail_without_a_document_is_answered_with_what_to_do(
    workplace: Workplace, account: Account, smtp_sink: SmtpSink
) -> None:
    account.append(mail())
    workplace.command("run", "--once")
    (reply,) = smtp_sink.received
    assert reply.recipients == ("zhang@corp.example",)
    assert len(account.messages("发票/失败")) == 1
    (submission,) = workplace.submissions()
    assert submission["reason"] == "NO_DOCUMENT"


def test_an_automatic_reply_is_never_taken_in(
    workplace: Workplace, endpoint: Endpoint, account: Account, smtp_sink: SmtpSink
) -> None:
    account.append(mail(("a.pdf", pdf("a")), Auto_Submitted="auto-replied"))
    workplace.command("run", "--once")
    assert endpoint.requests == ()
    assert smtp_sink.received == []
    assert len(account.messages()) == 1
    assert workplace.submissions() == []


def test_the_same_mail_in_a_renumbered_mailbox_is_known(
    workplace: Workplace, endpoint: Endpoint, account: Account, smtp_sink: SmtpSink
) -> None:
    raw = mail(("a.pdf", pdf("a")))
    workplace.config["mailboxes"][0] |= {"done": None, "error": None}
    workplace.write()
    account.append(raw)
    workplace.command("run", "--once")
    (message,) = account.messages()
    assert "$InvoiceDone" in message.flags
    account.delete(message.uid)
    account.append(raw)

    workplace.command("run", "--once")

    assert len(endpoint.requests) == 1
    assert len(smtp_sink.received) == 1


def test_a_mail_that_is_moved_back_from_the_error_folder_is_tried_again(
    workplace: Workplace, endpoint: Endpoint, account: Account, smtp_sink: SmtpSink
) -> None:
    endpoint.behave(res_code=300042, res_msg="识别失败", times=1)
    account.append(mail(("a.pdf", pdf("a"))))
    assert workplace.command("run", "--once").returncode == 1
    (failed,) = account.messages("发票/失败")
    account.move(failed.uid, "发票/失败", "INBOX")

    assert workplace.command("run", "--once").returncode == 0

    assert [request.outcome for request in endpoint.requests] == ["misbehaved", "booked"]
    assert len({request.biz_id for request in endpoint.requests}) == 2
    assert len(account.messages("发票/已处理")) == 1
    assert len(smtp_sink.received) == 2
    assert len({reply.message["Message-ID"] for reply in smtp_sink.received}) == 2


def test_who_moves_a_mail_back_decides_nothing_of_what_is_held_in_doubt(
    workplace: Workplace, endpoint: Endpoint, account: Account
) -> None:
    # Given a request that was cut off, and a person who leaves it so
    workplace.config["recognition"]["in_doubt"] = "hold"
    workplace.write()
    endpoint.behave(cut="after", times=1)
    account.append(mail(("a.pdf", pdf("a"))))
    workplace.command("run", "--once", "--wait", "5s")
    (submission,) = workplace.submissions("--state", "held")
    workplace.command("refuse", submission["id"])
    workplace.command("run", "--once")
    (answered,) = account.messages("发票/已处理")

    # When somebody moves its mail back
    account.move(answered.uid, "发票/已处理", "INBOX")
    assert workplace.command("run", "--once").returncode == 0

    # Then it is answered as before, and nothing is posted
    assert len(endpoint.requests) == 1
    assert len(account.messages("发票/已处理")) == 1
    ((document,),) = [each["documents"] for each in workplace.submissions()]
    assert (document["outcome"], document["code"]) == ("attention", "IN_DOUBT")


def test_a_mail_that_was_refused_is_taken_in_when_it_is_moved_back_once_its_sender_is_known(
    workplace: Workplace, endpoint: Endpoint, account: Account, smtp_sink: SmtpSink
) -> None:
    account.append(mail(("a.pdf", pdf("a")), sender="new@corp.example"))
    workplace.command("run", "--once")
    assert not endpoint.requests
    with (workplace.root / "employees.csv").open("a", encoding="utf-8") as employees:
        employees.write("new@corp.example,903853,New,en\n")
    (refused,) = account.messages("发票/失败")
    account.move(refused.uid, "发票/失败", "INBOX")

    assert workplace.command("run", "--once").returncode == 0

    assert [request.user_code for request in endpoint.requests] == ["903853"]
    assert len(smtp_sink.received) == 1
    assert len(account.messages("发票/已处理")) == 1
    assert [submission["reason"] for submission in workplace.submissions()] == [None, "UNKNOWN_SENDER"]


def test_the_daemon_answers_a_mail_that_arrives(
    workplace: Workplace, endpoint: Endpoint, account: Account, smtp_sink: SmtpSink
) -> None:
    workplace.config["mailboxes"][0]["poll"] = "1h"
    workplace.write()
    with workplace.daemon():
        account.append(mail(("a.pdf", pdf("a"))))
        smtp_sink.wait_for(1, timeout=60)
        workplace.closed(1)
    assert len(endpoint.requests) == 1


@pytest.fixture
def rules(workplace: Workplace, dovecot: Dovecot) -> Account:
    """A mailbox whose user name is no address, with a delegate and a rule."""
    account = Account(server=dovecot, username=f"fapiao-{secrets.token_hex(4)}", password="secret")
    (mailbox,) = workplace.config["mailboxes"]
    mailbox |= {"username": account.username, "reply": {"unknown": True}}
    workplace.config["directory"] |= {
        "rules": [{"match": r"^(\d{6})@corp\.example$", "user_code": r"\1"}],
        "delegates": ["smith@corp.example"],
    }
    workplace.write()
    return account


@pytest.mark.parametrize(
    ("header", "code"),
    [
        ({"sender": "123456@corp.example"}, "123456"),
        ({"sender": "smith@corp.example", "Subject": "for #903851"}, "903851"),
        ({"sender": "smith@corp.example", "to": "发票 <fapiao+903851@corp.example>"}, "903851"),
        ({"sender": "smith@corp.example"}, "903852"),
        ({"sender": "zhang@corp.example", "Subject": "no delegate #903852"}, "903851"),
    ],
    ids=["by rule", "by subject", "by address", "for herself", "no delegate"],
)
def test_who_submits_for_whom_follows_from_sender_subject_and_address(
    workplace: Workplace, endpoint: Endpoint, rules: Account, header: dict[str, str], code: str
) -> None:
    rules.append(mail(("a.pdf", pdf("a")), **header))
    assert workplace.command("run", "--once").returncode == 0
    assert [request.user_code for request in endpoint.requests] == [code]


def test_a_server_that_tells_wrong_sizes_is_read_in_another_way_within_one_run(
    tmp_path: Path, endpoint: Endpoint
) -> None:
    # Given the sandbox's server, whose sizes of parts count their headers as well
    with SandboxMailbox(users={"fapiao": "secret"}) as server:
        server.append("fapiao", mail(("a.pdf", pdf("a"))))
        workplace = Workplace(tmp_path, endpoint).with_mailbox("127.0.0.1", server.port, "fapiao", "secret").write()
        # When all that is there is to be done
        answer = workplace.command("run", "--once")
    # Then it is, and nobody has to come again
    assert (answer.returncode, answer.stdout.strip()) == (0, "1 done")


@pytest.mark.parametrize("subject", ["for #903851", "#903851-taxi"])
def test_a_delegate_is_told_for_whom_it_is_in_their_own_language(
    workplace: Workplace, rules: Account, smtp_sink: SmtpSink, subject: str
) -> None:
    rules.append(mail(("a.pdf", pdf("a")), sender="smith@corp.example", Subject=subject))
    assert workplace.command("run", "--once").returncode == 0
    (reply,) = smtp_sink.received
    body = reply.message.get_body(("plain",))
    assert reply.recipients == ("smith@corp.example",)
    assert body is not None
    said = body.get_content()
    assert "Dear Ann Smith, here is the result" in said
    assert "You submitted it for 张三 (employee number 903851)." in said


def test_unknown_senders_are_told_so_within_the_own_domain_only(
    workplace: Workplace, endpoint: Endpoint, rules: Account, smtp_sink: SmtpSink
) -> None:
    for number, sender in enumerate(("nobody@corp.example", "nobody@sub.corp.example", "nobody@elsewhere.example")):
        rules.append(mail(("a.pdf", pdf("a")), sender=sender, Message_ID=f"<{number}@x.example>"))
    workplace.command("run", "--once")
    assert [reply.recipients for reply in smtp_sink.received] == [("nobody@corp.example",)]
    assert len(rules.messages("发票/失败")) == 3
    assert endpoint.requests == ()
