"""Step 2: bookings that are due are posted, and what came back is recorded.

A try is in the journal before its request leaves. The decision on what follows is policy's.
"""

from __future__ import annotations

import logging
import random
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from functools import partial

from watcher.clock import boot_seconds
from watcher.config.sections import Recognition
from watcher.errors import ClaimLost, JournalRefused, JournalUnavailable, StoreUnavailable
from watcher.headers import clean
from watcher.model import ClaimedBooking, Locator, Outcome, SettledTry, Settlement, Stage, TryEnding
from watcher.outstanding import Outcomes, Outstanding, Single
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
    unkept,
    with_doubt,
)
from watcher.policy.redaction import without_signature
from watcher.policy.retry import backoff, is_given_up, least_tries
from watcher.ports import HOLD_MARGIN, UNMEASURED, Meter, Recogniser, RecognitionJournal, Store

log = logging.getLogger(__name__)

# A request leaves only this soon after its claim was asked for, so that a process that was stopped does not send late.
FRESH_SECONDS = 2.0
# The same where the journal may be far away: to claim takes four round trips, and a node may wait for others. What is
# left of HOLD_MARGIN is for a line that dies with the outcome on it, and for a database's clock that is set right.
FRESH_FROM_AFAR_SECONDS = 10.0


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
        was_set: Callable[[datetime], bool] = lambda _now: False,
        meter: Meter = UNMEASURED,
        fresh_seconds: float = FRESH_SECONDS,
    ) -> None:
        """`now` is the journal's clock; `was_set` says of what it shows whether that is so since somebody set it.

        `fresh_seconds`: how soon after its claim was asked for a request has to leave.
        """
        self._journal = journal
        self._recogniser = recogniser
        self._store_of = store_of
        self._rules = rules
        self._now = now
        self._was_set = was_set
        self._meter = meter
        self._fresh_seconds = fresh_seconds
        self._outstanding = Outstanding((self.hold - HOLD_MARGIN).total_seconds())
        self._under_way: set[int] = set()  # bookings that are being posted by this process

    @property
    def hold(self) -> timedelta:
        """How long a claim lasts: longer than a request can take."""
        return self._rules.connect_timeout + self._rules.timeout + HOLD_MARGIN

    def claim(self, sources: list[str], limit: int) -> list[ClaimedBooking]:
        """Bookings for `limit` free workers.

        Raises JournalUnavailable while an outcome waits to be recorded: its booking must not be claimed again.
        """
        if self._outstanding.is_waiting:
            raise JournalUnavailable("outcomes that are known have to be recorded first")
        claimed = self._journal.claim_bookings(
            sources=sources, endpoint=self._recogniser.endpoint, limit=limit, hold=self.hold
        )
        doubled = [each for each in claimed if each.booking in self._under_way]
        for each in doubled:
            self._leave_alone(each)
        return [each for each in claimed if each not in doubled]

    def post(
        self,
        claimed: ClaimedBooking,
        claimed_at: float,
        leaves: Callable[[], None] = lambda: None,
        beat: Callable[[], None] = lambda: None,
    ) -> SettledTry | None:
        """One try of one booking: its outcome, which is still to be recorded by `settle`; None: all is recorded.

        `claimed_at` is `boot_seconds` from before the claim; `leaves` hears of it. `beat` hears again and again that
        the journal is waited for.
        """
        self._under_way.add(claimed.booking)
        try:
            return self._post(claimed, claimed_at, leaves, beat)
        except ClaimLost:
            _warn_lost(claimed)
            return None
        finally:
            self._under_way.discard(claimed.booking)

    def settle(self, outcomes: Outcomes, beat: Callable[[], None] = lambda: None) -> None:
        """Record them; `beat` as for `post`, and it may add to them.

        Raises JournalRefused where one of several is never taken, and none is recorded: alone it is, without its words.
        """
        self._outstanding.until_recorded(lambda: self._settle(outcomes.tried), outcomes, beat)

    def give_back(self, claimed: Sequence[ClaimedBooking]) -> None:
        """Nothing was done about them; they are due again, at the end of their claim at the latest."""
        try:
            for each in claimed:
                self._journal.give_back(each)
        except JournalUnavailable as error:
            log.warning("What was not posted is posted later.", extra={"detail": str(error)})

    def hurry(self) -> None:
        """Somebody waits for the end: no longer wait for the journal than a request may take."""
        self._outstanding.hurry()

    def _post(
        self, claimed: ClaimedBooking, claimed_at: float, leaves: Callable[[], None], beat: Callable[[], None]
    ) -> SettledTry | None:
        if claimed.interrupted and self._rules.in_doubt == "hold":
            self._hold(claimed, None)
            return None
        try:
            locator, url = self._address(claimed)
        except StoreUnavailable as error:
            self._meter.store_failed(claimed.locator.store, refused=False)
            self._try_later(claimed, TryEnding(result=Result.NOT_SENT, message=str(error)))
            return None
        begun_at = boot_seconds()
        if (late := begun_at - claimed_at) > self._fresh_seconds:
            self._journal.give_back(claimed)
            log.warning(
                "A document could not be posted soon enough after its claim, and is claimed again.",
                extra={**claimed.named, "seconds": round(late, 1)},
            )
            return None
        user_code = claimed.key.user_code if claimed.key.create_expense else None
        log.info("A document is posted.", extra={**claimed.named, "try": claimed.try_number})
        leaves()
        exchange = self._recogniser.recognise(url, claimed.biz_id, user_code, begun_at=begun_at)
        if locator.url is None:
            exchange = without_signature(exchange, url)
        decision = classify(exchange, self._rules, wanted=claimed.key.create_expense)
        self._meter.took(Stage.RECOGNISE, boot_seconds() - begun_at)
        self._meter.tried(_kind_of(claimed), decision.ending.result)
        if isinstance(decision, Settle) and claimed.probe_of is None:
            return self._settled(claimed, decision.settlement, decision.ending)
        record = partial(self._record, claimed, decision)
        self._outstanding.until_recorded(record, Single(claimed, claimed_at), beat)
        return None

    def _address(self, claimed: ClaimedBooking) -> tuple[Locator, str]:
        """Where it is, and its URL: of the same content in several places one may be gone. Raises StoreUnavailable."""
        try:
            return claimed.locator, self._url(claimed.locator, claimed)
        except StoreUnavailable:
            for locator in claimed.others:
                with suppress(StoreUnavailable):
                    return locator, self._url(locator, claimed)
            raise

    def _url(self, locator: Locator, claimed: ClaimedBooking) -> str:
        return self._store_of(locator.store).attachment_url(locator, claimed.key.content)

    def _record(self, claimed: ClaimedBooking, decision: Decision) -> None:
        try:
            self._follow(claimed, decision)
        except JournalRefused as error:
            self._settle_as_they_are([_unkept(claimed, decision.ending, error)])

    def _follow(self, claimed: ClaimedBooking, decision: Decision) -> None:
        """May be repeated: what is written already stays as it is."""
        match decision:
            case Settle():
                self._settle([self._settled(claimed, decision.settlement, decision.ending)])
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

    def _settled(self, claimed: ClaimedBooking, settlement: Settlement, ending: TryEnding) -> SettledTry:
        final = with_doubt(settlement, in_doubt=claimed.in_doubt or ending.in_doubt)
        return SettledTry(claimed=claimed, settlement=final, ending=ending)

    def _settle(self, tried: Sequence[SettledTry]) -> None:
        try:
            self._settle_as_they_are(tried)
        except JournalRefused as error:
            if len(tried) > 1:
                raise
            self._settle_as_they_are([_unkept(tried[0].claimed, tried[0].ending, error)])

    def _settle_as_they_are(self, tried: Sequence[SettledTry]) -> None:
        for each, stands in zip(tried, self._journal.settle(tried), strict=True):
            if stands:
                self._tell(each.claimed, each.settlement)
            else:
                _warn_lost(each.claimed)

    def _tell(self, claimed: ClaimedBooking, final: Settlement) -> None:
        self._meter.settled(claimed.source, final.outcome)
        log.log(
            logging.INFO if final.outcome is Outcome.DONE else logging.WARNING,
            "A booking has its outcome.",
            extra={**claimed.named, "outcome": final.outcome, "code": final.code, "biz_id": claimed.biz_id},
        )

    def _try_later(self, claimed: ClaimedBooking, ending: TryEnding) -> None:
        if claimed.probe_of is not None:  # while the gate is closed no try counts, and nothing is given up
            self._journal.postpone(claimed, due_in=timedelta(0), counted=False, ending=ending)
            log.warning("The endpoint still cannot be used.", extra={**claimed.named, "result": ending.result})
            return
        if self._is_given_up(claimed):
            self._settle([self._settled(claimed, given_up(ending), ending)])
            return
        pause = backoff(self._rules.retry, claimed.attempt, random.random())  # noqa: S311 - jitter is no secret
        self._journal.postpone(claimed, due_in=pause, counted=True, ending=ending)
        log.warning(
            "A try failed and is repeated.",
            extra={**claimed.named, "result": ending.result, "in_s": round(pause.total_seconds(), 1)},
        )

    def _is_given_up(self, claimed: ClaimedBooking) -> bool:
        retry, now = self._rules.retry, self._now()
        if not is_given_up(retry, claimed.first_failed_at, now):
            return False
        return not self._was_set(now) or claimed.attempt >= least_tries(retry, self.hold)

    def _leave_alone(self, claimed: ClaimedBooking) -> None:
        """Its claim ended before the request did: the clock was set ahead. What comes of that request still counts."""
        log.warning("A document is being posted already, and is not posted again meanwhile.", extra=claimed.named)
        try:
            if self._rules.in_doubt == "hold":
                self._hold(claimed, None)
            else:
                ending = TryEnding(result=Result.NOT_SENT, message="an earlier try of it is still under way")
                self._journal.postpone(claimed, due_in=self.hold, counted=False, ending=ending)
        except ClaimLost:
            _warn_lost(claimed)

    def _hold(self, claimed: ClaimedBooking, ending: TryEnding | None) -> None:
        self._journal.hold(claimed, ending)
        log.error(
            "It is not known whether a document was booked; it waits for your decision.",
            extra={**claimed.named, "biz_id": claimed.biz_id},
        )

    def _pause(self, claimed: ClaimedBooking, decision: Pause) -> None:
        pause = timedelta(seconds=decision.seconds)
        self._journal.pause_gate(self._recogniser.endpoint, pause)
        self._journal.postpone(claimed, due_in=pause, counted=False, ending=decision.ending)
        log.warning("The endpoint asks to wait.", extra={**claimed.named, "seconds": decision.seconds})

    def _close_gate(self, claimed: ClaimedBooking, decision: CloseGate) -> None:
        self._journal.close_gate(self._recogniser.endpoint, decision.reason, self._rules.probe)
        self._journal.postpone(claimed, due_in=timedelta(0), counted=False, ending=decision.ending)
        reason = clean(decision.reason, 200)
        log.error("The endpoint cannot be used; nothing is posted.", extra={**claimed.named, "reason": reason})


def _unkept(claimed: ClaimedBooking, ending: TryEnding, error: JournalRefused) -> SettledTry:
    log.error(
        "What came back cannot be recorded; whether the document was booked has to be looked up.",
        extra={**claimed.named, "biz_id": claimed.biz_id, "detail": str(error)},
    )
    settlement, bare = unkept(ending)
    return SettledTry(claimed=claimed, settlement=settlement, ending=bare)


def _warn_lost(claimed: ClaimedBooking) -> None:
    log.warning("A booking was another node's before its answer came.", extra=claimed.named)


def _kind_of(claimed: ClaimedBooking) -> str:
    """Of a try, for whoever counts them."""
    if claimed.probe_of is not None:
        return "probe"
    return "first" if claimed.try_number == 1 else "again"
