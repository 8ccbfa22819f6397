"""Sample mails and files as employees send them, all fictional, each with what should become of it."""

from __future__ import annotations

from email.message import EmailMessage
from email.policy import SMTP

from msgspec import Struct

from watcher.sandbox.invoices import SampleInvoice, invoice_ofd, invoice_pdf, zip_file

TAXI = SampleInvoice(
    number="26317000000012345001",
    date="2026-10-12",
    seller="上海示例出行有限公司",
    goods="*运输服务*客运服务费",
    amount="43.50",
)
HOTEL = SampleInvoice(
    number="26317000000012345002",
    date="2026-10-13",
    seller="杭州演示酒店有限公司",
    goods="*住宿服务*住宿费",
    amount="688.00",
)
MEAL = SampleInvoice(
    number="26317000000012345003",
    date="2026-10-14",
    seller="北京样本餐饮有限公司",
    goods="*餐饮服务*餐费",
    amount="126.00",
)
OFFICE = SampleInvoice(
    number="26317000000012345004",
    date="2026-10-15",
    seller="广州范例办公用品有限公司",
    goods="*文具*办公用品",
    amount="59.90",
)
SOFTWARE = SampleInvoice(
    number="26317000000012345005",
    date="2026-10-16",
    seller="成都试用软件有限公司",
    goods="*信息技术服务*软件服务费",
    amount="1280.00",
)

EMPLOYEES = """email,user_code,name,language
zhang.san@corp.example,903851,张三,zh
li.si@corp.example,903852,Li Si,en
"""


class Expected(Struct, frozen=True, kw_only=True):
    """What becomes of a sample: the outcomes of its documents, or the reason where it has none."""

    outcomes: tuple[str, ...] = ()
    reason: str | None = None
    booked: bool = True  # moved to done, else to error
    answered: bool = True  # by a reply, or for a file by a note where it is not plainly done


class SampleMail(Struct, frozen=True, kw_only=True):
    subject: str
    sender: str
    message_id: str
    raw: bytes
    about: str  # one line for people
    expected: Expected


class SampleFile(Struct, frozen=True, kw_only=True):
    path: str  # below the watched folder
    content: bytes
    about: str
    expected: Expected


def sample_mails(recipient: str) -> list[SampleMail]:
    """In the order in which they arrive: the duplicate comes after what it repeats."""
    zhang, li, stranger = "zhang.san@corp.example", "li.si@corp.example", "someone@elsewhere.example"
    taxi, hotel = ("打车电子发票.pdf", invoice_pdf(TAXI)), ("酒店住宿发票.pdf", invoice_pdf(HOTEL))
    zipped = zip_file([("餐饮发票.ofd".encode("gbk"), invoice_ofd(MEAL))])
    return [
        SampleMail(
            subject="转发: 十月差旅发票",
            sender=zhang,
            message_id=_message_id(1, zhang),
            raw=_mail(1, zhang, recipient, "转发: 十月差旅发票", taxi, hotel),
            about="two invoices, forwarded",
            expected=Expected(outcomes=("done", "done")),
        ),
        SampleMail(
            subject="Fwd: 餐饮发票",
            sender=li,
            message_id=_message_id(2, li),
            raw=_mail(2, li, recipient, "Fwd: 餐饮发票", ("发票.zip", zipped)),
            about="an OFD in a zip with a GBK name",
            expected=Expected(outcomes=("done",)),
        ),
        SampleMail(
            subject="转发: 再发一次",
            sender=zhang,
            message_id=_message_id(3, zhang),
            raw=_mail(3, zhang, recipient, "转发: 再发一次", taxi),
            about="the same PDF again",
            expected=Expected(outcomes=("duplicate",)),
        ),
        SampleMail(
            subject="请查收发票",
            sender=zhang,
            message_id=_message_id(4, zhang),
            raw=_mail(4, zhang, recipient, "请查收发票"),
            about="the attachment was forgotten",
            expected=Expected(reason="NO_DOCUMENT", booked=False),
        ),
        SampleMail(
            subject="发票报销",
            sender=stranger,
            message_id=_message_id(5, stranger),
            raw=_mail(5, stranger, recipient, "发票报销", ("发票.pdf", invoice_pdf(OFFICE))),
            about="from somebody whom nobody knows",
            expected=Expected(reason="UNKNOWN_SENDER", booked=False, answered=False),
        ),
    ]


def sample_files() -> list[SampleFile]:
    """The first folder of each path is the employee's number."""
    pdf = invoice_pdf(OFFICE)
    return [
        SampleFile(
            path="903851/办公用品发票.pdf",
            content=pdf,
            about="an invoice in Zhang San's folder",
            expected=Expected(outcomes=("done",)),
        ),
        SampleFile(
            path="903852/软件服务费.ofd",
            content=invoice_ofd(SOFTWARE),
            about="an OFD in Li Si's folder",
            expected=Expected(outcomes=("done",)),
        ),
        SampleFile(
            path="903851/损坏的压缩包.zip",
            content=_damaged(zip_file([(b"invoice.pdf", pdf)])),
            about="a damaged zip",
            expected=Expected(outcomes=("error",), booked=False),
        ),
    ]


def _message_id(number: int, sender: str) -> str:
    return f"<sample-{number}@{sender.partition('@')[2]}>"


def _damaged(content: bytes) -> bytes:
    """With zeros where the first entry's content begins; the directory at the end is whole."""
    return content[:60] + bytes(200) + content[260:]


def _mail(number: int, sender: str, recipient: str, subject: str, *attachments: tuple[str, bytes]) -> bytes:
    message = EmailMessage(policy=SMTP)
    message["From"] = sender
    message["To"] = recipient
    message["Subject"] = subject
    message["Date"] = f"Mon, 23 Nov 2026 09:{number:02d}:00 +0800"
    message["Message-ID"] = _message_id(number, sender)
    message.set_content("请报销，谢谢。\n", cte="base64")
    for name, content in attachments:
        kind = "pdf" if name.endswith(".pdf") else "octet-stream"
        # Named twice, as Chinese mailers do; pymap tells its clients only of the name in Content-Type.
        message.add_attachment(content, maintype="application", subtype=kind, filename=name, params={"name": name})
    # Boundaries are random: without one of our own the same sample would be another mail each time.
    if message.is_multipart():
        message.set_boundary(f"sample-{number}")
    return message.as_bytes()
