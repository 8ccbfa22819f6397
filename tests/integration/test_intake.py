"""Step 1 with a real folder and a real journal: what goes wrong with one thing leaves everything where it is."""

from __future__ import annotations

import contextlib
import errno
import os
import threading
from collections.abc import Callable, Iterator, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any, cast
from zoneinfo import ZoneInfo

import pytest

from tests.support.archives import zipped
from tests.support.tmpfs import small_disk
from tests.support.waiting import wait_for
from tests.support.workplace import pdf
from watcher.admission import Admission
from watcher.clock import boot_seconds
from watcher.config import sections
from watcher.documents.choosing import DocumentChooser
from watcher.documents.reader import DocumentReader
from watcher.documents.sniff import may_hold_documents
from watcher.errors import JournalUnavailable, SourceUnavailable, StoreRefused, StoreUnavailable
from watcher.gathering import Gathering
from watcher.intake import Intake
from watcher.journal.journal import SqlJournal
from watcher.model import Finding, Locator, NewSubmission, SubmissionFilter
from watcher.people import FileDirectory
from watcher.ports import FoundDocument
from watcher.sources.folder import FolderSource
from watcher.sources.folder.finished import HEAD_BYTES
from watcher.spool import IN_MEMORY_BYTES
from watcher.storing import Storing
from watcher.surplus import Surplus
from watcher.taking import Round


class ScriptedStore:
    """A store that does what the test says for each document."""

    name = "scripted"
    keeps = True

    def __init__(
        self, put: Callable[[str], object], *, near: bool = False, secure: Callable[[], None] = lambda: None
    ) -> None:
        self._put = put
        self._near = near
        self._secure = secure

    def prepare(self) -> None: ...

    def secure(self) -> None:
        self._secure()

    def is_near(self, document: FoundDocument) -> bool:
        return self._near

    def put(self, document: FoundDocument) -> Locator:
        self._put(document.name)
        return Locator(store=self.name, key=document.name, url=document.name)

    def attachment_url(self, locator: Locator, content: str | None = None) -> str:
        return locator.key

    def replaced_by(self, locator: Locator, content: str) -> str | None:
        return None

    def check(self) -> list[Finding]:
        return []

    def close(self) -> None:
        pass


@pytest.fixture
def source(tmp_path: Path) -> Iterator[FolderSource]:
    (tmp_path / "inbox").mkdir()
    made = watching(tmp_path)
    yield made
    made.close()


def watching(tmp_path: Path) -> FolderSource:
    folder = sections.Folder(
        name="inbox", path=tmp_path / "inbox", user_code=sections.FixedCode(fixed="903851"), done=None, error=None
    )
    return FolderSource(
        folder, wanted=lambda head: may_hold_documents(head, ["pdf"]), timezone=ZoneInfo("Asia/Shanghai")
    )


def intake(
    source: FolderSource,
    journal: SqlJournal,
    put: Callable[[str], object],
    beat: Callable[[], None] = lambda: None,
    *,
    near: bool = False,
    secure: Callable[[], None] = lambda: None,
) -> Intake:
    return Intake(
        source=source,
        admission=Admission(directory=FileDirectory(sections.Directory()), verification=None, mailbox=None),
        gathering=Gathering(
            reader=DocumentReader(accept=["pdf"], limits=sections.Limits()),
            chooser=DocumentChooser(inspector=None, most=3, limits=sections.Limits()),
            links=None,
            now=journal.now,
        ),
        storing=Storing(store=ScriptedStore(put, near=near, secure=secure), create_expense=True),
        journal=journal,
        surplus=Surplus(source=source.name, limit=None, journal=journal, now=journal.now),
        beat=beat,
    )


def names(journal: SqlJournal) -> set[str | None]:
    return {submission.path for submission in journal.submissions(SubmissionFilter())}


def drop(tmp_path: Path, *files: str) -> None:
    for name in files:
        (tmp_path / "inbox" / name).write_bytes(pdf(name))


def test_a_slow_store_is_asked_for_several_submissions_at_once(
    tmp_path: Path, source: FolderSource, journal: SqlJournal
) -> None:
    drop(tmp_path, *(f"{number}.pdf" for number in range(8)))
    together = threading.Barrier(4, timeout=10)  # nobody passes alone: one after the other would never end

    step = intake(source, journal, lambda _: together.wait())
    result = step.round(lambda: True)
    step.close()

    assert result.taken == 8
    assert len(names(journal)) == 8


