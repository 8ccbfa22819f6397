"""Mails of every shape that mail programs give them, each taken apart by the installed command."""

from __future__ import annotations

import base64
import subprocess
from collections.abc import Callable
from email.message import EmailMessage
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from tests.support.archives import named_zip, zipped
from tests.support.mails import PNG, TEXT_PART, crlf, encoded, headers, mail, multipart, part
from tests.support.outlook_files import attached_message, compound_file, outlook_message
from tests.support.servers.dovecot import Account, Dovecot
from tests.support.servers.process import program
from tests.support.servers.smtp import SmtpSink
from tests.support.workplace import Workplace, pdf
from watcher.sandbox.endpoint import Endpoint

EML = 'Content-Disposition: attachment; filename="Fwd.eml"\n'


def disposed(mark: str, disposition: bytes, kind: bytes = b"application/pdf") -> bytes:
    """A part whose header is these bytes."""
    head = b"Content-Type: " + kind + b"\nContent-Transfer-Encoding: base64\nContent-Disposition: " + disposition
    return crlf(head + b"\n\n" + encoded(pdf(mark)))


def bare(content: bytes, *, kind: str = "message/rfc822", more: str = "") -> bytes:
    """A part that is not encoded."""
    return crlf(f"Content-Type: {kind}\n{more}\n") + content


def forwarded(mark: str) -> bytes:
    """What a seller sent to the employee."""
    return headers(sender="seller@shop.example", subject="inner") + multipart(
        TEXT_PART, part(pdf(mark), name=f"{mark}.pdf"), boundary="INNER"
    )


def nested(mark: str, levels: int) -> bytes:
    message = forwarded(mark)
    for level in range(levels):
        message = headers(subject="Fwd") + multipart(TEXT_PART, bare(message), boundary=f"LEVEL{level}")
    return message


def sealing(folder: Path) -> Callable[..., bytes]:
    """The command of openssl, with a key of its own: `sealed(part, "-sign", …)` gives a part of S/MIME."""
    openssl, key, certificate = str(program("openssl", "openssl")), str(folder / "key"), str(folder / "certificate")
    new = ["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", key, "-out", certificate, "-subj", "/CN=test"]
    subprocess.run([openssl, *new], capture_output=True, check=True)

    def run(content: bytes, action: str, *options: str) -> bytes:
        who = ["-signer", certificate, "-inkey", key] if action == "-sign" else []
        whom = [certificate] if action == "-encrypt" else []
        command = [openssl, "smime", action, "-binary", *who, *options, *whom]
        made = subprocess.run(command, input=content, capture_output=True, check=True).stdout
        return crlf(made.replace(b"MIME-Version: 1.0\n", b""))

    return run


SIGNATURE = part(PNG, kind="image/png", name="image001.png", more="Content-Disposition: inline\nContent-ID: <a@b>\n")
HTML = crlf("Content-Type: text/html; charset=utf-8\n\n<p>请查收</p>\n")

