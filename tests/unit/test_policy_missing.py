"""What was left out and may be an invoice to whoever sent it; and whether a reply or a note must say so."""

from __future__ import annotations

from typing import Any

import pytest

from tests.support.submissions import document, submission
from watcher.config.sections import ReplyChoice
from watcher.model import Kind, LeftOut
from watcher.policy.answer import verdict
from watcher.policy.missing import Placed, may_be_missed, missed_beside

NUMBER = "26317000000012345678"


@pytest.mark.parametrize(
    ("name", "form", "size"),
    [
        ("IMG_0001.JPG", "jpeg", 900_000),
        ("image001.png", "png", 160_000),  # as Outlook calls what is pasted
        ("screen.png", "png", 60_000),
        ("IMG_0002.HEIC", "heic", 20_000),
        ("fax.tif", "tiff", 20_000),
        ("发票.png", "png", 9_000),
        (f"{NUMBER}.jpg", "jpeg", 9_000),
        (f"dzfp_{NUMBER}.xml", "xml", 5_000),
        ("发票.docx", "office", 30_000),
        ("invoice.html", "other", 30_000),
        ("四月.tar.gz", "other", 30_000),
        ("a.pdf.pgp", "other", 30_000),
        ("您收到一张【某公司】开具的发票", "eml", 3_000),
        ("【电子行程单】请查收.msg", "msg", 3_000),
        ("开票成功通知", "eml", 3_000),
        ("您有一张电子专票待查收", "eml", 3_000),
        ("Your receipt from Example #7", "eml", 3_000),
        ("发票.txt", "jpeg", 900_000),  # what it is counts, not what it is called
    ],
)
def test_what_may_be_an_invoice_is_missed(name: str, form: str, size: int) -> None:
    assert may_be_missed(name, form, size)


@pytest.mark.parametrize(
    ("name", "form", "size"),
    [
        ("image001.png", "png", 12_000),
        ("image003.png", "png", 90_000),  # the banner of a signature
        ("Outlook-o1d2x.jpg", "jpeg", 90_000),
        ("logo.png", "png", 90_000),
        ("公众号二维码.jpg", "jpeg", 90_000),
        ("smile.gif", "gif", 400_000),
        ("合同.docx", "office", 30_000),
        ("发票明细.docx", "office", 30_000),
        ("发票.xlsx", "office", 30_000),
        ("发票.xlsm", "office", 30_000),
        ("发票.ods", "other", 30_000),
        ("发票.pdf.p7s", "other", 3_000),
        ("a.xml", "xml", 3_000),
        ("invite.ics", "other", 3_000),
        ("Re: lunch on Friday", "eml", 300_000),
        ("Read receipt", "eml", 3_000),
        ("invoice.ics", "other", 3_000),
        ("发票.mp4", "other", 3_000_000),
        ("发票抬头.TXT", "other", 300),
        (f"{NUMBER}.vcf", "other", 300),
    ],
)
def test_what_comes_with_every_mail_is_not(name: str, form: str, size: int) -> None:
    assert not may_be_missed(name, form, size)


def missed(name: str, *names: str, numbers: tuple[str, ...] = ()) -> bool:
    (found,) = missed_beside([LeftOut(name=name, why="", missed=True)], [*map(Placed, names)], numbers)
    return found.missed


def test_another_form_of_a_document_is_not_missed() -> None:
    assert not missed(f"dzfp_{NUMBER}.xml", f"发票 {NUMBER}.pdf")
    assert not missed(f"{NUMBER}.xml", "a.pdf", numbers=(NUMBER,))
    assert not missed("发票.xml", "发票.PDF")


def test_what_is_no_other_form_is_missed() -> None:
    assert missed(f"dzfp_{NUMBER}.xml", "dzfp_26317000000087654321.pdf")
    assert missed("1.jpg", "1.pdf")
    assert missed("发票2.xml", "发票.pdf")


@pytest.mark.parametrize(
    ("is_missed", "wanted", "replies"), [(True, True, True), (False, True, False), (True, False, False)]
)
def test_where_what_is_done_gets_no_reply_something_missed_does(is_missed: bool, wanted: bool, replies: bool) -> None:
    left_out: Any = (LeftOut(name="a.jpg", why="", missed=is_missed),)

    assert (
        verdict(submission(document(), left_out=left_out), ReplyChoice(done=False, attention=wanted)).reply is replies
    )


def test_a_file_in_which_something_is_missed_has_a_note() -> None:
    left_out = (LeftOut(name="a.jpg", why="", missed=True),)
    file = submission(document(), kind=Kind.FILE, path="a.zip", left_out=left_out)

    assert verdict(file, ReplyChoice(done=False)).note