@pytest.mark.parametrize("near", [False, True])
def test_nothing_is_recorded_before_the_store_has_it_for_good(
    tmp_path: Path, source: FolderSource, journal: SqlJournal, near: bool
) -> None:
    # Given a store that takes two documents, and cannot yet say that they are there for good
    drop(tmp_path, "a.pdf", "b.pdf")
    said: list[str] = []
    is_full = True

    def secure() -> None:
        said.append(f"secure, with {len(names(journal))} recorded")
        if is_full:
            raise StoreUnavailable("its disk is full")

    step = intake(source, journal, said.append, near=near, secure=secure)
    with pytest.raises(StoreUnavailable):
        step.round(lambda: True)
    assert names(journal) == set()
    assert "secure, with 0 recorded" in said
    # When it can
    is_full = False
    step.round(lambda: True)
    step.close()
    # Then they are taken in, and were put once more
    assert names(journal) == {"a.pdf", "b.pdf"}
    assert said.count("a.pdf") == 2


def test_a_round_says_again_and_again_that_it_goes_on_while_a_slow_store_takes_one_document_after_the_other(
    tmp_path: Path, source: FolderSource, journal: SqlJournal
) -> None:
    # Given one submission of many documents
    (tmp_path / "inbox" / "many.zip").write_bytes(zipped(*((f"{n}.pdf", pdf(str(n))) for n in range(5))))
    beats: list[int] = []
    at_each_put: list[int] = []
    # When they are stored
    step = intake(source, journal, lambda _: at_each_put.append(len(beats)), lambda: beats.append(1))
    assert step.round(lambda: True).taken == 1
    step.close()
    # Then each time something was said before
    assert sorted(set(at_each_put)) == at_each_put
    assert len(at_each_put) == 5


def test_an_upload_that_outlasts_the_hold_of_its_source_is_recorded_once_whoever_ends_first(
    tmp_path: Path, source: FolderSource, journal: SqlJournal
) -> None:
    # Given a node whose upload takes so long that another one has the source by then
    drop(tmp_path, "large.pdf", "small.pdf")
    uploading, overtaken = threading.Event(), threading.Event()

    def slowly(_: str) -> None:
        uploading.set()
        assert overtaken.wait(20)

    other = watching(tmp_path)
    slow, quick = intake(source, journal, slowly), intake(other, journal, lambda _: None)
    results: list[Round] = []
    thread = threading.Thread(target=lambda: results.append(slow.round(lambda: True)))
    thread.start()
    assert uploading.wait(20)
    # When the other one takes in all that lies there, and the first one comes to its end
    quick.round(lambda: True)
    recorded = {submission.id for submission in journal.submissions(SubmissionFilter())}
    overtaken.set()
    thread.join(20)
    for each in (slow, quick, other):
        each.close()
    # Then nothing was taken in twice
    assert results[0].waiting == []
    assert len(recorded) == 2
    assert {submission.id for submission in journal.submissions(SubmissionFilter())} == recorded
    claims = journal.claim_bookings(sources=["inbox"], endpoint="e", limit=9, hold=timedelta(seconds=60))
    assert len(claims) == 2


@pytest.mark.parametrize("near", [True, False], ids=["near", "far"])
def test_a_store_that_is_down_ends_the_round_and_the_next_one_takes_everything_in(
    tmp_path: Path, source: FolderSource, journal: SqlJournal, near: bool
) -> None:
    drop(tmp_path, "a.pdf", "b.pdf", "c.pdf")
    down = [True]

    def put(_: str) -> None:
        if down:
            raise StoreUnavailable("the store is down")

    step = intake(source, journal, put, near=near)
    with pytest.raises(StoreUnavailable, match="the store is down"):
        step.round(lambda: True)
    assert names(journal) == set()

    down.clear()
    assert step.round(lambda: True).taken == 3
    step.close()
    assert names(journal) == {"a.pdf", "b.pdf", "c.pdf"}


