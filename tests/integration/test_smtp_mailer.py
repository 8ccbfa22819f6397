"""Replies are handed to a real SMTP server, and its refusals are told apart."""

from __future__ import annotations

import base64
import contextlib
import socket
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import timedelta
from email.message import EmailMessage
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any, Self
from urllib.parse import parse_qs
from zoneinfo import ZoneInfo

import pytest

from tests.support.raw_server import RawServer
from tests.support.servers.fault_proxy import Fault, FaultProxy, Kind, Way
from tests.support.servers.process import free_port
from tests.support.servers.smtp import SmtpSink
from tests.support.submissions import document, submission
from tests.support.waiting import wait_for
from watcher.config.sections import Smtp
from watcher.errors import MailerUnavailable, MailRefused
from watcher.model import Thread
from watcher.replies.mailer import SmtpMailer
from watcher.replies.writer import TemplateWriter

FROM = "发票助手 <fapiao@corp.example>"


@pytest.fixture(scope="module", params=[True, False], ids=["pipelining", "one by one"])
def _smtp_sink(request: pytest.FixtureRequest) -> Iterator[SmtpSink]:
    """A server that takes several commands at once, and one that does not: all that follows holds for both."""
    with SmtpSink(pipelining=request.param) as sink:
        yield sink


def section(sink: SmtpSink, **changes: Any) -> Smtp:
    values: dict[str, Any] = {"host": sink.host, "port": sink.port, "tls": sink.tls, "from": FROM}
    if sink.ca_file is not None:
        values["ca_file"] = sink.ca_file
    if sink.username is not None:
        values |= {"username": sink.username, "password": sink.password}
    return Smtp.model_validate({key: value for key, value in (values | changes).items() if value is not None})


@contextmanager
def mailer_for(
    sink: SmtpSink,
    *,
    timeout_seconds: float = 10.0,
    idle_seconds: float = 30.0,
    total_seconds: float = 45.0,
    patience_seconds: float = 20.0,
    **changes: Any,
) -> Iterator[SmtpMailer]:
    mailer = SmtpMailer(
        section(sink, **changes),
        timeout_seconds=timeout_seconds,
        idle_seconds=idle_seconds,
        total_seconds=total_seconds,
        patience_seconds=patience_seconds,
    )
    try:
        yield mailer
    finally:
        mailer.close()


WRITER = TemplateWriter(sender=FROM, default_language="zh", timezone=ZoneInfo("Asia/Shanghai"))


def reply(to: str = "zhang.san@corp.example", number: int = 1) -> EmailMessage:
    return WRITER.reply(submission(document(), thread=Thread(message_id="<m@x.example>", reply_to=to)), number)


def test_a_reply_arrives_whole_with_an_empty_envelope_sender(smtp_sink: SmtpSink) -> None:
    with mailer_for(smtp_sink) as mailer:
        mailer.send(reply())

    [mail] = smtp_sink.received
    assert mail.sender == ""
    assert mail.recipients == ("zhang.san@corp.example",)
    assert mail.message["Subject"] == "Re: [1 张发票已入账] 差旅发票"
    assert mail.message["In-Reply-To"] == "<m@x.example>"
    body = mail.message.get_body(("plain",))
    assert body is not None
    assert "26317000000552768706" in body.get_content()


