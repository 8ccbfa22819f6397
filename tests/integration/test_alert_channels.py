"""Alerts on their way: to chat robots through apprise, and to operators by mail."""

from __future__ import annotations

import json
import logging
import socket
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.raw_server import RawServer, answer
from tests.support.servers.certificates import Certificate, make_certificate
from tests.support.servers.smtp import SmtpSink
from watcher.alerts.mail import MailChannel
from watcher.alerts.robot import RobotChannel
from watcher.config.secret import Secret
from watcher.config.sections import Smtp
from watcher.errors import AlertUnavailable, MailRefused
from watcher.headers import read_header
from watcher.policy.mail import ignored
from watcher.replies.mailer import SmtpMailer

KEY = "693a91f6-7aaa-4bc4-97a0-0ec2sifa5aaa"
HOSTS = ("qyapi.weixin.qq.com", "oapi.dingtalk.com", "open.feishu.cn")


def channel(url: str, *, seconds: float = 20.0) -> RobotChannel:
    return RobotChannel(Secret.model_validate(url), place="alerts.urls[0]", seconds=seconds)


def served(body: bytes, status: str = "200 OK") -> Callable[[socket.socket, RawServer], None]:
    def behave(connection: socket.socket, server: RawServer) -> None:
        if server.read_request(connection):
            connection.sendall(answer(body, status=status))

    return behave


def payload(request: bytes) -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads(request.partition(b"\r\n\r\n")[2])
    return loaded


# --------------------------------------------------------------------------------------- any server


def test_an_alert_reaches_a_server_as_plain_text() -> None:
    with RawServer(served(b"thanks")) as server:
        channel(f"json://127.0.0.1:{server.port}/hook").tell("两项", "- 一\n- <b>二</b> *三*", good=False)
    (request,) = server.requests
    assert request.startswith(b"POST /hook")
    sent = payload(request)
    assert (sent["title"], sent["message"], sent["type"]) == ("两项", "- 一\n- <b>二</b> *三*", "warning")


def test_what_is_over_is_told_as_good_news() -> None:
    with RawServer(served(b"")) as server:
        channel(f"json://127.0.0.1:{server.port}/hook").tell("over", "- it is", good=True)
    assert payload(server.requests[0])["type"] == "success"


def test_a_server_that_fails_is_told_of_by_what_it_answered() -> None:
    with (
        RawServer(served(b"", "401 Unauthorized")) as server,
        pytest.raises(AlertUnavailable, match="answered 401"),
    ):
        channel(f"json://127.0.0.1:{server.port}/{KEY}").tell("a", "b", good=False)


def test_where_nobody_listens_and_where_an_address_means_nothing_that_is_said() -> None:
    with pytest.raises(AlertUnavailable, match=r"no answer \(ConnectionError\)"):
        channel("json://127.0.0.1:9/x").tell("a", "b", good=False)
    with pytest.raises(AlertUnavailable, match="does not know such an address"):
        channel(f"bogus://{KEY}").tell("a", "b", good=False)


def test_a_server_that_trickles_for_ever_is_given_up() -> None:
    def trickle(connection: socket.socket, server: RawServer) -> None:
        server.read_request(connection)
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n")
        while not server.ended.wait(0.2):
            connection.sendall(b".")

    with RawServer(trickle) as server:
        began = time.monotonic()
        with pytest.raises(AlertUnavailable, match="no answer within 3 s") as raised:
            channel(f"json://127.0.0.1:{server.port}/{KEY}", seconds=3).tell("a", "b", good=False)
        assert time.monotonic() - began < 10
        assert len(server.requests) == 1
    assert raised.value.__cause__ is None  # it would have what was to be sent, and where to


def test_a_process_that_cannot_be_started_is_no_end_of_the_daemon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", "/nowhere/python")
    with pytest.raises(AlertUnavailable, match="FileNotFoundError"):
        channel(f"wecombot://{KEY}").tell("a", "b", good=False)


# ---------------------------------------------------------------------------------------- robots


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Certificate:
    return make_certificate(tmp_path_factory.mktemp("robots"), HOSTS)


class Robots:
    """What the robots are to answer, one after the other, and what they were sent."""

    def __init__(self) -> None:
        self.answers: list[dict[str, Any]] = []
        self.heard: list[bytes] = []


@pytest.fixture
def robots(certificate: Certificate, monkeypatch: pytest.MonkeyPatch) -> Iterator[Robots]:
    """The hosts of the robots, behind the proxy that the environment names."""
    made = Robots()

    def behave(connection: socket.socket, server: RawServer) -> None:
        if server.read_request(connection).startswith(b"CONNECT "):
            connection.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
            with certificate.server_context().wrap_socket(connection, server_side=True) as inner:
                made.heard.append(server.read_request(inner))
                inner.sendall(answer(json.dumps(made.answers.pop(0)).encode()))

    with RawServer(behave) as server:
        monkeypatch.setenv("HTTPS_PROXY", f"http://127.0.0.1:{server.port}")
        monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(certificate.ca_file))
        yield made


