"""What a reply and a note say, and that nothing from outside gets into them as it came."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from email import message_from_bytes, policy
from email.message import EmailMessage
from functools import cache
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from tests.support.submissions import document, invoice, submission
from watcher.errors import MailRefused
from watcher.model import (
    REPLACED,
    DocumentState,
    Invoice,
    Kind,
    Language,
    LeftOut,
    Outcome,
    Reason,
    Submission,
    SubmissionState,
    Thread,
    Try,
)
from watcher.replies.writer import TemplateWriter
from watcher.seen import By, SeenInvoice

LANGUAGES: tuple[Language, ...] = ("zh", "en")
SENT_AT = datetime(2026, 11, 23, 2, 1, tzinfo=UTC)


@cache  # it reads its words but once
def writer(sender: str | None = "发票助手 <fapiao@corp.example>") -> TemplateWriter:
    return TemplateWriter(
        sender=sender, default_language="zh", timezone=ZoneInfo("Asia/Shanghai"), clock=lambda: SENT_AT
    )


def reply(what: Submission, number: int = 1) -> EmailMessage:
    """As the receiver's program reads it."""
    return message_from_bytes(writer().reply(what, number).as_bytes(), policy=policy.default)


def text(message: EmailMessage) -> str:
    return body(message, "plain")


def html(message: EmailMessage) -> str:
    return body(message, "html")


def body(message: EmailMessage, kind: str) -> str:
    part = message.get_body((kind,))
    assert part is not None
    return str(part.get_content())


# ------------------------------------------------------------------------------------------ words


def test_the_verdict_stands_first_and_in_the_subject() -> None:
    what = submission(
        document(1, invoices=tuple(invoice(number=number) for number in "123")),
        document(2, outcome=Outcome.ERROR, code="NO_INVOICE", invoices=()),
    )

    message = reply(what)

    assert text(message).splitlines()[0] == "3 张发票已入账，1 个文件未能处理"
    assert message["Subject"] == "Re: [3 张发票已入账，1 个文件未能处理] 差旅发票"


def test_an_invoice_is_told_with_all_that_identifies_it() -> None:
    message = reply(submission(document(name="滴滴.pdf", invoices=(invoice(code="031002000011", amount="1200.1"),))))

    for shown in (text(message), html(message)):
        for fact in (
            "滴滴.pdf",
            "26317000000552768706",
            "031002000011",
            "2026-02-05",
            "上海示例出行有限公司",
            "387278780",
        ):
            assert fact in shown
        assert "¥1,200.10" in shown


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("reason", Reason)
def test_every_reason_is_explained_on_its_document(reason: Reason, language: Language) -> None:
    what = submission(document(outcome=Outcome.ERROR, code=reason, invoices=()), language=language)

    shown = text(reply(what))

    assert ("怎么办：" if language == "zh" else "What to do: ") in shown
    assert reason.value in shown


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("outcome", [*Outcome, None])
def test_every_outcome_is_told_in_both_languages(outcome: Outcome | None, language: Language) -> None:
    state = DocumentState.PENDING if outcome is None else DocumentState.SETTLED

    message = reply(submission(document(outcome=outcome, state=state), language=language))

    assert "发票-1.pdf" in text(message)
    assert "发票-1.pdf" in html(message)


def test_the_endpoints_words_are_passed_on_with_its_code() -> None:
    refused = document(outcome=Outcome.ERROR, code="400123", message="文件格式不支持", invoices=())

    shown = text(reply(submission(refused)))

    assert "识别系统没有接受这份文件，给出的提示是「文件格式不支持」" in shown
    assert "400123" in shown


def test_attention_names_what_is_wrong_with_the_invoice() -> None:
    odd = invoice(message="发票抬头不符", verified=False)

    shown = text(reply(submission(document(outcome=Outcome.ATTENTION, code="E1", invoices=(odd,)))))

    assert "系统提示：发票抬头不符；未通过税务查验" in shown
    assert "请不要重新提交" in shown


def test_an_expense_that_is_missing_among_others_is_named() -> None:
    invoices = (invoice(), invoice(number="26317000000552768707", expense_id=None))

    shown = text(reply(submission(document(outcome=Outcome.ATTENTION, invoices=invoices))))

    assert shown.splitlines()[0] == "1 张发票已入账，1 个文件需要您核对"
    assert "没有生成费用记录" in shown


