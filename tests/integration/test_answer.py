"""Step 3 with a real journal: what cannot be given holds up nothing else, and what became of it is told."""

from __future__ import annotations

import shutil
import sqlite3
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from pathlib import Path
from typing import Any, cast
from zoneinfo import ZoneInfo

import pytest

from tests.support.journals import FAILED, book, mail
from tests.support.waiting import wait_for
from tests.support.workplace import PATIENCE_SECONDS, pdf
from watcher.answer import Answer
from watcher.config import sections
from watcher.errors import JournalUnavailable, MailerUnavailable, MailRefused, SourceUnavailable
from watcher.journal.journal import SqlJournal
from watcher.journal.opening import open_journal
from watcher.model import (
    Acknowledgement,
    AnswerStep,
    ClaimedAnswer,
    Finding,
    Kind,
    NewDocument,
    NewSubmission,
    Notice,
    Outcome,
    Reason,
    Submission,
    SubmissionFilter,
    SubmissionState,
    Thread,
)
from watcher.ports import Mailer, Move, Source
from watcher.replies import TemplateWriter
from watcher.service.answerer import Answerer
from watcher.sources.folder import FolderSource


class StumblingWriter:
    """Has words for every submission but one."""

    def prepare(self) -> None:
        """It needs nothing."""

    def note(self, submission: Submission) -> str:
        if submission.path == "odd.pdf":
            raise RuntimeError("nobody thought of this")
        return "what happened"

    def reply(self, submission: Submission, number: int) -> EmailMessage:
        raise NotImplementedError

    def notice(self, notice: Notice | Acknowledgement, name: str) -> EmailMessage:
        raise NotImplementedError


@pytest.fixture(autouse=True)
def _together_however_busy_the_machine_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("watcher.answering._GATHERED_WITHIN_SECONDS", PATIENCE_SECONDS)


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


def give(step: Answer, claimed: ClaimedAnswer) -> None:
    """Give one answer; raises what stands in the way of all."""
    hindered = step.give_together([claimed])
    if hindered.error is not None:
        raise hindered.error


def test_an_answer_that_we_stumble_over_waits_and_the_next_one_is_given(
    tmp_path: Path, source: FolderSource, journal: SqlJournal
) -> None:
    failed(source, journal, tmp_path, "odd.pdf")
    failed(source, journal, tmp_path, "plain.pdf")
    step = Answer(source=source, writer=StumblingWriter(), mailer=None, journal=journal, replies=sections.ReplyChoice())

    for claimed in step.claim(10):
        give(step, claimed)

    assert (tmp_path / "error" / "plain.pdf").exists()
    assert (tmp_path / "inbox" / "odd.pdf").exists()
    states = {submission.path: submission.state for submission in journal.submissions(SubmissionFilter())}
    assert states == {"odd.pdf": SubmissionState.SETTLED, "plain.pdf": SubmissionState.CLOSED}
    due_in = step.next_in()
    assert due_in is not None
    assert due_in > 60


def test_a_file_that_changed_meanwhile_is_closed_without_saying_that_it_was_moved(
    tmp_path: Path, source: FolderSource, journal: SqlJournal
) -> None:
    # Given an answer to a file that somebody has written anew since
    failed(source, journal, tmp_path, "plain.pdf")
    (tmp_path / "inbox" / "plain.pdf").write_bytes(pdf("something else"))
    step = Answer(source=source, writer=StumblingWriter(), mailer=None, journal=journal, replies=sections.ReplyChoice())
    # When it is given
    for claimed in step.claim(10):
        give(step, claimed)
    # Then the file stays, and the submission says why and no place
    (submission,) = journal.submissions(SubmissionFilter())
    assert submission.state is SubmissionState.CLOSED
    assert submission.moved_to is None
    assert "has changed" in (submission.remark or "")
    assert (tmp_path / "inbox" / "plain.pdf").exists()


