"""The sandbox's mailbox and SMTP sink, as clients see them."""

from __future__ import annotations

import logging
import smtplib
import threading
from collections.abc import Iterator
from email.message import EmailMessage
from pathlib import Path

import pytest
from imap_tools import MailboxLoginError, MailBoxUnencrypted

from watcher.sandbox.mailbox import SandboxMailbox
from watcher.sandbox.smtp import SandboxSmtp

USER, PASSWORD = "fapiao@corp.example", "app-password"
RAW = b"From: a@corp.example\r\nTo: fapiao@corp.example\r\nSubject: one\r\n\r\nbody\r\n"


@pytest.fixture
def box() -> Iterator[SandboxMailbox]:
    with SandboxMailbox(users={USER: PASSWORD, "other@corp.example": "x"}) as started:
        yield started


def client(box: SandboxMailbox) -> MailBoxUnencrypted:
    return MailBoxUnencrypted(box.host, box.port, timeout=10)


@pytest.fixture
def session(box: SandboxMailbox) -> Iterator[MailBoxUnencrypted]:
    with client(box).login(USER, PASSWORD) as logged_in:
        yield logged_in


def test_a_mail_is_read_as_it_was_delivered(box: SandboxMailbox, session: MailBoxUnencrypted) -> None:
    uid = box.append(USER, RAW)
    session.client.noop()

    [mail] = session.fetch(mark_seen=False)

    assert mail.uid == str(uid)
    assert mail.subject == "one"
    assert [stored.raw for stored in box.messages(USER)] == [RAW]
    assert box.messages("other@corp.example") == []


def test_a_wrong_password_is_refused(box: SandboxMailbox) -> None:
    refused = client(box)

    with pytest.raises(MailboxLoginError):
        refused.login(USER, "wrong")
    refused.client.shutdown()


def test_only_what_is_answered_as_the_standards_have_it_is_offered(session: MailBoxUnencrypted) -> None:
    _, [offered] = session.client.capability()

    assert {b"IDLE", b"MOVE", b"UIDPLUS", b"ID"} <= set(offered.split())
    assert b"BINARY" not in offered


def test_keywords_are_kept(box: SandboxMailbox, session: MailBoxUnencrypted) -> None:
    uid = box.append(USER, RAW)
    session.client.noop()

    session.client.uid("STORE", str(uid), "+FLAGS.SILENT", "($InvoiceDone \\Seen)")

    assert box.messages(USER)[0].flags == {"$InvoiceDone", "\\Seen"}
    with client(box).login(USER, PASSWORD) as again:
        assert again.uids("KEYWORD $InvoiceDone") == [str(uid)]


def test_a_mail_moves_to_a_folder_with_a_chinese_name(box: SandboxMailbox, session: MailBoxUnencrypted) -> None:
    uid = box.append(USER, RAW)
    session.folder.create("发票/已处理")

    session.move(str(uid), "发票/已处理")

    assert box.messages(USER) == []
    assert [stored.raw for stored in box.messages(USER, "发票/已处理")] == [RAW]
    assert "发票/已处理" in box.folders(USER)


def test_a_waiting_client_is_told_of_a_new_mail(box: SandboxMailbox, session: MailBoxUnencrypted) -> None:
    with session.idle as idle:
        box.append(USER, RAW)
        responses = idle.poll(timeout=10)

    assert any(b"EXISTS" in response for response in responses)


def test_stopping_cuts_connections_and_leaves_no_thread(caplog: pytest.LogCaptureFixture) -> None:
    with SandboxMailbox(users={USER: PASSWORD}) as box:
        opened = client(box).login(USER, PASSWORD)

    with caplog.at_level(logging.WARNING), pytest.raises((OSError, opened.client.abort)):
        opened.client.noop()
    opened.client.shutdown()
    assert not [thread for thread in threading.enumerate() if thread.name == "sandbox-mailbox"]
    assert caplog.records == []


def test_the_sink_keeps_mails_and_writes_them_as_files(tmp_path: Path) -> None:
    message = EmailMessage()
    message["To"] = "zhang@corp.example"
    message["Subject"] = "结果"
    message.set_content("文字")
    message.add_alternative("<b>网页</b>", subtype="html")

    with SandboxSmtp(folder=tmp_path) as sink, smtplib.SMTP(sink.host, sink.port, timeout=10) as sender:
        sender.send_message(message, from_addr="", to_addrs=["zhang@corp.example"])
        [mail] = sink.mails

    assert (mail.sender, mail.recipients) == ("", ("zhang@corp.example",))
    assert mail.message["Subject"] == "结果"
    assert mail.path == tmp_path / "001-zhang@corp.example.eml"
    assert mail.path.read_bytes() == mail.raw
    assert (tmp_path / "001-zhang@corp.example.html").read_text(encoding="utf-8").strip() == "<b>网页</b>"
    assert (tmp_path / "001-zhang@corp.example.txt").read_text(encoding="utf-8").strip() == "文字"


def test_a_recipients_address_never_becomes_a_path(tmp_path: Path) -> None:
    with SandboxSmtp(folder=tmp_path) as sink, smtplib.SMTP(sink.host, sink.port, timeout=10) as sender:
        sender.sendmail("", ["a/../../b@corp.example"], "Subject: x\r\n\r\ny\r\n")
        [mail] = sink.mails

    assert mail.path is not None
    assert mail.path.parent == tmp_path
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "001-a_.._.._b@corp.example.eml",
        "001-a_.._.._b@corp.example.txt",
    ]