@pytest.mark.parametrize("tls", ["implicit", "starttls"])
def test_the_connection_is_encrypted_and_the_login_is_given(tls: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("watcher.tls._RENEWAL", timedelta(days=60))  # the server's certificate has thirty
    with SmtpSink(tls=tls, username="fapiao@corp.example") as sink, mailer_for(sink) as mailer:
        mailer.send(reply())
        findings = mailer.check()

        assert [(mail.tls, mail.login) for mail in sink.received] == [(True, "fapiao@corp.example")]
        assert all(finding.ok for finding in findings)
        assert ["days more" in finding.message for finding in findings if finding.warning] == [True]


@pytest.mark.parametrize("tls", ["implicit", "starttls"])
def test_a_certificate_of_an_unknown_authority_is_not_trusted(tls: Any) -> None:
    with SmtpSink(tls=tls) as sink, mailer_for(sink, ca_file=None) as mailer:
        with pytest.raises(MailerUnavailable, match="certificate"):
            mailer.send(reply())
        [finding] = mailer.check()

        assert not finding.ok
        assert "ca_file" in str(finding.mend)
        assert sink.received == []


@pytest.mark.parametrize("tls", ["implicit", "starttls"])
def test_a_ca_file_that_cannot_be_used_is_named(tls: Any, tmp_path: Path) -> None:
    with SmtpSink(tls=tls) as sink, mailer_for(sink, ca_file=tmp_path / "no.pem") as mailer:
        [finding] = mailer.check()

        assert f"ca_file {tmp_path / 'no.pem'}" in finding.message
        assert "smtp.ca_file" in str(finding.mend)


def test_a_wrong_password_is_unavailable_says_so_and_is_not_shown() -> None:
    with SmtpSink(username="fapiao@corp.example") as sink, mailer_for(sink, password="hush-hush") as mailer:
        with pytest.raises(MailerUnavailable, match="login: 535"):
            mailer.send(reply())
        [finding] = mailer.check()

        assert "授权码" in str(finding.mend)
        assert "hush" not in repr(finding)


@pytest.mark.parametrize(
    ("stage", "answer", "error"),
    [
        ("RCPT", "550 5.1.1 no such user", MailRefused),
        ("RCPT", "450 4.2.0 greylisted", MailerUnavailable),
        ("RCPT", "421 4.3.2 closing", MailerUnavailable),
        ("RCPT", "530 5.7.0 log in first", MailerUnavailable),
        ("DATA", "554 5.7.1 spam", MailRefused),
        ("DATA", "451 4.3.0 disk full", MailerUnavailable),
        ("MAIL", "550 5.7.1 empty sender", MailerUnavailable),
        ("MAIL", "451 4.3.0 later", MailerUnavailable),
        ("MAIL", "552 5.3.4 too big", MailRefused),
    ],
)
def test_a_refusal_is_final_only_where_it_speaks_of_the_recipient_or_the_mail(
    smtp_sink: SmtpSink, stage: Any, answer: str, error: type[Exception]
) -> None:
    smtp_sink.refuse(stage, answer)
    with mailer_for(smtp_sink) as mailer:
        with pytest.raises((MailRefused, MailerUnavailable)) as caught:
            mailer.send(reply())

        assert type(caught.value) in (error, *error.__subclasses__())
        assert answer[:3] in str(caught.value)

        smtp_sink.accept()
        mailer.send(reply("li.si@corp.example"))
        assert [mail.recipients for mail in smtp_sink.received] == [("li.si@corp.example",)]


def test_a_server_that_hangs_up_in_the_middle_is_unavailable(smtp_sink: SmtpSink) -> None:
    smtp_sink.refuse("DATA", "250 OK", close=True, times=1)
    with mailer_for(smtp_sink) as mailer:
        with pytest.raises(MailerUnavailable):
            mailer.send(reply())
        mailer.send(reply())

    first, second = (mail.message["Message-ID"] for mail in smtp_sink.received)
    assert first == second


def test_a_server_that_takes_no_reply_to_this_one_now_keeps_the_connection(smtp_sink: SmtpSink) -> None:
    """As greylisting does: a login for each such reply would be one too many for many a provider."""
    smtp_sink.refuse("RCPT", "450 4.2.0 greylisted", matching="li")
    with FaultProxy(smtp_sink.port) as proxy, mailer_for(smtp_sink, port=proxy.port) as mailer:
        for to in ("li@corp.example", "zhang@corp.example", "li@corp.example"):
            with contextlib.suppress(MailerUnavailable):
                mailer.send(reply(to))
        assert proxy.connections == 1
    assert [mail.recipients for mail in smtp_sink.received] == [("zhang@corp.example",)]


@pytest.mark.parametrize("stage", ["AUTH", "MAIL", "RCPT", "DATA"])
def test_a_server_that_repeats_the_password_at_whatever_point_is_not_quoted_with_it(stage: Any) -> None:
    password = "canary & password"
    encoded = base64.b64encode(password.encode()).decode()
    with SmtpSink(username="us", password=password) as sink, mailer_for(sink) as mailer:
        sink.refuse(stage, f"550 5.7.1 not with {password}, which is {encoded}")
        with pytest.raises((MailerUnavailable, MailRefused)) as refusal:
            mailer.send(reply())

    told = str(refusal.value)
    assert "not with ***, which is ***" in told
    assert "canary" not in told


def test_a_burst_uses_one_connection(smtp_sink: SmtpSink) -> None:
    with mailer_for(smtp_sink) as mailer:
        mailer.send(reply())
        smtp_sink.refuse("CONNECT", "554 no new connections")
        for number in range(2, 5):
            mailer.send(reply(number=number))

    assert len(smtp_sink.received) == 4


def test_an_unused_connection_is_dropped_and_a_new_one_made(smtp_sink: SmtpSink) -> None:
    with mailer_for(smtp_sink, idle_seconds=0.1) as mailer:
        mailer.send(reply())
        wait_for(lambda: mailer._session is None, what="the idle connection to be dropped")
        mailer.send(reply(number=2))

    assert len(smtp_sink.received) == 2
    assert not [thread for thread in threading.enumerate() if thread.name == "smtp-idle" and not _ends(thread)]


def _ends(thread: threading.Thread) -> bool:
    thread.join(5)
    return not thread.is_alive()


def test_a_connection_that_died_meanwhile_is_replaced_without_a_failure() -> None:
    with SmtpSink() as sink, mailer_for(sink) as mailer:
        mailer.send(reply())
        sink.stop()
        sink.start()
        mailer.send(reply(number=2))

        assert len(sink.received) == 2


def test_a_server_that_is_not_there_is_unavailable() -> None:
    mailer = SmtpMailer(
        Smtp.model_validate({"host": "127.0.0.1", "port": free_port(), "tls": "none", "from": FROM}), timeout_seconds=5
    )

    with pytest.raises(MailerUnavailable, match="refused"):
        mailer.send(reply())
    assert [finding.ok for finding in mailer.check()] == [False]


def test_a_server_that_says_nothing_is_given_up(unanswering_port: int) -> None:
    mailer = SmtpMailer(
        Smtp.model_validate({"host": "127.0.0.1", "port": unanswering_port, "tls": "none", "from": FROM}),
        timeout_seconds=0.3,
    )

    with pytest.raises(MailerUnavailable, match="in time"):
        mailer.send(reply())


@pytest.fixture
def unanswering_port() -> Iterator[int]:
    import socket

    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


def test_a_server_that_trickles_its_answers_is_given_up(smtp_sink: SmtpSink) -> None:
    """Each wait for it is short: so the whole has an end of its own."""
    with (
        FaultProxy(smtp_sink.port) as proxy,
        mailer_for(smtp_sink, port=proxy.port, total_seconds=1.0, patience_seconds=0.2) as mailer,
    ):
        mailer.send(reply())
        armed = proxy.meet(Fault(kind=Kind.DRIBBLE, of=Way.DOWN, at=8, pause=1.5))  # the second answer
        with pytest.raises(MailerUnavailable, match="does not answer in time"):
            mailer.send(reply(number=2))
        assert armed.fired == 1
        proxy.heal()
        mailer.send(reply(number=2))
    assert len(smtp_sink.received) == 2


def test_a_mail_that_would_leave_late_is_not_sent_and_the_connection_is_kept(smtp_sink: SmtpSink) -> None:
    """Its claim may be another's by then, who sends it as well."""
    with (
        FaultProxy(smtp_sink.port) as proxy,
        mailer_for(smtp_sink, port=proxy.port, total_seconds=30.0, patience_seconds=28.0) as mailer,
    ):
        armed = proxy.meet(Fault(kind=Kind.DRIBBLE, of=Way.DOWN, pause=0.05))
        with pytest.raises(MailerUnavailable, match="begun anew") as slow:
            mailer.send(reply())
        assert not slow.value.altogether
        assert armed.fired == 1
        assert smtp_sink.received == []
        proxy.heal()
        mailer.send(reply())
        assert proxy.connections == 1
    assert len(smtp_sink.received) == 1


def test_a_mail_that_was_begun_and_would_leave_late_is_taken_back(smtp_sink: SmtpSink) -> None:
    """Where DATA went ahead, there is no other way but to hang up."""
    with (
        FaultProxy(smtp_sink.port) as proxy,
        mailer_for(smtp_sink, port=proxy.port, total_seconds=30.0, patience_seconds=28.0) as mailer,
    ):
        mailer.send(reply())
        proxy.meet(Fault(kind=Kind.DRIBBLE, of=Way.DOWN, pause=0.15))
        with pytest.raises(MailerUnavailable, match="begun anew"):
            mailer.send(reply(number=2))
        proxy.heal()
        mailer.send(reply(number=3))
        assert proxy.connections == (2 if smtp_sink.pipelining else 1)
    assert [mail.message["Message-ID"].partition(".")[2][0] for mail in smtp_sink.received] == ["1", "3"]


@pytest.mark.parametrize("answer", ["550 5.1.1 no such user", "450 4.2.0 greylisted"])
def test_of_a_mail_that_nobody_may_get_no_content_leaves(smtp_sink: SmtpSink, answer: str) -> None:
    """Also where the server says to go on with it all the same."""
    smtp_sink.goes_on_anyway = True
    smtp_sink.refuse("RCPT", answer, matching="li")
    with FaultProxy(smtp_sink.port) as proxy, mailer_for(smtp_sink, port=proxy.port) as mailer:
        with pytest.raises((MailRefused, MailerUnavailable), match=answer[:3]):
            mailer.send(reply("li@corp.example"))
        mailer.send(reply("zhang@corp.example"))
        assert proxy.connections == 1
    *nothing, whole = smtp_sink.received
    assert {mail.raw for mail in nothing} == ({b""} if smtp_sink.pipelining else set())
    assert whole.recipients == ("zhang@corp.example",)


@pytest.mark.parametrize("answer", ["250 2.0.0 what was that", "hello"])
def test_a_server_whose_answers_do_not_fit_is_hung_up_on(smtp_sink: SmtpSink, answer: str) -> None:
    """An answer too many would be taken for that to what comes next, in the end for that to the reply."""
    smtp_sink.refuse("MAIL", f"{answer}\r\n250 OK", matching="^(<>)?$", times=1)
    with FaultProxy(smtp_sink.port) as proxy, mailer_for(smtp_sink, port=proxy.port) as mailer:
        with pytest.raises(MailerUnavailable):
            mailer.send(reply())
        mailer.send(reply())
        assert proxy.connections == 2
    assert len(smtp_sink.received) == 1


def test_a_server_that_falls_silent_in_a_burst_is_not_asked_again_when_it_would_be_late(smtp_sink: SmtpSink) -> None:
    with (
        FaultProxy(smtp_sink.port) as proxy,
        mailer_for(
            smtp_sink, port=proxy.port, timeout_seconds=1.0, total_seconds=30.0, patience_seconds=29.5
        ) as mailer,
    ):
        mailer.send(reply())
        proxy.meet(Fault(kind=Kind.STALL, of=Way.DOWN))
        with pytest.raises(MailerUnavailable, match="does not answer in time") as silent:
            mailer.send(reply(number=2))
        assert silent.value.broke
        assert proxy.connections == 1
    assert len(smtp_sink.received) == 1


def test_a_connection_that_is_cut_before_the_content_is_replaced_without_a_failure(smtp_sink: SmtpSink) -> None:
    """In a burst nobody asks before each mail whether the server is still there."""
    with FaultProxy(smtp_sink.port) as proxy, mailer_for(smtp_sink, port=proxy.port) as mailer:
        mailer.send(reply())
        proxy.meet(Fault(kind=Kind.CUT, of=Way.DOWN, at=4))
        mailer.send(reply(number=2))
        assert proxy.connections == 2
        proxy.meet(Fault(kind=Kind.CUT, of=Way.DOWN, after=b"\r\n.\r\n"))
        with pytest.raises(MailerUnavailable):  # it may have got there: that is not for the mailer to decide
            mailer.send(reply(number=3))
    assert len(smtp_sink.received) == 3


def test_an_acknowledgement_that_is_lost_makes_the_reply_go_twice_under_one_message_id(smtp_sink: SmtpSink) -> None:
    with FaultProxy(smtp_sink.port) as proxy, mailer_for(smtp_sink, port=proxy.port) as mailer:
        proxy.meet(Fault(kind=Kind.CUT, of=Way.DOWN, after=b"\r\n.\r\n"))
        with pytest.raises(MailerUnavailable):
            mailer.send(reply())
        mailer.send(reply())
    first, second = smtp_sink.received
    assert first.message["Message-ID"] == second.message["Message-ID"]


def test_many_threads_take_turns(smtp_sink: SmtpSink) -> None:
    with mailer_for(smtp_sink) as mailer, ThreadPoolExecutor(8) as threads:
        list(threads.map(lambda n: mailer.send(reply(f"u{n}@corp.example", n)), range(1, 41)))

    assert {mail.recipients[0] for mail in smtp_sink.received} == {f"u{n}@corp.example" for n in range(1, 41)}


def test_an_address_that_the_server_cannot_take_is_refused(smtp_sink: SmtpSink) -> None:
    message = reply()
    message.replace_header("To", "李四 <li.si@corp.example>, zhang.san@corp.example")

    with mailer_for(smtp_sink) as mailer, pytest.raises(MailRefused):
        mailer.send(message)
    assert smtp_sink.received == []


def test_where_no_empty_sender_is_taken_replies_go_out_under_our_own_address(smtp_sink: SmtpSink) -> None:
    smtp_sink.refuse("MAIL", "553 Mail from must equal authorized user", matching="^(<>)?$")
    with mailer_for(smtp_sink) as mailer:
        mailer.send(reply("a@corp.example", 1))
        mailer.send(reply("b@corp.example", 2))

    sent = [(mail.sender, mail.recipients) for mail in smtp_sink.received]
    assert sent == [("fapiao@corp.example", ("a@corp.example",)), ("fapiao@corp.example", ("b@corp.example",))]


@pytest.mark.parametrize("stage", ["RCPT", "DATA"])
def test_where_no_empty_sender_is_taken_and_only_later_is_that_told_replies_go_out_under_our_own_address(
    smtp_sink: SmtpSink, stage: Any
) -> None:
    # Given a Postfix that tells at RCPT what it has against a sender, or an Exchange that tells it at the end
    smtp_sink.refuse(stage, "554 5.7.1 <>: Sender address rejected: not allowed", nameless=True)
    with mailer_for(smtp_sink) as mailer:
        mailer.send(reply("a@corp.example", 1))
        smtp_sink.refuse(stage, "451 4.3.0 it asks once more", nameless=True)
        mailer.send(reply("b@corp.example", 2))

    sent = [(mail.sender, mail.recipients) for mail in smtp_sink.received]
    assert sent == [("fapiao@corp.example", ("a@corp.example",)), ("fapiao@corp.example", ("b@corp.example",))]


def test_a_recipient_that_is_refused_under_any_sender_is_refused_and_the_next_has_an_empty_one(
    smtp_sink: SmtpSink,
) -> None:
    smtp_sink.refuse("RCPT", "550 5.1.1 no such user", matching="li")
    with mailer_for(smtp_sink) as mailer:
        with pytest.raises(MailRefused, match="no such user"):
            mailer.send(reply("li@corp.example"))
        mailer.send(reply("zhang@corp.example"))

    assert [(mail.sender, mail.recipients) for mail in smtp_sink.received] == [("", ("zhang@corp.example",))]


def test_a_recipient_that_is_refused_by_hanging_up_is_refused(smtp_sink: SmtpSink) -> None:
    def refuses(connection: socket.socket, _server: RawServer) -> None:
        connection.sendall(b"220 here\r\n")
        with connection.makefile("rb") as lines:
            for line in lines:
                if line.lower().startswith(b"rcpt"):
                    connection.sendall(b"550 5.1.1 no such user\r\n")
                    return
                connection.sendall(b"250 here\r\n")

    with (
        RawServer(refuses) as server,
        mailer_for(smtp_sink, port=server.port) as mailer,
        pytest.raises(MailRefused, match="no such user"),
    ):
        mailer.send(reply())


def test_check_says_so_as_well_where_it_is_told_only_at_a_recipient(smtp_sink: SmtpSink) -> None:
    smtp_sink.refuse("RCPT", "554 5.7.1 <>: Sender address rejected: not allowed", nameless=True)
    with mailer_for(smtp_sink) as mailer:
        good, sender = mailer.check()

    assert good.ok
    assert (sender.ok, sender.warning) == (True, True)
    assert "under fapiao@corp.example" in sender.message


class HangingUp:
    """Takes mails under a sender, and hangs up on who names none."""

    def __init__(self, *, pipelining: bool) -> None:
        self._greeting = b"250-here\r\n250 PIPELINING\r\n" if pipelining else b"250 here\r\n"
        self.senders: list[str] = []
        self.taken = 0

    def __call__(self, connection: socket.socket, _server: RawServer) -> None:
        connection.sendall(b"220 here\r\n")
        with connection.makefile("rb") as lines:
            for line in lines:
                said = line.decode().strip().lower()
                if said.startswith("mail from:"):
                    self.senders.append(said.removeprefix("mail from:").split()[0])
                if said.startswith("mail from:<>"):
                    connection.sendall(b"553 Mail from must equal authorized user\r\n")
                    return
                if said == "data":
                    connection.sendall(b"354 go on\r\n")
                    while lines.readline() not in (b".\r\n", b""):
                        """The content."""
                    self.taken += 1
                connection.sendall(self._greeting if said.startswith("ehlo") else b"250 2.0.0 well\r\n")


@pytest.mark.parametrize("pipelining", [True, False], ids=["pipelining", "one by one"])
def test_where_a_server_hangs_up_over_an_empty_sender_replies_go_out_under_our_own_address(pipelining: bool) -> None:
    # Given a server that refuses an empty envelope sender and hangs up with that
    play = HangingUp(pipelining=pipelining)
    with RawServer(play) as server:
        mailer = SmtpMailer(
            Smtp.model_validate({"host": "127.0.0.1", "port": server.port, "tls": "none", "from": FROM})
        )
        # When replies are sent, over more than one connection
        mailer.send(reply("a@corp.example", 1))
        mailer.close()
        mailer.send(reply("b@corp.example", 2))
        mailer.close()

    # Then each has left, and the empty sender was tried only once
    assert play.taken == 2
    assert play.senders == ["<>", "<fapiao@corp.example>", "<fapiao@corp.example>"]


def test_check_says_the_same_of_a_server_that_hangs_up_over_an_empty_sender() -> None:
    with RawServer(HangingUp(pipelining=True)) as server:
        good, sender = SmtpMailer(
            Smtp.model_validate({"host": "127.0.0.1", "port": server.port, "tls": "none", "from": FROM})
        ).check()

    assert good.ok
    assert (sender.ok, sender.warning) == (True, True)
    assert "under fapiao@corp.example" in sender.message


def test_a_reply_that_has_left_has_left_though_no_thread_can_be_had_to_look_after_the_connection(
    smtp_sink: SmtpSink, monkeypatch: pytest.MonkeyPatch
) -> None:
    start = threading.Thread.start

    def start_or_fail(thread: threading.Thread) -> None:
        if thread.name == "smtp-idle":
            raise RuntimeError("can't start new thread")
        start(thread)

    monkeypatch.setattr(threading.Thread, "start", start_or_fail)
    with mailer_for(smtp_sink) as mailer:
        for number in (1, 2):
            mailer.send(reply(number=number))

    assert len(smtp_sink.received) == 2


@pytest.mark.parametrize("answer", ["451 4.3.0 later", "530 5.7.0 log in first"])
def test_a_refusal_that_is_not_for_good_or_not_for_the_sender_gives_a_reply_no_other_sender(
    smtp_sink: SmtpSink, answer: str
) -> None:
    smtp_sink.refuse("MAIL", answer, matching="^(<>)?$")
    with mailer_for(smtp_sink) as mailer, pytest.raises(MailerUnavailable):
        mailer.send(reply())

    assert smtp_sink.received == []


def test_check_says_that_replies_go_out_under_our_own_address_and_sends_nothing(smtp_sink: SmtpSink) -> None:
    smtp_sink.refuse("MAIL", "501 5.1.7 sender required", matching="^(<>)?$")
    with mailer_for(smtp_sink) as mailer:
        good, sender = mailer.check()

    assert good.ok
    assert (sender.ok, sender.warning) == (True, True)
    assert "under fapiao@corp.example" in sender.message
    assert smtp_sink.received == []


def test_check_finds_a_server_that_takes_no_sender_at_all(smtp_sink: SmtpSink) -> None:
    smtp_sink.refuse("MAIL", "550 5.7.1 not you")
    with mailer_for(smtp_sink) as mailer:
        [finding] = mailer.check()

    assert not finding.ok
    assert "550" in finding.message
    assert "smtp.from" in str(finding.mend)
    assert smtp_sink.received == []


def test_check_warns_where_our_address_is_refused_as_sender_or_as_recipient(smtp_sink: SmtpSink) -> None:
    smtp_sink.refuse("MAIL", "553 5.7.1 not owned by user", matching="fapiao@")
    smtp_sink.refuse("RCPT", "550 5.1.1 no such user", matching="fapiao@")
    with mailer_for(smtp_sink) as mailer:
        good, sender, recipient = mailer.check()

    assert (good.ok, good.warning) == (True, False)
    assert (sender.warning, recipient.warning) == (True, True)
    assert "553 5.7.1 not owned by user" in sender.message
    assert "550 5.1.1 no such user" in recipient.message
    assert sender.mend
    assert recipient.mend
    assert smtp_sink.received == []


def test_check_is_content_with_a_good_server(smtp_sink: SmtpSink) -> None:
    with mailer_for(smtp_sink) as mailer:
        assert [finding.ok for finding in mailer.check()] == [True]
    assert smtp_sink.received == []


# ----------------------------------------------------------------------------------------- tokens


class TokenServer:
    """Gives the tokens in turn, and keeps what it was asked."""

    def __init__(self, *answers: tuple[int, str]) -> None:
        self.asked: list[dict[str, list[str]]] = []
        left = list(answers)
        asked = self.asked

        class Answering(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                asked.append(parse_qs(self.rfile.read(int(self.headers["Content-Length"])).decode()))
                status, body = left.pop(0)
                self.send_response(status)
                self.end_headers()
                self.wfile.write(body.encode())

            def log_message(self, *_: object) -> None:
                pass

        self._server = HTTPServer(("127.0.0.1", 0), Answering)
        self.url = f"http://127.0.0.1:{self._server.server_port}/token"

    def __enter__(self) -> Self:
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,))
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