class Noted:
    """The journal, which counts the transactions that steps of answers take, and cannot bear one of these."""

    def __init__(self, journal: SqlJournal, odd: str | None = None) -> None:
        self.together: list[int] = []
        self._odd = odd
        self._journal = journal

    def __getattr__(self, name: str) -> Any:
        return getattr(self._journal, name)

    def note_answers(self, steps: Sequence[tuple[ClaimedAnswer, AnswerStep]]) -> list[bool]:
        self.together.append(len(steps))
        if any(claimed.submission.path == self._odd for claimed, _ in steps):
            raise OverflowError("nobody thought of this")
        return self._journal.note_answers(steps)


def states(journal: SqlJournal) -> dict[str | None, str]:
    return {each.path: each.state.value for each in journal.submissions(SubmissionFilter())}


def test_answers_that_are_given_together_take_two_transactions_and_none_is_held_up_by_another(
    tmp_path: Path, source: FolderSource, journal: SqlJournal
) -> None:
    # Given answers of which we stumble over one, another's file is gone, and a third is another node's by now
    for name in ("a.pdf", "b.pdf", "gone.pdf", "lost.pdf", "odd.pdf"):
        failed(source, journal, tmp_path, name)
    noted = Noted(journal)
    step = Answer(
        source=source, carrier=source, writer=StumblingWriter(), mailer=None, journal=cast("SqlJournal", noted),
        replies=sections.ReplyChoice(),
    )  # fmt: skip
    claims = step.claim(10)
    (tmp_path / "inbox" / "gone.pdf").unlink()
    (lost,) = [each for each in claims if each.submission.path == "lost.pdf"]
    journal.postpone_answer(lost, timedelta(hours=1), "another node")
    # When they are given
    hindered = step.give_together(claims)
    # Then all others are, and what they were about to do was recorded at once before and after
    assert (hindered.error, hindered.left) == (None, [])
    assert states(journal) == {
        "a.pdf": "closed", "b.pdf": "closed", "gone.pdf": "closed", "lost.pdf": "settled", "odd.pdf": "settled"
    }  # fmt: skip
    assert sorted(path.name for path in (tmp_path / "inbox").iterdir()) == ["lost.pdf", "odd.pdf"]
    assert noted.together == [4, 3, 1]  # planned; closed, or planned anew where the file is gone; that one closed


def test_of_steps_that_are_recorded_together_one_that_we_stumble_over_holds_up_no_other(
    tmp_path: Path, source: FolderSource, journal: SqlJournal
) -> None:
    for name in ("a.pdf", "bad.pdf", "c.pdf"):
        failed(source, journal, tmp_path, name)
    noted = cast("SqlJournal", Noted(journal, "bad.pdf"))
    step = Answer(
        source=source, carrier=source, writer=StumblingWriter(), mailer=None, journal=noted,
        replies=sections.ReplyChoice(),
    )  # fmt: skip

    assert step.give_together(step.claim(10)).left == []

    assert states(journal) == {"a.pdf": "closed", "bad.pdf": "settled", "c.pdf": "closed"}
    assert [path.name for path in (tmp_path / "inbox").iterdir()] == ["bad.pdf"]


def test_when_the_source_goes_away_what_was_moved_is_closed_and_the_rest_is_left(
    tmp_path: Path, source: FolderSource, journal: SqlJournal
) -> None:
    # Given a folder that goes away after the second of four moves
    for name in ("a.pdf", "b.pdf", "c.pdf", "d.pdf"):
        failed(source, journal, tmp_path, name)
    carrier = GoesAway(source, after=2)
    step = Answer(
        source=source, carrier=cast("FolderSource", carrier), writer=StumblingWriter(), mailer=None, journal=journal,
        replies=sections.ReplyChoice(),
    )  # fmt: skip
    # When the answers are given together
    hindered = step.give_together(step.claim(10))
    # Then the two that were moved are closed, and the others are to be given back, untried but for one
    assert (str(hindered.error), carrier.tried) == ("the folder is away", 3)
    assert list(states(journal).values()).count("closed") == 2
    left = {each.submission.path for each in hindered.left}
    assert left == {path for path, state in states(journal).items() if state == "settled"}
    assert {path.name for path in (tmp_path / "inbox").iterdir()} == left