def test_where_no_expense_is_wanted_the_invoice_is_recognised_and_lacks_nothing() -> None:
    message = reply(submission(document(invoices=(invoice(expense_id=None),))))

    assert text(message).splitlines()[0] == "1 张发票已识别"
    assert "没有生成费用记录" not in text(message)
    assert "费用编号" not in text(message) + html(message)
    assert "本次金额合计：¥43.50" in text(message)


def test_an_error_with_invoices_says_why_none_was_booked() -> None:
    failed = document(
        outcome=Outcome.ERROR,
        code="E7",
        message="员工不存在",
        invoices=(invoice(expense_id=None, message="员工不存在"),),
    )

    shown = text(reply(submission(failed)))

    assert "发票已识别，但没有生成费用记录，系统给出的提示是「员工不存在」" in shown
    assert "本次金额合计" not in shown


def test_a_duplicate_in_the_same_mail_names_its_twin() -> None:
    shown = text(reply(submission(document(1, name="a.pdf"), document(2, outcome=Outcome.DUPLICATE, duplicate_of=1))))

    assert "与同时提交的「a.pdf」内容完全相同" in shown


@pytest.mark.parametrize("code", [Reason.IN_DOUBT, "W9"])
@pytest.mark.parametrize(
    ("language", "told", "untold"),
    [
        ("zh", "对「a.pdf」要做的，做一次就够了。", "无需再做什么，下面"),
        ("en", "about “a.pdf” need be done only once", "Nothing is left"),
    ],
)
def test_a_duplicate_of_what_is_to_be_checked_in_the_same_mail_does_not_say_that_nothing_is_left(
    language: Language, told: str, untold: str, code: str
) -> None:
    invoices = () if code == Reason.IN_DOUBT else (invoice(message="超标"),)
    first = document(1, name="a.pdf", outcome=Outcome.ATTENTION, code=code, invoices=invoices)
    again = document(2, outcome=Outcome.DUPLICATE, duplicate_of=1, invoices=invoices)

    shown = text(reply(submission(first, again, language=language)))

    assert told in shown
    assert untold not in shown


@pytest.mark.parametrize(
    ("language", "told", "untold"),
    [
        ("zh", ["被同名的另一个文件替换", "核对入账的是哪一个文件"], ["没有收到明确的结果", "while it was sent"]),
        ("en", ["replaced by another file of the same name", "which of the two files"], ["no clear answer", "替换"]),
    ],
)
def test_who_replaced_a_file_while_it_was_sent_is_told_so_in_their_language(
    language: Language, told: list[str], untold: list[str]
) -> None:
    replaced = document(outcome=Outcome.ATTENTION, code=Reason.IN_DOUBT, message=REPLACED)

    shown = text(reply(submission(replaced, language=language)))

    assert [words for words in told if words not in shown] == []
    assert [words for words in untold if words in shown] == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_what_the_endpoint_said_of_what_is_in_doubt_is_not_taken_for_words_of_ours(language: Language) -> None:
    doubtful = document(outcome=Outcome.ATTENTION, code=Reason.IN_DOUBT, message="网关超时 / gateway timeout")

    assert "IN_DOUBT · 网关超时 / gateway timeout" in text(reply(submission(doubtful, language=language)))


def test_a_duplicate_says_when_the_first_was_processed_and_its_expense() -> None:
    booked = Try(
        number=1,
        biz_id="b",
        started_at=SENT_AT,
        ended_at=datetime(2026, 10, 1, 1, 2, tzinfo=UTC),
        result="answered",
        in_doubt=False,
        code="200000",
        message=None,
    )

    message = reply(submission(document(2, outcome=Outcome.DUPLICATE, duplicate_of=1, tries=(booked,))))

    assert "以前提交过（2026-10-01 09:02 已处理），没有再次入账" in text(message)
    assert "387278780" in text(message)
    assert "本次金额合计" not in text(message)


