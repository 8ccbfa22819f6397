"""One thread per source: look, take in, wait. A source that fails is tried again for ever."""

from __future__ import annotations

import logging
import random
import threading
from collections.abc import Callable
from datetime import timedelta

from watcher.clock import boot_seconds
from watcher.errors import JournalUnavailable, SourceUnavailable, Unavailable
from watcher.intake import Intake
from watcher.model import Claim
from watcher.policy.pauses import REFUSED_SAID, growing
from watcher.ports import Source, TendingJournal
from watcher.service.heartbeats import Worker, unwatched
from watcher.service.vitals import Vitals

log = logging.getLogger(__name__)

HOLD = timedelta(seconds=60)
_ROUND_MARGIN_SECONDS = 15.0  # a round ends this long before its hold, and claims again
_FIRST_PAUSE_SECONDS = 1.0
_LONGEST_PAUSE_SECONDS = 300.0
_REFUSED_PAUSE_SECONDS = 300.0  # accounts are blocked for hammering
_LONGEST_REFUSED_PAUSE_SECONDS = 1800.0
_JOURNAL_SECONDS = 5.0  # how soon to ask again for a journal that is away: it is our own, and nobody is bothered
_AGAIN_WITHIN_SECONDS = 5.0
_OTHER_NODE_SECONDS = 5.0  # how soon to ask again for a source that another node has


def pause_after(failures: int, *, refused: bool, fraction: float) -> float:
    """Seconds before a source is tried again after that many failures in a row (1 for the first)."""
    first, longest = (
        (_REFUSED_PAUSE_SECONDS, _LONGEST_REFUSED_PAUSE_SECONDS)
        if refused
        else (_FIRST_PAUSE_SECONDS, _LONGEST_PAUSE_SECONDS)
    )
    return growing(failures, first=first, longest=longest, fraction=fraction)


class Tender:
    """Looks after one source while this node has the claim to it."""

    def __init__(
        self,
        *,
        source: Source,
        intake: Intake,
        journal: TendingJournal,
        poll: timedelta,
        came_up: Callable[[], None] = lambda: None,
        worker: Worker | None = None,
        vitals: Vitals | None = None,
    ) -> None:
        """`came_up` is called when the source is seen to be there for the first time, or again after a failure.

        `worker` beats for the thread; the intake and the source beat it on while a look goes on. `vitals` hears how
        each look went.
        """
        self._vitals = vitals or Vitals()
        self.source = source
        self.poll_seconds = poll.total_seconds()
        self.failure: str | None = None  # of the last look; None: it went well
        self.surplus = 0  # mails that the last look left, because their senders have submitted too much of late
        self._intake = intake
        self._journal = journal
        self._stop = threading.Event()
        self._failures = 0
        self._came_up = came_up
        self._worker = worker or unwatched(f"look-{source.name}")
        self._is_up = False
        self._claim: Claim | None = None
        self._claim_ends = 0.0
        self._reported: tuple[bool, str | None, int, int] | None = None

    def stop(self) -> None:
        """End `run` as soon as what is under way is done."""
        self._stop.set()
        self.source.wake()

    def run(self) -> None:
        """Until stopped."""
        while not self._stop.is_set():
            pause = self._turn()
            if self._stop.is_set():
                break  # the look may have taken the waking that came with it
            if pause is None:
                self._wait_for_source(max(0.0, min(self.poll_seconds, self._claim_ends - boot_seconds())))
            else:
                self._worker.waits(pause)
                self._stop.wait(pause)
        self._end()

    def _wait_for_source(self, seconds: float) -> None:
        self._worker.waits(seconds)
        self.source.wait(seconds)

    def run_once(self, grace_seconds: float) -> None:
        """Take in all that is there; for files that somebody may still be writing, wait up to the grace.

        A look that failed is repeated once, for some servers are read in another way the second time.
        """
        patience_ends = boot_seconds() + grace_seconds
        while not self._stop.is_set():
            pause = self._turn()
            if pause is not None and self.failure is not None:
                if self._failures != 1 or pause > _AGAIN_WITHIN_SECONDS:
                    break
                self._stop.wait(pause)
                continue
            if self._stop.is_set() or not self.source.unfinished or boot_seconds() >= patience_ends:
                break
            self._wait_for_source(patience_ends - boot_seconds())
        self._end()

    def _end(self) -> None:
        self._release()
        self._intake.close()
        self._worker.end()

    def _turn(self) -> float | None:
        """One look; seconds to pause before the next, or None: wait for the source itself."""
        self._worker.beat()
        try:
            if not self._has_claim():
                return _OTHER_NODE_SECONDS
            result = self._intake.round(self._may_go_on)
        except Unavailable as error:
            return self._failed(error)
        except Exception as error:  # a source that we stumble over must not take the others down
            log.exception("A source could not be looked at.", extra={"source": self.source.name})
            return self._failed(SourceUnavailable(f"an error of ours: {type(error).__name__}"))
        self.failure = "; ".join(result.waiting[:3]) or None
        self.surplus = result.surplus
        if self.failure is None:
            self._vitals.looked(self.source.name)
        else:
            self._vitals.stumbled(self.source.name, self.failure)
        self._failures = self._failures + 1 if result.waiting else 0
        self._report(up=True, message=self.failure)
        if not self._is_up:
            self._is_up = True
            self._came_up()
        return None

    def _failed(self, error: Unavailable) -> float:
        told, self.failure = self.failure, str(error)
        if isinstance(error, JournalUnavailable):  # no fault of the source, which nobody storms meanwhile
            if told != self.failure:  # once, however long it lasts
                log.warning("A source waits for the journal.", extra={"source": self.source.name, "detail": str(error)})
            return _JOURNAL_SECONDS
        self._vitals.stumbled(self.source.name, self.failure)
        self._failures += 1
        self._is_up = False
        pause = pause_after(
            self._failures,
            refused=error.refuses_us,
            fraction=random.random(),  # noqa: S311 - jitter is no secret
        )
        log.log(
            logging.ERROR if error.refuses_us else logging.WARNING,
            "A source cannot be used.",
            extra={"source": self.source.name, "detail": str(error), "again_in_s": round(pause, 1)},
        )
        self._report(up=False, message=f"{error}; {REFUSED_SAID}" if error.refuses_us else str(error))
        return pause

    # ------------------------------------------------------------------------------------- claim

    def _has_claim(self) -> bool:
        if self._claim is not None and boot_seconds() < self._claim_ends:
            return True
        self._release()
        asked_at = boot_seconds()
        self._claim = self._journal.claim_source(self.source.name, HOLD)
        self._claim_ends = asked_at + HOLD.total_seconds() - _ROUND_MARGIN_SECONDS
        return self._claim is not None

    def _may_go_on(self) -> bool:
        return not self._stop.is_set() and self._has_claim()

    def _release(self) -> None:
        claim, self._claim = self._claim, None
        if claim is None:
            return
        try:
            self._journal.release_source(claim)
        except Unavailable:
            log.info("A source's claim could not be given back; it ends by itself.", extra={"source": self.source.name})

    def _report(self, *, up: bool, message: str | None) -> None:
        state = (up, message, self.source.left_alone, self.surplus)
        if state == self._reported:
            return
        try:
            left_alone, surplus = self.source.left_alone, self.surplus
            self._journal.report_source(
                self.source.name, up=up, message=message, left_alone=left_alone, surplus=surplus
            )
        except Unavailable:
            return  # it is said again at the next look
        self._reported = state
