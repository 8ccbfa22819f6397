"""What takes long is acknowledged, once, and then answered, by the installed command with real servers."""

from __future__ import annotations

from pathlib import Path

from tests.support.mails import mail, part
from tests.support.servers.dovecot import Dovecot
from tests.support.servers.smtp import Received, SmtpSink
from tests.support.workplace import Workplace, pdf
from watcher.sandbox.endpoint import Endpoint

ACKNOWLEDGED = "已收到，正在处理"


def text(reply: Received) -> str:
    body = reply.message.get_body(("plain",))
    assert body is not None
    return str(body.get_content())


def test_while_the_endpoint_is_down_a_sender_is_told_once_that_the_mail_has_arrived_and_afterwards_the_result(
    tmp_path: Path, endpoint: Endpoint, dovecot: Dovecot, smtp_sink: SmtpSink
) -> None:
    # Given an endpoint that nobody can use, and mails of two employees, one of them sent by a program
    account = dovecot.account()
    workplace = Workplace(tmp_path, endpoint, probe="1s").with_smtp(smtp_sink.host, smtp_sink.port)
    workplace.with_mailbox(
        dovecot.host, dovecot.port, account.username, account.password, reply={"acknowledge_after": "1s"}
    ).write()
    endpoint.behave(no_key=True)
    account.append(mail(part(pdf("a"), name="甲.pdf"), subject="打车发票", sender="zhang@corp.example"))
    automatic = b"Precedence: bulk\r\n" + mail(part(pdf("b"), name="乙.pdf"), sender="smith@corp.example")
    account.append(automatic)
    with workplace.daemon():
        # When it takes longer than a second, and some more tries
        smtp_sink.wait_for(1, timeout=60)
        tried = len(endpoint.requests)
        assert endpoint.wait_until(lambda each: len(each.requests) >= tried + 3, 60)
        # Then whoever wrote it has been told so, and nobody else
        (told,) = smtp_sink.received
        assert (told.sender, told.recipients) == ("", ("zhang@corp.example",))
        assert told.message["Subject"] == f"Re: [1 个文件{ACKNOWLEDGED}] 打车发票"
        assert told.message["Auto-Submitted"] == "auto-replied"
        assert "[处理中] 甲.pdf" in text(told)
        # And is answered when the endpoint can be used again
        endpoint.reset()
        workplace.closed(2)
    _, answered = smtp_sink.received
    assert answered.message["Subject"] == "Re: [1 张发票已入账] 打车发票"
    assert "取代" not in text(answered)  # an acknowledgement is no answer that could be replaced
    assert answered.message["In-Reply-To"] == told.message["In-Reply-To"]
    assert answered.message["Message-ID"] != told.message["Message-ID"]
