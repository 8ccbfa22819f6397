"""How the poster claims: for free workers alone, for many at once, and without asking for nothing."""

from __future__ import annotations

import errno
import itertools
import math
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from typing import cast

import pytest

from tests.support.waiting import wait_for
from watcher.model import BookingKey, Claim, ClaimedBooking, Locator, Outcome, SettledTry, Settlement, TryEnding
from watcher.outstanding import Outcomes
from watcher.policy.pace import Pace
from watcher.ports import RecognitionJournal
from watcher.recognise import Recognise
from watcher.service import poster as poster_module
from watcher.service.batch import Batch
from watcher.service.heartbeats import Heartbeats
from watcher.service.poster import Poster, _bounded

DONE = Settlement(outcome=Outcome.DONE)
DISTANCE_S = 0.005  # of claims at least, where there are ten workers or more


class Endless:
    """A journal and what posts from it, in memory: `due` bookings, each posted in no time unless `posting` waits."""

    hold = timedelta(minutes=3)

    def __init__(self, due: int, posting: Callable[[], object] = lambda: None) -> None:
        self._lock = threading.Lock()
        self._posting = posting
        self._due = due
        self.claims: list[tuple[int, int]] = []  # at each: how many were under way, and were asked for
        self.settled: list[int] = []  # how many at each time
        self.under_way = self.posted = self.looks = self.given_back = 0

    def claim(self, _sources: Sequence[str], limit: int) -> list[ClaimedBooking]:
        with self._lock:
            self.claims.append((self.under_way, limit))
            taken = min(limit, self._due)
            self._due -= taken
            self.under_way += taken
        return [booking(number) for number in range(taken)]

    def post(self, claimed: ClaimedBooking, *_arguments: object) -> SettledTry:
        self._posting()
        with self._lock:
            self.under_way -= 1
            self.posted += 1
        return SettledTry(claimed=claimed, settlement=DONE, ending=TryEnding(result="done"))

    def give_back(self, claimed: Sequence[ClaimedBooking]) -> None:
        with self._lock:
            self.under_way -= len(claimed)
            self._due += len(claimed)
        self.given_back += len(claimed)

    def settle(self, outcomes: Outcomes, beat: Callable[[], None]) -> None:
        beat()
        self.settled.append(len(outcomes.tried))

    def next_try_in(self, _sources: Sequence[str], _endpoint: str) -> float | None:
        self.looks += 1
        return None

    def add(self, due: int) -> None:
        with self._lock:
            self._due += due

    def hurry(self) -> None: ...


class Hang:
    """What answers at once, but for the request of one number (the first has 0), which lasts until it may end."""

    def __init__(self, number: int) -> None:
        self._number = number
        self._turn = itertools.count()
        self.begun, self.ends = threading.Event(), threading.Event()

    def __call__(self) -> None:
        if next(self._turn) == self._number:
            self.begun.set()
            self.ends.wait(30)


def booking(number: int) -> ClaimedBooking:
    return ClaimedBooking(
        claim=Claim(row=str(number), number=1),
        booking=number,
        key=BookingKey(content="content", user_code="903851", create_expense=True),
        biz_id="biz",
        locator=Locator(store="default", key="key", url="https://files.test/key"),
        source="shared",
        attempt=1,
        try_number=1,
        first_failed_at=None,
        in_doubt=False,
    )


@contextmanager
def posting(work: Endless, concurrency: int) -> Iterator[Poster]:
    poster = Poster(
        recognise=cast("Recognise", work),
        journal=cast("RecognitionJournal", work),
        endpoint="https://openapi.example.com/",
        sources=["shared"],
        concurrency=concurrency,
        pace=Pace(None),
        heartbeats=Heartbeats(),
    )
    thread = threading.Thread(target=poster.run)
    thread.start()
    try:
        yield poster
    finally:
        poster.stop()
        thread.join()


@contextmanager
def hanging(before: int, more: int, *, at: int) -> Iterator[tuple[Endless, Poster, Hang]]:
    """`before` have been answered in no time, and `more` come together; of these the one at that place is under way."""
    hang = Hang(before + at)
    work = Endless(before, hang)
    with posting(work, 8) as poster:
        wait_for(lambda: sum(work.settled) == before)
        work.add(more)
        poster.wake()
        assert hang.begun.wait(10)
        yield work, poster, hang


