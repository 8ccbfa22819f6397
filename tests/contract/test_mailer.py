"""What every ports.Mailer promises."""

from __future__ import annotations

from collections.abc import Iterator
from email.message import EmailMessage

import pytest

from tests.support.servers.smtp import SmtpSink
from watcher.config.sections import Smtp
from watcher.errors import MailerUnavailable, MailRefused
from watcher.ports import Mailer
from watcher.replies.mailer import SmtpMailer


@pytest.fixture(params=["plain", "with TLS and a login"])
def subject(request: pytest.FixtureRequest) -> Iterator[tuple[Mailer, SmtpSink]]:
    """The implementation, and the server that it hands mails to."""
    with SmtpSink(tls="implicit", username="fapiao") if request.param != "plain" else SmtpSink() as sink:
        settings = {"host": sink.host, "port": sink.port, "tls": sink.tls, "from": "fapiao@corp.example"}
        if sink.username is not None:
            settings |= {"ca_file": sink.ca_file, "username": sink.username, "password": sink.password}
        mailer = SmtpMailer(Smtp.model_validate(settings), timeout_seconds=10)
        yield mailer, sink
        mailer.close()


def message(to: str = "zhang.san@corp.example") -> EmailMessage:
    made = EmailMessage()
    made["From"], made["To"], made["Subject"] = "fapiao@corp.example", to, "结果"
    made.set_content("已入账")
    return made


def test_a_mail_goes_to_the_one_address_with_an_empty_envelope_sender(subject: tuple[Mailer, SmtpSink]) -> None:
    mailer, sink = subject
    mailer.send(message())

    assert [(mail.sender, mail.recipients) for mail in sink.received] == [("", ("zhang.san@corp.example",))]


def test_what_the_server_refuses_for_good_is_refused_and_the_next_mail_goes(subject: tuple[Mailer, SmtpSink]) -> None:
    mailer, sink = subject
    sink.refuse("RCPT", "550 5.1.1 no such user", matching="nobody@")

    with pytest.raises(MailRefused):
        mailer.send(message("nobody@corp.example"))
    mailer.send(message())

    assert len(sink.received) == 1


def test_what_passes_by_itself_is_unavailable(subject: tuple[Mailer, SmtpSink]) -> None:
    mailer, sink = subject
    sink.refuse("RCPT", "451 4.7.1 later", times=1)

    with pytest.raises(MailerUnavailable):
        mailer.send(message())
    mailer.send(message())

    assert len(sink.received) == 1


def test_a_check_sends_nothing_and_tells_good_from_bad(subject: tuple[Mailer, SmtpSink]) -> None:
    mailer, sink = subject
    good = mailer.check()
    mailer.close()
    sink.stop()
    bad = mailer.check()
    sink.start()

    assert all(finding.ok for finding in good)
    assert [finding.ok for finding in bad] == [False]
    assert all(finding.mend for finding in bad)
    assert sink.received == []


def test_a_closed_mailer_may_be_used_again(subject: tuple[Mailer, SmtpSink]) -> None:
    mailer, sink = subject
    mailer.send(message())
    mailer.close()
    mailer.close()
    mailer.send(message())

    assert len(sink.received) == 2