@pytest.mark.parametrize(
    ("url", "taken", "refused"),
    [
        (f"wecombot://{KEY}", {"errcode": 0, "errmsg": "ok"}, {"errcode": 93000, "errmsg": f"invalid {KEY}"}),
        ("dingtalk://sec1234567@tok1234567", {"errcode": 0}, {"errcode": 310000, "errmsg": "no tok1234567"}),
        ("feishu://tok1234567", {"code": 0, "StatusCode": 0}, {"code": 19024, "msg": "tok1234567 is wrong"}),
    ],
)
def test_a_robot_that_refuses_in_a_successful_answer_has_not_been_told(
    robots: Robots, url: str, taken: dict[str, Any], refused: dict[str, Any]
) -> None:
    robots.answers = [taken, refused]
    channel(url).tell("invoice-watcher 告警", "- 有 3 件", good=False)
    with pytest.raises(AlertUnavailable, match="refused with") as raised:
        channel(url).tell("invoice-watcher 告警", "- 有 3 件", good=False)
    assert not any(secret in str(raised.value) for secret in (KEY, "tok1234567", "sec1234567"))


def test_a_wecom_robot_gets_plain_text_with_the_subject_before_it(robots: Robots) -> None:
    robots.answers = [{"errcode": 0}]
    channel(f"wecombot://{KEY}").tell("invoice-watcher 告警", "- 有 3 件\n- **四**", good=False)
    sent = payload(robots.heard[0])
    assert sent["msgtype"] == "text"
    assert sent["text"]["content"].replace("\r", "") == "invoice-watcher 告警\n- 有 3 件\n- **四**"


# ----------------------------------------------------------------------------------------- check


@pytest.mark.parametrize(
    "url",
    [
        f"wecombot://{KEY}",
        f"https://qyapi.weixin.qq.com/cgi-bin/webhook/send?key={KEY}",
        "dingtalk://sec1234567@tok1234567",
        "feishu://8a2b1234-aaaa-bbbb",
    ],
)
def test_an_address_that_apprise_knows_is_found_well_formed_and_nothing_is_sent(url: str) -> None:
    (finding,) = channel(url).check()
    assert (finding.ok, finding.subject) == (True, "alerts.urls[0]")
    assert KEY not in finding.message


@pytest.mark.parametrize("url", [KEY, "dingtalk://se!cret@to_ken", f"wecombot://{KEY}%20x"])
def test_an_address_that_apprise_does_not_know_is_told_without_it_and_with_what_to_write(
    url: str, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.DEBUG):
        (finding,) = channel(url).check()
    assert not finding.ok
    assert "wecombot://KEY" in str(finding.mend)
    assert url not in finding.message + str(finding.mend) + caplog.text


def test_a_secret_that_is_gone_is_told_by_its_place(tmp_path: Path) -> None:
    secret = Secret.model_validate({"file": str(tmp_path / "gone")})
    (finding,) = RobotChannel(secret, place="alerts.urls[1]").check()
    assert (finding.ok, "gone" in finding.message) == (False, True)


# ------------------------------------------------------------------------------------------ mail


@pytest.fixture
def mail(smtp_sink: SmtpSink) -> Iterator[MailChannel]:
    section = Smtp.model_validate(
        {"host": smtp_sink.host, "port": smtp_sink.port, "tls": "none", "from": "发票助手 <fapiao@corp.example>"}
    )
    mailer = SmtpMailer(section)
    yield MailChannel("ops@corp.example", sender=section.sender, mailer=mailer)
    mailer.close()


def test_an_operator_gets_one_plain_mail_that_starts_no_loop(mail: MailChannel, smtp_sink: SmtpSink) -> None:
    mail.tell("invoice-watcher 告警：1 项", "- 来源 fapiao 无法使用", good=False)
    (received,) = smtp_sink.received
    message = received.message
    assert (received.sender, received.recipients) == ("", ("ops@corp.example",))
    assert (message["From"], message["To"]) == ("发票助手 <fapiao@corp.example>", "ops@corp.example")
    assert message["Subject"] == "invoice-watcher 告警：1 项"
    assert message["Auto-Submitted"] == "auto-generated"
    assert message.get_content_type() == "text/plain"
    assert message.get_content() == "- 来源 fapiao 无法使用\r\n"


def test_what_looks_encoded_in_an_alerts_subject_stays_as_it_is(mail: MailChannel, smtp_sink: SmtpSink) -> None:
    hidden = "=?utf-8?q?a=0D=0ABcc=3A_b=40corp.example?="

    mail.tell(f"{hidden} c", "b", good=False)

    (received,) = smtp_sink.received
    assert b"Bcc:" not in received.raw.partition(b"\r\n\r\n")[0]
    assert str(received.message["Subject"]) == f"{hidden} c"


def test_an_alert_is_never_taken_for_an_invoice_mail(mail: MailChannel, smtp_sink: SmtpSink) -> None:
    mail.tell("a", "b", good=False)
    header = read_header(smtp_sink.received[0].raw)
    assert ignored(header, own_addresses=[]) is not None


def test_a_mail_that_is_refused_is_a_failure_of_the_channel(mail: MailChannel, smtp_sink: SmtpSink) -> None:
    smtp_sink.refuse("RCPT", "550 5.1.1 nobody")
    with pytest.raises(MailRefused):
        mail.tell("a", "b", good=False)