@pytest.mark.parametrize("language", LANGUAGES)
def test_what_repeats_something_in_doubt_is_to_be_looked_for_and_not_said_to_be_booked(language: Language) -> None:
    shown = text(
        reply(submission(document(2, outcome=Outcome.DUPLICATE, duplicate_of=1, invoices=()), language=language))
    )

    if language == "zh":
        assert shown.splitlines()[:2] == ["1 个文件需要您核对", "请按下面的提示核对。"]
        assert "可能已经入账，也可能没有" in shown
        assert "无需再做什么，下面是" not in shown
    else:
        assert shown.splitlines()[:2] == ["1 file for you to check", "Please check the points below."]
        assert "it may have been booked, or not" in shown
        assert "Nothing is left for you to do; the earlier record" not in shown


def test_an_invoice_with_several_expenses_is_counted_once() -> None:
    twice = document(outcome=Outcome.ATTENTION, invoices=(invoice(), invoice(expense_id="2")))

    assert text(reply(submission(twice))).splitlines()[0] == "1 张发票已入账，1 个文件需要您核对"


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("invoices", [(), (invoice(expense_id=None, message=None),)], ids=["no invoice", "no expense"])
def test_where_no_reason_is_given_nobody_is_told_to_follow_it(
    language: Language, invoices: tuple[Invoice, ...]
) -> None:
    silent = document(outcome=Outcome.ERROR, code="E1", message=None, invoices=invoices)

    shown = text(reply(submission(silent, language=language)))

    assert ("请把这个结果转给财务" if language == "zh" else "forward this result to your finance team") in shown
    for said in ("按提示", "按上面的提示", "what is said above"):
        assert said not in shown


def test_who_put_a_file_into_the_wrong_folder_is_not_told_to_put_it_there_again() -> None:
    nobody = document(outcome=Outcome.ERROR, code="NO_USER", invoices=())
    note = writer().note(submission(nobody, kind=Kind.FILE, path="a.pdf"))
    also = writer().note(
        submission(nobody, document(2, outcome=Outcome.ERROR, code="NO_INVOICE", invoices=()), kind=Kind.FILE)
    )

    assert "以您的工号命名的文件夹" in note
    assert "重新提交：" not in note
    assert "重新提交：" in also


def test_a_long_answer_in_english_has_no_chinese_in_it() -> None:
    said = f"与「{'上海示例出行有限公司' * 12}」是同一张发票 / the same invoice as “{'x' * 60}”"
    skipped = [document(n, outcome=Outcome.SKIPPED, code="SAME_INVOICE", message=said, invoices=()) for n in range(50)]
    booked = [document(100 + n, invoices=tuple(invoice(number=str(i)) for i in range(3))) for n in range(60)]

    shown = html(reply(submission(*skipped, *booked, language="en")))

    assert "the same invoice as" in shown
    assert "同一张发票" not in shown


def test_the_total_adds_what_was_booked_now_by_currency() -> None:
    what = submission(
        document(1, invoices=(invoice(amount="0.10"), invoice(amount="0.20"), invoice(amount="12", currency="USD"))),
        document(2, outcome=Outcome.DUPLICATE, duplicate_of=1),
        document(3, outcome=Outcome.ERROR, code="1", invoices=(invoice(expense_id=None),)),
        document(4, invoices=(invoice(amount=None),)),
    )

    assert "本次金额合计：¥0.30；USD 12.00（另有 1 张发票没有可相加的金额，未计入）" in text(reply(what))


def test_an_invoice_with_several_expenses_is_in_the_total_once() -> None:
    split = document(invoices=(invoice(expense_id="E1"), invoice(expense_id="E2")))

    assert "本次金额合计：¥43.50" in text(reply(submission(split)))


def test_a_mail_without_documents_says_how_to_send_them() -> None:
    shown = text(reply(submission(reason="NO_DOCUMENT")))

    assert shown.splitlines()[0] == "没有找到发票文件"
    assert "PDF 或 OFD" in shown
    assert "重新提交：" in shown


def test_what_only_the_administrator_can_mend_is_not_to_be_submitted_again() -> None:
    what = submission(document(outcome=Outcome.ERROR, code="400000", message="配置校验失败", invoices=()))

    assert "重新提交：" not in text(reply(what))


def test_what_was_given_up_says_how_to_submit_again() -> None:
    what = submission(document(outcome=Outcome.ERROR, code="GAVE_UP", message="HTTP 502", invoices=()))

    assert "重新提交：" in text(reply(what))


