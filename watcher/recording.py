"""The second half of step 1: what was opened is stored, and recorded."""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import contextmanager

from msgspec import Struct, field
from msgspec.structs import replace

from watcher.clock import boot_seconds
from watcher.errors import DirectoryUnavailable, LinkUnavailable, Unavailable, Vanished
from watcher.gathering import Gathered, Gathering, Harvest
from watcher.headers import clean
from watcher.model import NewSubmission, Person, Reason, Stage, SubmissionState
from watcher.ports import Arrival, IntakeJournal, Meter
from watcher.storing import Storing

log = logging.getLogger(__name__)

_AT_ONCE = 8  # submissions of one source that are being stored; their documents are in memory or on the disk
_RECORDED_AT_ONCE = 16
_RECORDED_WITHIN_SECONDS = 0.05  # of being stored, where others come that fast


class Round(Struct, kw_only=True):
    """What one look at a source came to."""

    taken: int = 0
    waiting: list[str] = field(default_factory=list)  # why some could not be taken in yet
    surplus: int = 0  # mails that wait because their senders have submitted too much of late


class Draft(Struct, frozen=True, kw_only=True):
    """A submission whose documents are in hand, and nowhere else yet."""

    submission: NewSubmission
    person: Person | None
    harvest: Harvest


class _UnderWay(Struct, frozen=True, kw_only=True):
    """A submission that is being stored; `contents` are the hashes of what it holds."""

    arrival: Arrival
    future: Future[None]
    contents: frozenset[str]


class _Stored(Struct, frozen=True, kw_only=True):
    """A submission that only has to be recorded."""

    arrival: Arrival
    submission: NewSubmission
    began: float  # boot seconds


class Recording:
    """Stores and records the submissions of one source."""

    def __init__(
        self,
        *,
        source: str,
        gathering: Gathering,
        storing: Storing,
        journal: IntakeJournal,
        beat: Callable[[], None],
        meter: Meter,
    ) -> None:
        self.source = source
        self._gathering = gathering
        self._storing = storing
        self._journal = journal
        self._beat = beat
        self._meter = meter
        self._threads = ThreadPoolExecutor(max_workers=_AT_ONCE, thread_name_prefix=f"store-{source}")

    @contextmanager
    def round(self, result: Round) -> Iterator[Taking]:
        """All that is taken is recorded at its end, however it ends."""
        taking = Taking(self, result)
        try:
            yield taking
        except BaseException:
            taking.end()
            raise
        taking.finish()

    def close(self) -> None:
        """Let go of the threads, which have nothing to do between two rounds."""
        self._threads.shutdown()

    def beat(self) -> None:
        self._beat()

    def begin(self, draft: Draft, twins: Sequence[Future[None]]) -> Future[None]:
        return self._threads.submit(self._store_and_record, draft, twins)

    def store_here(self, draft: Draft) -> NewSubmission | None:
        """Store it, where that takes less than handing it to a thread; None: nothing is done."""
        if not self._storing.is_near(draft.harvest.documents):
            return None
        gathered = self._gathering.gather_plainly(draft.harvest)
        return None if gathered is None else self._stored(draft, gathered)

    def _store_and_record(self, draft: Draft, twins: Sequence[Future[None]]) -> None:
        """In a thread of its own, because links and stores may be slow, and several are asked at once."""
        began = boot_seconds()
        submission = self._stored(draft, self._gathering.gather(draft.harvest, draft.submission.received_at))
        wait(twins)  # they began before, and wait for none that came after
        self.record([(submission, began)])

    def _stored(self, draft: Draft, gathered: Gathered) -> NewSubmission:
        bare = draft.submission
        try:
            documents = []
            for found in gathered.documents:
                self._beat()
                documents.append(self._storing.new_document(found, draft.person))
        finally:
            gathered.close()
        reason = Reason.NO_DOCUMENT if bare.reason is None and gathered.holds_nothing else bare.reason
        return replace(bare, documents=tuple(documents), left_out=gathered.left_out, reason=reason)

    def record(self, stored: Sequence[tuple[NewSubmission, float]]) -> None:
        """In one transaction; with each the boot seconds when its storing began."""
        names = self._journal.record_all([submission for submission, _ in stored])
        for name, (submission, began) in zip(names, stored, strict=True):
            self._meter.took(Stage.STORE, boot_seconds() - began)
            self._meter.taken_in(self.source)
            _tell(submission, name)


