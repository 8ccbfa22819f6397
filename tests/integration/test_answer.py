"""Step 3 with a real folder and a real journal: one answer that cannot be given does not hold up the others."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from email.message import EmailMessage
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from tests.support.workplace import pdf
from watcher.answer import Answer
from watcher.config import sections
from watcher.journal.journal import SqlJournal
from watcher.journal.opening import open_journal
from watcher.model import (
    Kind,
    NewDocument,
    NewSubmission,
    Outcome,
    Reason,
    Submission,
    SubmissionFilter,
    SubmissionState,
)
from watcher.sources.folder import FolderSource


class StumblingWriter:
    """Has words for every submission but one."""

    def note(self, submission: Submission) -> str:
        if submission.path == "odd.pdf":
            raise RuntimeError("nobody thought of this")
        return "what happened"

    def reply(self, submission: Submission, number: int) -> EmailMessage:
        raise NotImplementedError


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[SqlJournal]:
    opened = open_journal(f"sqlite:///{tmp_path}/journal.db", exclusive=True)
    yield opened
    opened.close()


@pytest.fixture
def source(tmp_path: Path) -> Iterator[FolderSource]:
    (tmp_path / "inbox").mkdir()
    folder = sections.Folder(
        name="inbox",
        path=tmp_path / "inbox",
        done=str(tmp_path / "done"),
        error=str(tmp_path / "error"),
        user_code=sections.FixedCode(fixed="903851"),
    )
    made = FolderSource(folder, wanted=lambda _: True, timezone=ZoneInfo("Asia/Shanghai"))
    yield made
    made.close()


def failed(source: FolderSource, journal: SqlJournal, tmp_path: Path, name: str) -> None:
    """A file that was taken in, and that nothing came of."""
    (tmp_path / "inbox" / name).write_bytes(pdf(name))
    (arrival,) = [one for one in source.arrivals(journal.known) if one.path == name]
    document = NewDocument(
        name=name, media_type="application/pdf", size=1, sha256="", content="", outcome=Outcome.ERROR,
        code=Reason.UNREADABLE,
    )  # fmt: skip
    journal.record(
        NewSubmission(
            key=arrival.key, source="inbox", kind=Kind.FILE, place=arrival.place, fingerprint=arrival.fingerprint,
            sender=None, subject=None, path=name, user_code="903851", person_name=None, language=None,
            received_at=datetime.now(UTC), state=SubmissionState.OPEN, documents=(document,),
        )
    )  # fmt: skip


def test_an_answer_that_we_stumble_over_waits_and_the_next_one_is_given(
    tmp_path: Path, source: FolderSource, journal: SqlJournal
) -> None:
    failed(source, journal, tmp_path, "odd.pdf")
    failed(source, journal, tmp_path, "plain.pdf")
    step = Answer(source=source, writer=StumblingWriter(), mailer=None, journal=journal, replies=sections.ReplyChoice())

    for claimed in step.claim(10):
        step.give(claimed)

    assert (tmp_path / "error" / "plain.pdf").exists()
    assert (tmp_path / "inbox" / "odd.pdf").exists()
    states = {submission.path: submission.state for submission in journal.submissions(SubmissionFilter())}
    assert states == {"odd.pdf": SubmissionState.SETTLED, "plain.pdf": SubmissionState.CLOSED}
    due_in = step.next_in()
    assert due_in is not None
    assert due_in > 60
