"""Step 2: bookings that are due are posted, and what came back is recorded.

A try is in the journal before its request leaves. The decision on what follows is policy's; `consequences` carries it
out.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from functools import partial

from watcher.addresses import Addresses, behind_others
from watcher.clock import boot_seconds
from watcher.config.sections import Recognition
from watcher.consequences import Consequences, settled, warn_lost
from watcher.errors import ClaimLost, JournalUnavailable, StoreUnavailable
from watcher.model import ClaimedBooking, Locator, SettledTry, Stage
from watcher.outstanding import Outcomes, Outstanding, Single
from watcher.policy.outcome import Decision, Settle, classify, may_have_booked, without_url
from watcher.policy.redaction import without_signature
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
        self._meter = meter
        self._fresh_seconds = fresh_seconds
        self._outstanding = Outstanding((self.hold - HOLD_MARGIN).total_seconds())
        self._under_way: set[int] = set()  # bookings that are being posted by this process
        self._addresses = Addresses()
        self._consequences = Consequences(
            journal=journal,
            endpoint=recogniser.endpoint,
            rules=rules,
            hold=self.hold,
            now=now,
            was_set=was_set,
            meter=meter,
        )

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
            self._consequences.leave_alone(each)
        return self._alone([each for each in claimed if each not in doubled])

    def _alone(self, claimed: list[ClaimedBooking]) -> list[ClaimedBooking]:
        """But for those that wait, because another node posts what lay at their address before, or has died by it."""
        keys = {each.locator.key for each in claimed if not self._keeps(each.locator)}
        if not keys:
            return claimed
        ours = {*self._under_way, *(each.booking for each in claimed)}
        try:
            behind = behind_others(claimed, self._journal.under_way(keys), ours)
        except JournalUnavailable:
            self.give_back(claimed)
            raise
        for each in behind:
            self._consequences.wait_behind(each)
        return [each for each in claimed if each not in behind]

    def _keeps(self, locator: Locator) -> bool:
        with suppress(StoreUnavailable):
            return self._store_of(locator.store).keeps
        return True

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
            warn_lost(claimed)
            return None
        finally:
            self._under_way.discard(claimed.booking)

    def settle(self, outcomes: Outcomes, beat: Callable[[], None] = lambda: None) -> None:
        """Record them; `beat` as for `post`, and it may add to them.

        Raises JournalRefused where one of several is never taken, and none is recorded: alone it is, without its words.
        """
        self._outstanding.until_recorded(lambda: self._consequences.settle(outcomes.tried), outcomes, beat)

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
        if claimed.interrupted:
            self._doubt_what_came_instead(claimed, claimed_at, beat)
        if claimed.interrupted and self._rules.in_doubt == "hold":
            self._consequences.hold(claimed, None)
            return None
        try:
            address = self._address(claimed)
        except StoreUnavailable as error:
            self._meter.store_failed(claimed.locator.store, refused=False)
            record = partial(self._consequences.follow, claimed, without_url(str(error)))
            self._record(claimed, claimed_at, record, beat)
            return None
        with self._addresses.posting(address[0], claimed.key.content) as is_free:
            if is_free and not self._consequences.is_doubted(claimed.key):
                return self._post_from(address, claimed, claimed_at, leaves, beat)
        self._record(claimed, claimed_at, partial(self._consequences.wait_behind, claimed), beat)
        return None

    def _post_from(
        self,
        address: tuple[Locator, str],
        claimed: ClaimedBooking,
        claimed_at: float,
        leaves: Callable[[], None],
        beat: Callable[[], None],
    ) -> SettledTry | None:
        locator, url = address
        begun_at = boot_seconds()
        if (late := begun_at - claimed_at) > self._fresh_seconds:
            self._give_back_late(claimed, late)
            return None
        leaves()
        decision = self._sent(claimed, locator, url, begun_at)
        if may_have_booked(decision) and (instead := self._replaced_by(locator, claimed)) is not None:
            _warn_replaced(claimed)
            record = partial(self._consequences.follow_replaced, claimed, decision, locator, instead)
            self._record(claimed, claimed_at, record, beat)
            return None
        if isinstance(decision, Settle) and claimed.probe_of is None:
            return settled(claimed, decision.settlement, decision.ending)
        self._record(claimed, claimed_at, partial(self._consequences.follow, claimed, decision), beat)
        return None

    def _doubt_what_came_instead(self, claimed: ClaimedBooking, claimed_at: float, beat: Callable[[], None]) -> None:
        """Nobody knows whether its last request was carried out, nor what was fetched by it."""
        if (instead := self._replaced_by(claimed.locator, claimed)) is not None:
            _warn_replaced(claimed)
            record = partial(self._consequences.doubt, claimed, claimed.locator, instead)
            self._record(claimed, claimed_at, record, beat)

    def _replaced_by(self, locator: Locator, claimed: ClaimedBooking) -> str | None:
        """What lies by now where it was posted from, and may have been fetched instead."""
        with suppress(StoreUnavailable):
            return self._store_of(locator.store).replaced_by(locator, claimed.key.content)
        return None

    def _record(
        self, claimed: ClaimedBooking, claimed_at: float, record: Callable[[], None], beat: Callable[[], None]
    ) -> None:
        self._outstanding.until_recorded(record, Single(claimed, claimed_at), beat)

    def _give_back_late(self, claimed: ClaimedBooking, late_seconds: float) -> None:
        self._journal.give_back(claimed)
        log.warning(
            "A document could not be posted soon enough after its claim, and is claimed again.",
            extra={**claimed.named, "seconds": round(late_seconds, 1)},
        )

    def _sent(self, claimed: ClaimedBooking, locator: Locator, url: str, begun_at: float) -> Decision:
        """What follows from what came back."""
        user_code = claimed.key.user_code if claimed.key.create_expense else None
        log.info("A document is posted.", extra={**claimed.named, "try": claimed.try_number})
        exchange = self._recogniser.recognise(url, claimed.biz_id, user_code, begun_at=begun_at)
        if locator.url is None:
            exchange = without_signature(exchange, url)
        decision = classify(exchange, self._rules, wanted=claimed.key.create_expense)
        self._meter.took(Stage.RECOGNISE, boot_seconds() - begun_at)
        self._meter.tried(_kind_of(claimed), decision.ending.result)
        return decision

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


def _warn_replaced(claimed: ClaimedBooking) -> None:
    log.error(
        "A file was replaced while it was posted; whether the old or the new one was booked has to be looked up.",
        extra={**claimed.named, "biz_id": claimed.biz_id},
    )


def _kind_of(claimed: ClaimedBooking) -> str:
    """Of a try, for whoever counts them."""
    if claimed.probe_of is not None:
        return "probe"
    return "first" if claimed.try_number == 1 else "again"
