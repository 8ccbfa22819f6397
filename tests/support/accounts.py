"""A journal as a company's accounting department meets it: a few submissions of every kind, and the page before it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any, cast

from msgspec.structs import replace
from sqlalchemy import text, update

from tests.support.journals import CUT_OFF, ENDED, FAILED, REFUSED, answer, claim_one, document, file, mail, settle
from watcher.config.load import load
from watcher.config.sections import Configuration
from watcher.journal.journal import SqlJournal
from watcher.journal.opening import open_journal
from watcher.journal.tables import documents, submissions
from watcher.model import (
    Invoice,
    Kind,
    LeftOut,
    NewSubmission,
    Outcome,
    Reason,
    Settlement,
    SubmissionState,
    TryEnding,
)
from watcher.web.front import Front

ENDPOINT = "https://recognition.test/ocr"
EVIL = "<script>alert(1)</script>"

CONFIGURATION = """\
journal: {journal}
language: {language}
recognition: {{url: {endpoint}}}
stores: {{default: {{type: http, url: https://store.example/upload}}}}
mailboxes:
  - {{name: fapiao, host: imap.example, username: fapiao@corp.example, password: {{env: IMAP_PASSWORD}}}}
folders: [{{name: shared, path: inbox}}]
smtp: {{host: smtp.example, from: fapiao@corp.example}}
directory: {{file: employees.csv}}
web: {web}
"""


def configuration(
    directory: Path, *, web: str = "{}", language: str = "zh", journal: str | None = None
) -> Configuration:
    """A configuration with a mailbox and a folder, whose journal lies in the directory."""
    path = directory / "config.yaml"
    url = journal or f"sqlite:///{directory}/journal.db"
    path.write_text(CONFIGURATION.format(journal=url, language=language, endpoint=ENDPOINT, web=web), encoding="utf-8")
    return load(path, secrets=False)


def fronted(configured: Configuration, journal: SqlJournal) -> Front:
    """The page's front, with this journal; no service works on it."""
    front = Front(configured)
    front.show(journal, cast("Any", object()))
    return front


@dataclass(frozen=True, slots=True, kw_only=True)
class Accounts:
    """The submissions, by what became of them."""

    done: str
    attention: str
    failed: str
    doubtful: str  # in doubt, and held for a person
    unverified: str  # held for its sender, whose employee number is known
    unknown: str  # held, and nobody knows for whom
    duplicate: str
    skipped: str
    behind_link: str
    evil: str  # everything from outside in it is markup
    pending: str


def opened(configured: Configuration) -> SqlJournal:
    journal = open_journal(configured.journal, exclusive=True)
    journal.register_sources({"fapiao": Kind.MAIL, "shared": Kind.FILE})
    journal.report_source("fapiao", up=True)
    journal.report_source("shared", up=True, left_alone=3)
    return journal


def taxi(number: str, amount: str = "43.50", **changes: Any) -> Invoice:
    values: dict[str, Any] = {
        "number": number,
        "name": "电子发票（普通发票）",
        "amount": amount,
        "currency": "CNY",
        "date": date(2026, 11, 20),
        "seller_name": "上海示例出行科技有限公司",
        "buyer_name": "示例集团有限公司",
        "verified": True,
        "expense_id": f"FY{number[-8:]}",
    }
    return Invoice(**{**values, **changes})


def fill(journal: SqlJournal, *, evil: bool = True) -> Accounts:
    """One of each kind, all of them received within the last day or so."""
    at = datetime.now(UTC)
    names: dict[str, str] = {}
    for number, (name, submission, settlement, ending) in enumerate(_stories()):
        if name == "evil" and not evil:
            names[name] = ""
            continue
        when = at - timedelta(hours=30 - 2.5 * number)
        names[name] = _take_in(journal, replace(submission, received_at=when), settlement, ending, at=when)
    names["duplicate"] = _again(journal, at)
    pending = mail(document("hotel", name="上海和平饭店-住宿发票.pdf"), subject="酒店发票", received_at=at)
    names["pending"] = journal.record(pending)
    return Accounts(**names)


def _again(journal: SqlJournal, at: datetime) -> str:
    """The first one's file once more, from the shared folder."""
    again = file(
        document("taxi", name="滴滴行程发票.pdf"),
        path="903851/滴滴行程发票.pdf",
        sender=None,
        subject=None,
        received_at=at,
    )
    name = journal.record(again)
    answer(journal, "shared", target="2026-11/903851/滴滴行程发票.pdf")
    return name


def _take_in(
    journal: SqlJournal,
    submission: NewSubmission,
    settlement: Settlement | None,
    ending: TryEnding,
    *,
    at: datetime,
) -> str:
    name = journal.record(submission)
    if settlement is not None:
        settle(journal, claim_one(journal), settlement, ending)
    elif submission.state is SubmissionState.OPEN and any(each.outcome is None for each in submission.documents):
        journal.hold(claim_one(journal), CUT_OFF_WORDS)
    if submission.state is SubmissionState.OPEN and (settlement is not None or _settled(submission)):
        answer(journal, submission.source, target="发票/已处理" if settlement else "发票/失败")
    set_back(journal, [name], to=at)
    return name


CUT_OFF_WORDS = replace(CUT_OFF, result="unknown", message="the connection was cut off while the answer was awaited")


def _settled(submission: NewSubmission) -> bool:
    return all(each.outcome is not None for each in submission.documents)


def set_back(journal: SqlJournal, names: Iterable[str], *, to: datetime) -> None:
    """As if these had been recorded, settled and answered then."""
    ms = int(to.timestamp() * 1000)

    def work(connection: Any) -> None:
        for name in names:
            mine = submissions.c.id == name
            connection.execute(update(submissions).where(mine).values(recorded_at=ms))
            for column, after in (("answered_at", 60_000), ("held_at", 2000)):
                there = submissions.c[column].is_not(None)
                connection.execute(update(submissions).where(mine, there).values({column: ms + after}))
            owned = documents.c.submission.in_(submissions.select().with_only_columns(submissions.c.seq).where(mine))
            connection.execute(
                update(documents).where(owned, documents.c.settled_at.is_not(None)).values(settled_at=ms + 30_000)
            )
            connection.execute(
                text(
                    "UPDATE tries SET started_at = :a, ended_at = CASE WHEN ended_at IS NULL THEN NULL ELSE :b END "
                    "WHERE booking IN (SELECT booking FROM documents WHERE submission = "
                    "(SELECT seq FROM submissions WHERE id = :name))"
                ),
                {"a": ms + 5000, "b": ms + 29_000, "name": name},
            )

    journal._database.write(work)


def _stories() -> list[tuple[str, NewSubmission, Settlement | None, TryEnding]]:
    done = Settlement(
        outcome=Outcome.DONE,
        code="200000",
        invoices=(taxi("26312000001234567890"), taxi("26312000001234567891", "128.00")),
    )
    attention = Settlement(
        outcome=Outcome.ATTENTION,
        code="200000",
        invoices=(
            taxi(
                "26312000009876543210",
                "1580.00",
                seller_name="杭州示例酒店有限公司",
                message="发票抬头与公司名称不一致",
            ),
        ),
    )
    evil = Settlement(outcome=Outcome.ERROR, code="400001", message=EVIL, invoices=())
    zhang, smith = {"sender": "zhang@corp.example"}, {"sender": "smith@corp.example", "user_code": "903852"}
    left = (LeftOut(name="签名.png", why="a picture in a signature"),)
    return [
        (
            "done",
            mail(document("taxi", name="滴滴行程发票.pdf"), subject="转发：十一月差旅发票", left_out=left, **zhang),
            done,
            replace(ENDED, result="answered"),
        ),
        (
            "attention",
            mail(document("hotel-1", name="杭州酒店.pdf"), subject="Hotel invoice", person_name="Ann Smith", **smith),
            attention,
            replace(ENDED, result="answered"),
        ),
        (
            "failed",
            mail(document("lunch", name="餐饮发票.pdf"), subject="请报销：客户餐", **zhang),
            replace(FAILED, message="发票查验失败：发票代码或号码不存在"),
            replace(REFUSED, result="refused", message="发票查验失败：发票代码或号码不存在"),
        ),
        ("doubtful", mail(document("doubt", name="机票行程单.pdf"), subject="机票", **zhang), None, CUT_OFF),
        (
            "unverified",
            mail(
                document("forged", name="发票.pdf"),
                subject="报销",
                state=SubmissionState.HELD,
                reason=Reason.UNVERIFIED_SENDER.value,
                remark="no signature of corp.example holds",
                **zhang,
            ),
            None,
            ENDED,
        ),
        (
            "unknown",
            mail(
                document("vendor", name="电子发票-20261120.pdf"),
                subject="电子发票",
                sender="billing@vendor.example",
                user_code=None,
                person_name=None,
                state=SubmissionState.HELD,
                reason=Reason.UNKNOWN_SENDER.value,
            ),
            None,
            ENDED,
        ),
        (
            "skipped",
            mail(
                document(
                    "trip",
                    name="行程单.pdf",
                    outcome=Outcome.SKIPPED,
                    code=Reason.NOT_INVOICE.value,
                    message="a trip sheet / 一张行程单",
                ),
                subject="行程单",
                **zhang,
            ),
            None,
            ENDED,
        ),
        (
            "behind_link",
            mail(
                document(
                    "link",
                    name="fapiao.example",
                    outcome=Outcome.ERROR,
                    locator=None,
                    code=Reason.LINK_LOGIN.value,
                    message="https://fapiao.example/get?key=SECRETKEY",
                ),
                subject="您的电子发票",
                **zhang,
            ),
            None,
            ENDED,
        ),
        (
            "evil",
            file(
                document("evil", name=f"{EVIL}.pdf"),
                source="shared",
                path=f"903851/{EVIL}.pdf",
                sender=EVIL,
                subject=None,
                person_name=EVIL,
                left_out=(LeftOut(name=EVIL, why=EVIL),),
            ),
            evil,
            replace(REFUSED, result="refused", message=EVIL),
        ),
    ]