class TwinComes:
    """A folder where, between the plan and the move, an equal file comes to where this one was to go."""

    def __init__(self, source: FolderSource, here: Path, there: Path) -> None:
        self._source, self._here, self._there = source, here, there

    @contextmanager
    def together(self, planned: Sequence[tuple[Submission, str | None]] = ()) -> Iterator[Move]:
        if not self._there.exists():
            self._there.parent.mkdir(exist_ok=True)
            shutil.copy2(self._here, self._there)
        with self._source.together(planned) as move:
            yield move


def test_an_equal_file_that_came_to_the_planned_place_is_not_taken_for_the_moved_one(
    tmp_path: Path, source: FolderSource, journal: SqlJournal
) -> None:
    failed(source, journal, tmp_path, "a.pdf")
    carrier = TwinComes(source, tmp_path / "inbox" / "a.pdf", tmp_path / "error" / "a.pdf")
    step = Answer(
        source=source, carrier=cast("FolderSource", carrier), writer=StumblingWriter(), mailer=None, journal=journal,
        replies=sections.ReplyChoice(),
    )  # fmt: skip

    assert step.give_together(step.claim(10)).left == []

    (submission,) = journal.submissions(SubmissionFilter())
    assert submission.moved_to == str(tmp_path / "error" / "a (2).pdf")
    assert [path.name for path in sorted((tmp_path / "error").glob("*.pdf"))] == ["a (2).pdf", "a.pdf"]
    assert list((tmp_path / "inbox").iterdir()) == []


class GoesAway:
    """A folder that cannot be reached any more after so many moves."""

    def __init__(self, source: FolderSource, *, after: int) -> None:
        self.tried = 0
        self._source = source
        self._after = after

    @contextmanager
    def together(self, planned: Sequence[tuple[Submission, str | None]] = ()) -> Iterator[Move]:
        with self._source.together(planned) as move:

            def moved(submission: Submission, target: str | None, note: str | None, *, first: bool = False) -> None:
                self.tried += 1
                if self.tried > self._after:
                    error = SourceUnavailable("the folder is away")
                    error.altogether = True
                    raise error
                move(submission, target, note, first=first)

            yield moved


class RefusedMailer:
    """The server takes no mail to this employee, ever."""

    def send(self, message: EmailMessage) -> None:
        raise MailRefused("no such user")

    def check(self) -> list[Finding]:
        raise NotImplementedError

    def close(self) -> None:
        raise NotImplementedError


class LateMailbox:
    """A source that cannot be reached at the first try; no other side of it is asked for here."""

    name = "inbox"

    def __init__(self) -> None:
        self.reached = False

    def plan(self, submission: Submission, *, booked: bool) -> str | None:
        return "done"

    def move(self, submission: Submission, target: str | None, note: str | None, *, first: bool = False) -> None:
        if not self.reached:
            self.reached = True
            raise SourceUnavailable("the server is away")


def empty_mail(journal: SqlJournal, number: int = 1) -> None:
    """A mail without a document that was taken in."""
    thread = Thread(message_id=f"<{number}@corp.example>", reply_to="zhang@corp.example")
    journal.record(
        NewSubmission(
            key=f"mail:{number}", source="inbox", kind=Kind.MAIL, place=f"1:{number}", fingerprint="",
            sender="zhang@corp.example", subject="发票", path=None, user_code="903851", person_name=None, language=None,
            received_at=datetime.now(UTC), state=SubmissionState.OPEN, reason=Reason.NO_DOCUMENT, thread=thread,
        )
    )  # fmt: skip