class Taking:
    """One round: what takes no time is stored at once and recorded many together, all else has threads. For one thread.

    Of two that hold the same document the one that came first is booked, and the other its duplicate.
    """

    def __init__(self, recording: Recording, result: Round) -> None:
        self._recording = recording
        self._result = result
        self._under_way: deque[_UnderWay] = deque()
        self._stored: list[_Stored] = []
        self._last_at = float("-inf")

    def take(self, arrival: Arrival, draft: Draft) -> None:
        """Raises what its own storing raises, and Unavailable where others could not be recorded."""
        began = boot_seconds()
        contents = draft.harvest.contents
        twins = [each.future for each in self._under_way if contents & each.contents]
        stored = None if twins else self._recording.store_here(draft)
        if stored is None:
            self._record()
            future = self._recording.begin(draft, twins)
            self._under_way.append(_UnderWay(arrival=arrival, future=future, contents=contents))
        else:
            self._stored.append(_Stored(arrival=arrival, submission=stored, began=began))
            if self._is_time(began):
                self._record()

    def make_room(self) -> None:
        while len(self._under_way) >= _AT_ONCE:
            self._finish(self._under_way.popleft())

    def finish(self) -> None:
        """Raises the first Unavailable, when none is under way any more."""
        try:
            self._record()
            while self._under_way:
                self._finish(self._under_way.popleft())
        finally:
            wait(each.future for each in self._under_way)

    def end(self) -> None:
        """The same for a round that has failed."""
        try:
            self._record()
        finally:
            wait(each.future for each in self._under_way)

    @contextmanager
    def stumbling(self, arrival: Arrival) -> Iterator[None]:
        """What goes wrong with one arrival alone is noted, and leaves it where it is."""
        source = self._recording.source
        try:
            yield
        except Vanished:
            log.info("An arrival was gone before it could be taken in.", extra={"source": source})
        except (DirectoryUnavailable, LinkUnavailable) as error:
            self._result.waiting.append(str(error))
        except Unavailable:
            raise
        except Exception as error:
            log.exception("An arrival could not be taken in.", extra={"source": source})
            self._result.waiting.append(f"{clean(arrival.path or arrival.place)}: {type(error).__name__}")

    def _is_time(self, began: float) -> bool:
        """Whether no other comes so soon that it were worth waiting for."""
        since, self._last_at = began - self._last_at, boot_seconds()
        waited = self._last_at - self._stored[0].began
        return len(self._stored) >= _RECORDED_AT_ONCE or max(since, waited) > _RECORDED_WITHIN_SECONDS

    def _finish(self, under_way: _UnderWay) -> None:
        with self.stumbling(under_way.arrival):
            under_way.future.result()
            self._recording.beat()
            self._result.taken += 1

    def _record(self) -> None:
        stored, self._stored = self._stored, []
        if not stored:
            return
        try:
            self._recording.record([(each.submission, each.began) for each in stored])
            self._result.taken += len(stored)
        except Unavailable:
            raise
        except Exception:  # noqa: BLE001 - it is raised again for the one that it belongs to
            for each in stored:
                with self.stumbling(each.arrival):
                    self._recording.record([(each.submission, each.began)])
                    self._result.taken += 1


def _tell(taken: NewSubmission, identifier: str) -> None:
    turned = taken.reason is not None and Reason(taken.reason).is_of_the_sender
    sentence = "A submission was taken in."
    if turned:
        sentence = "A mail is held." if taken.state is SubmissionState.HELD else "A mail is refused."
    log.log(
        logging.WARNING if turned else logging.INFO,
        sentence,
        extra={
            "submission": identifier,
            "source": taken.source,
            "documents": len(taken.documents),
            "sender": clean(taken.sender) or None,
            "user_code": clean(taken.user_code) or None,
            "reason": taken.reason,
            "detail": taken.remark,
        },
    )