def test_where_all_was_skipped_there_is_nothing_to_do() -> None:
    skipped = document(outcome=Outcome.SKIPPED, invoices=(), message="签名里的图片")

    shown = text(reply(submission(skipped)))

    assert shown.splitlines()[0] == "没有需要处理的发票"
    assert "签名里的图片" in shown


def test_a_held_mail_is_said_to_wait_for_the_administrator() -> None:
    waiting = document(outcome=None, state=DocumentState.PENDING, invoices=())

    shown = text(reply(submission(waiting, state=SubmissionState.HELD, reason="UNVERIFIED_SENDER")))

    assert shown.splitlines()[0] == "已收到，等待管理员确认"
    assert "无法证实这封邮件" in shown


def test_pending_documents_make_it_an_acknowledgement() -> None:
    waiting = document(outcome=None, state=DocumentState.PENDING, invoices=())

    shown = text(reply(submission(waiting, state=SubmissionState.OPEN)))

    assert shown.splitlines()[0] == "1 个文件已收到，正在处理"
    assert "请不要重复提交" in shown


def test_a_second_answer_says_that_it_replaces_the_first() -> None:
    assert "请以这一次为准" not in text(reply(submission(document()), 1))
    assert "请以这一次为准" in text(reply(submission(document()), 2))


def test_a_person_is_answered_in_their_own_language() -> None:
    message = reply(submission(document(), language="en"))

    assert text(message).splitlines()[0] == "1 invoice booked"
    assert 'lang="en"' in html(message)


def test_who_submitted_for_somebody_else_is_greeted_and_told_for_whom() -> None:
    thread = Thread(message_id="<m@x.example>", reply_to="amy@corp.example", by_delegate=True, delegate_name="Amy")
    for name, told in (
        ("李镕", "You submitted it for 李镕 (employee number 903851)."),
        (None, "for employee number 903851."),
    ):
        message = reply(submission(document(), thread=thread, person_name=name, language="en"))
        for shown in (text(message), html(message)):
            assert "Dear Amy, " in shown
            assert told in shown
    nameless = submission(document(), thread=replace(thread, delegate_name=None), person_name="李镕", language="en")
    assert "Hello, " in text(reply(nameless))


def test_a_note_is_plain_text_that_says_how_to_go_on_with_the_folder() -> None:
    failed = document(outcome=Outcome.ERROR, code="ENCRYPTED", invoices=())

    note = writer().note(submission(failed, kind=Kind.FILE, path="903851/发票.pdf", subject=None, thread=None))

    assert note.startswith("1 个文件未能处理\n")
    assert "903851/发票.pdf" in note
    assert "去掉密码" in note
    assert "放进当初投放发票的文件夹" in note
    assert "<" not in note


def test_thirty_documents_are_all_told_and_the_mail_stays_small_enough_for_mail_programs() -> None:
    message = reply(submission(*(document(n) for n in range(1, 31))))

    for shown in (text(message), html(message)):
        assert all(f"发票-{n}.pdf" in shown for n in range(1, 31))
    assert len(html(message).encode()) < 100_000  # Gmail cuts at 102 kB


def test_the_html_loads_nothing_from_outside() -> None:
    shown = html(reply(submission(document())))

    assert not re.search(r"(?i)<(img|link|script|style|iframe)|url\(|https?://", shown)


# ---------------------------------------------------------------------------------------- headers


def test_the_reply_goes_to_the_submitter_alone_and_threads() -> None:
    thread = Thread(
        message_id="<m2@corp.example>", references=("<m0@x.example>", "<m1@x.example>"), reply_to="li@corp.example"
    )

    message = reply(submission(document(), thread=thread))

    assert message["To"] == "li@corp.example"
    assert message["Cc"] is message["Bcc"] is None
    assert message["From"].addresses[0].display_name == "发票助手"
    assert message["From"].addresses[0].addr_spec == "fapiao@corp.example"
    assert message["In-Reply-To"] == "<m2@corp.example>"
    assert message["References"] == "<m0@x.example> <m1@x.example> <m2@corp.example>"