def test_a_refused_reply_is_told_even_where_the_mail_could_not_be_moved_at_once(journal: SqlJournal) -> None:
    # Given a mail without a document, whose sender takes no reply and whose mailbox is away for a moment
    source = cast("Source", LateMailbox())
    empty_mail(journal)
    writer = TemplateWriter(sender="fapiao@corp.example", default_language="zh", timezone=ZoneInfo("Asia/Shanghai"))
    step = Answer(source=source, writer=writer, mailer=RefusedMailer(), journal=journal, replies=sections.ReplyChoice())
    # When the answer is given twice, the second time with the mailbox there
    for _ in range(2):
        (claimed,) = step.claim(10)
        give(step, claimed)
        step.hasten()
    # Then it is closed with the refusal said
    (submission,) = journal.submissions(SubmissionFilter())
    assert submission.state is SubmissionState.CLOSED
    assert "no such user" in (submission.remark or "")


class BlockingMailer:
    """Hands every reply over; by then somebody else writes to the journal, until `other` is closed."""

    def __init__(self, path: Path) -> None:
        self.other = sqlite3.connect(path, isolation_level=None)
        self.sent: list[EmailMessage] = []

    def send(self, message: EmailMessage) -> None:
        self.sent.append(message)
        self.other.execute("BEGIN IMMEDIATE")

    def check(self) -> list[Finding]:
        raise NotImplementedError

    def close(self) -> None:
        raise NotImplementedError


def test_a_reply_that_could_not_be_noted_is_not_sent_again_when_the_journal_is_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Given a reply that was handed over, and of which the journal does not know
    monkeypatch.setattr("watcher.answer.HOLD", timedelta(milliseconds=100))
    monkeypatch.setattr("watcher.journal.sqlite_database.BUSY_TIMEOUT_SECONDS", 0.05)
    journal = open_journal(f"sqlite:///{tmp_path}/journal.db", exclusive=True)
    mailer = BlockingMailer(tmp_path / "journal.db")
    source = LateMailbox()
    source.reached = True
    empty_mail(journal)
    writer = TemplateWriter(sender="fapiao@corp.example", default_language="zh", timezone=ZoneInfo("Asia/Shanghai"))
    step = Answer(
        source=cast("Source", source), writer=writer, mailer=mailer, journal=journal, replies=sections.ReplyChoice()
    )
    try:
        (claimed,) = step.claim(10)
        with pytest.raises(JournalUnavailable):
            give(step, claimed)
        # When the journal can be written again, and the claim is over
        mailer.other.close()
        (again,) = wait_for(lambda: step.claim(10), 60, "the claim to be over")
        assert not again.replied
        give(step, again)
        # Then the answer goes on behind the reply
        (submission,) = journal.submissions(SubmissionFilter())
        assert submission.state is SubmissionState.CLOSED
        assert len(mailer.sent) == 1
    finally:
        journal.close()


class Late:
    """Takes replies, the first of them so slowly that the hold is over by then."""

    def __init__(self) -> None:
        self.sent: list[str] = []
        self.slow = threading.Event()
        self.entered = threading.Event()

    def send(self, message: EmailMessage) -> None:
        self.sent.append(message["Message-ID"])
        if len(self.sent) == 1:
            self.entered.set()
            self.slow.wait(20)

    def check(self) -> list[Finding]:
        raise NotImplementedError

    def close(self) -> None:
        raise NotImplementedError


class Mailbox:
    """Where moves are counted."""

    def __init__(self, name: str = "inbox") -> None:
        self.name = name
        self.moves = 0

    def plan(self, submission: Submission, *, booked: bool) -> str | None:
        return "done"

    def move(self, submission: Submission, target: str | None, note: str | None, *, first: bool = False) -> None:
        self.moves += 1


def answering(
    journal: SqlJournal, source: object, mailer: object, *, acknowledge_after: timedelta | None = None
) -> Answer:
    writer = TemplateWriter(sender="fapiao@corp.example", default_language="zh", timezone=ZoneInfo("Asia/Shanghai"))
    return Answer(
        source=cast("Source", source), writer=writer, mailer=cast("Mailer", mailer), journal=journal,
        replies=sections.ReplyChoice(acknowledge_after=acknowledge_after),
    )  # fmt: skip


