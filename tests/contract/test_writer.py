"""What every ports.Writer promises."""

from __future__ import annotations

from collections.abc import Callable
from email import message_from_bytes, policy
from zoneinfo import ZoneInfo

import pytest

from tests.support.reply_kinds import acknowledged
from tests.support.submissions import document, submission
from watcher.model import Acknowledgement, Kind, Language, Outcome, Submission
from watcher.ports import Writer
from watcher.replies import TemplateWriter
from watcher.replies.layouts import Layouts

FROM = "发票助手 <fapiao@corp.example>"


def _template_writer(language: Language) -> Callable[[], Writer]:
    return lambda: TemplateWriter(sender=FROM, default_language=language, timezone=ZoneInfo("Asia/Shanghai"))


@pytest.fixture(params=[_template_writer("zh"), _template_writer("en")], ids=["zh", "en"])
def make(request: pytest.FixtureRequest) -> Callable[[], Writer]:
    """Makes the implementation, as each start of the daemon does."""
    made: Callable[[], Writer] = request.param
    return made


def mail() -> Submission:
    return submission(document(1), document(2, outcome=Outcome.ERROR, code="NO_INVOICE", message="无发票", invoices=()))


def test_the_message_id_outlives_the_program_and_differs_by_answer(make: Callable[[], Writer]) -> None:
    before, after = make().reply(mail(), 1), make().reply(mail(), 1)

    assert before["Message-ID"] == after["Message-ID"]
    assert make().reply(mail(), 2)["Message-ID"] != before["Message-ID"]
    assert make().reply(submission(document(), id="another"), 1)["Message-ID"] != before["Message-ID"]


def test_a_reply_is_a_whole_mail_to_one_address_from_a_program(make: Callable[[], Writer]) -> None:
    message = message_from_bytes(make().reply(mail(), 1).as_bytes(), policy=policy.default)

    assert [address.addr_spec for address in message["To"].addresses] == ["zhang.san@corp.example"]
    assert message["Auto-Submitted"] == "auto-replied"
    assert message["In-Reply-To"] == "<m1@corp.example>"
    assert all(message[name] for name in ("From", "Date", "Subject"))
    assert all(message.get_body((kind,)) is not None for kind in ("plain", "html"))


def test_every_document_is_told_in_the_reply_and_in_the_note(make: Callable[[], Writer]) -> None:
    plain = make().reply(mail(), 1).get_body(("plain",))
    note = make().note(submission(*mail().documents, kind=Kind.FILE, path="903851/a.zip", thread=None))

    assert plain is not None
    for text in (plain.get_content(), note):
        for fact in ("发票-1.pdf", "发票-2.pdf", "26317000000552768706", "387278780", "NO_INVOICE"):
            assert fact in text


def test_a_writer_that_is_prepared_writes_the_same(make: Callable[[], Writer]) -> None:
    writer, file = make(), submission(document(), kind=Kind.FILE, path="903851/a.pdf", thread=None)
    before = writer.note(file)
    prepared = make()
    prepared.prepare()
    prepared.prepare()
    assert prepared.note(file) == before


def test_a_writer_that_cannot_be_prepared_now_writes_later(
    make: Callable[[], Writer], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(_layouts: Layouts) -> None:
        raise OSError(24, "Too many open files")

    writer = make()
    with monkeypatch.context() as system:
        system.setattr(Layouts, "read_all", fail)
        writer.prepare()
    assert writer.reply(mail(), 1)["Subject"]


def test_an_acknowledgement_is_a_mail_of_its_own_to_the_same_address_and_the_same_whenever_it_is_made(
    make: Callable[[], Writer],
) -> None:
    waiting = Acknowledgement(submission=acknowledged())
    first, again, another = (make().notice(waiting, name) for name in ("notice-1-7", "notice-1-7", "notice-2-7"))

    assert first["Message-ID"] == again["Message-ID"] != another["Message-ID"]
    assert first["Message-ID"] != make().reply(acknowledged(), 1)["Message-ID"]
    assert (str(first["To"]), first["In-Reply-To"]) == ("zhang.san@corp.example", "<m1@corp.example>")
    assert first["Auto-Submitted"] == "auto-replied"
    assert all(first.get_body((kind,)) is not None for kind in ("plain", "html"))
