"""What follows from a try of a booking, written to the journal and told in the log.

What that is, policy has decided. Everything here may be repeated: what is written already stays as it is.
"""

from __future__ import annotations

import logging
import random
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import datetime, timedelta

from msgspec.structs import replace

from watcher.config.sections import Recognition
from watcher.errors import ClaimLost, JournalRefused
from watcher.headers import clean
from watcher.model import (
    BookingKey,
    ClaimedBooking,
    Locator,
    Outcome,
    Paused,
    SettledTry,
    Settlement,
    Shut,
    TryEnding,
)
from watcher.policy.outcome import (
    CloseGate,
    Decision,
    Hold,
    Pause,
    Result,
    Settle,
    TryAgain,
    given_up,
    of_another,
    unkept,
    with_doubt,
)
from watcher.policy.retry import backoff, is_given_up
from watcher.ports import Meter, RecognitionJournal

log = logging.getLogger(__name__)

_BEHIND = timedelta(seconds=2)  # how long it waits at first for what is posted from its place
_LONGEST_BEHIND = 4  # times that, later on
_MAY_BE_BOOKED = "it came in the place of another document that was being posted, and may have been booked instead"


class Consequences:
    """Of the tries of bookings, for many threads at once."""

    def __init__(
        self,
        *,
        journal: RecognitionJournal,
        endpoint: str,
        rules: Recognition,
        hold: timedelta,
        now: Callable[[], datetime],
        was_set: Callable[[datetime], bool],
        meter: Meter,
    ) -> None:
        """`hold` is how long a claim lasts; `now` and `was_set` as in Recognise."""
        self._journal = journal
        self._endpoint = endpoint
        self._rules = rules
        self._hold = hold
        self._now = now
        self._was_set = was_set
        self._meter = meter
        self._doubted: dict[BookingKey, Locator] = {}  # may have been booked as another one, and are claimed

    def follow(self, claimed: ClaimedBooking, decision: Decision) -> None:
        """Raises ClaimLost, JournalUnavailable."""
        try:
            self._follow(claimed, decision)
        except JournalRefused as error:
            self._settle_as_they_are([_unkept(claimed, decision.ending, error)])
            self._change_gate_alone(decision)

    def settle(self, tried: Sequence[SettledTry]) -> None:
        """Record outcomes in one transaction. Raises JournalUnavailable, and of several JournalRefused."""
        try:
            self._settle_as_they_are(tried)
        except JournalRefused as error:
            if len(tried) > 1:
                raise
            kept = _unkept(tried[0].claimed, tried[0].ending, error)
            self._settle_as_they_are([replace(kept, opens_gate=tried[0].opens_gate)])

    def follow_replaced(self, claimed: ClaimedBooking, decision: Decision, locator: Locator, sha256: str) -> None:
        """As `follow`, where another file lay by then where it was posted from: that one may have been booked instead.

        So it is not posted under its own bizId unless a person says so.
        """
        self.doubt(claimed, locator, sha256)
        self.follow(claimed, of_another(decision))

    def doubt(self, claimed: ClaimedBooking, locator: Locator, sha256: str) -> None:
        """The file that lies there by now may have been booked by a try of this one. Raises JournalUnavailable."""
        instead = BookingKey(content=sha256, user_code=claimed.key.user_code, create_expense=claimed.key.create_expense)
        self._doubted[instead] = locator  # first: who has claimed it looks for it when the claim has been let go
        self._hold_doubted(instead, claimed.source)

    def is_doubted(self, key: BookingKey) -> bool:
        """Whether it may have been booked as another one: who has claimed it has to let it `wait_behind`."""
        return key in self._doubted

    def hold(self, claimed: ClaimedBooking, ending: TryEnding | None) -> None:
        """Let it wait for a person; without an ending nothing was sent. Raises ClaimLost, JournalUnavailable."""
        self._journal.hold(claimed, ending)
        log.error(
            "It is not known whether a document was booked; it waits for your decision.",
            extra={**claimed.named, "biz_id": claimed.biz_id},
        )

    def leave_alone(self, claimed: ClaimedBooking) -> None:
        """Its claim ended before the request did: the clock was set ahead. What comes of that request still counts."""
        log.warning("A document is being posted already, and is not posted again meanwhile.", extra=claimed.named)
        self._do_not_post(claimed, self._hold, "an earlier try of it is still under way", may_be_booked=True)

    def wait_behind(self, claimed: ClaimedBooking) -> None:
        """It lies where another document lay that is being posted: the endpoint may fetch this one for that, or did."""
        log.info("A document waits for another one that lay at its address before.", extra=claimed.named)
        why = "what lay at its address before is still being posted"
        times = min(claimed.try_number, _LONGEST_BEHIND)  # each time is told by `show`
        due_in = _BEHIND * times * (1 + random.random())  # noqa: S311 - lest two nodes wait for each other again
        self._do_not_post(claimed, due_in, why, may_be_booked=claimed.interrupted)
        self._hold_doubted(claimed.key, claimed.source)

    def _hold_doubted(self, key: BookingKey, source: str) -> None:
        locator = self._doubted.get(key)
        if locator is not None and self._journal.hold_content(key, source=source, locator=locator, why=_MAY_BE_BOOKED):
            self._doubted.pop(key, None)

    def _do_not_post(self, claimed: ClaimedBooking, due_in: timedelta, why: str, *, may_be_booked: bool) -> None:
        """`may_be_booked`: by an earlier try of it, so that it is for the configuration to say what follows."""
        try:
            if may_be_booked and self._rules.in_doubt == "hold":
                self.hold(claimed, None)
            else:
                self._put_off_unsent(claimed, due_in, why)
        except ClaimLost:
            warn_lost(claimed)

    def _put_off_unsent(self, claimed: ClaimedBooking, due_in: timedelta, why: str) -> None:
        ending = TryEnding(result=Result.NOT_SENT, message=why)
        if claimed.probe_of is None:
            self._journal.postpone(claimed, due_in=due_in, counted=False, ending=ending)
        else:  # the endpoint was not asked: another one may probe at once, and this one not before its time
            self._journal.set_aside(claimed, due_in=due_in, ending=ending)

    def _follow(self, claimed: ClaimedBooking, decision: Decision) -> None:
        match decision:
            case Settle():
                probed = claimed.probe_of is not None
                self.settle([settled(claimed, decision.settlement, decision.ending, opens_gate=probed)])
                if probed:
                    log.warning("The endpoint can be used again.", extra={"endpoint": self._endpoint})
            case TryAgain():
                self._try_later(claimed, decision.ending)
            case Hold():
                self.hold(claimed, decision.ending)
            case Pause():
                self._pause(claimed, decision)
            case CloseGate():
                self._close_gate(claimed, decision)

    def _settle_as_they_are(self, tried: Sequence[SettledTry]) -> None:
        for each, stands in zip(tried, self._journal.settle(tried), strict=True):
            if stands:
                self._tell(each.claimed, each.settlement)
            else:
                warn_lost(each.claimed)

    def _tell(self, claimed: ClaimedBooking, final: Settlement) -> None:
        self._meter.settled(claimed.source, final.outcome)
        log.log(
            logging.INFO if final.outcome is Outcome.DONE else logging.WARNING,
            "A booking has its outcome.",
            extra={**claimed.named, "outcome": final.outcome, "code": final.code, "biz_id": claimed.biz_id},
        )

    def _try_later(self, claimed: ClaimedBooking, ending: TryEnding) -> None:
        if claimed.probe_of is not None:
            self._after_probe(claimed, ending)
            return
        now = self._now()
        if is_given_up(self._rules.retry, claimed, now, was_set=self._was_set(now), longest_try=self._hold):
            self.settle([settled(claimed, given_up(ending), ending)])
            return
        pause = backoff(self._rules.retry, claimed.attempt, random.random())  # noqa: S311 - jitter is no secret
        self._journal.postpone(claimed, due_in=pause, counted=True, ending=ending)
        log.warning(
            "A try failed and is repeated.",
            extra={**claimed.named, "result": ending.result, "in_s": round(pause.total_seconds(), 1)},
        )

    def _after_probe(self, claimed: ClaimedBooking, ending: TryEnding) -> None:
        """While the gate is closed no try counts, and nothing is given up."""
        if ending.result == Result.NO_URL:
            self._set_aside(claimed, ending)
            return
        self._journal.postpone(claimed, due_in=timedelta(0), counted=False, ending=ending)
        log.warning("The endpoint still cannot be used.", extra={**claimed.named, "result": ending.result})

    def _set_aside(self, claimed: ClaimedBooking, ending: TryEnding) -> None:
        """What has no URL lets another one probe; alone it looks for it as often as the endpoint would be tried."""
        fraction = random.random()  # noqa: S311 - jitter is no secret
        pause = min(backoff(self._rules.retry, claimed.try_number, fraction), self._rules.probe)
        self._journal.set_aside(claimed, due_in=pause, ending=ending)
        log.warning(
            "A document has no URL now, and another one may try the endpoint.",
            extra={**claimed.named, "detail": ending.message, "in_s": round(pause.total_seconds(), 1)},
        )

    def _pause(self, claimed: ClaimedBooking, decision: Pause) -> None:
        pause = self._pausing(decision)
        self._journal.postpone(claimed, due_in=pause.length, counted=False, ending=decision.ending, gate=pause)
        log.warning("The endpoint asks to wait.", extra={**claimed.named, "seconds": decision.seconds})

    def _close_gate(self, claimed: ClaimedBooking, decision: CloseGate) -> None:
        shut = self._shutting(decision)
        self._journal.postpone(claimed, due_in=timedelta(0), counted=False, ending=decision.ending, gate=shut)
        reason = clean(decision.reason, 200)
        log.error("The endpoint cannot be used; nothing is posted.", extra={**claimed.named, "reason": reason})

    def _pausing(self, decision: Pause) -> Paused:
        return Paused(endpoint=self._endpoint, length=timedelta(seconds=decision.seconds))

    def _shutting(self, decision: CloseGate) -> Shut:
        return Shut(endpoint=self._endpoint, reason=decision.reason, probe=self._rules.probe)

    def _change_gate_alone(self, decision: Decision) -> None:
        """What an answer makes of it where the journal does not take the answer."""
        with suppress(JournalRefused):  # that may be for the gate's reason
            match decision:
                case Pause():
                    self._journal.change_gate(self._pausing(decision))
                case CloseGate():
                    self._journal.change_gate(self._shutting(decision))
                case _:
                    pass


def settled(
    claimed: ClaimedBooking, settlement: Settlement, ending: TryEnding, *, opens_gate: bool = False
) -> SettledTry:
    """The outcome of a try, minding what earlier ones have left behind."""
    final = with_doubt(settlement, in_doubt=claimed.in_doubt or ending.in_doubt)
    return SettledTry(claimed=claimed, settlement=final, ending=ending, opens_gate=opens_gate)


def warn_lost(claimed: ClaimedBooking) -> None:
    """What came of it is not the outcome any more."""
    log.warning("A booking was another node's before its answer came.", extra=claimed.named)


def _unkept(claimed: ClaimedBooking, ending: TryEnding, error: JournalRefused) -> SettledTry:
    log.error(
        "What came back cannot be recorded; whether the document was booked has to be looked up.",
        extra={**claimed.named, "biz_id": claimed.biz_id, "detail": str(error)},
    )
    settlement, bare = unkept(ending)
    return SettledTry(claimed=claimed, settlement=settlement, ending=bare)
