"""Looks at what may be wrong, once in a while, and tells those who can mend it."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from watcher.errors import JournalRefused, JournalUnusable, Unavailable
from watcher.policy.alarm import AlarmRules, Decision, decide
from watcher.policy.conditions import LONG, RECENT, conditions
from watcher.ports import AlertJournal
from watcher.service.courier import Courier
from watcher.service.heartbeats import Worker, unwatched
from watcher.service.own_alarm import LAST_ROUND_SECONDS, OwnAlarm
from watcher.service.vitals import Vitals

DUTY = "alarm"
HOLD = timedelta(seconds=60)  # longer than the courier's patience


class Alarm:
    """One node at a time tells of what is wrong with its sources and its endpoint; without channels the log alone does.

    What nobody could be told is told later: only what somebody has been told is remembered as told. A journal that
    cannot be used is told of by each node, and remembered by itself.
    """

    def __init__(
        self,
        *,
        journal: AlertJournal,
        rules: AlarmRules,
        courier: Courier,
        trouble: Callable[[], str | None] = lambda: None,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
        worker: Worker | None = None,
        vitals: Vitals | None = None,
    ) -> None:
        """`trouble` says why nothing can be written to the journal, where that is seen; `worker` beats for each round.

        `vitals` has what this process sees itself, and remembers what was told of that.
        """
        vitals = vitals or Vitals()
        self._ourselves = OwnAlarm(rules=rules, courier=courier, vitals=vitals, clock=clock)
        self._clock_watch = vitals.clock_watch
        self._worker = worker or unwatched(DUTY)
        self._journal = journal
        self._rules = rules
        self._courier = courier
        self._trouble = trouble
        self._stopped = threading.Event()
        self._at_work = threading.Lock()

    @property
    def every_seconds(self) -> float:
        """How often a round is due."""
        return self._ourselves.every_seconds

    def stop(self) -> None:
        """Begin no round any more; the one under way ends within seconds."""
        self._stopped.set()
        self._courier.stop()

    def join(self) -> None:
        """After `stop`: wait for the round under way, but not for ever."""
        if self._at_work.acquire(timeout=LAST_ROUND_SECONDS):
            self._at_work.release()

    def round(self) -> None:
        """One look. Raises nothing: what cannot be read now is read the next time."""
        with self._worker, self._at_work:
            if not self._stopped.is_set():
                self._courier.catch_up()
                self._ourselves.look(self._trouble() or self._look())

    def _look(self) -> str | None:
        """Why the journal cannot be used; None: it can, and all is done."""
        try:
            if self._decision().changes:  # nothing is written where nothing is new
                self._act()
        except (Unavailable, JournalRefused, JournalUnusable) as error:
            return str(error)
        return None

    def _decision(self) -> Decision:
        signs = self._journal.signs(self._rules.sources, long=LONG, recent=RECENT)
        self._clock_watch.look(signs.now)
        return decide(
            conditions(signs, self._rules, self._ourselves.seen()), self._journal.alerts(), self._rules, signs.now
        )

    def _act(self) -> None:
        """Decide anew under the claim: another node may just have told."""
        claim = self._journal.claim_duty(DUTY, HOLD)
        if claim is None:
            return
        try:
            decision = self._decision()
            if decision.keep or decision.forget:
                self._journal.remember(decision.keep, forget=decision.forget)
            if self._ourselves.told(decision):
                self._journal.remember(decision.told)
        finally:
            self._journal.release_duty(claim)
