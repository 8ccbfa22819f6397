"""The servers that other tests build upon do what those tests take for granted."""

from __future__ import annotations

import base64
import imaplib
import smtplib
import ssl
import subprocess
import sys
from pathlib import Path

import opendal
import psycopg
import pytest
import requests
from imap_tools import MailBox

from tests.support.servers.dovecot import Dovecot
from tests.support.servers.postgres import Postgres
from tests.support.servers.process import Process, accepts
from tests.support.servers.s3 import S3
from tests.support.servers.smtp import SmtpSink
from tests.support.servers.webdav import WebDav
from tests.support.waiting import wait_for

PROJECT = Path(__file__).resolve().parents[2]

MAIL = b"From: a@example.com\r\nTo: b@example.com\r\nSubject: invoice\r\n\r\ntext\r\n"


def test_a_program_that_ends_before_it_is_ready_is_reported_with_what_it_said(tmp_path: Path) -> None:
    process = Process(["sh", "-c", "echo no configuration; exit 3"], log=tmp_path / "log")
    with pytest.raises(AssertionError, match="status 3; it said:\nno configuration"):
        process.wait_until(lambda: False)


def test_a_stopped_program_takes_its_children_along(tmp_path: Path) -> None:
    # The shell ends at once on SIGTERM; its child would not.
    child = "trap '' TERM; echo $$ > child; exec sleep 600"
    process = Process(["sh", "-c", f'sh -c "{child}" & wait'], log=tmp_path / "log")
    written = wait_for(lambda: (tmp_path / "child").exists() and (tmp_path / "child").read_text(), what="the child")

    process.stop()

    wait_for(lambda: not _runs(int(written)), what="its end")


@pytest.mark.parametrize("how", ["sys.exit(0)", "os.kill(os.getpid(), signal.SIGKILL)"])
def test_no_server_outlives_the_tests_however_they_end(tmp_path: Path, how: str) -> None:
    program = f"""
import os, signal, sys
from pathlib import Path
from tests.support.servers.process import Process, as_servant
process = Process(as_servant(["sh", "-c", "echo ready; exec sleep 600"]), log=Path({str(tmp_path / "log")!r}))
process.wait_until(lambda: "ready" in process.log.read_text())
print(process.pid, flush=True)
{how}
"""
    command = [sys.executable, "-c", program]
    said = subprocess.run(command, cwd=PROJECT, stdout=subprocess.PIPE, text=True, check=False, timeout=60).stdout

    wait_for(lambda: not _runs(int(said)), what="the end of the server")