def test_the_reply_says_that_a_program_wrote_it() -> None:
    message = reply(submission(document()))

    assert message["Auto-Submitted"] == "auto-replied"
    assert message["X-Auto-Response-Suppress"] == "All"
    assert message.get_content_type() == "multipart/alternative"


def test_the_same_answer_has_the_same_message_id_and_the_next_another() -> None:
    what = submission(document())

    assert reply(what, 1)["Message-ID"] == reply(what, 1)["Message-ID"] == "<0b8c2f7e41.1@corp.example>"
    assert reply(what, 2)["Message-ID"] != reply(what, 1)["Message-ID"]


def test_a_long_message_id_is_not_made_an_encoded_word() -> None:
    long = f"<{'a' * 200}@mail.example>"

    raw = (
        writer().reply(submission(document(), thread=Thread(message_id=long, reply_to="a@corp.example")), 1).as_bytes()
    )

    assert f"In-Reply-To: {long}\r\n".encode() in raw
    assert long.encode() in raw.partition(b"References:")[2]


def test_a_long_chain_of_references_fits_the_longest_line_and_keeps_its_ends() -> None:
    chain = tuple(f"<{n}.{'a' * 90}@mail.example>" for n in range(60))

    raw = (
        writer()
        .reply(
            submission(
                document(), thread=Thread(message_id="<last@mail.example>", references=chain, reply_to="a@b.example")
            ),
            1,
        )
        .as_bytes()
    )

    references = message_from_bytes(raw, policy=policy.default)["References"].split()
    assert max(len(line) for line in raw.split(b"\r\n")) <= 998
    assert references[0] == chain[0]
    assert references[-2:] == [chain[-1], "<last@mail.example>"]


def test_ids_that_are_none_are_left_out() -> None:
    thread = Thread(
        message_id="<a@b>\r\nBcc: all@corp.example",
        references=("nonsense", "<x y@z>", "<>", "<ok@z>"),
        reply_to="a@b.example",
    )

    message = reply(submission(document(), thread=thread))

    assert message["In-Reply-To"] is None
    assert message["References"] == "<ok@z>"
    assert message["Bcc"] is None


@pytest.mark.parametrize("to", [None, "", "nobody", "a@b.example, c@d.example", "a@b.example\r\nBcc: c@d.example"])
def test_without_one_plain_address_there_is_no_reply(to: str | None) -> None:
    with pytest.raises(MailRefused):
        writer().reply(submission(document(), thread=Thread(reply_to=to)), 1)


def test_without_an_smtp_section_there_are_notes_and_no_replies() -> None:
    assert writer(None).note(submission(document()))
    with pytest.raises(MailRefused, match="smtp"):
        writer(None).reply(submission(document()), 1)


def test_a_sender_that_is_no_address_is_refused_at_once() -> None:
    with pytest.raises(ValueError, match="example"):
        writer("发票助手")


# ---------------------------------------------------------------------------------------- hostile

HOSTILE = [
    "a\r\nBcc: all@corp.example\r\n\r\n<b>x</b>",
    "<script>alert(1)</script>",
    "</td><img src=x onerror=alert(1)>",
    "{{ 7 * 7 }} {% include 'x' %} {0} {name}",
    "\u202efdp.exe\x00\x1b[31m",
    "发票" * 5000,
    "\ud800 lone surrogate",
    '"><a href="https://evil.example">',
]


@pytest.mark.parametrize("hostile", HOSTILE, ids=range(len(HOSTILE)))
def test_hostile_text_stays_text_wherever_it_stands(hostile: str) -> None:
    odd = invoice(number=hostile, code=hostile, name=hostile, amount=hostile, currency=hostile, seller_name=hostile)
    odd = replace(odd, expense_id=hostile, message=hostile)
    what = submission(
        document(1, name=hostile, invoices=(odd,), outcome=Outcome.ATTENTION, code=hostile, message=hostile),
        document(2, name=hostile, outcome=Outcome.ERROR, code=hostile, message=hostile, invoices=()),
        subject=hostile,
        person_name=hostile,
        reason=hostile,
        id=hostile,
    )

    raw = writer().reply(what, 1).as_bytes()
    message = message_from_bytes(raw, policy=policy.default)

    assert message["Bcc"] is None
    assert not re.search(r"(?i)<(script|img|a)\b|<b>x", html(message))
    assert not re.search("[\x00-\x08\x0b\x0c\x0e-\x1f\u202e]", text(message) + html(message))
    assert len(message["Subject"]) <= 180
    assert len(raw) < 100_000


