"""Looks at what may be wrong, once in a while, and tells those who can mend it."""

from __future__ import annotations

import logging
import math
import threading
from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta

from watcher.clock import boot_seconds
from watcher.errors import JournalRefused, JournalUnusable, Unavailable
from watcher.model import Alert
from watcher.policy.alarm import AlarmRules, Decision, decide, kind_of
from watcher.policy.conditions import LONG, RECENT, Own, conditions, own_conditions
from watcher.policy.news import news_of
from watcher.ports import AlertJournal
from watcher.service.courier import Courier
from watcher.service.heartbeats import Worker, unwatched
from watcher.service.vitals import Vitals

log = logging.getLogger(__name__)

DUTY = "alarm"
HOLD = timedelta(seconds=60)  # longer than the courier's patience
_LONGEST_INTERVAL_SECONDS = 60.0
_SHORTEST_INTERVAL_SECONDS = 1.0
_LAST_ROUND_SECONDS = 5.0


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
        self._vitals = vitals or Vitals()
        self._worker = worker or unwatched(DUTY)
        self._journal = journal
        self._rules = rules
        self._courier = courier
        self._trouble = trouble
        self._clock = clock
        self._told_at = -math.inf  # boot_seconds
        self._logged: set[tuple[str, str]] = set()
        self._stopped = threading.Event()
        self._at_work = threading.Lock()

    @property
    def every_seconds(self) -> float:
        """How often a round is due: each minute, or as often as `alerts.after` says where that is less."""
        return min(_LONGEST_INTERVAL_SECONDS, max(_SHORTEST_INTERVAL_SECONDS, self._rules.after.total_seconds()))

    def stop(self) -> None:
        """Begin no round any more; the one under way ends within seconds."""
        self._stopped.set()
        self._courier.stop()

    def join(self) -> None:
        """After `stop`: wait for the round under way, but not for ever."""
        if self._at_work.acquire(timeout=_LAST_ROUND_SECONDS):
            self._at_work.release()

    def round(self) -> None:
        """One look. Raises nothing: what cannot be read now is read the next time."""
        with self._worker, self._at_work:
            if not self._stopped.is_set():
                self._courier.catch_up()
                self._look_at_ourselves(self._trouble() or self._look())

    def _look(self) -> str | None:
        """Why the journal cannot be used; None: it can, and all is done."""
        try:
            if self._decision().changes:  # nothing is written where nothing is new
                self._act()
        except (Unavailable, JournalRefused, JournalUnusable) as error:
            return str(error)
        return None

    def _look_at_ourselves(self, journal_trouble: str | None) -> None:
        present = own_conditions(self._own(journal_trouble), self._rules)
        remembered = self._vitals.own_alerts
        decision = decide(present, remembered, self._rules, self._clock())
        written: tuple[Alert, ...] = decision.keep
        if self._told(decision):
            written = (*decision.keep, *decision.told)
        self._vitals.own_alerts = _written(remembered, written, decision.forget)

    def _own(self, journal_trouble: str | None = None) -> Own:
        vitals = self._vitals
        return Own(
            knows_mailer=vitals.has_mailed,
            mailer_refused=vitals.mailer_refusal,
            journal=journal_trouble,
            web=vitals.web_trouble,
            late=tuple(vitals.late()),
        )

    def _decision(self) -> Decision:
        signs = self._journal.signs(self._rules.sources, long=LONG, recent=RECENT)
        return decide(conditions(signs, self._rules, self._own()), self._journal.alerts(), self._rules, signs.now)

    def _act(self) -> None:
        """Decide anew under the claim: another node may just have told."""
        claim = self._journal.claim_duty(DUTY, HOLD)
        if claim is None:
            return
        try:
            decision = self._decision()
            if decision.keep or decision.forget:
                self._journal.remember(decision.keep, forget=decision.forget)
            if self._told(decision):
                self._journal.remember(decision.told)
        finally:
            self._journal.release_duty(claim)

    def _told(self, decision: Decision) -> bool:
        """Whether somebody has been told what is to be told; False also where nothing is, or not so soon."""
        news = news_of(decision, self._rules.language)
        if not news or boot_seconds() - self._told_at < self._rules.spacing.total_seconds():
            return False
        self._log(decision)
        if not self._courier.tell(news):
            return False
        self._told_at = boot_seconds()
        self._logged.clear()
        return True

    def _log(self, decision: Decision) -> None:
        """Each once, however long nobody else can be told."""
        for condition in decision.tell:
            level = logging.ERROR if condition.grave else logging.WARNING
            self._log_once(level, "Something needs a person.", condition.key, condition.said)
        for alert in decision.over:
            self._log_once(logging.INFO, "What needed a person is over.", alert.key, alert.said)

    def _log_once(self, level: int, sentence: str, key: str, said: str) -> None:
        if (sentence, key) not in self._logged:
            self._logged.add((sentence, key))
            log.log(level, sentence, extra={"alert": kind_of(key), "detail": said})


def _written(alerts: Iterable[Alert], written: Iterable[Alert], forgotten: Iterable[str]) -> tuple[Alert, ...]:
    """What is remembered once these have been written and those deleted."""
    by_key = {alert.key: alert for alert in (*alerts, *written)}
    for key in forgotten:
        by_key.pop(key, None)
    return tuple(by_key.values())
