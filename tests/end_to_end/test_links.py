"""Mails that only link to their invoices, through the installed command and an internet of one machine."""

from __future__ import annotations

import json
import os
import sys
import tempfile
from pathlib import Path
from typing import Any

from tests.support.invoice_files import Paper, invoice_page, pdf
from tests.support.mails import crlf, headers, multipart, part
from tests.support.servers.dovecot import Dovecot
from tests.support.servers.platform_plays import HOSTS, ID, NUMBER
from tests.support.servers.platform_replies import Reply
from tests.support.servers.platforms import Platforms
from tests.support.servers.smtp import SmtpSink
from tests.support.small_internet import PUBLIC, inside
from tests.support.workplace import Workplace
from watcher.sandbox.endpoint import Endpoint

NUONUO = "https://nnfp.jss.com.cn/ab-_CD12="
FAPIAO = f"https://dlj.51fapiao.cn/dlj/v7/{ID}"
HOTEL = "https://vat.huazhu.com/invoice/queryFiles/1"
DOWN = "https://u.baiwang.com/abcdef"
PAPER = Paper(number=NUMBER)


def says(*links: str) -> bytes:
    anchors = "".join(f'<p><a href="{link}">下载发票</a></p>' for link in links)
    return crlf(f"Content-Type: text/html; charset=utf-8\n\n<html><body>{anchors}</body></html>\n")


MAILS = {
    "one link": says(NUONUO),
    "attached too": multipart(says(NUONUO), part(pdf(invoice_page(PAPER, rotation=90)), name="a.pdf")),
    "forwarded": multipart(
        crlf("Content-Type: text/plain\n\nFYI\n"),
        crlf("Content-Type: message/rfc822\n\n") + headers(sender="shop@shop.example", subject="inner") + says(FAPIAO),
    ),
    "nothing is there any more": says(FAPIAO.replace("0123", "ffff")),
    "does not answer": says(DOWN),
    "somebody else's host": says("https://evil.example/invoice.pdf"),
    "in the cloud": multipart(
        says("https://mail.qq.com/cgi-bin/ftnExs_download?k=1").replace("下载发票".encode(), "五月.pdf".encode()),
        part(pdf(invoice_page(Paper())), name="a.pdf"),
    ),
}
CLOUD = "云附件（超大附件）「五月.pdf」（邮件里只有下载链接，文件没有取到"


def test_invoices_behind_links_are_booked_and_links_that_lead_nowhere_are_answered() -> None:
    told = _in_namespace("known")

    became = {
        subject: [(one["outcome"], one["code"]) for one in documents] for subject, documents in told["became"].items()
    }
    assert became == {
        "one link": [("done", None)],
        "attached too": [("done", None), ("skipped", "SAME_INVOICE")],
        "forwarded": [("done", None)],
        "nothing is there any more": [("error", "LINK_EXPIRED")],
        "somebody else's host": [],
        "in the cloud": [("done", None)],
    }
    assert CLOUD in told["replies"]["in the cloud"]
    assert told["left"] == ["does not answer"]  # it is tried again
    assert "does not answer" not in told["replies"]
    assert "下载链接：https://dlj.51fapiao.cn/dlj/v7/ffff" in told["replies"]["nothing is there any more"]
    assert "evil.example" not in told["asked"]
    assert ID not in told["log"]


def test_no_link_is_followed_unless_the_configuration_says_so() -> None:
    told = _in_namespace("off")

    assert told["asked"] == []
    assert {subject for subject, documents in told["became"].items() if documents} == {"attached too", "in the cloud"}
    assert CLOUD in told["replies"]["in the cloud"]


def _outcomes(documents: list[dict[str, Any]]) -> list[tuple[str, str | None]]:
    return [(one["outcome"], one["code"]) for one in documents]


def _in_namespace(links: str) -> Any:
    names = {name: PUBLIC for name in HOSTS if name != "u.baiwang.com"} | {"u.baiwang.com": "93.184.216.35"}
    done = inside([sys.executable, "-m", "tests.end_to_end.test_links", links], names)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


# ----------------------------------------------------------------------------------- within the namespace


def _run(links: str) -> None:
    listen = [(PUBLIC, 443), (PUBLIC, 8443)]
    with (
        tempfile.TemporaryDirectory() as folder,
        Platforms(listen=listen) as platforms,
        Dovecot() as dovecot,
        SmtpSink() as smtp,
        Endpoint() as endpoint,
    ):
        platforms.play("inv.jss.com.cn", r".*\.pdf.*", lambda _asked, _found: Reply(body=pdf(invoice_page(PAPER))))
        assert platforms.certificate is not None
        os.environ["SSL_CERT_FILE"] = str(platforms.certificate.ca_file)
        account = dovecot.account()
        for subject, body in MAILS.items():
            account.append(headers(subject=subject) + body)
        workplace = Workplace(Path(folder) / "work", endpoint).with_smtp(smtp.host, smtp.port)
        workplace.with_mailbox(dovecot.host, dovecot.port, account.username, account.password)
        workplace.config["links"] = {"known": links == "known"}
        done = workplace.write().command("run", "--once")
        sys.stdout.write(
            json.dumps(
                {
                    "became": {each["subject"]: each["documents"] for each in workplace.submissions()},
                    "left": [_subject(each.raw) for each in account.messages("INBOX")],
                    "replies": {_answered(each.message): _plain(each.message) for each in smtp.received},
                    "asked": sorted({asked.host for asked in platforms.asked}),
                    "log": done.stdout + done.stderr,
                }
            )
        )


def _subject(raw: bytes) -> str:
    return raw.partition(b"Subject: ")[2].partition(b"\r\n")[0].decode()


def _answered(reply: Any) -> str:
    return str(reply["Subject"]).rpartition("] ")[2]


def _plain(reply: Any) -> str:
    return str(reply.get_body(("plain",)).get_content())


if __name__ == "__main__":
    _run(sys.argv[1])
