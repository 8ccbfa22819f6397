"""What a sender is told whose mails wait because they are too many."""

from __future__ import annotations

from datetime import UTC, datetime
from email.message import EmailMessage
from functools import cache
from zoneinfo import ZoneInfo

import pytest
from msgspec.structs import replace

from watcher.errors import MailRefused
from watcher.model import Language, Notice, Thread
from watcher.replies.writer import TemplateWriter

NOTICE = Notice(
    source="fapiao",
    concerns="903851",
    thread=Thread(message_id="<1@corp.example>", reply_to="zhang@corp.example"),
    subject="Fwd: 打车",
    person_name="张三",
    language=None,
    received_at=datetime(2026, 3, 1, 8, 30, tzinfo=UTC),
    submissions=60,
    bytes=200_000_000,
    resumes_at=datetime(2026, 3, 1, 9, 30, tzinfo=UTC),
)


@cache  # it reads its words but once
def writer(sender: str | None = "发票助手 <fapiao@corp.example>") -> TemplateWriter:
    return TemplateWriter(sender=sender, default_language="zh", timezone=ZoneInfo("Asia/Shanghai"))


def body(message: EmailMessage, kind: str) -> str:
    part = message.get_body((kind,))
    assert part is not None
    return str(part.get_content())


@pytest.mark.parametrize(
    ("language", "words"),
    [
        (None, ("张三", "60 封或 200 MB", "2026-03-01 17:30", "请不要重复发送", "Fwd: 打车")),
        ("en", ("张三", "60 mails, or 200 MB", "2026-03-01 17:30", "do not send them again", "Fwd: 打车")),
    ],
)
def test_it_says_how_much_is_allowed_and_from_when_it_goes_on(
    language: Language | None, words: tuple[str, ...]
) -> None:
    message = writer().notice(replace(NOTICE, language=language), "notice-1-1")

    for kind in ("plain", "html"):
        assert [each for each in words if each not in body(message, kind)] == []


def test_it_goes_to_the_submitter_alone_as_a_reply_that_nobody_answers() -> None:
    message = writer().notice(NOTICE, "notice-1-1")

    assert (message["To"], message["In-Reply-To"]) == ("zhang@corp.example", "<1@corp.example>")
    assert message["Auto-Submitted"] == "auto-replied"
    assert message["Message-ID"] == "<notice-1-1.1@corp.example>"
    assert message["Message-ID"] == writer().notice(NOTICE, "notice-1-1")["Message-ID"]
    assert message["Message-ID"] != writer().notice(NOTICE, "notice-2-1")["Message-ID"]


def test_without_one_plain_address_or_an_smtp_section_there_is_none() -> None:
    with pytest.raises(MailRefused):
        writer().notice(replace(NOTICE, thread=Thread(reply_to="a@b.example, c@d.example")), "notice-1-1")
    with pytest.raises(MailRefused):
        writer(sender=None).notice(NOTICE, "notice-1-1")


def test_hostile_text_in_it_is_escaped() -> None:
    message = writer().notice(replace(NOTICE, subject="<img src=x>\u202e{{7*7}}"), "notice-1-1")

    assert "<img src=x>" not in body(message, "html")
    assert "\u202e" not in body(message, "html") + body(message, "plain") + str(message["Subject"])
    assert "{{7*7}}" in body(message, "plain")