@settings(max_examples=60, deadline=None)
@given(st.text(max_size=300), st.text(max_size=300))
def test_any_subject_and_name_give_a_mail_that_can_be_read_back(subject: str, name: str) -> None:
    raw = writer().reply(submission(document(name=name), subject=subject, person_name=name), 1).as_bytes()

    message = message_from_bytes(raw, policy=policy.default)

    assert message["Subject"].startswith("Re: [1 张发票已入账]")
    assert message["To"] == "zhang.san@corp.example"
    assert "26317000000552768706" in text(message)
    assert all(len(line) <= 998 for line in raw.split(b"\r\n"))


# ------------------------------------------------------------------------- what was decided before it was sent


@pytest.mark.parametrize(
    ("code", "message", "said"),
    [
        ("NOT_INVOICE", "行程单 / a trip sheet", "这是行程单，不是发票"),
        ("SAME_INVOICE", "与「a.pdf」是同一张发票 / the same invoice as “a.pdf”", "与「a.pdf」是同一张发票"),
        ("SIGNATURE_IMAGE", "邮件签名里的小图片 / a small picture", "这是邮件签名里的小图片"),
    ],
)
def test_what_was_skipped_is_named_with_the_reason_in_the_readers_language(code: str, message: str, said: str) -> None:
    skipped = document(name="b.pdf", outcome=Outcome.SKIPPED, invoices=(), code=code, message=message)

    shown = text(reply(submission(document(), skipped)))

    assert "[无需处理] b.pdf" in shown
    assert said in shown
    assert "管理员放行" in shown


@pytest.mark.parametrize("beside", [True, False])
def test_what_was_skipped_by_its_name_alone_is_to_be_looked_at(*, beside: bool) -> None:
    sheet = document(2, outcome=Outcome.SKIPPED, code="NAMED_OTHERWISE", message="行程单 / a trip sheet", invoices=())
    told = submission(*([document()] if beside else []), sheet)

    shown, english = text(reply(told)), text(reply(replace(told, language="en")))

    assert shown.splitlines()[1] == "请按下面的提示核对。"
    assert "[请核对] " in shown
    assert "按文件名，这是行程单；里面是图片，读不出文字" in shown
    assert "如果是发票（例如航空公司的纸质行程单），请把它单独重新提交" in shown
    assert "By its name this is a trip sheet. Nothing in it could be read" in english


def test_a_number_that_was_read_and_not_returned_is_told() -> None:
    read = (SeenInvoice(by=By.QR, number="26317000000012345678"), SeenInvoice(by=By.QR, number="26317000000552768706"))

    shown = text(reply(submission(document(read=read))))
    same = text(reply(submission(document(read=read[1:]))))

    assert "发票号码 26317000000012345678，但识别结果里没有" in shown
    assert "但识别结果里没有" not in same


def test_who_is_to_look_for_a_missing_number_is_not_told_that_nothing_is_left_to_do() -> None:
    read = (SeenInvoice(by=By.QR, number="26317000000012345678"),)

    shown = text(reply(submission(document(read=read))))

    assert "请按下面的提示核对" in shown
    assert "无需再做什么" not in shown


def test_what_was_left_out_beside_an_invoice_and_may_be_one_is_named() -> None:
    left_out = (
        LeftOut(name="image001.png", why="png is not accepted"),
        LeftOut(name="IMG_1.JPG", why="jpeg is not accepted", missed=True),
    )

    shown = text(reply(submission(document(), left_out=left_out)))
    english = text(reply(submission(document(), left_out=left_out, language="en")))

    assert shown.splitlines()[:2] == ["1 张发票已入账，另有 1 个文件没有处理", "请按下面的提示核对。"]
    assert "没有处理的文件：IMG_1.JPG。系统只处理 PDF 或 OFD 文件" in shown
    assert "image001.png" not in shown
    assert english.splitlines()[:2] == ["1 invoice booked, 1 other file left out", "Please check the points below."]


