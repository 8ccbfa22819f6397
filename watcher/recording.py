"""The second half of step 1: what was opened is stored, and recorded."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait

from msgspec import Struct
from msgspec.structs import replace

from watcher.clock import boot_seconds
from watcher.gathering import Gathered, Gathering, Harvest
from watcher.headers import clean
from watcher.model import NewSubmission, Person, Reason, Stage, SubmissionState
from watcher.ports import IntakeJournal, Meter
from watcher.storing import Storing

log = logging.getLogger(__name__)

AT_ONCE = 8  # submissions of one source that are being stored; their documents are in memory or on the disk
_OVERSEERS = 1
# For what is recorded together. Where the journal is far away, a transaction that took much longer would be given up,
# and so would the next ones with as many.
_TOGETHER_SECONDS = 5.0
_MOST_TOGETHER = 1000


class Draft(Struct, frozen=True, kw_only=True):
    """A submission whose documents are in hand, and nowhere else yet."""

    submission: NewSubmission
    person: Person | None
    harvest: Harvest


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
        self.last_taken_at = float("-inf")  # boot seconds; of the round before, too
        self._together = _MOST_TOGETHER  # how many are recorded in one transaction, by how long the last ones took
        self._threads = ThreadPoolExecutor(max_workers=AT_ONCE + _OVERSEERS, thread_name_prefix=f"store-{source}")

    def close(self) -> None:
        """Let go of the threads, which have nothing to do between two rounds."""
        self._threads.shutdown()

    def beat(self) -> None:
        self._beat()

    def begin(self, draft: Draft, twins: Sequence[Future[None]]) -> Future[None]:
        return self._threads.submit(self._store_and_record, draft, twins)

    def oversee(self, task: Callable[[], None]) -> None:
        """Let it run beside what is being stored: one at a time."""
        self._threads.submit(task)

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
        """In one transaction, or in several that take no longer than they may; with each when its storing began."""
        self._storing.secure()
        left = list(stored)
        while left:
            some, left = left[: self._together], left[self._together :]
            began = boot_seconds()
            try:
                self._record_together(some)
            finally:
                seconds_each = (boot_seconds() - began) / len(some)
                self._together = max(1, int(min(_TOGETHER_SECONDS / max(seconds_each, 1e-6), _MOST_TOGETHER)))

    def _record_together(self, stored: Sequence[tuple[NewSubmission, float]]) -> None:
        names = self._journal.record_all([submission for submission, _ in stored])
        for name, (submission, began) in zip(names, stored, strict=True):
            self._meter.took(Stage.STORE, boot_seconds() - began)
            self._meter.taken_in(self.source)
            _tell(submission, name)


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