@pytest.mark.parametrize("near", [True, False], ids=["near", "far"])
def test_what_the_store_may_not_take_for_what_it_is_holds_up_no_other_and_is_tried_again_later(
    tmp_path: Path, source: FolderSource, journal: SqlJournal, near: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Given a store that answers, and says no to each second document
    refuses, tried = [True], []

    def put(name: str) -> None:
        tried.append(name)
        if refuses[0] and int(name[0]) % 2:
            error = StoreUnavailable(f"the store says resCode: 400012 ({name})")
            error.of_one = True
            raise error

    drop(tmp_path, *(f"{number}.pdf" for number in range(8)))
    step = intake(source, journal, put, near=near)
    # When it is asked, and asked again
    first = step.round(lambda: True)
    count = len(tried)
    again = step.round(lambda: True)
    # Then the others are taken in, and those are told and left for a while
    assert names(journal) == {"0.pdf", "2.pdf", "4.pdf", "6.pdf"}
    assert first.taken == 4
    assert sorted(first.waiting) == sorted(again.waiting)
    assert len(first.waiting) == 4
    assert "1.pdf: the store says resCode: 400012 (1.pdf)" in first.waiting
    assert len(tried) == count
    # and they are taken in when the store takes them after that
    refuses[0] = False
    monkeypatch.setattr("watcher.resting.boot_seconds", lambda: boot_seconds() + 3600)
    source.wake()
    wait_for(lambda: step.round(lambda: True).waiting == [] and len(names(journal)) == 8)
    step.close()


def test_a_store_that_takes_nothing_ends_the_round_though_it_answers(
    tmp_path: Path, source: FolderSource, journal: SqlJournal
) -> None:
    tried = []

    def put(name: str) -> None:
        tried.append(name)
        error = StoreUnavailable("the store says resCode: 400012")
        error.of_one = True
        raise error

    drop(tmp_path, *(f"{number}.pdf" for number in range(40)))
    step = intake(source, journal, put)
    with pytest.raises(StoreUnavailable):
        step.round(lambda: True)
    step.close()

    assert 8 <= len(tried) < 25


@pytest.mark.parametrize("bad", [1, 12], ids=["one", "many"])
def test_a_file_with_a_bad_sector_holds_up_no_other_and_is_tried_again_later(
    tmp_path: Path, source: FolderSource, journal: SqlJournal, bad: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Given the oldest files, which begin well and cannot be read to their ends
    broken, pread = [True], os.pread

    def read(file: int, length: int, start: int) -> bytes:
        content = pread(file, length, start)
        if broken[0] and length > HEAD_BYTES and b"bad" in content:
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        return content

    monkeypatch.setattr("os.pread", read)
    for number in range(bad):
        (tmp_path / "inbox" / f"bad{number}.pdf").write_bytes(pdf(f"bad{number}", size=2 * HEAD_BYTES))
        os.utime(tmp_path / "inbox" / f"bad{number}.pdf", (number, number))
    drop(tmp_path, "good.pdf")
    step = intake(source, journal, lambda _: None)
    # When it is looked until all has been tried; many in a row may be the fault of the drive
    said: list[str] = []
    for _ in range(3):
        with contextlib.suppress(SourceUnavailable):
            said += step.round(lambda: True).waiting
    # Then the good one is taken in, and of the others it is told
    assert names(journal) == {"good.pdf"}
    assert any("bad0.pdf answers with input/output errors" in each for each in said)
    # and they are taken in once they can be read
    broken[0] = False
    monkeypatch.setattr("watcher.resting.boot_seconds", lambda: boot_seconds() + 3600)
    source.wake()
    wait_for(lambda: step.round(lambda: True).waiting == [] and len(names(journal)) == bad + 1)
    step.close()


@pytest.mark.parametrize("unavailable", [StoreUnavailable, SourceUnavailable])
def test_however_many_are_refused_one_by_one_those_behind_them_are_come_to(
    tmp_path: Path,
    source: FolderSource,
    journal: SqlJournal,
    unavailable: type[StoreUnavailable | SourceUnavailable],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # Given so many that the first ones have rested before the last one is met, each look being an hour after the other
    looks = [0]
    monkeypatch.setattr("watcher.resting.boot_seconds", lambda: boot_seconds() + 3600 * looks[0])

    def put(name: str) -> None:
        if name.startswith("bad"):
            error = unavailable("it is too large")
            error.of_one = True
            raise error

    for number in range(40):
        (tmp_path / "inbox" / f"bad{number}.pdf").write_bytes(pdf(f"bad{number}"))
        os.utime(tmp_path / "inbox" / f"bad{number}.pdf", (number, number))
    drop(tmp_path, "good.pdf")
    step = intake(source, journal, put)
    # When it is looked as often as it takes to meet each once
    for _ in range(6):
        looks[0] += 1
        with contextlib.suppress(StoreUnavailable, SourceUnavailable):
            step.round(lambda: True)
        source.wake()
    step.close()
    # Then the one behind them is taken in
    assert names(journal) == {"good.pdf"}


def test_a_file_for_which_the_temporary_folder_has_no_room_is_said_to_lack_just_that(
    tmp_path: Path, source: FolderSource, journal: SqlJournal, monkeypatch: pytest.MonkeyPatch
) -> None:
    drop(tmp_path, "small.pdf")
    (tmp_path / "inbox" / "large.pdf").write_bytes(pdf("large", size=2 * IN_MEMORY_BYTES))
    os.utime(tmp_path / "inbox" / "large.pdf", (1, 1))
    step = intake(source, journal, lambda _: None)
    with small_disk(tmp_path / "tmp", "256k") as disk:
        monkeypatch.setattr("tempfile.tempdir", str(disk.path))
        result = step.round(lambda: True)
    step.close()

    assert names(journal) == {"small.pdf"}
    assert "large.pdf cannot be kept: the temporary folder (TMPDIR) has no space left" in result.waiting[0]


@pytest.mark.parametrize("near", [True, False], ids=["near", "far"])
def test_one_submission_that_we_stumble_over_does_not_hold_up_the_others(
    tmp_path: Path, source: FolderSource, journal: SqlJournal, near: bool
) -> None:
    drop(tmp_path, "good.pdf", "odd.pdf")

    def put(name: str) -> None:
        if name == "odd.pdf":
            raise RuntimeError("nobody thought of this")

    step = intake(source, journal, put, near=near)
    result = step.round(lambda: True)
    step.close()

    assert names(journal) == {"good.pdf"}
    assert result.waiting == ["odd.pdf: RuntimeError"]
    assert (tmp_path / "inbox" / "odd.pdf").exists()


@pytest.mark.parametrize("near", [True, False], ids=["near", "far"])
def test_what_the_store_never_takes_is_an_error_of_that_document(
    tmp_path: Path, source: FolderSource, journal: SqlJournal, near: bool
) -> None:
    drop(tmp_path, "a.pdf")

    def put(_: str) -> None:
        raise StoreRefused("it has no address")

    step = intake(source, journal, put, near=near)
    step.round(lambda: True)
    step.close()

    (submission,) = journal.submissions(SubmissionFilter())
    (document,) = submission.documents
    assert (document.outcome, document.code, document.message) == ("error", "NO_URL", "it has no address")


class Recorded:
    """The journal, which notes how many submissions it was given at once, and cannot bear one of them."""

    def __init__(self, journal: SqlJournal, odd: str | None = None, *, away_at: int | None = None) -> None:
        """`away_at`: the transaction, counted from 1, that it is away for."""
        self._away_at = away_at
        self.together: list[int] = []
        self._journal = journal
        self._odd = odd

    def __getattr__(self, name: str) -> Any:
        return getattr(self._journal, name)

    def record_all(self, submissions: Sequence[NewSubmission]) -> list[str]:
        self.together.append(len(submissions))
        if len(self.together) == self._away_at:
            raise JournalUnavailable("the journal is away")
        if any(each.path == self._odd for each in submissions):
            raise OverflowError("nobody thought of this")
        return self._journal.record_all(submissions)


def wait_for_others(monkeypatch: pytest.MonkeyPatch, *, at_most: float = 3600.0) -> None:
    """Whatever is stored waits for others that may come, and so many seconds where none does."""
    monkeypatch.setattr("watcher.taking._RECORDED_WITHIN_SECONDS", 3600.0)
    monkeypatch.setattr("watcher.taking._OVERSEEN_EACH_SECONDS", at_most)


def test_what_is_stored_in_no_time_is_recorded_in_few_transactions_and_in_its_order(
    tmp_path: Path, source: FolderSource, journal: SqlJournal, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Given many files, two of them with the same content
    wait_for_others(monkeypatch)
    drop(tmp_path, *(f"{number:02}.pdf" for number in range(20)))
    (tmp_path / "inbox" / "19.pdf").write_bytes(pdf("03.pdf"))
    for number in range(20):
        os.utime(tmp_path / "inbox" / f"{number:02}.pdf", (number, number))
    recorded = Recorded(journal)
    # When they are taken in
    step = intake(source, cast("SqlJournal", recorded), lambda _: None, near=True)
    result = step.round(lambda: True)
    step.close()
    # Then the first is not kept waiting for the others, and the others are recorded together
    assert recorded.together == [1, 16, 3]
    assert result.taken == 20
    found = {each.path: each.documents[0] for each in journal.submissions(SubmissionFilter())}
    assert len(found) == 20
    assert found["19.pdf"].booking == found["03.pdf"].booking


def test_those_that_come_right_after_another_are_recorded_together_from_the_first_on(
    tmp_path: Path, source: FolderSource, journal: SqlJournal, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Given a round that has taken in one
    wait_for_others(monkeypatch)
    recorded = Recorded(journal)
    step = intake(source, cast("SqlJournal", recorded), lambda _: None, near=True)
    drop(tmp_path, "a.pdf")
    step.round(lambda: True)
    # When the next round, right after it, finds two
    drop(tmp_path, "b.pdf", "c.pdf")
    step.round(lambda: True)
    step.close()
    # Then one transaction has both
    assert recorded.together == [1, 2]


def test_of_several_that_are_recorded_together_one_that_we_stumble_over_holds_up_no_other(
    tmp_path: Path, source: FolderSource, journal: SqlJournal, monkeypatch: pytest.MonkeyPatch
) -> None:
    wait_for_others(monkeypatch)
    drop(tmp_path, "a.pdf", "b.pdf", "odd.pdf", "z.pdf")

    step = intake(source, cast("SqlJournal", Recorded(journal, "odd.pdf")), lambda _: None, near=True)
    result = step.round(lambda: True)
    step.close()

    assert names(journal) == {"a.pdf", "b.pdf", "z.pdf"}
    assert (result.taken, result.waiting) == (3, ["odd.pdf: OverflowError"])


def test_what_is_stored_is_recorded_although_the_round_then_fails(
    tmp_path: Path, source: FolderSource, journal: SqlJournal, monkeypatch: pytest.MonkeyPatch
) -> None:
    wait_for_others(monkeypatch)
    drop(tmp_path, "a.pdf", "b.pdf", "c.pdf")
    stored: list[str] = []

    def put(name: str) -> None:
        stored.append(name)
        if len(stored) == 3:
            raise StoreUnavailable("the store is down")

    step = intake(source, journal, put, near=True)
    with pytest.raises(StoreUnavailable):
        step.round(lambda: True)
    step.close()

    assert names(journal) == set(stored[:2])


def test_what_is_stored_is_recorded_while_the_next_one_is_slow_to_come(
    tmp_path: Path, source: FolderSource, journal: SqlJournal, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Given three files, the third of which comes when the journal has the two before it
    wait_for_others(monkeypatch, at_most=0.01)
    drop(tmp_path, "a.pdf", "b.pdf", "c.pdf")
    step = intake(source, journal, lambda _: None, near=True)
    asked: list[int] = []

    def comes() -> bool:
        asked.append(1)
        if len(asked) == 3:
            wait_for(lambda: len(names(journal)) == 2, 20, "the two before to be recorded")
        return True

    # When they are taken in, then none waits for it
    assert step.round(comes).taken == 3
    step.close()
    assert names(journal) == {"a.pdf", "b.pdf", "c.pdf"}


def test_a_journal_that_is_away_while_the_next_one_is_slow_to_come_ends_the_round(
    tmp_path: Path, source: FolderSource, journal: SqlJournal, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Given a journal that goes away after the first file, and a third file that comes when that was met
    wait_for_others(monkeypatch, at_most=0.01)
    drop(tmp_path, "a.pdf", "b.pdf", "c.pdf")
    recorded = Recorded(journal, away_at=2)
    step = intake(source, cast("SqlJournal", recorded), lambda _: None, near=True)
    asked: list[int] = []
    tried = threading.Event()

    def comes() -> bool:
        asked.append(1)
        if len(asked) == 3:
            wait_for(lambda: len(recorded.together) == 2, 20, "the second to be tried")
            tried.set()
        return True

    # When they are taken in
    with pytest.raises(JournalUnavailable):
        step.round(comes)
    assert tried.is_set()
    # Then the next look finds what is missing
    assert step.round(lambda: True).taken == 2
    step.close()
    assert names(journal) == {"a.pdf", "b.pdf", "c.pdf"}


def test_a_round_ends_when_it_may_not_go_on(tmp_path: Path, source: FolderSource, journal: SqlJournal) -> None:
    drop(tmp_path, "a.pdf", "b.pdf", "c.pdf")
    answers = iter([True, False])

    step = intake(source, journal, lambda _: None)
    result = step.round(lambda: next(answers))
    step.close()

    assert result.taken == 1


def test_of_two_that_hold_the_same_document_the_first_to_come_is_recorded_first_however_long_it_takes(
    tmp_path: Path, source: FolderSource, journal: SqlJournal
) -> None:
    for name in ("1.pdf", "2.pdf"):
        (tmp_path / "inbox" / name).write_bytes(pdf("same"))
        os.utime(tmp_path / "inbox" / name, (1, int(name[0])))
    second = threading.Event()

    def put(name: str) -> None:
        if name == "2.pdf":
            second.set()
        else:
            assert second.wait(10)

    step = intake(source, journal, put)
    step.round(lambda: True)
    step.close()

    recorded = sorted(journal.submissions(SubmissionFilter()), key=lambda each: each.documents[0].id)
    assert [each.path for each in recorded] == ["1.pdf", "2.pdf"]