def test_an_answer_that_outlasts_its_hold_is_ended_by_whoever_has_the_claim_then(
    journal: SqlJournal, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Given a node whose mail server takes longer than its hold
    empty_mail(journal)
    mailer, mailbox = Late(), Mailbox()
    first, second = answering(journal, mailbox, mailer), answering(journal, mailbox, mailer)
    monkeypatch.setattr("watcher.answer.HOLD", timedelta(0))
    (late,) = first.claim(1)
    thread = threading.Thread(target=give, args=[first, late])
    thread.start()
    assert mailer.entered.wait(20)
    # When another node gives the answer meanwhile
    (claimed,) = second.claim(1)
    give(second, claimed)
    mailer.slow.set()
    thread.join(20)
    # Then it was moved once, and both replies are one to a mail program
    assert mailbox.moves == 1
    assert len(mailer.sent) == 2
    assert len(set(mailer.sent)) == 1
    (submission,) = journal.submissions(SubmissionFilter())
    assert submission.state is SubmissionState.CLOSED


def test_a_reply_that_took_long_is_not_sent_again_when_the_mail_is_moved_under_the_next_claim(
    journal: SqlJournal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("watcher.answering.MOVE_WITHIN_SECONDS", 0.0)
    empty_mail(journal)
    mailer, mailbox = Late(), Mailbox()
    mailer.slow.set()
    step = answering(journal, mailbox, mailer)
    for moves in (0, 1):
        (claimed,) = step.claim(1)
        monkeypatch.setattr("watcher.answering.MOVE_WITHIN_SECONDS", 3600.0 if claimed.replied else 0.0)
        give(step, claimed)
        assert mailbox.moves == moves
    assert len(mailer.sent) == 1


class Post:
    """Takes every reply; the first is on its way when `meanwhile` happens."""

    def __init__(self, meanwhile: Callable[[], object] = lambda: None) -> None:
        self.sent: list[str] = []
        self._meanwhile = meanwhile

    def send(self, message: EmailMessage) -> None:
        self.sent.append(message["Message-ID"])
        if len(self.sent) == 1:
            self._meanwhile()


def give_all(step: Answer) -> None:
    step.hasten()
    for claimed in step.claim(10):
        give(step, claimed)


def test_what_is_retried_while_its_reply_is_on_its_way_is_answered_again(journal: SqlJournal) -> None:
    # Given a mail of which nothing came, retried while the mail server takes the reply that says so
    name = journal.record(mail())
    book(journal, FAILED)
    mailer, mailbox = Post(lambda: journal.retry(name)), Mailbox("fapiao")
    step = answering(journal, mailbox, mailer)
    give_all(step)
    assert (len(mailer.sent), mailbox.moves) == (1, 0)
    assert not step._replies._unrecorded  # else it would be remembered for ever
    # When it is booked, and whatever is due is answered
    book(journal)
    for _ in range(2):
        give_all(step)
    # Then its sender hears of it, once, and the mail is moved
    assert (len(mailer.sent), len(set(mailer.sent)), mailbox.moves) == (2, 2, 1)
    assert journal.submission(name).state is SubmissionState.CLOSED


def test_what_is_retried_before_its_mail_could_be_moved_is_answered_under_another_message_id(
    journal: SqlJournal,
) -> None:
    # Given a reply that was sent and noted, and a mailbox that was away for the move
    name = journal.record(mail())
    book(journal, FAILED)
    mailer, mailbox = Post(), LateMailbox()
    mailbox.name = "fapiao"
    step = answering(journal, mailbox, mailer)
    give_all(step)
    assert len(mailer.sent) == 1
    # When it is retried, booked, and answered
    journal.retry(name)
    book(journal)
    for _ in range(2):
        give_all(step)
    # Then no mail program takes the second reply for the first
    assert (len(mailer.sent), len(set(mailer.sent))) == (2, 2)
    assert journal.submission(name).state is SubmissionState.CLOSED


def test_what_is_retried_after_it_was_answered_is_answered_once_more(journal: SqlJournal) -> None:
    name = journal.record(mail())
    book(journal, FAILED)
    mailer = Post()
    step = answering(journal, Mailbox("fapiao"), mailer)
    give_all(step)

    journal.retry(name)
    book(journal)
    for _ in range(2):
        give_all(step)

    assert (len(mailer.sent), len(set(mailer.sent))) == (2, 2)
    assert journal.submission(name).state is SubmissionState.CLOSED


class Diary:
    """The journal, a mail server that goes away after so many replies, and a mailbox: what they were asked."""

    name = "inbox"

    def __init__(self, journal: SqlJournal, *, replies: int) -> None:
        self.lines: list[str] = []
        self._journal = journal
        self._left = replies

    def __getattr__(self, name: str) -> Any:
        return getattr(self._journal, name)

    def note_answers(self, steps: Sequence[tuple[ClaimedAnswer, AnswerStep]]) -> list[bool]:
        self.lines.append(f"record {len(steps)}")
        return self._journal.note_answers(steps)

    def send(self, message: EmailMessage) -> None:
        self.lines.append("send")
        self._left -= 1
        if self._left < 0:
            away = MailerUnavailable("the server is away")
            away.altogether = True
            raise away

    def plan(self, submission: Submission, *, booked: bool) -> str | None:
        return "done"

    def move(self, submission: Submission, target: str | None, note: str | None, *, first: bool = False) -> None:
        self.lines.append("move")


def test_of_mails_that_are_answered_together_each_reply_is_recorded_before_the_next_one_is_sent(
    journal: SqlJournal,
) -> None:
    for number in range(3):
        empty_mail(journal, number)
    diary = Diary(journal, replies=3)
    step = answering(cast("SqlJournal", diary), diary, diary)

    assert step.give_together(step.claim(10)).left == []

    assert diary.lines == ["send", "record 1"] * 3 + ["move"] * 3 + ["record 3"]
    assert {each.state.value for each in journal.submissions(SubmissionFilter())} == {"closed"}


def test_a_mail_that_has_its_reply_is_moved_though_the_mail_server_goes_away_at_the_next(journal: SqlJournal) -> None:
    # Given three answers, and a mail server that goes away after the first
    for number in range(3):
        empty_mail(journal, number)
    diary = Diary(journal, replies=1)
    step = answering(cast("SqlJournal", diary), diary, diary)
    # When they are given together
    hindered = step.give_together(step.claim(10))
    # Then the first is moved, and of the others only one was tried
    assert diary.lines == ["send", "record 1", "send", "move", "record 1"]
    assert (str(hindered.error), len(hindered.left)) == ("the server is away", 2)


def test_replies_that_take_long_do_not_keep_the_mails_before_them_from_being_moved(
    journal: SqlJournal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("watcher.answering._GATHERED_WITHIN_SECONDS", 1e-9)  # each takes longer
    for number in range(2):
        empty_mail(journal, number)
    diary = Diary(journal, replies=2)
    step = answering(cast("SqlJournal", diary), diary, diary)

    step.give_together(step.claim(10))

    assert diary.lines == ["send", "record 1", "move", "record 1"] * 2


def test_answers_that_cannot_be_begun_in_time_are_left_untouched(journal: SqlJournal) -> None:
    for number in range(2):
        empty_mail(journal, number)
    diary = Diary(journal, replies=2)
    step = answering(cast("SqlJournal", diary), diary, diary)

    hindered = step.give_together(step.claim(10), begin_by=0.0)

    assert (hindered.error, len(hindered.left), diary.lines) == (None, 2, [])


class Away:
    """A mailbox that nobody gets into, or (`hangs_up`) whose server then says no more; counts who tried."""

    name = "inbox"

    def __init__(self, *, hangs_up: bool) -> None:
        self.hangs_up = hangs_up
        self.away = True
        self.tried = 0

    def plan(self, submission: Submission, *, booked: bool) -> str | None:
        return "done"

    def move(self, submission: Submission, target: str | None, note: str | None, *, first: bool = False) -> None:
        self.tried += 1
        if self.away:
            error = SourceUnavailable("the server is away")
            error.altogether, error.broke = not self.hangs_up, self.hangs_up
            raise error


@pytest.mark.parametrize("hangs_up", [False, True], ids=["nobody gets in", "it hangs up"])
def test_while_nothing_can_be_answered_few_are_tried_and_all_are_when_the_source_comes_up(
    journal: SqlJournal, monkeypatch: pytest.MonkeyPatch, hangs_up: bool
) -> None:
    # Given many answers and a mailbox that cannot be reached
    for number in range(10):
        empty_mail(journal, number)
    mailbox = Away(hangs_up=hangs_up)
    monkeypatch.setattr("watcher.answer_failures._FIRST_PAUSE_SECONDS", 600.0)
    monkeypatch.setattr("watcher.service.answerer._FIRST_REST_SECONDS", 3600.0)
    monkeypatch.setattr("watcher.service.answerer._LONGEST_REST_SECONDS", 3600.0)
    answerer = Answerer(answer=answering(journal, mailbox, None), at_once=1)
    journal.subscribe(lambda _news: answerer.wake())
    thread = threading.Thread(target=answerer.run)
    thread.start()

    def waiting() -> list[Submission]:
        return [each for each in journal.submissions(SubmissionFilter()) if each.remark == "the server is away"]

    try:
        # Then as few were tried as it takes to know, and all say why they wait
        wait_for(lambda: len(waiting()) == 10, what="all to wait")
        tried = mailbox.tried
        assert tried == (2 if hangs_up else 1)
        # When it is seen to be there again
        mailbox.away = False
        answerer.source_came_up()
        # Then all are answered at once
        closed = SubmissionFilter(state=SubmissionState.CLOSED)
        wait_for(lambda: len(list(journal.submissions(closed))) == 10, what="all to be answered")
    finally:
        answerer.stop()
        thread.join(20)
    assert mailbox.tried == tried + 10


class Sink:
    """Takes every mail, or none for now; counts what it was handed."""

    def __init__(self) -> None:
        self.away = False
        self.tried = 0
        self.sent: list[EmailMessage] = []

    def send(self, message: EmailMessage) -> None:
        self.tried += 1
        if self.away:
            away = MailerUnavailable("the server is away")
            away.altogether = True
            raise away
        self.sent.append(message)

    def check(self) -> list[Finding]:
        raise NotImplementedError

    def close(self) -> None:
        raise NotImplementedError


def test_a_mail_is_acknowledged_in_time_though_nobody_tells_the_answerer_of_it(
    journal: SqlJournal, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Given an answerer that has found nothing to do, and is never woken
    sink = Sink()
    step = answering(journal, Mailbox("fapiao"), sink, acknowledge_after=timedelta(seconds=1))
    next_in, looked = step.next_in, threading.Event()

    def look() -> float | None:
        found = next_in()
        looked.set()
        return found

    monkeypatch.setattr(step, "next_in", look)
    answerer = Answerer(answer=step, at_once=1)
    thread = threading.Thread(target=answerer.run)
    thread.start()
    try:
        # When a mail comes that waits
        assert looked.wait(20)
        journal.record(mail())
        # Then its sender is told, long before the answerer would look anyway
        wait_for(lambda: len(sink.sent) == 1, what="it to be acknowledged", timeout=20.0)
    finally:
        answerer.stop()
        thread.join(20)


def test_an_acknowledgement_that_could_not_be_sent_before_the_result_was_there_is_not_sent_at_all(
    journal: SqlJournal, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Given a mail that waits, and a mail server that is away
    monkeypatch.setattr("watcher.notices._AGAIN_IN", timedelta(0))
    journal.record(mail())
    sink = Sink()
    sink.away = True
    step = answering(journal, Mailbox("fapiao"), sink, acknowledge_after=timedelta(0))
    step.send_notices(8)
    # When the result comes first
    book(journal)
    sink.away = False
    step.send_notices(8)
    # Then only that is told
    assert sink.sent == []
    assert len(step.claim(8)) == 1
    assert journal.claim_notices("fapiao", limit=8, hold=timedelta(0)) == []


def test_acknowledgements_leave_room_for_answers_to_one_address_in_an_hour(
    journal: SqlJournal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("watcher.notices.MOST_BEFORE_ACKNOWLEDGEMENTS", 2)
    for _ in range(4):
        journal.record(mail())
    journal.record(mail(thread=Thread(reply_to="smith@corp.example")))
    sink = Sink()
    step = answering(journal, Mailbox("fapiao"), sink, acknowledge_after=timedelta(0))

    step.send_notices(8)
    step.send_notices(8)

    assert sorted(str(each["To"]) for each in sink.sent) == ["smith@corp.example", *["zhang@corp.example"] * 2]
    waits = step.next_in()
    assert waits is not None
    assert waits > 60


def test_where_nothing_is_acknowledged_nobody_waits_for_it(journal: SqlJournal) -> None:
    journal.record(mail())
    sink = Sink()
    for never in (None, timedelta(hours=1)):
        answering(journal, Mailbox("fapiao"), sink, acknowledge_after=never).send_notices(8)

    assert sink.sent == []
    assert answering(journal, Mailbox("fapiao"), sink, acknowledge_after=None).next_in() is None
    assert answering(journal, Mailbox("fapiao"), None, acknowledge_after=timedelta(0)).next_in() is None


def test_while_the_mail_server_is_away_one_acknowledgement_is_tried_and_the_others_wait_with_it(
    journal: SqlJournal,
) -> None:
    for _ in range(4):
        journal.record(mail())
    sink = Sink()
    sink.away = True
    step = answering(journal, Mailbox("fapiao"), sink, acknowledge_after=timedelta(0))

    step.send_notices(8)

    assert sink.tried == 1
    waits = step.next_in()
    assert waits is not None
    assert waits > 60


class SlowSink(Sink):
    """Takes as long for each mail as one may take; `now` is the time."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 1000.0

    def send(self, message: EmailMessage) -> None:
        self.now += 45.0
        super().send(message)


def test_acknowledgements_that_cannot_be_begun_before_their_claim_may_end_are_left_to_any_node(
    journal: SqlJournal, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Given mails that wait, and a slow mail server
    for _ in range(3):
        journal.record(mail())
    slow = SlowSink()
    monkeypatch.setattr("watcher.notices.boot_seconds", lambda: slow.now, raising=False)
    # When a node has claimed them all
    answering(journal, Mailbox("fapiao"), slow, acknowledge_after=timedelta(0)).send_notices(8)
    # Then it has sent what it could begin in time, and another node sends the others at once
    assert len(slow.sent) == 1
    other = Sink()
    answering(journal, Mailbox("fapiao"), other, acknowledge_after=timedelta(0)).send_notices(8)
    assert len(other.sent) == 2
    # And none was sent by both, or is left
    assert len({str(each["Message-ID"]) for each in [*slow.sent, *other.sent]}) == 3
    assert journal.claim_notices("fapiao", limit=8, hold=timedelta(0)) == []


class SpeechlessWriter(StumblingWriter):
    """Has no words for a mail that waits."""

    def notice(self, notice: Notice | Acknowledgement, name: str) -> EmailMessage:
        raise RuntimeError("nobody thought of this")


def test_an_acknowledgement_that_we_stumble_over_waits_and_ends_nothing(journal: SqlJournal) -> None:
    journal.record(mail())
    step = Answer(
        source=cast("Source", Mailbox("fapiao")), writer=SpeechlessWriter(), mailer=Sink(), journal=journal,
        replies=sections.ReplyChoice(acknowledge_after=timedelta(0)),
    )  # fmt: skip

    step.send_notices(8)

    waits = step.next_in()
    assert waits is not None
    assert waits > 60