def _runs(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return False
    return state != "Z"  # dead, but nobody asked for its status yet


class TestDovecot:
    def test_every_account_is_new_and_empty(self, dovecot: Dovecot) -> None:
        first, second = dovecot.account(), dovecot.account()

        first.append(MAIL)

        assert [message.raw for message in first.messages()] == [MAIL]
        assert second.messages() == []

    def test_a_mail_keeps_keywords_and_is_not_seen_by_looking(self, dovecot: Dovecot) -> None:
        account = dovecot.account()
        uid = account.append(MAIL, flags=["$InvoiceDone"])
        account.messages()
        account.flag(uid, "Later")
        [message] = account.messages()
        assert message.flags == {"$InvoiceDone", "Later"}

    def test_folders_have_chinese_names_and_levels(self, dovecot: Dovecot) -> None:
        account = dovecot.account()
        account.append(MAIL, folder="发票/已处理")
        account.create('odd "name" & \\ more')
        assert account.folders() == ["INBOX", 'odd "name" & \\ more', "发票", "发票/已处理"]

    def test_a_mail_can_be_moved_and_deleted(self, dovecot: Dovecot) -> None:
        account = dovecot.account()
        uid, gone = account.append(MAIL), account.append(MAIL)
        account.create("done")

        account.move(uid, "INBOX", "done")
        account.delete(gone)

        assert account.messages() == []
        assert len(account.messages("done")) == 1

    def test_it_speaks_tls_from_the_start_and_by_starttls(self, dovecot: Dovecot) -> None:
        account = dovecot.account()
        context = ssl.create_default_context(cafile=str(dovecot.ca_file))
        context.verify_flags |= ssl.VERIFY_X509_STRICT
        for name in (dovecot.host, "localhost"):
            with imaplib.IMAP4_SSL(name, dovecot.tls_port, ssl_context=context) as imap:
                assert imap.login(account.username, account.password)[0] == "OK"
        with imaplib.IMAP4(dovecot.host, dovecot.port) as imap:
            imap.starttls(context)
            assert imap.login(account.username, account.password)[0] == "OK"

    def test_a_wrong_password_is_refused(self, dovecot: Dovecot) -> None:
        with (
            imaplib.IMAP4(dovecot.host, dovecot.port) as imap,
            pytest.raises(imaplib.IMAP4.error, match="AUTHENTICATIONFAILED"),
        ):
            imap.login(dovecot.account().username, "wrong")

    def test_idle_tells_of_a_new_mail(self, dovecot: Dovecot) -> None:
        account = dovecot.account()
        context = ssl.create_default_context(cafile=str(dovecot.ca_file))
        with MailBox(dovecot.host, dovecot.tls_port, ssl_context=context).login(
            account.username, account.password
        ) as box:
            with box.idle as idle:
                account.append(MAIL)
                told = idle.poll(timeout=10)
            assert any(line.endswith(b"EXISTS") for line in told)

    def test_id_move_uidplus_and_idle_are_offered(self, dovecot: Dovecot) -> None:
        with dovecot.account().connection() as imap:
            assert {"ID", "MOVE", "UIDPLUS", "IDLE"} <= set(imap.capabilities)
            assert imap.xatom("ID", '("name" "test")')[0] == "OK"

    def test_capabilities_can_be_left_out_and_tokens_let_in(self) -> None:
        with Dovecot(without=["MOVE", "idle"], oauth2=True, separator=".") as server:
            account = server.account()
            account.append(MAIL, folder="发票.已处理")
            with account.connection() as imap:
                assert {"MOVE", "IDLE"}.isdisjoint(imap.capabilities)
                assert "UIDPLUS" in imap.capabilities
            token = server.grant(account.username)
            assert _login_by_token(server, account.username, token) == "OK"
            assert _login_by_token(server, server.account().username, token) == "NO"
            server.revoke(token)
            assert _login_by_token(server, account.username, token) == "NO"
            assert account.folders() == ["INBOX", "发票", "发票.已处理"]

    def test_mail_outlives_a_restart(self) -> None:
        with Dovecot() as server:
            account = server.account()
            account.append(MAIL)
            server.stop()
            assert not accepts(server.port)
            server.start()
            assert len(account.messages()) == 1


def _login_by_token(server: Dovecot, username: str, token: str) -> str:
    first = [f"user={username}\1auth=Bearer {token}\1\1".encode()]
    with imaplib.IMAP4(server.host, server.port) as imap:
        try:
            return imap.authenticate("XOAUTH2", lambda _: first.pop() if first else b"")[0]
        except imaplib.IMAP4.error:
            return "NO"


class TestSmtpSink:
    def test_it_keeps_the_envelope_and_the_bytes(self, smtp_sink: SmtpSink) -> None:
        with smtplib.SMTP(smtp_sink.host, smtp_sink.port) as smtp:
            smtp.sendmail("", ["b@example.com", "c@example.com"], MAIL)
        [received] = smtp_sink.wait_for(1, to="c@example.com")
        assert (received.sender, received.recipients) == ("", ("b@example.com", "c@example.com"))
        assert received.raw == MAIL
        assert received.message["Subject"] == "invoice"

    def test_it_refuses_as_often_as_it_is_told(self, smtp_sink: SmtpSink) -> None:
        smtp_sink.refuse("RCPT", "550 5.1.1 nobody here", matching="^nobody@")
        smtp_sink.refuse("DATA", "451 4.3.0 later", times=1)
        with smtplib.SMTP(smtp_sink.host, smtp_sink.port) as smtp:
            with pytest.raises(smtplib.SMTPRecipientsRefused):
                smtp.sendmail("a@example.com", "nobody@example.com", MAIL)
            with pytest.raises(smtplib.SMTPDataError, match=r"4\.3\.0 later"):
                smtp.sendmail("a@example.com", "b@example.com", MAIL)
            assert smtp_sink.received == []
            smtp.sendmail("a@example.com", "b@example.com", MAIL)
        assert len(smtp_sink.received) == 1

    def test_a_mail_may_be_kept_and_the_connection_cut(self, smtp_sink: SmtpSink) -> None:
        smtp_sink.refuse("DATA", "", times=1, close=True)
        smtp = smtplib.SMTP(smtp_sink.host, smtp_sink.port)
        with pytest.raises(smtplib.SMTPServerDisconnected):
            smtp.sendmail("a@example.com", "b@example.com", MAIL)
        smtp.close()
        assert len(smtp_sink.received) == 1

    @pytest.mark.parametrize("tls", ["starttls", "implicit"])
    def test_it_wants_a_login_over_tls(self, tls: str) -> None:
        with SmtpSink(tls="implicit" if tls == "implicit" else "starttls", username="me", token="abc") as sink:
            context = ssl.create_default_context(cafile=str(sink.ca_file))
            context.verify_flags |= ssl.VERIFY_X509_STRICT
            with _session(sink, context) as smtp:
                with pytest.raises(smtplib.SMTPSenderRefused):
                    smtp.sendmail("me", "b@example.com", MAIL)
                with pytest.raises(smtplib.SMTPAuthenticationError):
                    smtp.login("me", "wrong")
                smtp.login("me", "secret")
                smtp.sendmail("me", "b@example.com", MAIL)
            with _session(sink, context) as smtp:
                token = base64.b64encode(b"user=me\1auth=Bearer abc\1\1").decode()
                assert smtp.docmd("AUTH", f"XOAUTH2 {token}")[0] == 235
                smtp.sendmail("me", "b@example.com", MAIL)
        assert [(mail.login, mail.tls) for mail in sink.received] == [("me", True)] * 2


def _session(sink: SmtpSink, context: ssl.SSLContext) -> smtplib.SMTP:
    if sink.tls == "implicit":
        smtp: smtplib.SMTP = smtplib.SMTP_SSL(sink.host, sink.port, context=context)
    else:
        smtp = smtplib.SMTP(sink.host, sink.port)
        smtp.starttls(context=context)
    smtp.ehlo()
    return smtp


def test_s3_keeps_what_opendal_writes_and_gives_it_by_presigned_url(s3: S3) -> None:
    bucket = s3.bucket()
    operator = opendal.Operator(
        "s3", bucket=bucket, endpoint=s3.endpoint, region=s3.region,
        access_key_id=s3.access_key_id, secret_access_key=s3.secret_access_key,
    )  # fmt: skip

    operator.write("invoices/一.pdf", b"%PDF")

    assert s3.keys(bucket) == ["invoices/一.pdf"]
    assert s3.get(bucket, "invoices/一.pdf") == b"%PDF"
    assert requests.get(f"{s3.endpoint}/{bucket}/invoices/一.pdf", timeout=30).status_code == 403


def test_webdav_keeps_what_opendal_writes(webdav: WebDav) -> None:
    operator = opendal.Operator("webdav", endpoint=webdav.url, username=webdav.username, password=webdav.password)

    operator.write("invoices/一.pdf", b"%PDF")

    assert (webdav.root / "invoices/一.pdf").read_bytes() == b"%PDF"
    assert requests.get(f"{webdav.url}/invoices/一.pdf", timeout=30).status_code == 401


def test_webdav_can_refuse(webdav: WebDav) -> None:
    webdav.refuse("507 Insufficient Storage")
    try:
        assert requests.get(webdav.url, timeout=30).status_code == 507
    finally:
        webdav.refuse(None)


def test_every_database_is_new_and_connections_can_be_cut(postgres: Postgres) -> None:
    first, second = postgres.database(), postgres.database()
    with psycopg.connect(first) as connection:
        connection.execute("CREATE TABLE here (n int)")
        connection.commit()
        with psycopg.connect(second) as other:
            assert other.execute("SELECT to_regclass('here')").fetchone() == (None,)
        postgres.cut(first)
        with pytest.raises(psycopg.OperationalError):
            connection.execute("SELECT 1")
    postgres.drop(first)
    with pytest.raises(psycopg.OperationalError, match="does not exist"):
        psycopg.connect(first)


def test_what_was_committed_outlives_a_crash_of_postgresql() -> None:
    with Postgres() as server:
        url = server.database()
        with psycopg.connect(url) as connection:
            connection.execute("CREATE TABLE here AS SELECT 1 AS n")
        server.restart(immediate=True)
        with psycopg.connect(url) as connection:
            assert connection.execute("SELECT n FROM here").fetchone() == (1,)
