"""Step 2 with a real journal and the sandbox's endpoint: what closes the gate, what opens it, who waits how long."""

from __future__ import annotations

import hashlib
import json
import random
import socket
import sqlite3
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from datetime import timedelta
from itertools import repeat
from pathlib import Path
from queue import Queue
from typing import Any, cast

import pytest
from msgspec.structs import replace

from tests.support.database_clock import DatabaseClock
from tests.support.journals import ENDED, OVER, claim_one, close_gate, document, done, invoice, mail
from tests.support.raw_server import RawServer, answer
from tests.support.recognisers import recogniser
from tests.support.servers.postgres import Postgres
from tests.support.waiting import wait_for
from tests.support.workplace import Addressed
from watcher.bootstrap.adapters import build_adapters
from watcher.clock import boot_seconds
from watcher.config.sections import Configuration, Recognition
from watcher.errors import JournalRefused, JournalUnavailable, StoreUnavailable
from watcher.journal.journal import SqlJournal
from watcher.journal.opening import open_journal
from watcher.model import (
    ClaimedBooking,
    Document,
    Finding,
    Locator,
    NewSubmission,
    Outcome,
    Reason,
    SettledTry,
    Settlement,
    SubmissionFilter,
    SubmissionState,
)
from watcher.outstanding import Outcomes
from watcher.ports import FoundDocument, RecognitionJournal, Store
from watcher.recognise import Recognise
from watcher.sandbox.endpoint import Endpoint
from watcher.secrecy import KnownSecrets
from watcher.service.heartbeats import Heartbeats
from watcher.service.recorder import Recorder

QUICK: dict[str, Any] = {
    "probe": "0.1s",
    "retry": {"first": "0.001s", "longest": "0.001s"},
    "timeout": "2s",
    "connect_timeout": "2s",
}
NEVER_LATE_SECONDS = 3600.0  # after its claim, however busy the machine is


class SomeStore:
    """Its addresses are its keys."""

    name = "default"
    keeps = True

    def prepare(self) -> None: ...

    def secure(self) -> None: ...

    def is_near(self, document: FoundDocument) -> bool:
        return False

    def put(self, document: FoundDocument) -> Locator:
        raise NotImplementedError

    def attachment_url(self, locator: Locator, content: str | None = None) -> str:
        return locator.key

    def replaced_by(self, locator: Locator, content: str) -> str | None:
        return None

    def check(self) -> list[Finding]:
        return []

    def close(self) -> None:
        pass


def always(_: str) -> Store:
    return SomeStore()


@contextmanager
def posting(
    journal: SqlJournal,
    endpoint: Addressed,
    store_of: Callable[[str], Store] = always,
    *,
    fresh_seconds: float = NEVER_LATE_SECONDS,
    at_once: int = 1,
    **keys: Any,
) -> Iterator[Callable[[], int]]:
    """A function that posts what is due, so many `at_once`, and says how much that was.

    At the end nothing waits for the journal longer than a request may take, lest a test that failed never ends.
    """
    rules = Recognition.model_validate({"url": endpoint.url, **QUICK, **keys})
    with recogniser(endpoint.url, **{**QUICK, **keys}) as client, ThreadPoolExecutor(at_once) as workers:
        step = Recognise(
            journal=journal, recogniser=client, store_of=store_of, rules=rules, now=journal.now,
            fresh_seconds=fresh_seconds,
        )  # fmt: skip

        def post(claimed: ClaimedBooking, claimed_at: float) -> None:
            if (tried := step.post(claimed, claimed_at)) is not None:
                step.settle(Outcomes([tried], claimed_at))

        def go() -> int:
            claimed_at = boot_seconds()
            claims = step.claim(["fapiao"], 8)
            list(workers.map(post, claims, repeat(claimed_at)))
            return len(claims)

        try:
            yield go
        finally:
            step.hurry()


def documents(journal: SqlJournal) -> list[Document]:
    return [document for each in journal.submissions(SubmissionFilter()) for document in each.documents]


def test_a_probe_that_fails_is_followed_by_another_after_the_interval(journal: SqlJournal, endpoint: Endpoint) -> None:
    journal.record(mail())
    endpoint.behave(status=500)
    endpoint.behave(no_key=True, times=1)
    with posting(journal, endpoint) as go:
        go()
        for tries in (2, 3):
            wait_for(go, 60, "the probe")
            assert len(endpoint.requests) == tries
        assert not journal.gate(endpoint.url).open


def test_only_a_usable_answer_to_the_probe_opens_the_gate(journal: SqlJournal, endpoint: Endpoint) -> None:
    for _ in range(3):
        journal.record(mail())
    endpoint.behave(status=502)
    endpoint.behave(no_key=True, times=3)
    with posting(journal, endpoint, in_doubt="hold") as go:
        assert go() == 3
        wait_for(go, 60, "the probe")
        assert not journal.gate(endpoint.url).open
        assert [submission.reason for submission in journal.submissions(SubmissionFilter())].count("IN_DOUBT") == 1
        endpoint.reset()
        wait_for(go, 60, "the next probe")
        assert journal.gate(endpoint.url).open
        assert go() == 1


def test_a_document_that_always_fails_does_not_keep_a_gate_closed_for_those_that_failed_before(
    journal: SqlJournal, endpoint: Endpoint
) -> None:
    # Given a document that failed once, and a fresh one that the endpoint never answers as it should
    journal.record(mail(document("failed before")))
    endpoint.behave(status=500, times=1)
    with posting(journal, endpoint) as go:
        assert go() == 1
        close_gate(journal, endpoint.url, "why", timedelta(0))
        journal.record(mail(document("always fails")))
        endpoint.behave(status=500, pattern="*always fails*")
        # When probes are made
        for _ in range(2):
            wait_for(go, 60, "the probe")
        # Then one of them is the other one's, and opens the gate
        assert journal.gate(endpoint.url).open


