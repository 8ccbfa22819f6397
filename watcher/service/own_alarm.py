"""What a process tells of itself, be there a journal or not."""

from __future__ import annotations

import logging
import math
import threading
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from typing import Self

from watcher.clock import boot_seconds
from watcher.model import Alert
from watcher.policy.alarm import AlarmRules, Decision, decide, kind_of
from watcher.policy.conditions import Own, own_conditions
from watcher.policy.news import news_of
from watcher.service.courier import Courier
from watcher.service.vitals import Vitals

log = logging.getLogger(__name__)

_LONGEST_INTERVAL_SECONDS = 60.0
_SHORTEST_INTERVAL_SECONDS = 1.0
LAST_ROUND_SECONDS = 5.0  # of a round that is under way when it is to end


class OwnAlarm:
    """Tells of what is wrong with this process alone; `vitals` has that, and remembers what was told of it.

    What nobody could be told is told later: only what somebody has been told is remembered as told. For one thread.
    """

    def __init__(
        self,
        *,
        rules: AlarmRules,
        courier: Courier,
        vitals: Vitals,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._rules = rules
        self._courier = courier
        self._vitals = vitals
        self._clock = clock
        self._told_at = -math.inf  # boot_seconds
        self._logged: set[tuple[str, str]] = set()

    @property
    def every_seconds(self) -> float:
        """How often a round is due: each minute, or as often as `alerts.after` says where that is less."""
        return min(_LONGEST_INTERVAL_SECONDS, max(_SHORTEST_INTERVAL_SECONDS, self._rules.after.total_seconds()))

    def stop(self) -> None:
        """What is being told ends within seconds. By any thread."""
        self._courier.stop()

    def round(self, journal_trouble: str | None) -> None:
        """One look, and what was missed. `journal_trouble` says why the journal cannot be used."""
        self._courier.catch_up()
        self.look(journal_trouble)

    def look(self, journal_trouble: str | None) -> None:
        """Decide and tell."""
        present = own_conditions(self.seen(journal_trouble), self._rules)
        remembered = self._vitals.own_alerts
        decision = decide(present, remembered, self._rules, self._clock())
        written: tuple[Alert, ...] = decision.keep
        if self.told(decision):
            written = (*decision.keep, *decision.told)
        self._vitals.own_alerts = _written(remembered, written, decision.forget)

    def seen(self, journal_trouble: str | None = None) -> Own:
        """What this process sees itself."""
        vitals = self._vitals
        return Own(
            knows_mailer=vitals.has_mailed,
            mailer_refused=vitals.mailer_refusal,
            journal=journal_trouble,
            web=vitals.web_trouble,
            clock=vitals.clock_watch.step,
            late=tuple(vitals.late()),
        )

    def told(self, decision: Decision) -> bool:
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


class WithoutJournal:
    """The rounds of an own alarm while the journal is away: from the first `say` until the context ends.

    They have a thread of their own, so that a channel that does not answer delays neither the journal nor a stop.
    """

    def __init__(self, build: Callable[[], OwnAlarm]) -> None:
        """`build` is called once it is needed."""
        self._build = build
        self._alarm: OwnAlarm | None = None
        self._trouble = ""
        self._ended = threading.Event()
        self._thread: threading.Thread | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        self._ended.set()
        if self._alarm is not None and self._thread is not None:
            self._alarm.stop()
            self._thread.join(LAST_ROUND_SECONDS)

    def say(self, trouble: str) -> None:
        """Why the journal cannot be used now."""
        self._trouble = trouble
        if self._alarm is None:
            self._alarm = self._build()
            self._thread = threading.Thread(target=self._run, args=(self._alarm,), name="alarm", daemon=True)
            self._thread.start()

    def _run(self, alarm: OwnAlarm) -> None:
        while not self._ended.is_set():
            try:
                alarm.round(self._trouble)
            except Exception:  # nobody else tells that the journal is away
                log.exception("A look at what is wrong failed; the next one is made all the same.")
            self._ended.wait(alarm.every_seconds)


def _written(alerts: Iterable[Alert], written: Iterable[Alert], forgotten: Iterable[str]) -> tuple[Alert, ...]:
    """What is remembered once these have been written and those deleted."""
    by_key = {alert.key: alert for alert in (*alerts, *written)}
    for key in forgotten:
        by_key.pop(key, None)
    return tuple(by_key.values())
