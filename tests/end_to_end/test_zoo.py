"""Mails with all that comes beside and instead of a PDF: what is posted, what is answered, what can be sent later."""

from __future__ import annotations

import json
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest

from tests.support.invoice_files import Paper, invoice_page, lines_page, ofd, pdf
from tests.support.mails import mail, part
from tests.support.servers.dovecot import Account, Dovecot
from tests.support.servers.smtp import SmtpSink
from tests.support.workplace import Workplace
from watcher.sandbox.endpoint import Endpoint

PAPER = Paper()
OTHER = Paper(number="26117000009876543210")
TRIPS = pdf(lines_page("滴滴出行-行程单", "TRIP TABLE", "行程起止日期：2026-04-01", "共2笔行程，合计318.00元"))
XML = (
    "<?xml version='1.0' encoding='UTF-8'?><EInvoice><Header><EIid>{number}</EIid></Header><TaxSupervisionInfo>"
    "<InvoiceNumber>{number}</InvoiceNumber><IssueTime>2026-05-01</IssueTime></TaxSupervisionInfo></EInvoice>"
)
SMALL_PICTURE = b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 4


@pytest.fixture
def account(dovecot: Dovecot) -> Account:
    return dovecot.account()


@pytest.fixture
def workplace(tmp_path: Path, endpoint: Endpoint, dovecot: Dovecot, account: Account, smtp_sink: SmtpSink) -> Workplace:
    made = Workplace(tmp_path, endpoint).with_smtp(smtp_sink.host, smtp_sink.port)
    made.with_mailbox(dovecot.host, dovecot.port, account.username, account.password)
    made.config["accept"] = ["pdf", "ofd", "xml", "image"]
    return made.write()


def reply_text(sink: SmtpSink, number: int = -1) -> str:
    message: EmailMessage = sink.received[number].message
    body = message.get_body(("plain",))
    assert body is not None
    return str(body.get_content())


def ofd_of(paper: Paper) -> bytes:
    return ofd(custom={"发票号码": paper.number, "开票日期": f"{paper.day:%Y年%m月%d日}"})


def file(content: bytes, name: str) -> bytes:
    return part(content, kind="application/octet-stream", name=name)


def became(submission: dict[str, Any]) -> dict[str, tuple[str, str | None]]:
    return {one["name"]: (one["outcome"], one["code"]) for one in submission["documents"]}


def run_once(workplace: Workplace, status: int = 0) -> dict[str, Any]:
    """The submission that came in last."""
    done = workplace.command("run", "--once")
    assert done.returncode == status, done.stderr
    return workplace.submissions()[0]


def test_one_invoice_in_three_forms_and_its_trip_sheet_are_one_request_and_one_answer(
    workplace: Workplace, endpoint: Endpoint, account: Account, smtp_sink: SmtpSink
) -> None:
    account.append(
        mail(
            file(ofd_of(PAPER), "a.ofd"),
            file(pdf(invoice_page(PAPER)), "a.pdf"),
            file(XML.format(number=PAPER.number).encode(), "a.xml"),
            file(TRIPS, "trip.pdf"),
            file(SMALL_PICTURE, "image001.png"),
        )
    )

    found = run_once(workplace)

    assert became(found) == {
        "a.ofd": ("skipped", "SAME_INVOICE"),
        "a.pdf": ("done", None),
        "a.xml": ("skipped", "SAME_INVOICE"),
        "trip.pdf": ("skipped", "NOT_INVOICE"),
        "image001.png": ("skipped", "SIGNATURE_IMAGE"),
    }
    assert len(endpoint.requests) == 1
    assert len(smtp_sink.received) == 1
    said = reply_text(smtp_sink)
    for words in ("与「a.pdf」是同一张发票", "这是行程单，不是发票", "邮件签名里的小图片", "trip.pdf"):
        assert words in said
    shown = workplace.command("show", found["id"]).stdout
    assert PAPER.number in shown
    assert "NOT_INVOICE" in shown


def test_what_was_skipped_is_sent_when_the_administrator_says_so_and_answered_again(
    workplace: Workplace, endpoint: Endpoint, account: Account, smtp_sink: SmtpSink
) -> None:
    account.append(mail(file(pdf(invoice_page(PAPER)), "a.pdf"), file(TRIPS, "trip.pdf")))
    first = run_once(workplace)

    released = workplace.command("release", first["id"])

    assert "1 document is posted again" in released.stdout
    found = run_once(workplace)
    assert (found["id"], [one["outcome"] for one in found["documents"]]) == (first["id"], ["done", "done"])
    assert len(endpoint.requests) == 2
    assert len(smtp_sink.received) == 2
    refused = workplace.command("release", first["id"])
    assert (refused.returncode, "nothing in it was skipped" in refused.stderr) == (2, True)


