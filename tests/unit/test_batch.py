"""A batch of bookings: who posts what of it, and what is taken over."""

from __future__ import annotations

from tests.unit.test_poster import DONE, booking
from watcher.model import ClaimedBooking, SettledTry, TryEnding
from watcher.service.batch import Batch, TakenOver


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def outcome(claimed: ClaimedBooking) -> SettledTry:
    return SettledTry(claimed=claimed, settlement=DONE, ending=TryEnding(result="done"))


def of(count: int, clock: Clock) -> Batch:
    return Batch([booking(number) for number in range(count)], 100.0, clock=clock)


def test_all_are_posted_in_their_order_and_their_outcomes_kept() -> None:
    batch = of(3, Clock())
    posted = []
    while (claimed := batch.next()) is not None:
        posted.append(claimed.booking)
        batch.keep(outcome(claimed))
    assert posted == [0, 1, 2]
    assert [each.claimed.booking for each in batch.tried] == [0, 1, 2]
    assert batch.has_ended
    assert batch.places == 3


def test_a_request_that_takes_long_lets_others_take_over_what_waits_and_what_is_known() -> None:
    clock = Clock()
    batch = of(4, clock)
    first = batch.next()
    assert first is not None
    batch.keep(outcome(first))
    slow = batch.next()
    assert slow is not None
    clock.now += 0.09
    assert batch.take_over(after_seconds=0.1) is None
    clock.now += 0.02
    taken = batch.take_over(after_seconds=0.1)
    assert taken is not None
    assert [each.booking for each in taken.left] == [2, 3]
    assert [each.claimed.booking for each in taken.tried] == [0]
    assert taken.places == 0  # the one that is through is still to be recorded
    # its worker has its own request alone now
    assert batch.places == 1
    assert batch.take_over(after_seconds=0.1) == TakenOver(left=[], tried=[], places=0)
    batch.keep(outcome(slow))
    assert batch.next() is None
    assert [each.claimed.booking for each in batch.tried] == [1]


def test_each_request_has_its_own_time() -> None:
    clock = Clock()
    batch = of(4, clock)
    for _ in range(3):
        batch.next()
        clock.now += 0.09
    assert batch.take_over(after_seconds=0.1) is None


def test_of_what_is_posted_nothing_is_taken_over_however_long_it_takes_to_record_it() -> None:
    clock = Clock()
    batch = of(1, clock)
    claimed = batch.next()
    assert claimed is not None
    batch.keep(outcome(claimed))
    assert batch.next() is None
    clock.now += 60
    assert batch.take_over(after_seconds=0.1) is None
    assert len(batch.tried) == 1
    assert batch.places == 1