# What a mail is called, what it consists of, and what its documents are called; each is to be done.
SHAPES: dict[str, tuple[list[bytes], list[str]]] = {
    "apple mail shows it inline": ([HTML, disposed("apple", b'inline; filename="a.pdf"'), HTML], ["a.pdf"]),
    "outlook puts logos beside it": (
        [multipart(HTML, SIGNATURE, boundary="REL", kind="related"), part(pdf("outlook"))],
        ["a.pdf"],
    ),
    "within an alternative": (
        [multipart(TEXT_PART, multipart(HTML, part(pdf("alt")), boundary="MIX"), boundary="ALT", kind="alternative")],
        ["a.pdf"],
    ),
    "nameless octets": ([part(pdf("nameless"), kind="application/octet-stream", name=None)], ["document.pdf"]),
    "called a text": ([part(pdf("text"), kind="text/plain", name="x.pdf")], ["x.pdf"]),
    "name of RFC 2231": (
        [disposed("2231", f"attachment; filename*=UTF-8''{quote('发票.pdf')}".encode())],
        ["发票.pdf"],
    ),
    "name of RFC 2231 in pieces of GBK": (
        [
            disposed(
                "2231gbk",
                f"attachment;\n filename*0*=GBK''{quote('增值税'.encode('gbk'))};\n filename*1*="
                f"{quote('发票.pdf'.encode('gbk'))}".encode(),
            )
        ],
        ["增值税发票.pdf"],
    ),
    "name in raw GBK": ([disposed("raw", b'attachment; filename="' + "镕喆.pdf".encode("gbk") + b'"')], ["镕喆.pdf"]),
    "name in raw UTF-8": ([disposed("raw8", 'attachment; filename="发票.pdf"'.encode())], ["发票.pdf"]),
    "name in encoded GB2312": (
        [part(pdf("2312"), name=f"=?gb2312?B?{base64.b64encode('发票.pdf'.encode('gbk')).decode()}?=")],
        ["发票.pdf"],
    ),
    "name of a path": ([disposed("path", b'attachment; filename="../../etc/x.pdf"')], ["x.pdf"]),
    "forwarded as attachment": ([bare(forwarded("fwd"), more=EML)], ["fwd.pdf"]),
    "forwarded as attachment in base64": ([part(forwarded("b64"), kind="message/rfc822", more=EML)], ["b64.pdf"]),
    "saved and attached": ([part(forwarded("eml"), kind="application/octet-stream", name="a.eml")], ["eml.pdf"]),
    "forwarded six times": ([bare(nested("deep", 5))], ["deep.pdf"]),
    "a digest": ([multipart(bare(forwarded("d1")), bare(forwarded("d2")), boundary="DIG")], ["d1.pdf", "d2.pdf"]),
    "a zip from Windows": (
        [part(named_zip("发票.pdf".encode("gbk"), pdf("zip")), kind="application/zip", name="z.zip")],
        ["发票.pdf"],
    ),
    "a zip in a mail in a zip": (
        [
            part(
                zipped(("m.eml", headers() + multipart(part(zipped(("in.pdf", pdf("zez"))), kind="application/zip")))),
                kind="application/x-zip-compressed",
                name="z.zip",
            )
        ],
        ["in.pdf"],
    ),
}


@pytest.fixture
def account(dovecot: Dovecot) -> Account:
    return dovecot.account()


@pytest.fixture
def workplace(tmp_path: Path, endpoint: Endpoint, dovecot: Dovecot, account: Account, smtp_sink: SmtpSink) -> Workplace:
    made = Workplace(tmp_path, endpoint).with_smtp(smtp_sink.host, smtp_sink.port)
    return made.with_mailbox(dovecot.host, dovecot.port, account.username, account.password).write()


def by_subject(workplace: Workplace) -> dict[str, Any]:
    return {submission["subject"]: submission for submission in workplace.submissions("--limit", "1000")}


def plain(message: EmailMessage) -> str:
    body = message.get_body(("plain",))
    assert body is not None
    return str(body.get_content())


def test_every_shape_of_mail_gives_its_documents_under_their_names(
    workplace: Workplace, endpoint: Endpoint, account: Account, smtp_sink: SmtpSink
) -> None:
    for subject, (parts, _) in SHAPES.items():
        account.append(headers(subject=subject) + multipart(TEXT_PART, *parts))

    assert workplace.command("run", "--once").returncode == 0

    found = by_subject(workplace)
    names = {subject: [one["name"] for one in found[subject]["documents"]] for subject in SHAPES}
    assert names == {subject: expected for subject, (_, expected) in SHAPES.items()}
    assert {one["outcome"] for each in found.values() for one in each["documents"]} == {"done"}
    assert len(endpoint.requests) == sum(len(expected) for _, expected in SHAPES.values())
    assert len(smtp_sink.received) == len(SHAPES)


@pytest.mark.parametrize(
    ("raw", "names"),
    [
        (headers() + part(pdf("root"), name="root.pdf"), ["root.pdf"]),
        (mail(part(pdf("lf"))).replace(b"\r\n", b"\n"), ["a.pdf"]),
        (b"From: zhang@corp.example\r\n" + multipart(TEXT_PART, part(pdf("no"))), ["a.pdf"]),
        (mail(part(pdf("open"))).removesuffix(b"--BOUNDARY--\r\n"), ["a.pdf"]),
    ],
    ids=["it is the document itself", "bare line feeds", "neither subject, date nor Message-ID", "cut off at its end"],
)
def test_a_mail_of_unusual_form_is_booked_and_answered(
    workplace: Workplace, account: Account, smtp_sink: SmtpSink, raw: bytes, names: list[str]
) -> None:
    account.append(raw)

    assert workplace.command("run", "--once").returncode == 0

    (submission,) = workplace.submissions()
    assert [one["name"] for one in submission["documents"]] == names
    assert len(smtp_sink.received) == 1