def test_a_pdf_of_ten_invoices_is_posted_in_parts_and_answered_once(
    workplace: Workplace, endpoint: Endpoint, account: Account, smtp_sink: SmtpSink
) -> None:
    papers = [Paper(number=f"261170000012345678{number:02}") for number in range(10)]
    whole = pdf(*(invoice_page(paper) for paper in papers))
    account.append(mail(file(whole, "ten.pdf"), subject="first"))
    account.append(mail(file(whole, "again.pdf"), subject="again"))

    run_once(workplace)

    by_subject = {each["subject"]: each for each in workplace.submissions()}
    first, again = by_subject["first"], by_subject["again"]
    names = ["p1-3.pdf", "p4-6.pdf", "p7-9.pdf", "p10.pdf"]
    assert [one["name"] for one in first["documents"]] == [f"ten {name}" for name in names]
    assert {one["outcome"] for one in first["documents"]} == {"done"}
    assert {one["outcome"] for one in again["documents"]} == {"duplicate"}
    assert len(endpoint.requests) == 4
    assert len({one["biz_id"] for one in first["documents"]}) == 4
    assert len(smtp_sink.received) == 2


def test_a_locked_pdf_is_answered_with_what_to_do(
    workplace: Workplace, endpoint: Endpoint, account: Account, smtp_sink: SmtpSink, samples: Path
) -> None:
    account.append(mail(file((samples / "pdf" / "made-password-123456.pdf").read_bytes(), "a.pdf")))

    found = run_once(workplace, status=1)

    assert became(found) == {"a.pdf": ("error", "ENCRYPTED")}
    assert "请去掉密码" in reply_text(smtp_sink)
    assert endpoint.requests == ()


def test_of_a_pdf_portfolio_the_invoices_in_it_are_posted_and_answered_and_its_cover_is_not(
    workplace: Workplace, endpoint: Endpoint, account: Account, smtp_sink: SmtpSink
) -> None:
    brought = {"taxi.pdf": pdf(invoice_page(PAPER)), "hotel.pdf": pdf(invoice_page(OTHER))}
    cover = lines_page("For the best experience, open this PDF portfolio in Acrobat X or later.")
    account.append(mail(file(pdf(cover, embedded=brought, catalog="/Collection<</View/D>>"), "portfolio.pdf")))

    assert became(run_once(workplace)) == {"hotel.pdf": ("done", None), "taxi.pdf": ("done", None)}

    assert len(endpoint.requests) == 2
    assert "portfolio.pdf" not in reply_text(smtp_sink)


def test_a_mail_with_only_a_signature_has_no_document(
    workplace: Workplace, account: Account, smtp_sink: SmtpSink
) -> None:
    account.append(mail(file(SMALL_PICTURE, "image001.png"), file(b"PK", "notes.docx")))

    found = run_once(workplace)

    assert (found["reason"], became(found)) == ("NO_DOCUMENT", {"image001.png": ("skipped", "SIGNATURE_IMAGE")})
    assert reply_text(smtp_sink).splitlines()[0] == "没有找到发票文件"


def test_a_photo_beside_an_invoice_is_named_where_pictures_are_not_accepted_and_a_logo_is_not(
    workplace: Workplace, account: Account, smtp_sink: SmtpSink
) -> None:
    workplace.config["accept"] = ["pdf", "ofd"]
    workplace.write()
    photo = b"\xff\xd8\xff\xe0" + bytes(200_000)
    account.append(
        mail(file(pdf(invoice_page(PAPER)), "a.pdf"), file(photo, "IMG_2031.JPG"), file(SMALL_PICTURE, "image001.png"))
    )

    assert became(run_once(workplace)) == {"a.pdf": ("done", None)}

    said = reply_text(smtp_sink)
    assert "没有处理的文件：IMG_2031.JPG。" in said
    assert "image001.png" not in said
    assert "无需再做什么" not in said


def test_without_looking_inside_every_form_is_posted(
    workplace: Workplace, endpoint: Endpoint, account: Account
) -> None:
    workplace.config["inspect"] = False
    workplace.write()
    account.append(mail(file(ofd_of(PAPER), "a.ofd"), file(pdf(invoice_page(PAPER)), "a.pdf")))

    assert {outcome for outcome, _ in became(run_once(workplace)).values()} == {"done"}
    assert len(endpoint.requests) == 2


def test_check_says_what_can_be_opened_and_looked_into(workplace: Workplace) -> None:
    said = [json.loads(line) for line in workplace.command("check", "--json").stdout.splitlines()]
    about = [each["message"] for each in said if each["subject"] == "documents"]

    assert any("bsdtar" in message for message in about)
    assert "the process that looks into them works" in about


def test_check_warns_where_nobody_looks_inside(workplace: Workplace) -> None:
    workplace.config["inspect"] = False

    assert "nobody looks inside" in " ".join(workplace.write().command("check").stdout.split())