class Drive(SomeStore):
    """A `resolve` store, from whose folder somebody takes files away, and brings them back."""

    def __init__(self, *away: str) -> None:
        self.away = set(away)
        self.asked = 0

    def attachment_url(self, locator: Locator, content: str | None = None) -> str:
        self.asked += 1
        if locator.key in self.away:
            raise StoreUnavailable("the file is not there any more")
        return super().attachment_url(locator, content)


def on_drive(name: str) -> NewSubmission:
    return mail(document(name, locator=Locator(store="drive", key=name, url=f"https://files.test/{name}")))


def try_gate_now(path: Path, journal: SqlJournal, endpoint: Endpoint) -> None:
    """It is tried each hour, and now."""
    close_gate(journal, endpoint.url, "why", timedelta(hours=1))
    with closing(sqlite3.connect(path / "journal.db")) as connection, connection:
        connection.execute("UPDATE gates SET due_at = 0")


def test_a_probe_whose_own_file_is_away_lets_another_document_probe_at_once(
    journal: SqlJournal, endpoint: Endpoint, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    # Given a closed gate, and two documents that wait, of which the first one's file was taken away
    for name in ("a.pdf", "b.pdf"):
        journal.record(on_drive(name))
    try_gate_now(tmp_path, journal, endpoint)
    drive = Drive("a.pdf")
    with posting(journal, endpoint, lambda _: drive, retry={"first": "1h", "longest": "1h"}, probe="1h") as go:
        # When the first one is to probe
        assert go() == 1
        # Then nothing is said of the endpoint, and the other one probes at once
        assert "The endpoint still cannot be used." not in caplog.messages
        assert not journal.gate(endpoint.url).open
        assert go() == 1
        assert [request.attachment_url for request in endpoint.requests] == ["b.pdf"]
        assert journal.gate(endpoint.url).open
    away, _ = sorted(documents(journal), key=lambda each: each.name)
    assert (away.attempts, [(each.result, each.in_doubt) for each in away.tries]) == (0, [("no_url", False)])


@pytest.mark.parametrize("stays_away", [True, False])
def test_a_lone_document_whose_file_is_away_probes_when_it_is_back_and_is_not_looked_for_all_the_time(
    journal: SqlJournal, endpoint: Endpoint, tmp_path: Path, *, stays_away: bool
) -> None:
    journal.record(on_drive("a.pdf"))
    try_gate_now(tmp_path, journal, endpoint)
    drive = Drive("a.pdf")
    pause = "3650d" if stays_away else "0.2s"
    with posting(journal, endpoint, lambda _: drive, retry={"first": pause, "longest": pause}, probe=pause) as go:
        assert go() == 1
        if stays_away:
            assert (go(), drive.asked) == (0, 1)
            assert (journal.next_try_in(["fapiao"], endpoint.url) or 0) > 0
            return
        drive.away.clear()
        wait_for(go, 60, "the probe")
    assert journal.gate(endpoint.url).open
    (found,) = documents(journal)
    assert (found.outcome, found.attempts) == (Outcome.DONE, 1)


def test_a_copy_that_comes_probes_for_a_document_whose_file_is_away(
    journal: SqlJournal, endpoint: Endpoint, tmp_path: Path
) -> None:
    journal.record(on_drive("a.pdf"))
    try_gate_now(tmp_path, journal, endpoint)
    drive, slow = Drive("a.pdf"), {"first": "3650d", "longest": "3650d"}
    with posting(journal, endpoint, lambda _: drive, retry=slow, probe="3650d") as go:
        assert (go(), go()) == (1, 0)
        journal.record(mail(document("a.pdf", locator=Locator(store="drive", key="copy.pdf", url="https://f.test/c"))))
        assert go() == 1
    assert [request.attachment_url for request in endpoint.requests] == ["copy.pdf"]


@pytest.mark.parametrize("status", [429, 503])
def test_who_is_told_to_wait_no_time_at_all_waits_the_ordinary_backoff(
    journal: SqlJournal, endpoint: Endpoint, status: int
) -> None:
    journal.record(mail())
    endpoint.behave(status=status, retry_after=0)
    with posting(journal, endpoint, retry={"first": "3650d", "longest": "3650d"}) as go:
        assert go() == 1
        assert go() == 0
    (document,) = documents(journal)
    assert document.attempts == 1
    assert not document.tries[0].in_doubt


@pytest.mark.parametrize(
    ("behaviour", "said"),
    [
        ({"status": 404, "res_msg": "not here"}, "check recognition.url (HTTP 404 not here)"),
        ({"location": "http://elsewhere.test/"}, "check recognition.url (HTTP 302 sandbox)"),
        ({"status": 403}, "check recognition.auth and recognition.headers (HTTP 403 sandbox)"),
        ({"no_key": True}, "配置校验失败,请预先配置识别秘钥"),
    ],
)
def test_a_closed_gate_says_what_to_look_at(
    journal: SqlJournal, endpoint: Endpoint, behaviour: dict[str, Any], said: str
) -> None:
    journal.record(mail())
    endpoint.behave(**behaviour)
    with posting(journal, endpoint) as go:
        go()
    assert (journal.gate(endpoint.url).reason or "").endswith(said)


class DiedError(BaseException):
    """As if the process ended there."""


@pytest.mark.parametrize(
    ("behaviour", "result"),
    [
        ({"no_key": True}, "suspended"),
        ({"status": 404}, "misdirected"),
        ({"status": 429, "retry_after": 60}, "throttled"),
    ],
)
def test_a_process_that_dies_when_the_gate_has_just_been_shut_or_paused_leaves_no_doubt(
    endpoint: Endpoint, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, behaviour: dict[str, Any], result: str
) -> None:
    # Given an answer that shuts the gate, and a process that dies with the first thing that it writes then
    url = f"sqlite:///{tmp_path}/dying.db"
    endpoint.behave(**behaviour)
    with closing(open_journal(url, exclusive=True)) as journal:
        journal.record(mail())
        write, written = journal._database.write, 0

        def dying(*args: Any, **named: Any) -> Any:
            nonlocal written
            value = write(*args, **named)
            if endpoint.requests:
                raise DiedError
            written += 1
            return value

        monkeypatch.setattr(journal._database, "write", dying)
        with posting(journal, endpoint) as go, pytest.raises(DiedError):
            go()
        assert written == 1
    # When it is looked at what is left of it
    with closing(open_journal(url, exclusive=True)) as journal:
        gate = journal.gate(endpoint.url)
        (document,) = documents(journal)
        # Then nothing passes, and the try has its end
        assert not gate.open or gate.resumes_at is not None
        assert [(each.result, each.in_doubt) for each in document.tries] == [(result, False)]
        assert [each.in_doubt for each in claims_after(journal, tmp_path / "dying.db", endpoint)] == [False]


def claims_after(journal: SqlJournal, path: Path, endpoint: Endpoint) -> list[ClaimedBooking]:
    """What is claimed when everything that is waited for is over."""
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("UPDATE gates SET due_at = 0, resumes_at = NULL")
        connection.execute("UPDATE bookings SET due_at = 0")
    return journal.claim_bookings(sources=["fapiao"], endpoint=endpoint.url, limit=1, hold=timedelta(minutes=1))


def test_a_probe_that_opens_its_gate_does_so_along_with_its_outcome(
    endpoint: Endpoint, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Given a closed gate, and a process that dies when it has written what came of the probe
    url = f"sqlite:///{tmp_path}/dying.db"
    with closing(open_journal(url, exclusive=True)) as journal:
        journal.record(mail())
        close_gate(journal, endpoint.url, "why", timedelta(0))
        write = journal._database.write

        def dying(*args: Any, **named: Any) -> Any:
            value = write(*args, **named)
            if endpoint.requests:
                raise DiedError
            return value

        monkeypatch.setattr(journal._database, "write", dying)
        with posting(journal, endpoint) as go, pytest.raises(DiedError):
            go()
    # Then the gate is open
    with closing(open_journal(url, exclusive=True)) as journal:
        assert (journal.gate(endpoint.url).open, documents(journal)[0].outcome) == (True, Outcome.DONE)


def test_a_document_whose_store_is_gone_waits_and_is_in_no_doubt(journal: SqlJournal, endpoint: Endpoint) -> None:
    def none(name: str) -> Store:
        raise StoreUnavailable(f"there is no store {name}")

    journal.record(mail())
    with posting(journal, endpoint, none) as go:
        go()
    (document,) = documents(journal)
    assert (document.attempts, document.tries[0].message) == (1, "there is no store default")
    assert not document.tries[0].in_doubt
    assert endpoint.requests == ()


def test_what_lies_in_two_places_is_posted_from_the_one_that_is_left(journal: SqlJournal, endpoint: Endpoint) -> None:
    # Given the same content in two places, both of which wait for one booking
    first, second = (Locator(store="drive", key=key, url=f"https://files.test/{key}") for key in ("a.pdf", "b.pdf"))

    for locator in (first, second):
        journal.record(mail(document("same", locator=locator)))
    # When the one that came last is gone
    drive = Drive("b.pdf")
    with posting(journal, endpoint, lambda _: drive) as go:
        assert go() == 1
    # Then the other one is posted
    assert [request.attachment_url for request in endpoint.requests] == ["a.pdf"]
    assert {found.outcome for found in documents(journal)} == {Outcome.DONE, Outcome.DUPLICATE}


def test_a_file_that_takes_longer_to_read_than_a_request_may_wait_for_is_posted_by_the_next_claim(
    journal: SqlJournal, endpoint: Endpoint, tmp_path: Path
) -> None:
    # Given a large file with an address of its own
    large = tmp_path / "inbox" / "a.pdf"
    large.parent.mkdir()
    with large.open("wb") as file:
        file.truncate(300_000_000)  # a tenth of a second, on any machine
    with large.open("rb") as file:
        sha256 = hashlib.file_digest(file, "sha256").hexdigest()
    folders = [{"name": "fapiao", "path": large.parent, "store": "drive", "user_code": {"fixed": "903851"}}]
    store = build_adapters(
        Configuration.model_validate(
            {
                "journal": "sqlite:////journal.db",
                "recognition": {"url": endpoint.url},
                "stores": {"drive": {"type": "resolve", "base_url": "https://files.example.com/"}},
                "folders": folders,
            }
        ),
        KnownSecrets(),
    ).stores["drive"]
    locator = Locator(store="drive", key="a.pdf", url="https://files.example.com/a.pdf")
    journal.record(mail(replace(document(), sha256=sha256, content=sha256, locator=locator)))
    # When it is claimed again and again, and to read it takes longer than its request may wait for
    with posting(journal, endpoint, lambda _: store, fresh_seconds=0.05) as go:
        wait_for(lambda: go() and endpoint.requests, 60, "the request")
    # Then it was posted, and no try was counted before
    (found,) = documents(journal)
    assert (found.outcome, found.attempts, len(found.tries)) == (Outcome.DONE, 1, 1)


def saying(*answers: tuple[str, int, str | None]) -> RawServer:
    """An endpoint that gives these answers in turn, the last one for good: HTTP status, resCode, expense."""
    left = list(answers)

    def behave(connection: socket.socket, server: RawServer) -> None:
        while server.read_request(connection):
            status, code, expense = left.pop(0) if len(left) > 1 else left[0]
            booked = {"expense_result": {"expense_id": expense}} if expense else {}
            body = {"resCode": code, "resMsg": "said", "data": [{"ocr_result": {"invoice_num": "1"}, **booked}]}
            connection.sendall(answer(json.dumps(body).encode(), status=status))

    return RawServer(behave)


BUSY = 500123
FIRST_ANSWERS = {
    "a code of retry_on": ("200 OK", BUSY),
    "a code of suspend_on": ("200 OK", 500999),
    "429": ("429 Too Many Requests", BUSY),
    "a server error": ("500 Internal Server Error", BUSY),
    "a wrong address": ("404 Not Found", BUSY),
}
ASKED_AGAIN: dict[str, Any] = {"retry_on": [{"code": BUSY}], "suspend_on": [{"code": 500999}]}


@pytest.mark.parametrize("first", FIRST_ANSWERS)
@pytest.mark.parametrize(
    ("second", "ended", "expenses"),
    [
        ((200000, "111"), ("done", None), ["111"]),
        ((200000, "222"), ("attention", "BOOKED_TWICE"), ["111", "222"]),
        ((200000, None), ("attention", "IN_DOUBT"), ["111"]),
        ((300042, None), ("attention", "IN_DOUBT"), ["111"]),
    ],
)
def test_an_expense_in_an_answer_that_asks_to_come_again_counts(
    journal: SqlJournal, first: str, second: tuple[int, str | None], ended: tuple[str, str | None], expenses: list[str]
) -> None:
    journal.record(mail())
    with (
        saying((*FIRST_ANSWERS[first], "111"), ("200 OK", *second)) as server,
        posting(journal, server, **ASKED_AGAIN) as go,
    ):
        assert go() == 1
        (pending,) = documents(journal)
        assert (pending.outcome, [each.expense_id for each in pending.invoices]) == (None, ["111"])
        wait_for(go, 60, "the next try")
    (found,) = documents(journal)
    assert (found.outcome, found.code) == ended
    assert sorted(each.expense_id for each in found.invoices if each.expense_id) == expenses


def test_a_refusal_with_an_expense_where_none_belongs_is_not_told_as_failed(journal: SqlJournal) -> None:
    def behave(connection: socket.socket, server: RawServer) -> None:
        while server.read_request(connection):
            body = {"resCode": 500201, "resMsg": "said", "data": {"expense_id": 111}}
            connection.sendall(answer(json.dumps(body).encode()))

    journal.record(mail(document("a")))
    with RawServer(behave) as server, posting(journal, server) as go:
        assert go() == 1
        # When the same document comes anew
        journal.record(mail(document("a")))
        # Then it is not posted again, under another bizId
        assert go() == 0
    assert [(each.outcome, each.code) for each in documents(journal)] == [
        ("duplicate", None),
        ("attention", "IN_DOUBT"),
    ]


def test_what_is_given_up_names_the_expense_of_its_last_answer(journal: SqlJournal) -> None:
    journal.record(mail())
    with (
        saying(("200 OK", BUSY, None), ("200 OK", BUSY, "111")) as server,
        posting(
            journal, server, retry={"first": "0.001s", "longest": "0.001s", "give_up_after": "0.001s"}, **ASKED_AGAIN
        ) as go,
    ):
        assert go() == 1
        wait_for(go, 60, "the next try")
    (found,) = documents(journal)
    assert (found.outcome, found.code) == (Outcome.ATTENTION, "IN_DOUBT")
    assert [each.expense_id for each in found.invoices] == ["111"]


def test_a_person_who_is_to_decide_sees_the_expense_that_the_answer_had(journal: SqlJournal) -> None:
    journal.record(mail())
    with saying(("500 Internal Server Error", BUSY, "111")) as server, posting(journal, server, in_doubt="hold") as go:
        assert go() == 1
    (held,) = journal.submissions(SubmissionFilter())
    assert (held.state.value, [each.expense_id for each in held.documents[0].invoices]) == ("held", ["111"])


def test_what_was_asked_for_counts_and_not_what_the_configuration_says_by_now(
    journal: SqlJournal, endpoint: Endpoint
) -> None:
    journal.record(mail(create_expense=False))
    with posting(journal, endpoint, create_expense=True) as go:
        go()
    (request,) = endpoint.requests
    assert request.user_code is None
    (document,) = documents(journal)
    assert document.outcome == "done"


@pytest.mark.parametrize(("in_doubt", "state"), [("again", "open"), ("hold", "held")])
def test_a_document_is_not_posted_twice_at_once_where_the_clock_is_set_ahead(
    journal: SqlJournal, endpoint: Endpoint, tmp_path: Path, in_doubt: str, state: str
) -> None:
    # Given a request that is under way when the clock is set ahead, so that its claim seems to be over
    name = journal.record(mail())
    endpoint.behave(held=True, times=1)
    with posting(journal, endpoint, in_doubt=in_doubt, timeout="60s") as go:
        first = threading.Thread(target=go)
        first.start()
        assert endpoint.wait_until(lambda each: each.under_way == 1)
        with closing(sqlite3.connect(tmp_path / "journal.db")) as connection, connection:
            connection.execute("UPDATE bookings SET due_at = 0")
        # When work is claimed
        assert go() == 0
        assert journal.submission(name).state.value == state
        endpoint.release()
        first.join()
    # Then it was posted once, and what came of that is kept: it is the decision, or the next try finds it
    assert len(endpoint.requests) == 1
    (document,) = documents(journal)
    assert document.outcome is (Outcome.DONE if in_doubt == "hold" else None)
    assert [invoice.expense_id is not None for invoice in document.invoices] == [True]


AT = Locator(store="drive", key="a.pdf", url="https://files.test/a.pdf")


def test_what_came_in_the_place_of_what_is_being_posted_waits_until_that_is_over(
    journal: SqlJournal, endpoint: Endpoint
) -> None:
    # Given a document that is being posted for two employees, and another one that lies at its address by now
    for user_code in ("903851", "903852"):
        journal.record(mail(document("old", locator=AT), user_code=user_code))
    endpoint.behave(held=True, times=1)
    endpoint.behave(latency=1.0, times=1)
    with posting(journal, endpoint, timeout="60s", at_once=2) as go, ThreadPoolExecutor(1) as worker:
        first = worker.submit(go)
        assert endpoint.wait_until(lambda each: each.under_way == 2)
        journal.record(mail(document("new", locator=AT)))
        # When work is claimed, also when one of the two requests is over
        go()
        assert endpoint.wait_until(lambda each: each.under_way <= 1)
        wait_for(go, 60, "the other one, which was not posted yet")
        endpoint.release()
        assert first.result(60) == 2
        wait_for(lambda: (go(), len(endpoint.requests) == 3)[1], 60, "the other one")
    # Then it was posted after both of them, and no try was counted
    *old, new = endpoint.requests
    assert max(each.ended_at for each in old) < new.received_at
    assert [(each.outcome, each.attempts) for each in documents(journal)] == [(Outcome.DONE, 1)] * 3


class Folder(SomeStore):
    """One in which the old file has given way to the new one."""

    keeps = False

    def replaced_by(self, locator: Locator, content: str) -> str | None:
        return "new" if content == "old" else None


class Overwritten(Folder):
    """The new one is looked for only when it is `found`."""

    def __init__(self) -> None:
        self.found = threading.Event()

    def attachment_url(self, locator: Locator, content: str | None = None) -> str:
        if content == "new":
            assert self.found.wait(60)
        return super().attachment_url(locator, content)


class Replaced(Folder):
    """It is known that the old one is gone."""

    def attachment_url(self, locator: Locator, content: str | None = None) -> str:
        if content == "old":
            raise StoreUnavailable("it was changed")
        return super().attachment_url(locator, content)


@pytest.mark.parametrize("at_once", [1, 2])
def test_what_may_have_been_booked_as_what_lay_there_before_is_not_posted_where_it_was_claimed_already(
    journal: SqlJournal, endpoint: Endpoint, at_once: int
) -> None:
    # Given a file, and the one that came in its place, both of which are claimed before either is posted
    store = Overwritten()
    old, new = (journal.record(mail(document(name, locator=AT))) for name in ("old", "new"))
    with posting(journal, endpoint, lambda _: store, at_once=at_once) as go, ThreadPoolExecutor(1) as worker:
        posted = worker.submit(go)
        # When the first one was posted, of which nobody knows which of the two was fetched
        wait_for(lambda: journal.submission(old).documents[0].outcome, 60, "its outcome")
        store.found.set()
        assert posted.result(60) == 2
        # Then the second one waits for a person, and is booked once when they say so
        assert go() == 0
        assert len(endpoint.requests) == 1
        held = journal.submission(new)
        assert (held.state, held.reason) == (SubmissionState.HELD, Reason.IN_DOUBT)
        assert "in the place of another document" in (held.remark or "")
        assert journal.retry(new) == 1
        assert go() == 1
    assert len(endpoint.requests) == 2


@pytest.mark.parametrize("in_doubt", ["again", "hold"])
def test_what_one_node_posts_is_not_posted_by_another_under_the_name_of_what_came_in_its_place(
    journal: SqlJournal, endpoint: Endpoint, in_doubt: str
) -> None:
    # Given a node that posts a file, and another one that finds what came in its place meanwhile
    keys: dict[str, Any] = {"timeout": "60s", "in_doubt": in_doubt}
    endpoint.behave(held=True, times=1)
    with (
        posting(journal, endpoint, lambda _: Folder(), **keys) as go,
        posting(journal, endpoint, lambda _: Folder(), **keys) as go_too,
        ThreadPoolExecutor(1) as worker,
    ):
        journal.record(mail(document("old", locator=AT)))
        first = worker.submit(go)
        assert endpoint.wait_until(lambda each: each.under_way == 1)
        new = journal.record(mail(document("new", locator=AT)))
        # When the other one claims it, it waits, and no try is counted
        assert go_too() == 0
        assert [each.result for each in journal.submission(new).documents[0].tries] == ["not_sent"]
        endpoint.release()
        assert first.result(60) == 1
        # Then it waits for a person, because it may have been booked as the old one
        assert go_too() == 0
    assert journal.submission(new).reason == Reason.IN_DOUBT
    assert len(endpoint.requests) == 1


@pytest.mark.parametrize("in_doubt", ["again", "hold"])
@pytest.mark.parametrize("at_once", [1, 2])
def test_what_came_in_the_place_of_what_was_posted_at_a_crash_is_not_posted(
    journal: SqlJournal, endpoint: Endpoint, in_doubt: str, at_once: int
) -> None:
    # Given a file whose request died with its process, and the one that came in its place
    old = journal.record(mail(document("old", locator=AT)))
    claim_one(journal, hold=OVER)
    new = journal.record(mail(document("new", locator=AT)))
    # When both are due
    with posting(journal, endpoint, lambda _: Replaced(), at_once=at_once, in_doubt=in_doubt) as go:
        wait_for(lambda: (go(), journal.submission(new).reason)[1], 60, "the new one to be held")
        go()
    # Then the new one was not sent, because it may have been booked as the old one
    assert journal.submission(new).reason == Reason.IN_DOUBT
    assert not endpoint.requests
    assert journal.submission(old).documents[0].outcome != Outcome.DONE


def test_what_was_claimed_when_the_journal_went_away_is_posted_later_and_is_in_no_doubt(
    journal: SqlJournal, endpoint: Endpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Given a file in a folder, and a journal that is away when it is asked who else posts from there
    def away(*_: object) -> None:
        raise JournalUnavailable("it is away")

    name = journal.record(mail(document("new", locator=AT)))
    with posting(journal, endpoint, lambda _: Folder(), in_doubt="hold") as go:
        with monkeypatch.context() as broken:
            broken.setattr(journal, "under_way", away)
            with pytest.raises(JournalUnavailable):
                go()
        # When it is there again
        assert go() == 1
    # Then nothing is in doubt, because nothing was sent before
    (found,) = journal.submission(name).documents
    assert (found.outcome, len(found.tries)) == (Outcome.DONE, 1)


def test_two_that_lay_at_one_address_one_after_the_other_are_not_posted_at_once(
    journal: SqlJournal, endpoint: Endpoint
) -> None:
    # Given a file and the one that came in its place, of which neither has been posted, and a copy of either elsewhere
    elsewhere = replace(AT, key="b.pdf")
    for name in ("old", "new"):
        journal.record(mail(document(name, locator=replace(AT, key=f"{name}.pdf"))))
        journal.record(mail(document(name, locator=elsewhere)))
    drive = Drive("old.pdf", "new.pdf")
    endpoint.behave(latency=0.5, times=1)
    # When both are claimed at once
    with posting(journal, endpoint, lambda _: drive, timeout="10s", at_once=2) as go:
        wait_for(lambda: (go(), len(endpoint.requests) == 2)[1], 60, "both")
    # Then one waits for the other
    assert endpoint.most_at_once == 1
    assert {each.attempts for each in documents(journal)} == {1}


def test_a_probe_of_what_is_being_posted_already_leaves_the_gate_to_another_document_at_once(
    journal: SqlJournal, endpoint: Endpoint, tmp_path: Path
) -> None:
    # Given a probe that is under way when the clock is set ahead, so that its claim seems to be over
    for name in ("a", "b"):
        journal.record(mail(document(name)))
    close_gate(journal, endpoint.url, "why", timedelta(0))
    endpoint.behave(held=True, times=1)
    with posting(journal, endpoint, timeout="60s", probe="1h", at_once=2) as go, ThreadPoolExecutor(1) as worker:
        probing = worker.submit(go)
        assert endpoint.wait_until(lambda each: each.under_way == 1)
        with closing(sqlite3.connect(tmp_path / "journal.db")) as connection, connection:
            connection.execute("UPDATE bookings SET due_at = 0 WHERE claimed")
            connection.execute("UPDATE gates SET due_at = 0, probe_ms = 3600000")
        # When the next probe would be of the same document
        assert go() == 0
        # Then another one probes, which has not to wait for an interval
        assert go() == 1
        endpoint.release()
        assert probing.result(60) == 1
    assert len(endpoint.requests) == len({request.biz_id for request in endpoint.requests}) == 2


def holding_the_first(released: threading.Event) -> RawServer:
    """An endpoint that has booked each document, and answers the first request when it is released."""
    body = {"resCode": 200000, "data": [{"ocr_result": {"invoice_num": "1"}, "expense_result": {"expense_id": "111"}}]}

    def behave(connection: socket.socket, server: RawServer) -> None:
        while server.read_request(connection):
            if len(server.requests) == 1:
                released.wait(60)
            connection.sendall(answer(json.dumps(body).encode()))

    return RawServer(behave)


def biz_ids(server: RawServer) -> list[str]:
    return [json.loads(request.partition(b"\r\n\r\n")[2])["bizId"] for request in server.requests]


@pytest.mark.parametrize("in_doubt", ["again", "hold"])
def test_what_one_node_posts_is_left_alone_by_another_where_the_databases_clock_is_set_ahead(
    postgres: Postgres, in_doubt: str
) -> None:
    # Given two nodes, of which one posts a document when the clock is set ahead beyond its claim
    url, released = postgres.database(), threading.Event()
    clock = DatabaseClock(url)
    keys: dict[str, Any] = {"in_doubt": in_doubt, "timeout": "60s"}
    with closing(open_journal(url, exclusive=True)) as first, closing(open_journal(url, exclusive=False)) as second:
        with (
            holding_the_first(released) as server,
            posting(first, server, **keys) as go,
            posting(second, server, **keys) as go_too,
            ThreadPoolExecutor(1) as worker,
        ):
            assert go_too() == 0
            first.record(mail())
            posted = worker.submit(go)
            wait_for(lambda: server.requests, what="the request")
            clock.set(timedelta(hours=1))
            # When the other one claims
            assert go_too() == 0
            released.set()
            assert posted.result(60) == 1
        # Then it was posted once, and has its outcome
        assert len(server.requests) == 1
        (document,) = documents(first)
        assert (document.outcome, document.attempts, len(document.tries)) == (Outcome.DONE, 1, 1)


def test_a_node_that_starts_when_the_databases_clock_was_just_set_ahead_posts_beside_another_and_the_answer_is_right(
    postgres: Postgres,
) -> None:
    # Given a node that posts a document when the clock is set ahead beyond its claim
    url, released = postgres.database(), threading.Event()
    clock = DatabaseClock(url)
    with closing(open_journal(url, exclusive=True)) as first:
        with (
            holding_the_first(released) as server,
            posting(first, server, timeout="60s") as go,
            ThreadPoolExecutor(1) as worker,
        ):
            first.record(mail())
            posted = worker.submit(go)
            wait_for(lambda: server.requests, what="the request")
            clock.set(timedelta(hours=1))
            # When another one starts, which has not seen it before
            with closing(open_journal(url, exclusive=False)) as new, posting(new, server, timeout="60s") as go_too:
                assert go_too() == 1
            released.set()
            assert posted.result(60) == 1
        # Then it was posted under the same bizId, so that it is booked once, and both answers are kept
        assert len(server.requests) == 2
        assert len(set(biz_ids(server))) == 1
        (document,) = documents(first)
        assert (document.outcome, [each.result for each in document.tries]) == (Outcome.DONE, ["answered"] * 2)
        assert [invoice.expense_id for invoice in document.invoices] == ["111"]


def test_an_outcome_waits_for_a_journal_that_is_away_and_nothing_is_posted_again(
    postgres: Postgres, endpoint: Endpoint
) -> None:
    journal = open_journal(postgres.database(), exclusive=True)
    journal.record(mail())
    endpoint.behave(latency=0.5)
    try:
        with ThreadPoolExecutor(1) as worker, posting(journal, endpoint, timeout="20s") as go:
            posted = worker.submit(go)
            assert endpoint.wait_until(lambda each: each.under_way == 1)
            postgres.stop()
            assert endpoint.wait_until(lambda each: len(each.requests) == 1)
            postgres.start()
            assert posted.result(20) == 1
        (document,) = documents(journal)
        assert (document.outcome, document.attempts) == ("done", 1)
    finally:
        journal.close()


def test_an_outcome_waits_for_the_journal_longer_than_a_request_may_take(
    postgres: Postgres, endpoint: Endpoint
) -> None:
    journal = open_journal(postgres.database(), exclusive=True)
    journal.record(mail())
    endpoint.behave(latency=0.5)
    try:
        with ThreadPoolExecutor(1) as worker, posting(journal, endpoint, timeout="1s", connect_timeout="1s") as go:
            begun_at = boot_seconds()
            posted = worker.submit(go)
            assert endpoint.wait_until(lambda each: each.under_way == 1)
            postgres.stop()
            wait_for(lambda: boot_seconds() > begun_at + 2.5, what="the time in which the claim is surely ours")
            postgres.start()
            assert posted.result(30) == 1
        (document,) = documents(journal)
        assert (document.outcome, len(endpoint.requests)) == ("done", 1)
    finally:
        journal.close()


def test_an_outcome_outlasts_its_claim_where_the_journal_is_away_for_long_and_nothing_is_posted_again(
    tmp_path: Path, endpoint: Endpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("watcher.recognise.HOLD_MARGIN", timedelta(milliseconds=200))
    monkeypatch.setattr("watcher.journal.sqlite_database.BUSY_TIMEOUT_SECONDS", 0.05)
    journal = open_journal(f"sqlite:///{tmp_path}/journal.db", exclusive=True)
    name = journal.record(mail())
    endpoint.behave(latency=0.2)

    def is_claim_over() -> bool:
        (document,) = journal.submission(name).documents
        return document.due_at is not None and document.due_at < journal.now()

    try:
        with ThreadPoolExecutor(1) as worker, posting(journal, endpoint, timeout="0.5s", connect_timeout="0.5s") as go:
            # Given an outcome that cannot be recorded, because somebody else writes
            posted = worker.submit(go)
            assert endpoint.wait_until(lambda each: each.under_way == 1)
            with closing(sqlite3.connect(tmp_path / "journal.db", isolation_level=None)) as other:
                other.execute("BEGIN IMMEDIATE")
                assert endpoint.wait_until(lambda each: len(each.requests) == 1)
                # When its claim is over
                wait_for(is_claim_over, 60, "the end of the claim")
                with pytest.raises(JournalUnavailable, match="recorded first"):
                    wait_for(go, 60, "the booking to be claimed again")
            # Then it is recorded once that can be
            assert posted.result(20) == 1
            assert go() == 0
        (document,) = documents(journal)
        assert (document.outcome, document.attempts, len(document.tries)) == ("done", 1, 1)
        assert len(endpoint.requests) == 1
    finally:
        journal.close()


class AwayJournal:
    """A journal that is away when the outcome is to be recorded."""

    def __init__(self) -> None:
        self.asked = threading.Event()

    def settle(self, *_: object) -> None:
        self.asked.set()
        raise JournalUnavailable("away")


def test_a_process_that_is_to_end_waits_for_no_journal_beyond_the_claim(
    journal: SqlJournal, endpoint: Endpoint
) -> None:
    journal.record(mail())
    away = AwayJournal()
    rules = Recognition.model_validate({"url": endpoint.url, **QUICK})
    with recogniser(endpoint.url, **QUICK) as client, ThreadPoolExecutor(1) as worker:
        (claimed,) = Recognise(
            journal=journal, recogniser=client, store_of=always, rules=rules, now=journal.now
        ).claim(["fapiao"], 1)  # fmt: skip
        step = Recognise(
            journal=cast("RecognitionJournal", away), recogniser=client, store_of=always, rules=rules, now=journal.now
        )
        beats: Queue[None] = Queue()
        began = boot_seconds()
        tried = step.post(claimed, began)
        assert tried is not None
        recorded = worker.submit(step.settle, Outcomes([tried], began), lambda: beats.put(None))
        assert away.asked.wait(10)
        for _ in range(2):  # who waits for the journal says so again and again
            beats.get(timeout=10)
        step.hurry()
        with pytest.raises(JournalUnavailable):
            recorded.result(30)


def unindexable() -> Settlement:
    """Such as this version makes none: an older one did, and the next one may forget a bound elsewhere."""
    signs = random.Random(1)
    return done(invoice("".join(chr(signs.randrange(0x4E00, 0x9FA5)) for _ in range(2000)), expense_id="E-9"))


def settled(claimed: ClaimedBooking, settlement: Settlement) -> SettledTry:
    return SettledTry(claimed=claimed, settlement=settlement, ending=ENDED)


def test_an_outcome_that_the_journal_never_takes_holds_up_no_other_and_is_not_posted_again(
    postgres: Postgres, endpoint: Endpoint
) -> None:
    journal = open_journal(postgres.database(), exclusive=True)
    names = [journal.record(mail()) for _ in range(3)]
    rules = Recognition.model_validate({"url": endpoint.url, **QUICK})
    try:
        with recogniser(endpoint.url, **QUICK) as client:
            step = Recognise(journal=journal, recogniser=client, store_of=always, rules=rules, now=journal.now)
            # Given the outcomes of three bookings, of which the database does not take the second
            first, second, third = claims = step.claim(["fapiao"], 3)
            tried = [settled(first, done()), settled(second, unindexable()), settled(third, done())]
            with pytest.raises(JournalRefused, match="index"):
                journal.settle(tried)
            # When they are recorded together
            recorder = Recorder(step, Heartbeats(), lambda _: None)
            recorder.take(tried, boot_seconds())
            recorder.close()
            # Then the others stand, and that one may have been booked: nothing is posted again by itself
            assert step.claim(["fapiao"], 3) == []
            found = {document.booking: document for name in names for document in journal.submission(name).documents}
            assert [found[each.booking].outcome for each in (first, third)] == [Outcome.DONE] * 2
            odd = found[second.booking]
            assert (odd.outcome, odd.code, odd.invoices) == (Outcome.ATTENTION, Reason.IN_DOUBT, ())
            # And a person who has it tried again does so under its old number
            for name in names:
                journal.retry(name)
            assert [each.biz_id for each in step.claim(["fapiao"], 3)] == [second.biz_id]
            assert len(claims) == 3
    finally:
        journal.close()


class RefusingJournal:
    """Takes nothing but an outcome without any of the endpoint's words."""

    def __init__(self) -> None:
        self.settled: list[SettledTry] = []

    def postpone(self, *_: object, **__: object) -> None:
        raise JournalRefused("no such words")

    def settle(self, tried: list[SettledTry]) -> list[bool]:
        self.settled += tried
        return [True] * len(tried)


def test_a_failure_whose_words_the_journal_never_takes_is_not_repeated_for_ever(
    journal: SqlJournal, endpoint: Endpoint
) -> None:
    journal.record(mail())
    endpoint.behave(status=500)
    refusing = RefusingJournal()
    rules = Recognition.model_validate({"url": endpoint.url, **QUICK})
    with recogniser(endpoint.url, **QUICK) as client:
        (claimed,) = Recognise(
            journal=journal, recogniser=client, store_of=always, rules=rules, now=journal.now
        ).claim(["fapiao"], 1)  # fmt: skip
        step = Recognise(
            journal=cast("RecognitionJournal", refusing), recogniser=client, store_of=always, rules=rules,
            now=journal.now,
        )  # fmt: skip

        assert step.post(claimed, boot_seconds()) is None

    ((settlement, ending),) = [(each.settlement, each.ending) for each in refusing.settled]
    assert (settlement.outcome, settlement.code, ending.in_doubt) == (Outcome.ATTENTION, Reason.IN_DOUBT, True)


class SigningStore(SomeStore):
    """Its addresses are made anew for each try, and secret."""

    def attachment_url(self, locator: Locator, content: str | None = None) -> str:
        return f"https://s3.example/{locator.key}?X-Amz-Expires=60&X-Amz-Signature=c0ffee"


def test_a_signed_address_is_posted_and_never_kept(journal: SqlJournal, endpoint: Endpoint, tmp_path: Path) -> None:
    locator = Locator(store="default", key="invoices/a.pdf", url=None)
    journal.record(mail(document("a", locator=locator)))
    with posting(journal, endpoint, lambda _: SigningStore()) as go:
        go()

    (request,) = endpoint.requests
    assert "c0ffee" in (request.attachment_url or "")
    (found,) = documents(journal)
    assert (found.outcome, found.attachment_url) == ("done", "invoices/a.pdf")
    kept = b"".join(path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())
    assert b"invoices/a.pdf" in kept
    assert b"c0ffee" not in kept