def test_one_claim_serves_all_who_have_come_free_meanwhile() -> None:
    # Given a thousand documents that are due, and workers who post one in no time
    work = Endless(1000)
    began = time.monotonic()
    # When they are posted
    with posting(work, 64):
        wait_for(lambda: work.posted == 1000)
        seconds = time.monotonic() - began
        claims = len(work.claims)
    # Then claims kept their distance, so that there was one for many of them
    assert claims <= 2 + seconds / DISTANCE_S


def test_nothing_is_claimed_but_for_free_workers() -> None:
    work = Endless(500, lambda: time.sleep(0.001))
    with posting(work, 16):
        wait_for(lambda: work.posted == 500)
    assert all(under_way + asked <= 16 for under_way, asked in work.claims)
    assert max(asked for _, asked in work.claims) > 1


def test_the_journal_is_asked_when_something_will_be_due_only_where_nothing_comes_for_a_moment() -> None:
    # Given documents of which each comes when the one before it is posted
    more = iter(range(200))

    def next_one() -> None:
        if next(more, None) is not None:
            work.add(1)
            poster.wake()

    work = Endless(0, next_one)
    # When they are posted, one to a claim
    with posting(work, 8) as poster:
        work.add(1)
        poster.wake()
        wait_for(lambda: work.posted == 201)
        wait_for(lambda: work.looks > 0)
        claims = len(work.claims)
    # Then hardly ever
    assert claims > 200
    assert work.looks < 100


def test_who_comes_free_asks_for_nothing_where_the_last_claim_took_all() -> None:
    work = Endless(0)
    with posting(work, 8) as poster:
        # Given documents that come one by one, each when all has been quiet since the one before it was posted
        for number in range(1, 21):
            wait_for(lambda: work.looks == number)  # noqa: B023 - asked within this turn
            work.add(1)
            # When it is told that one has come
            poster.wake()
            wait_for(lambda: work.posted == number)  # noqa: B023
        wait_for(lambda: work.looks == 21)
    # Then there was one claim for each, and one at the beginning
    assert len(work.claims) == 21


def test_where_the_endpoint_answers_at_once_one_worker_posts_several_and_few_transactions_settle_all() -> None:
    # Given an endpoint that answers in no time, and more documents than are needed to find that out
    work = Endless(2000)
    # When they are posted
    with posting(work, 8):
        wait_for(lambda: sum(work.settled) == 2000)
    # Then most of them are settled by eight or more
    assert work.posted == 2000
    assert max(work.settled) >= 8
    assert len(work.settled) < 1000
    # and never was anything claimed but for free workers
    assert all(under_way + asked <= 8 for under_way, asked in work.claims)


def test_what_waits_behind_a_request_that_takes_long_is_taken_over() -> None:
    # Given an endpoint that answers in no time, until one request of many is not answered for long
    # When others are claimed together with it
    with hanging(1000, 8, at=3) as (work, poster, hang):
        # Then they are all posted, and settled, while it is waited for
        wait_for(lambda: sum(work.settled) == 1007)
        # and those that come later, too
        work.add(100)
        poster.wake()
        wait_for(lambda: sum(work.settled) == 1107)
        assert work.under_way == 1
        assert poster.idle_for() is None
        # When it is answered at last
        hang.ends.set()
        # Then it is settled, and nothing is left to do
        wait_for(lambda: sum(work.settled) == 1108)
        work.add(50)
        poster.wake()
        wait_for(lambda: sum(work.settled) == 1158)
        wait_for(lambda: poster.idle_for() == math.inf)
    assert work.posted == 1158
    assert all(under_way + asked <= 8 for under_way, asked in work.claims)


def test_the_places_of_what_was_answered_are_free_while_the_last_one_takes_long() -> None:
    # Given a request that is not answered for long, and that nothing stands behind
    # When there is more to do than places, and nobody tells of anything
    with hanging(1000, 40, at=7) as (work, _, hang):
        # Then it is done, while that one is waited for
        wait_for(lambda: sum(work.settled) == 1039, 10)
        assert work.under_way == 1
        hang.ends.set()
    assert work.posted == 1040


