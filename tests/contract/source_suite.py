"""What every source keeps to, whatever it watches. Subclasses give the place and drop submissions into it."""

from __future__ import annotations

import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence

import pytest

from watcher.errors import SourceUnavailable, Vanished
from watcher.model import Known, Submission, SubmissionState
from watcher.ports import Arrival, Source


class SourceSuite(ABC):
    """Joined by a test class that implements the abstract methods; `source` is a fixture there."""

    says: Sequence[str] = ()  # what a submission says beside its files

    @abstractmethod
    def drop(self, source: Source, number: int) -> None:
        """Let one submission arrive, finished, later than those of lower numbers."""

    @abstractmethod
    def lose(self, source: Source) -> None:
        """Let somebody else remove for good all that has arrived."""

    @abstractmethod
    def take_away(self, source: Source) -> None:
        """Make the place of the source unreachable."""

    @abstractmethod
    def submission(self, source: Source, arrival: Arrival) -> Submission:
        """The settled submission that the journal would have of an arrival."""

    def nothing_known(self, keys: Sequence[str]) -> Mapping[str, Known]:
        return {}

    def only(self, source: Source) -> Arrival:
        (arrival,) = source.arrivals(self.nothing_known)
        return arrival

    def test_what_arrived_is_found_again_until_it_is_moved(self, source: Source) -> None:
        self.drop(source, 1)
        first = self.only(source)
        assert self.only(source) == first

        submission = self.submission(source, first)
        source.move(submission, source.plan(submission, booked=True), None)

        assert list(source.arrivals(self.nothing_known)) == []

    def test_arrivals_come_oldest_first_with_keys_of_their_own(self, source: Source) -> None:
        for number in (1, 2, 3):
            self.drop(source, number)

        found = list(source.arrivals(self.nothing_known))

        assert len({arrival.key for arrival in found}) == 3
        assert [arrival.received_at for arrival in found] == sorted(arrival.received_at for arrival in found)

    @pytest.mark.parametrize("state", [SubmissionState.OPEN, SubmissionState.HELD, SubmissionState.SETTLED])
    def test_what_the_journal_has_is_not_handed_out(self, source: Source, state: SubmissionState) -> None:
        self.drop(source, 1)

        def known(keys: Sequence[str]) -> Mapping[str, Known]:
            return {key: Known(submission="s1", state=state, stays=False) for key in keys}

        assert list(source.arrivals(known)) == []

    def test_a_parcel_has_the_bytes_and_gives_them_twice(self, source: Source) -> None:
        self.drop(source, 1)
        with source.open(self.only(source)) as parcel:
            (leaf,) = parcel.leaves()
            once, again = leaf.fetch(), leaf.fetch()
        try:
            assert once.read().startswith(b"%PDF-")
            assert once.sha256 == again.sha256
        finally:
            once.close()
            again.close()

    def test_a_parcel_has_what_was_written_and_gives_it_twice(self, source: Source) -> None:
        self.drop(source, 1)
        with source.open(self.only(source)) as parcel:
            once, again = list(parcel.texts()), list(parcel.texts())

        assert once == again
        assert [text.text.strip() for text in once] == list(self.says)

    def test_a_move_may_be_repeated(self, source: Source) -> None:
        self.drop(source, 1)
        submission = self.submission(source, self.only(source))
        target = source.plan(submission, booked=False)

        source.move(submission, target, "note")
        source.move(submission, target, "note")

        assert list(source.arrivals(self.nothing_known)) == []

    def test_what_is_neither_here_nor_there_has_vanished(self, source: Source) -> None:
        self.drop(source, 1)
        arrival = self.only(source)
        submission = self.submission(source, arrival)
        self.lose(source)

        with pytest.raises(Vanished):
            source.move(submission, source.plan(submission, booked=False), None)
        with pytest.raises(Vanished), source.open(arrival) as parcel:
            list(parcel.leaves())

    def test_a_place_that_cannot_be_seen_is_never_an_empty_one(self, source: Source) -> None:
        self.drop(source, 1)
        submission = self.submission(source, self.only(source))
        target = source.plan(submission, booked=True)
        self.take_away(source)

        with pytest.raises(SourceUnavailable):
            list(source.arrivals(self.nothing_known))
        with pytest.raises(SourceUnavailable):
            source.move(submission, target, None)

    def test_a_wait_is_ended_from_another_thread(self, source: Source) -> None:
        list(source.arrivals(self.nothing_known))
        waker = threading.Timer(0.05, source.wake)
        began = time.monotonic()
        waker.start()
        source.wait(30)
        waker.join()

        assert time.monotonic() - began < 10

    def test_check_finds_a_source_in_order_and_leaves_nothing_behind(self, source: Source) -> None:
        self.drop(source, 1)

        findings = source.check()

        assert findings
        assert all(finding.ok for finding in findings)
        assert self.only(source)
