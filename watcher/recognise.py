"""Step 2: bookings that are due are posted, and what came back is recorded.

A try is in the journal before its request leaves. The decision on what follows is policy's.
"""

from __future__ import annotations

import logging
import random
import threading
import time
from collections.abc import Callable
from datetime import datetime, timedelta
from functools import partial

from watcher.clock import boot_seconds
from watcher.config.sections import Recognition
from watcher.errors import ClaimLost, JournalUnavailable, StoreUnavailable
from watcher.headers import clean
from watcher.model import Claim, ClaimedBooking, Outcome, Settlement, TryEnding
from watcher.policy.outcome import (
    CloseGate,
    Decision,
    Hold,
    Pause,
    Result,
    Settle,
    TryAgain,
    classify,
    given_up,
    with_doubt,
)
from watcher.policy.redaction import without_signature
from watcher.policy.retry import backoff, is_given_up
from watcher.ports import HOLD_MARGIN, Recogniser, RecognitionJournal, Store

log = logging.getLogger(__name__)

# A request leaves only this soon after its claim, so that a process that was stopped does not send late.
FRESH_SECONDS = 2.0
_RECORD_AGAIN_SECONDS = 0.5
_LONGEST_PAUSE_SECONDS = 5.0


class Recognise:
    """Posts claimed bookings, one per call; called by many threads at once."""

    def __init__(
        self,
        *,
        journal: RecognitionJournal,
        recogniser: Recogniser,
        store_of: Callable[[str], Store],
        rules: Recognition,
        now: Callable[[], datetime],
    ) -> None:
        self._journal = journal
        self._recogniser = recogniser
        self._store_of = store_of
        self._rules = rules
        self._now = now
        self._unrecorded: set[Claim] = set()  # claims whose outcomes are in our hands alone
        self._hurried = threading.Event()

    @property
    def hold(self) -> timedelta:
        """How long a claim lasts: longer than a request can take."""
        return self._rules.connect_timeout + self._rules.timeout + HOLD_MARGIN

    def claim(self, sources: list[str], limit: int) -> list[ClaimedBooking]:
        """Bookings for `limit` free workers.

        Raises JournalUnavailable while an outcome waits to be recorded: its booking must not be claimed again.
        """
        if self._unrecorded:
            raise JournalUnavailable("outcomes that are known have to be recorded first")
        return self._journal.claim_bookings(
            sources=sources, endpoint=self._recogniser.endpoint, limit=limit, hold=self.hold
        )

    def post(
        self,
        claimed: ClaimedBooking,
        claimed_at: float,
        leaves: Callable[[], None] = lambda: None,
        beat: Callable[[], None] = lambda: None,
    ) -> None:
        """One try of one booking. `claimed_at` is `boot_seconds` from before the claim; `leaves` hears of it.

        `beat` hears again and again that the journal is waited for.
        """
        try:
            self._post(claimed, claimed_at, leaves, beat)
        except ClaimLost:
            log.warning("A booking was another node's before its answer came.", extra={"booking": claimed.booking})

    def _post(
        self, claimed: ClaimedBooking, claimed_at: float, leaves: Callable[[], None], beat: Callable[[], None]
    ) -> None:
        if claimed.interrupted and self._rules.in_doubt == "hold":
            self._hold(claimed, None)
            return
        try:
            url = self._store_of(claimed.locator.store).attachment_url(claimed.locator)
        except StoreUnavailable as error:
            self._try_later(claimed, TryEnding(result=Result.NOT_SENT, message=str(error)))
            return
        begun_at = boot_seconds()
        if begun_at - claimed_at > FRESH_SECONDS:
            self._journal.give_back(claimed)
            return
        user_code = claimed.key.user_code if claimed.key.create_expense else None
        leaves()
        exchange = self._recogniser.recognise(url, claimed.biz_id, user_code, begun_at=begun_at)
        if claimed.locator.url is None:
            exchange = without_signature(exchange, url)
        decision = classify(exchange, self._rules, wanted=claimed.key.create_expense)
        self._until_recorded(partial(self._record, claimed, decision), claimed, claimed_at, beat)

    def hurry(self) -> None:
        """Somebody waits for the end: no longer wait for the journal than a request may take."""
        self._hurried.set()

    def _until_recorded(
        self, record: Callable[[], None], claimed: ClaimedBooking, claimed_at: float, beat: Callable[[], None]
    ) -> None:
        """Again and again until the journal is back: what was booked is not asked for twice for its being away.

        That is sound for however long it takes: what another node has claimed meanwhile finds its claim lost.
        """
        until = claimed_at + (self.hold - HOLD_MARGIN).total_seconds()
        pause = _RECORD_AGAIN_SECONDS
        try:
            while True:
                beat()
                try:
                    record()
                except JournalUnavailable as error:
                    if self._hurried.is_set() and boot_seconds() >= until:
                        raise
                    self._note_unrecorded(claimed, error)
                    time.sleep(pause)
                    pause = min(pause * 2, _LONGEST_PAUSE_SECONDS)
                else:
                    return
        finally:
            self._unrecorded.discard(claimed.claim)

    def _note_unrecorded(self, claimed: ClaimedBooking, error: JournalUnavailable) -> None:
        """Said once for each outcome: the journal may be away for long."""
        if claimed.claim not in self._unrecorded:
            self._unrecorded.add(claimed.claim)
            log.warning(
                "An outcome cannot be recorded yet; it is kept until it can.",
                extra={"booking": claimed.booking, "biz_id": claimed.biz_id, "detail": str(error)},
            )

    def _record(self, claimed: ClaimedBooking, decision: Decision) -> None:
        """May be repeated: what is written already stays as it is."""
        match decision:
            case Settle():
                self._settle(claimed, decision.settlement, decision.ending)
            case TryAgain():
                self._try_later(claimed, decision.ending)
            case Hold():
                self._hold(claimed, decision.ending)
            case Pause():
                self._pause(claimed, decision)
            case CloseGate():
                self._close_gate(claimed, decision)
        if claimed.probe_of is not None and isinstance(decision, Settle):
            self._journal.open_gate(self._recogniser.endpoint)
            log.warning("The endpoint can be used again.", extra={"endpoint": self._recogniser.endpoint})

    def _settle(self, claimed: ClaimedBooking, settlement: Settlement, ending: TryEnding) -> None:
        final = with_doubt(settlement, in_doubt=claimed.in_doubt or ending.in_doubt)
        self._journal.settle(claimed, final, ending)
        log.log(
            logging.INFO if final.outcome is Outcome.DONE else logging.WARNING,
            "A booking has its outcome.",
            extra={"booking": claimed.booking, "outcome": final.outcome, "code": final.code, "biz_id": claimed.biz_id},
        )

    def _try_later(self, claimed: ClaimedBooking, ending: TryEnding) -> None:
        if claimed.probe_of is not None:  # while the gate is closed no try counts, and nothing is given up
            self._journal.postpone(claimed, due_in=timedelta(0), counted=False, ending=ending)
            log.warning("The endpoint still cannot be used.", extra={"result": ending.result})
            return
        if is_given_up(self._rules.retry, claimed.first_failed_at, self._now()):
            self._settle(claimed, given_up(ending), ending)
            return
        pause = backoff(self._rules.retry, claimed.attempt, random.random())  # noqa: S311 - jitter is no secret
        self._journal.postpone(claimed, due_in=pause, counted=True, ending=ending)
        log.warning(
            "A try failed and is repeated.",
            extra={"booking": claimed.booking, "result": ending.result, "in_s": round(pause.total_seconds(), 1)},
        )

    def _hold(self, claimed: ClaimedBooking, ending: TryEnding | None) -> None:
        self._journal.hold(claimed, ending)
        log.error(
            "It is not known whether a document was booked; it waits for your decision.",
            extra={"booking": claimed.booking, "biz_id": claimed.biz_id},
        )

    def _pause(self, claimed: ClaimedBooking, decision: Pause) -> None:
        pause = timedelta(seconds=decision.seconds)
        self._journal.pause_gate(self._recogniser.endpoint, pause)
        self._journal.postpone(claimed, due_in=pause, counted=False, ending=decision.ending)
        log.warning("The endpoint asks to wait.", extra={"seconds": decision.seconds})

    def _close_gate(self, claimed: ClaimedBooking, decision: CloseGate) -> None:
        self._journal.close_gate(self._recogniser.endpoint, decision.reason, self._rules.probe)
        self._journal.postpone(claimed, due_in=timedelta(0), counted=False, ending=decision.ending)
        log.error("The endpoint cannot be used; nothing is posted.", extra={"reason": clean(decision.reason, 200)})
