"""A journal whose database is far away: what counts there is how often it is waited for."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, suppress
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar, cast

import pytest

from tests.support.journals import (
    CUT_OFF,
    ENDED,
    ENDPOINT,
    HOLD,
    NOW,
    OVER,
    REFUSED,
    claim,
    claim_one,
    close_gate,
    document,
    done,
    file,
    mail,
    settle,
)
from tests.support.servers.far_away import FarAway
from tests.support.waiting import wait_for
from watcher.errors import JournalUnavailable
from watcher.journal.journal import SqlJournal
from watcher.journal.opening import open_journal
from watcher.model import (
    ClaimedBooking,
    Closed,
    Kind,
    NewSubmission,
    Paused,
    Planned,
    SettledTry,
    Shut,
    SubmissionFilter,
)
from watcher.ports import UNMEASURED
from watcher.recording import Recording

if TYPE_CHECKING:
    from tests.support.servers.postgres import Postgres
    from watcher.gathering import Gathering
    from watcher.storing import Storing

ROUND_TRIP_SECONDS = 0.03  # far enough that what is said without waiting is seen to be, also where the machine is busy
LATER = timedelta(hours=1)
SCALING = Path(__file__).parents[2] / "docs" / "scaling.md"
T = TypeVar("T")


@pytest.fixture
def url(postgres: Postgres) -> str:
    return postgres.database()


@pytest.fixture
def line(postgres: Postgres) -> Iterator[FarAway]:
    with FarAway(postgres.port, round_trip=0.0) as line:  # until the journal is there
        yield line


@pytest.fixture
def journal(url: str, postgres: Postgres, line: FarAway) -> Iterator[SqlJournal]:
    opened = open_journal(url.replace(f":{postgres.port}/", f":{line.port}/"), exclusive=True)
    line.round_trip = ROUND_TRIP_SECONDS
    yield opened
    opened.close()


def names(count: int) -> list[str]:
    return [f"source-{number}" for number in range(count)]


@pytest.mark.parametrize("count", [1, 3, 50])
def test_a_claim_waits_for_the_database_four_times_however_many_sources_there_are(
    journal: SqlJournal, line: FarAway, count: int
) -> None:
    # Given work of two sources, some of it tried before
    journal.record_all([file(source=source) for source in (names(count)[0], names(count)[-1]) for _ in range(3)])
    _put_off(journal, claim_one(journal, *names(count)))
    # When it is claimed, and when nothing is left
    with line.counted() as of_some:
        some = claim(journal, *names(count), limit=8)
    with line.counted() as of_none:
        none = claim(journal, *names(count), limit=8)
    # Then it is: to begin, to claim, to hear of what waits for it, and to commit; or else of the gate
    assert (len(some), len(none)) == (6, 0)
    assert (of_some.count, of_none.count) == (4, 4)


@pytest.mark.parametrize("count", [1, 50])
def test_a_probe_of_a_closed_gate_is_claimed_by_as_many_statements_however_many_sources_there_are(
    journal: SqlJournal, line: FarAway, count: int
) -> None:
    journal.record(file(source=names(count)[-1]))
    journal.postpone(claim_one(journal, *names(count)), due_in=LATER, counted=True, ending=REFUSED)
    close_gate(journal, ENDPOINT, "why", LATER)
    with line.counted() as shut:
        assert claim(journal, *names(count), limit=8) == []
    close_gate(journal, ENDPOINT, "why", NOW)

    with line.counted() as probed:
        (probe,) = claim(journal, *names(count), limit=8)

    # To begin, for what is not shut, the gate, its probe, what is due and what is not, who waits, to commit
    assert probe.probe_of == ENDPOINT
    assert (shut.count, probed.count) == (4, 8)


def test_what_was_interrupted_is_claimed_anew_without_another_wait(journal: SqlJournal, line: FarAway) -> None:
    journal.record_all([file() for _ in range(3)])
    claim(journal, limit=3, hold=OVER)

    with line.counted() as trips:
        claimed = claim(journal, limit=3)

    assert [each.in_doubt for each in claimed] == [True] * 3
    assert trips.count == 4
    for each in claimed:
        (posted,) = journal.submission(each.submissions[0]).documents
        assert [(one.number, one.in_doubt) for one in posted.tries] == [(1, True), (2, False)]


class Daemon:
    """What the daemon asks of its journal, each by the words of docs/scaling.md."""

    def __init__(self, journal: SqlJournal, line: FarAway) -> None:
        self._journal, self._line = journal, line
        self.trips: dict[str, int] = {}

    def _counts(self, what: str, ask: Callable[[], T]) -> T:
        with self._line.counted() as trips:
            answer = ask()
        self.trips[what] = trips.count
        return answer

    def starts(self, sources: Mapping[str, Kind]) -> None:
        self._counts("register the sources, at the start", lambda: self._journal.register_sources(sources))

    def looks_after(self, source: str) -> None:
        journal = self._journal
        claimed = self._counts("claim a source, each 45 s", lambda: journal.claim_source(source, HOLD))
        assert claimed is not None
        self._counts("find that another node has it, each 5 s", lambda: journal.claim_source(source, HOLD))
        self._counts("tell how a source fares, where that changes", lambda: journal.report_source(source, up=True))
        self._counts("give a source back", lambda: journal.release_source(claimed))

    def takes_in(self) -> None:
        journal = self._journal
        self._counts("ask which of many mails or files are known", lambda: journal.known(["a", "b", "c"]))
        self._counts("take in a mail or file, of however many documents", lambda: journal.record(_mail_of(20)))
        self._counts("take in sixteen together", lambda: journal.record_all([mail() for _ in range(16)]))

    def posts(self) -> None:
        journal = self._journal
        claims = self._counts("claim what is due, of all sources", lambda: claim(journal, limit=40))
        self._counts("ask when the next try is due", lambda: journal.next_try_in(["fapiao"], ENDPOINT))
        one, retried, given_back, held, *others = claims
        self._counts("record an outcome", lambda: settle(journal, one, done(), ENDED))
        settled = [SettledTry(claimed=each, settlement=done(), ending=ENDED) for each in others]
        self._counts("record up to 32 together", lambda: journal.settle(settled))
        self._counts("put off a try", lambda: _put_off(journal, retried))
        self._counts("give a claim back", lambda: journal.give_back(given_back))
        self._counts("hold what is in doubt", lambda: journal.hold(held, CUT_OFF))
        again = next(each for each in claim(journal, limit=40) if each.booking == retried.booking)
        self._counts("record the outcome of a later try", lambda: settle(journal, again, done(), ENDED))

    def probes(self) -> None:
        journal = self._journal
        journal.record(mail())
        claimed, shut = claim_one(journal), Shut(endpoint=ENDPOINT, reason="why", probe=NOW)
        journal.change_gate(Paused(endpoint=ENDPOINT, length=NOW))  # its row is there from its first change on
        self._counts("close the gate, and put off what found it", lambda: _put_off(journal, claimed, shut))
        (probe,) = self._counts("claim a probe", lambda: claim(journal, limit=8))
        self._counts("find that no probe is due", lambda: claim(journal, limit=8))
        self._counts("end a probe", lambda: journal.postpone(probe, due_in=NOW, counted=False, ending=REFUSED))
        (probe,) = claim(journal, limit=8)
        tried = SettledTry(claimed=probe, settlement=done(), ending=ENDED, opens_gate=True)
        self._counts("record the outcome of a probe, which opens the gate", lambda: journal.settle([tried]))
        self._counts("ask how the gate is", lambda: journal.gate(ENDPOINT))

    def answers(self, source: str) -> None:
        journal = self._journal
        self._counts("ask when an answer is due", lambda: journal.next_answer_in(source, acknowledge_after=LATER))
        claims = self._counts("claim answers", lambda: journal.claim_answers(source, limit=8, hold=HOLD))
        self._counts("ask what somebody was sent of late", lambda: journal.sent_to("zhang@corp.example", LATER))
        planned = [(each, Planned(target="a")) for each in claims]
        self._counts("record before a move, of up to 64 files", lambda: journal.note_answers(planned))
        replied = [(claims[0], Planned(target="a", replied=True))]
        self._counts("record a reply", lambda: journal.note_answers(replied))
        closed = [(each, Closed(moved=True)) for each in claims]
        self._counts("close up to 64", lambda: journal.note_answers(closed))

    def looks_round(self, sources: list[str]) -> None:
        journal = self._journal
        self._counts("ask for what was released", journal.released)
        self._counts("look for what the clock left ahead", lambda: journal.draw_near(LATER))
        self._counts("read the figures of `/metrics`", lambda: journal.workload(sources))


def _put_off(journal: SqlJournal, claimed: ClaimedBooking, gate: Shut | None = None) -> None:
    journal.postpone(claimed, due_in=NOW, counted=gate is None, ending=REFUSED, gate=gate)


def _mail_of(count: int) -> NewSubmission:
    return mail(*(document(f"one of many {number}") for number in range(count)))


def test_how_often_the_daemon_waits_for_its_database_is_what_is_written(journal: SqlJournal, line: FarAway) -> None:
    journal.released()  # it is connected now
    daemon = Daemon(journal, line)
    sources = dict.fromkeys(("fapiao", *names(49)), Kind.MAIL)
    daemon.starts(sources)
    daemon.looks_after("fapiao")
    daemon.takes_in()
    daemon.posts()
    daemon.probes()
    daemon.answers("fapiao")
    daemon.looks_round(list(sources))

    written = SCALING.read_text(encoding="utf-8").partition("| round trips |")[2].partition("\n\n")[0]
    rows = re.findall(r"^ +\| (.+) \| (\d+) \|$", written, re.MULTILINE)
    assert {what: int(trips) for what, trips in rows} == daemon.trips


class NothingToSecure:
    """A store whose documents are safe already."""

    def secure(self) -> None: ...


def test_what_takes_too_long_for_one_transaction_is_taken_in_by_several(
    url: str, postgres: Postgres, line: FarAway, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Given a database so far away that a transaction of sixteen submissions of one document is given up
    monkeypatch.setattr("watcher.journal.postgres_database.LONGEST_TRANSACTION_SECONDS", 1.0)
    monkeypatch.setattr("watcher.recording._TOGETHER_SECONDS", 0.5)
    line.round_trip = 0.04
    with closing(open_journal(url.replace(f":{postgres.port}/", f":{line.port}/"), exclusive=True)) as journal:
        recording = Recording(
            source="fapiao", gathering=cast("Gathering", None), storing=cast("Storing", NothingToSecure()),
            journal=journal, beat=lambda: None, meter=UNMEASURED,
        )  # fmt: skip
        stored = [(mail(document("same")), 0.0) for _ in range(16)]
        with pytest.raises(JournalUnavailable):
            recording.record(stored)
        # When they are recorded anew, as at each round (on a busy machine a round trip takes longer than it should)
        wait_for(partial(_is_recorded, recording, stored), 60, "the submissions")
        recording.close()
        # Then each is there, once
        assert len(list(journal.submissions(SubmissionFilter()))) == 16


def _is_recorded(recording: Recording, stored: list[tuple[NewSubmission, float]]) -> bool:
    with suppress(JournalUnavailable):
        recording.record(stored)
        return True
    return False


def test_each_booking_is_claimed_once_by_nodes_that_claim_at_the_same_time_from_many_sources(
    journal: SqlJournal, url: str
) -> None:
    sources = names(10)
    journal.record_all([file(source=source) for source in sources for _ in range(12)])
    nodes = [journal, *(open_journal(url, exclusive=False) for _ in range(3))]

    def take(node: SqlJournal) -> list[int]:
        taken = []
        while some := claim(node, *sources, limit=8) or _is_any_left(node, sources):
            if isinstance(some, list):
                taken += [each.booking for each in some]
        return taken

    with ThreadPoolExecutor() as pool:
        taken = [booking for one in pool.map(take, nodes) for booking in one]
    for node in nodes[1:]:
        node.close()

    assert len(taken) == 120
    assert set(Counter(taken).values()) == {1}


def _is_any_left(node: SqlJournal, sources: list[str]) -> bool:
    """Those that another node has just claimed, and not committed, look due still."""
    due_in = node.next_try_in(sources, ENDPOINT)
    return due_in is not None and due_in < HOLD.total_seconds() / 2