def test_a_mail_that_was_left_out_is_told_as_a_mail() -> None:
    left_out = (LeftOut(name="您收到一张发票", why="", missed=True, is_mail=True),)

    shown = text(reply(submission(document(), left_out=left_out)))
    english = text(reply(submission(document(), left_out=left_out, language="en")))

    assert "没有处理的文件：附带的邮件「您收到一张发票」（里面没有发票文件，可能只有下载链接）。" in shown
    assert "the attached mail “您收到一张发票” (it has no invoice file, perhaps only a link to one)." in english


def test_a_file_that_the_mail_has_as_a_link_alone_is_told_as_that() -> None:
    left_out = (LeftOut(name="五月发票.pdf", why="", missed=True, is_link=True),)

    beside, alone = submission(document(), left_out=left_out), submission(reason="NO_DOCUMENT", left_out=left_out)

    for one in (beside, alone):
        assert "云附件（超大附件）「五月发票.pdf」（邮件里只有下载链接，文件没有取到" in text(reply(one))
        assert "the cloud attachment “五月发票.pdf” (the mail only has a link to it" in text(
            reply(replace(one, language="en"))
        )
    assert text(reply(beside)).splitlines()[0] == "1 张发票已入账，另有 1 个文件没有处理"


def test_of_very_many_that_were_left_out_the_right_number_is_told() -> None:
    photos = tuple(LeftOut(name=f"IMG_{number}.JPG", why="", missed=True) for number in range(50))

    shown = text(reply(submission(document(), left_out=(*photos, LeftOut(name="…", why="", missed=True, count=30)))))

    assert shown.startswith("1 张发票已入账，另有 80 个文件没有处理")
    assert "IMG_9.JPG……以及另外 70 个文件" in shown


def test_pictures_that_nobody_misses_leave_a_reply_as_it_is() -> None:
    picture = (LeftOut(name="image001.png", why="png is not accepted"),)

    assert text(reply(submission(document(), left_out=picture))) == text(reply(submission(document())))


def test_who_sent_no_document_is_told_what_came_instead() -> None:
    left_out = (LeftOut(name="合同.docx", why="office is not accepted"), LeftOut(name="a.zip", why="other"))

    shown = text(reply(submission(reason="NO_DOCUMENT", left_out=left_out)))

    assert "不能当作发票处理的文件：合同.docx、a.zip" in shown


def test_a_mail_with_nothing_but_pictures_of_a_signature_has_no_document() -> None:
    picture = document(outcome=Outcome.SKIPPED, invoices=(), code="SIGNATURE_IMAGE", message="小图片 / a picture")

    shown = text(reply(submission(picture, reason="NO_DOCUMENT")))

    assert shown.splitlines()[0] == "没有找到发票文件"
    assert "[无需处理]" in shown


def test_what_looks_encoded_in_a_foreign_header_stays_as_it_is() -> None:
    hidden = "=?utf-8?q?a=0ABcc=3A_b=40corp.example?="
    thread = Thread(message_id=f"<{hidden}@x>", references=(f"<{hidden}@y>",), reply_to="a@corp.example")

    raw = writer().reply(submission(document(), subject=f"{hidden} c", thread=thread), 1).as_bytes()

    head = raw.partition(b"\r\n\r\n")[0]
    assert b"\n" not in head.replace(b"\r\n", b"")
    assert b"Bcc:" not in head
    assert str(message_from_bytes(raw, policy=policy.default)["Subject"]).endswith(f"{hidden} c")


def test_a_field_of_several_lines_is_refused() -> None:
    message = writer().reply(submission(document()), 1)

    with pytest.raises(ValueError, match="one line"):
        message["X-Foreign"] = "a\r\nBcc: b@corp.example"


def test_a_reply_is_written_as_the_standard_library_would_write_it() -> None:
    subject = "发票" * 60 + " and some words in English, which go on"
    message = writer().reply(submission(document(), subject=subject), 1)

    assert message.as_bytes() == message.as_bytes(policy=message.policy.clone(linesep="\r\n"))
    read = message_from_bytes(message.as_bytes(), policy=policy.default)
    assert str(read["Subject"]) == message["Subject"]
    assert all(len(line) <= 78 for line in message.as_bytes().split(b"\r\n"))