def test_at_the_end_nobody_is_left_behind_a_request_that_takes_long() -> None:
    with hanging(200, 8, at=3) as (work, poster, hang):
        poster.stop()
        wait_for(lambda: sum(work.settled) == 207)
        hang.ends.set()
    assert sum(work.settled) == 208


def test_who_posts_waits_for_no_record_but_no_more_are_unrecorded_than_may_be_under_way() -> None:
    # Given a journal that takes its time for the first outcome
    work, begun, goes_on = Endless(1), threading.Event(), threading.Event()

    def settle(outcomes: Outcomes, beat: Callable[[], None]) -> None:
        beat()
        work.settled.append(len(outcomes.tried))
        begun.set()
        assert goes_on.wait(30)

    work.settle = settle  # type: ignore[method-assign]
    with posting(work, 8) as poster:
        assert begun.wait(10)
        # When others come
        work.add(40)
        poster.wake()
        wait_for(lambda: work.posted == 8)
        # Then as many are posted as may be under way, and no more are claimed before those are recorded
        assert work.settled == [1]
        assert poster.idle_for() is None
        assert sum(asked for _, asked in work.claims) == 8 + 7
        goes_on.set()
        wait_for(lambda: sum(work.settled) == 41)
        wait_for(lambda: poster.idle_for() == math.inf)
    # and what came meanwhile was recorded together
    assert work.settled[:2] == [1, 7]
    assert work.posted == 41


@pytest.mark.parametrize(("due_in", "pause"), [(None, 30.0), (0.0, 0.01), (-1.0, 0.01), (2.5, 2.5), (3600.0, 30.0)])
def test_what_is_due_now_is_not_waited_for(due_in: float | None, pause: float) -> None:
    assert _bounded(due_in) == pause


def test_where_no_thread_can_be_had_nothing_is_lost_or_in_doubt_and_it_goes_on_later(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # Given a machine that has two threads to post with, and then none for a while
    start, given = threading.Thread.start, itertools.count()
    is_full = threading.Event()
    is_full.set()

    def start_or_fail(thread: threading.Thread) -> None:
        if thread.name == "post" and is_full.is_set() and next(given) >= 2:
            raise RuntimeError("can't start new thread")
        start(thread)

    monkeypatch.setattr(threading.Thread, "start", start_or_fail)
    monkeypatch.setattr(poster_module, "_PAUSE_SECONDS", 0.01)
    ends = threading.Event()
    work = Endless(10, lambda: ends.wait(30))
    # When there is work for more
    with posting(work, 8):
        wait_for(lambda: work.given_back >= 6)
        assert work.under_way <= 8
        ends.set()
        # Then those two do it, and others when there is room
        wait_for(lambda: work.posted >= 4)
        is_full.clear()
        wait_for(lambda: work.posted == 10)
        wait_for(lambda: sum(work.settled) == 10)
    assert work.under_way == 0


def test_what_nobody_can_take_over_is_given_back_and_its_place_is_free_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(poster_module, "_PAUSE_SECONDS", 0.01)
    hang = Hang(1000)
    work = Endless(1000, hang)
    is_full = threading.Event()
    is_full.set()
    with posting(work, 8) as poster:
        wait_for(lambda: sum(work.settled) == 1000)
        hand = poster._workers.hand

        def hand_or_fail(batch: Batch) -> None:
            if is_full.is_set() and not batch.in_turn:
                raise OSError(errno.EAGAIN, "no thread can be had")
            hand(batch)

        monkeypatch.setattr(poster._workers, "hand", hand_or_fail)
        # Given a request that takes long, seven behind it, and no thread for these
        work.add(8)
        poster.wake()
        assert hang.begun.wait(10)
        wait_for(lambda: work.given_back >= 7)
        # When there is one
        is_full.clear()
        # Then they are posted while the first one lasts
        wait_for(lambda: sum(work.settled) == 1007)
        hang.ends.set()
        wait_for(lambda: sum(work.settled) == 1008)
        wait_for(lambda: poster.idle_for() == math.inf)
    assert all(under_way + asked <= 8 for under_way, asked in work.claims)