def test_each_piece_of_a_mail_that_was_cut_on_its_way_is_answered_and_none_is_posted(
    workplace: Workplace, endpoint: Endpoint, account: Account, smtp_sink: SmtpSink
) -> None:
    whole = mail(part(pdf("cut", 100_000)))
    for number, piece in enumerate((whole[:70_000], whole[70_000:]), 1):
        kind = f'Content-Type: message/partial; id="1@corp.example"; number={number}; total=2\n\n'
        for sender in ("zhang@corp.example", "smith@corp.example"):
            account.append(headers(sender=sender, subject=f"invoice [{number}/2]") + crlf(kind) + piece)

    assert workplace.command("run", "--once").returncode == 1

    assert [[one["code"] for one in each["documents"]] for each in workplace.submissions()] == [["UNREADABLE"]] * 4
    assert endpoint.requests == ()
    said = {
        "zhang@corp.example": "邮件被拆成了几封，这只是其中一段，无法打开：请不要拆分邮件，整封重新发送",
        "smith@corp.example": "the mail was cut into several, of which this is one piece: send it in one",
    }
    replies = [(each.recipients[0], " ".join(plain(each.message).split())) for each in smtp_sink.received]
    assert sorted(to for to, _ in replies) == ["smith@corp.example"] * 2 + ["zhang@corp.example"] * 2
    assert [text for to, text in replies if said[to] not in text] == []


def test_a_mail_that_is_encrypted_is_told_so_and_one_that_is_signed_is_booked(
    workplace: Workplace, account: Account, smtp_sink: SmtpSink, tmp_path: Path
) -> None:
    cms = sealing(tmp_path)
    inner = multipart(TEXT_PART, part(pdf("signed")))
    pgp = crlf("-----BEGIN PGP MESSAGE-----\n\nhQEMA3J1\n-----END PGP MESSAGE-----\n")
    control = crlf("Content-Type: application/pgp-encrypted\n\nVersion: 1\n")
    ciphered = bare(pgp, kind='application/octet-stream; name="encrypted.asc"')
    account.append(headers(subject="signed") + cms(inner, "-sign", "-nodetach"))
    account.append(headers(subject="S/MIME") + cms(inner, "-encrypt", "-aes256"))
    account.append(headers(subject="PGP", sender="smith@corp.example") + multipart(control, ciphered, kind="encrypted"))

    assert workplace.command("run", "--once").returncode == 1

    codes = {subject: [one["code"] for one in each["documents"]] for subject, each in by_subject(workplace).items()}
    assert codes == {"signed": [None], "S/MIME": ["ENCRYPTED_MAIL"], "PGP": ["ENCRYPTED_MAIL"]}
    chinese, english = (
        next(" ".join(text.split()) for each in smtp_sink.received if mark in (text := plain(each.message)))
        for mark in ("「S/MIME」", "“PGP”")
    )
    assert "请在邮件程序里关掉加密" in chinese
    assert "Please switch encryption off in your mail program" in english
    assert [word for word in ("密码", "password") if word in chinese + english] == []


LINK = "您收到一张【杭州示例餐饮有限公司】开具的发票"
LINK_MAIL = headers(sender="invoice@info.nuonuo.com", subject=f"=?utf-8?B?{base64.b64encode(LINK.encode()).decode()}?=")
LINKED = LINK_MAIL + crlf("Content-Type: text/html; charset=utf-8\n\n<a href='https://nnfp.jss.com.cn/a1b2'>下载</a>\n")
SAVED = compound_file(outlook_message(attached_message(outlook_message(nested=True), LINK)))
WITH_LOGO = LINK_MAIL + multipart(HTML, SIGNATURE, boundary="LOGO", kind="related")