def token(text: str, life: int = 3600) -> tuple[int, str]:
    return 200, f'{{"access_token": "{text}", "expires_in": {life}}}'


def oauth2(tokens: TokenServer, **more: str) -> dict[str, str]:
    return {"token_url": tokens.url, "client_id": "me", "client_secret": "hush", **more}


def test_a_refresh_token_logs_in_by_xoauth2_and_the_access_token_is_kept() -> None:
    sink = SmtpSink(username="fapiao@corp.example", token="T1")
    with TokenServer(token("T1")) as tokens, sink:
        settings = oauth2(tokens, refresh_token="R", scope="smtp")
        with mailer_for(sink, password=None, oauth2=settings) as mailer:
            mailer.send(reply())
            mailer.close()
            mailer.send(reply(number=2))

        assert [mail.login for mail in sink.received] == ["fapiao@corp.example"] * 2
        assert tokens.asked == [
            {"client_id": ["me"], "grant_type": ["refresh_token"], "refresh_token": ["R"], "client_secret": ["hush"],
             "scope": ["smtp"]}
        ]  # fmt: skip


def test_client_credentials_are_asked_for_where_there_is_no_refresh_token() -> None:
    sink = SmtpSink(username="fapiao@corp.example", token="T1")
    with TokenServer(token("T1")) as tokens, sink, mailer_for(sink, password=None, oauth2=oauth2(tokens)) as mailer:
        mailer.send(reply())

        assert tokens.asked[0]["grant_type"] == ["client_credentials"]


def test_a_token_that_was_revoked_is_replaced_once() -> None:
    sink = SmtpSink(username="fapiao@corp.example", token="T2")
    with (
        TokenServer(token("T1"), token("T2")) as tokens,
        sink,
        mailer_for(sink, password=None, oauth2=oauth2(tokens)) as mailer,
    ):
        mailer.send(reply())

        assert len(sink.received) == 1
        assert len(tokens.asked) == 2


def test_a_refused_token_is_unavailable_and_no_secret_is_told() -> None:
    refusal = (400, '{"error": "invalid_client", "error_description": "no\\r\\nsuch"}')
    sink = SmtpSink(username="fapiao@corp.example", token="T")
    with (
        TokenServer(refusal) as tokens,
        sink,
        mailer_for(sink, password=None, oauth2=oauth2(tokens)) as mailer,
        pytest.raises(MailerUnavailable, match="HTTP 400 invalid_client no such") as caught,
    ):
        mailer.send(reply())

    assert "hush" not in str(caught.value)
