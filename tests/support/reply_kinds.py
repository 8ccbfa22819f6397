"""One answer of every kind, as an employee gets it: for what looks at how they are laid out."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime
from email.message import EmailMessage
from functools import cache
from typing import Any
from zoneinfo import ZoneInfo

from msgspec.structs import replace

from tests.support.submissions import document, invoice, submission
from watcher.model import (
    Acknowledgement,
    Document,
    DocumentState,
    Invoice,
    Language,
    LeftOut,
    Notice,
    Outcome,
    Submission,
    SubmissionState,
    Thread,
    Try,
)
from watcher.replies import TemplateWriter
from watcher.seen import By, SeenInvoice

_PROCESSED = datetime(2026, 11, 3, 6, 20, tzinfo=UTC)

TAXI = invoice()
HOTEL = invoice(
    number="26317000000552768812", amount="1288.00", seller_name="杭州演示酒店有限公司", expense_id="387278781",
    date=date(2026, 2, 7), name="电子发票（增值税专用发票）",
)  # fmt: skip
MEAL = invoice(
    number="26317000000552768933", amount="326.00", seller_name="北京样本餐饮有限公司", expense_id="387278782",
    date=date(2026, 2, 8),
)  # fmt: skip
FLIGHT = invoice(
    number="26117000000552769001", amount="412.80", currency="USD", seller_name="Sample Airways Ltd.",
    expense_id="387278790", date=date(2026, 2, 9), name="Electronic ticket",
)  # fmt: skip
HOSTILE = "<script>alert(1)</script>\u202e\u200b\"'><img src=x onerror=y> {{7*7}} فاتورة חשבונית" + "长" * 300

Make = Callable[[TemplateWriter], EmailMessage]


@cache
def writer(language: Language) -> TemplateWriter:
    """One for all, because it reads its words but once."""
    return TemplateWriter(
        sender="发票助手 <fapiao@corp.example>", default_language=language, timezone=ZoneInfo("Asia/Shanghai"),
        clock=lambda: datetime(2026, 11, 23, 2, 1, tzinfo=UTC),
    )  # fmt: skip


def failed(number: int, name: str, code: str, message: str | None = None, **changes: Any) -> Document:
    return document(number, name=name, outcome=Outcome.ERROR, code=code, message=message, invoices=(), **changes)


def pending(number: int, name: str) -> Document:
    return document(number, name=name, state=DocumentState.PENDING, outcome=None, invoices=())


def _booked(at: datetime) -> Try:
    return Try(
        number=1, biz_id="b", started_at=at, ended_at=at, result="answered", in_doubt=False, code="200000", message=None
    )


DONE = document(1, name="滴滴出行电子发票.pdf")
DONE_TOO = document(2, name="酒店住宿发票.ofd", invoices=(HOTEL, MEAL))
ATTENTION = document(
    3,
    name="餐饮发票.pdf",
    outcome=Outcome.ATTENTION,
    code="E1009",
    message="购买方名称与公司抬头不符",
    invoices=(replace(MEAL, message="购买方名称与公司抬头不符", message_code="E1009", verified=False),),
    read=(SeenInvoice(by=By.QR, number="26317000000552768940"),),
)
PARTLY = document(
    4,
    name="一次出差的三张.pdf",
    outcome=Outcome.ATTENTION,
    invoices=(TAXI, replace(HOTEL, expense_id=None, message="该发票已被使用，请勿重复报销"), FLIGHT),
)
IN_DOUBT = document(
    5, name="机票行程单发票.pdf", outcome=Outcome.ATTENTION, code="IN_DOUBT", message="HTTP 504", invoices=()
)
DUPLICATE = document(6, name="再发一次.pdf", outcome=Outcome.DUPLICATE, duplicate_of=99, tries=(_booked(_PROCESSED),))
SKIPPED = document(
    7, name="行程单.pdf", outcome=Outcome.SKIPPED, code="NOT_INVOICE", message="行程单 / a trip sheet", invoices=()
)
SAME = document(
    8,
    name="滴滴出行电子发票.ofd",
    outcome=Outcome.SKIPPED,
    code="SAME_INVOICE",
    message="与「滴滴出行电子发票.pdf」是同一张发票 / the same invoice as “滴滴出行电子发票.pdf”",
    invoices=(),
)
LOCKED = failed(9, "加密的发票.pdf", "ENCRYPTED")
LINKED = failed(
    10, "pis.example.com", "LINK_LOGIN", "https://pis.example.com/invoice/download?id=8f2c6d1e0a9b4c77&from=mail"
)
REFUSED = failed(11, "模糊的照片.pdf", "400213", "图片模糊，无法识别")
NOT_BOOKED = failed(12, "打车票.pdf", "E2003", "该员工没有报销权限")
NOT_BOOKED_WITH = replace(NOT_BOOKED, invoices=(replace(TAXI, expense_id=None, message="该员工没有报销权限"),))
NOT_SET_UP = failed(13, "发票.pdf", "400000", "配置校验失败,请预先配置识别秘钥")


def _mail(*documents: Document, number: int = 1, **changes: Any) -> Make:
    def make(by: TemplateWriter) -> EmailMessage:
        return by.reply(submission(*documents, **changes), number)

    return make


def many(count: int, invoices: int = 1) -> tuple[Document, ...]:
    """Most of them booked, some not."""
    return tuple(_one_of_many(number, invoices) for number in range(1, count + 1))


def _one_of_many(number: int, invoices: int) -> Document:
    if number % 10 == 3:
        return replace(LOCKED, id=number, name=f"加密的发票-{number:02}.pdf")
    if number % 10 == 6:
        return replace(ATTENTION, id=number, name=f"餐饮发票-{number:02}.pdf")
    found = tuple(_numbered(number, index) for index in range(invoices))
    return document(number, name=f"差旅发票-{number:02}.pdf", invoices=found)


def _numbered(number: int, index: int) -> Invoice:
    return replace(TAXI, number=f"263170000005527{number:03}{index:02}", expense_id=f"38727{number:03}{index}")


def acknowledged() -> Submission:
    return submission(DONE, pending(2, "酒店住宿发票.ofd"), pending(3, "餐饮发票.pdf"), state=SubmissionState.OPEN)


def surplus() -> Notice:
    return Notice(
        source="fapiao",
        concerns="903851",
        thread=Thread(message_id="<1@corp.example>", reply_to="zhang.san@corp.example"),
        subject="转发: 打车发票",
        person_name="张三",
        language=None,
        received_at=datetime(2026, 11, 23, 2, 0, tzinfo=UTC),
        submissions=60,
        bytes=200_000_000,
        resumes_at=datetime(2026, 11, 23, 2, 48, tzinfo=UTC),
    )


KINDS: Mapping[str, Make] = {
    "done": _mail(DONE, DONE_TOO),
    "attention": _mail(ATTENTION),
    "partly": _mail(PARTLY),
    "in-doubt": _mail(IN_DOUBT),
    "duplicate": _mail(DUPLICATE),
    "skipped": _mail(SKIPPED),
    "error": _mail(LOCKED, REFUSED, LINKED),
    "not-set-up": _mail(NOT_SET_UP),
    "not-booked": _mail(NOT_BOOKED_WITH),
    "mixed": _mail(DONE, DONE_TOO, ATTENTION, REFUSED, DUPLICATE, SAME),
    "no-document": _mail(reason="NO_DOCUMENT", left_out=(LeftOut(name="合同.docx", why="office"),)),
    "left-out": _mail(DONE, left_out=(LeftOut(name="IMG_2031.HEIC", why="heic is not accepted", missed=True),)),
    "again": _mail(DONE, DONE_TOO, number=2),
    "surplus": lambda by: by.notice(surplus(), "notice-1-1"),
    "acknowledgement": lambda by: by.notice(Acknowledgement(submission=acknowledged()), "notice-2-1"),
    "many": _mail(*many(50)),
}