FORWARDED: dict[str, list[bytes]] = {
    "as it is": [bare(LINKED, more=EML)],
    "beside a picture": [bare(LINKED), SIGNATURE],
    "with a logo": [bare(WITH_LOGO, more=EML)],
    "with a logo in a file": [part(WITH_LOGO, kind="application/octet-stream", name="2.eml")],
    "with a logo in a mail in a file": [part(headers() + multipart(TEXT_PART, bare(WITH_LOGO)), name="2.eml")],
    "as a file": [part(LINKED, kind="application/octet-stream", name="2.eml")],
    "in base64": [part(LINKED, kind="message/rfc822", name="2.eml")],
    "in another in a file": [part(headers() + multipart(TEXT_PART, bare(LINKED)), name="2.eml")],
    "in another": [bare(headers() + multipart(TEXT_PART, bare(LINKED), boundary="IN"))],
    "saved by Outlook": [part(SAVED, kind="application/vnd.ms-outlook", name="m.msg")],
    "in a zip": [part(zipped(("2.eml", LINKED)), kind="application/zip", name="z.zip")],
    "read whole": [bare(LINKED), crlf("Content-Type: application/x; name=a\nContent-Transfer-Encoding: x-odd\n\nx")],
}


@pytest.mark.parametrize("accept", [["pdf"], ["pdf", "image"]], ids=["PDF", "PDF and pictures"])
def test_a_mail_that_was_forwarded_beside_an_invoice_and_only_has_a_link_is_named_in_the_reply(
    workplace: Workplace, account: Account, smtp_sink: SmtpSink, accept: list[str]
) -> None:
    workplace.config["accept"] = accept
    workplace.write()
    for subject, parts in FORWARDED.items():
        account.append(headers(subject=subject) + multipart(TEXT_PART, bare(forwarded(subject), more=EML), *parts))

    assert workplace.command("run", "--once").returncode == 0

    for subject, submission in by_subject(workplace).items():
        done = [one["name"] for one in submission["documents"] if one["outcome"] == "done"]
        assert done == [f"{subject}.pdf"], subject
    replies = [plain(each.message) for each in smtp_sink.received]
    assert len(replies) == len(FORWARDED)
    for said in replies:
        assert said.startswith("1 张发票已入账，另有 1 个文件没有处理"), said
        assert f"没有处理的文件：附带的邮件「{LINK}」（里面没有发票文件，可能只有下载链接）。" in said


def test_what_holds_no_invoice_is_no_document(workplace: Workplace, endpoint: Endpoint, account: Account) -> None:
    account.append(
        mail(
            SIGNATURE,
            part(b"BEGIN:VCALENDAR\r\nEND:VCALENDAR\r\n", kind="text/calendar", name="a.ics"),
            part(b"BEGIN:VCARD\r\nEND:VCARD\r\n", kind="text/vcard", name="a.vcf"),
            part(b"<html></html>", kind="text/html", name="a.html"),
        )
    )

    workplace.command("run", "--once")

    (submission,) = workplace.submissions()
    assert (submission["reason"], submission["documents"]) == ("NO_DOCUMENT", [])
    assert endpoint.requests == ()


def test_beyond_the_limits_the_rest_is_booked_and_the_reply_says_what_is_missing(
    workplace: Workplace, endpoint: Endpoint, account: Account, smtp_sink: SmtpSink
) -> None:
    workplace.config["limits"] = {"document": "1MB", "submission": "2MB", "documents": 5}
    workplace.write()
    account.append(mail(part(pdf("large", 1_000_000), name="large.pdf"), part(pdf("small")), subject="large"))
    account.append(
        mail(*(part(pdf(f"s{n}", 900_000), name=f"sum-{n}.pdf") for n in range(3)), subject="together too large")
    )
    account.append(mail(*(part(pdf(f"m{n}"), name=f"many-{n}.pdf") for n in range(8)), subject="many"))

    assert workplace.command("run", "--once").returncode == 1

    found = by_subject(workplace)
    codes = {subject: [one["code"] for one in each["documents"]] for subject, each in found.items()}
    assert codes == {
        "large": ["TOO_LARGE", None],
        "together too large": [None, None, "TOO_LARGE"],
        "many": [None, None, None, None, None, "TOO_MANY"],
    }
    assert len(endpoint.requests) == 8
    told = {str(reply.message["Subject"]).rpartition("] ")[2]: plain(reply.message) for reply in smtp_sink.received}
    assert "many-5.pdf" in told["many"]
    assert "排在它后面、没有列在这里的也没有处理" in told["many"]
    assert "sum-2.pdf" in told["together too large"]
