"""What the daemon does at intervals, beside the work that comes to it."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from typing import TYPE_CHECKING

from watcher.errors import Unavailable
from watcher.ports import Journal
from watcher.service.alarm import Alarm
from watcher.service.retention import Retention
from watcher.service.set_back import SetBack
from watcher.service.state import state_line
from watcher.service.strays import Strays
from watcher.service.supervision import Supervision
from watcher.service.tender import Tender

if TYPE_CHECKING:
    from watcher.service.schedule import Schedule

_RETENTION_SECONDS = 3600.0  # from one round to the next
_STATE_SECONDS = 10.0  # how often it is seen how things stand


class Rounds:
    """The polls (each source is woken at its own interval, whatever its events say), and what is done for all."""

    def __init__(
        self,
        *,
        journal: Journal,
        tenders: Sequence[Tender],
        endpoint: str,
        alarm: Alarm,
        set_back: SetBack,
        strays: Strays,
        retention: Retention,
        supervision: Supervision,
    ) -> None:
        """`endpoint` names the gate of which is told how it stands."""
        self.set_back = set_back
        self.strays = strays
        self._journal = journal
        self._tenders = tenders
        self._endpoint = endpoint
        self._alarm = alarm
        self._retention = retention
        self._supervision = supervision
        self._worker = supervision.heartbeats.worker("schedule")
        self._ending = threading.Event()
        self._schedule: Schedule | None = None

    def begin(self) -> None:
        """From now on, in threads of their own, until `stop`."""
        from watcher.service.schedule import Schedule

        schedule = self._schedule = Schedule()
        for tender in self._tenders:
            schedule.every(tender.poll_seconds, f"poll {tender.source.name}", tender.source.wake)
        schedule.every(_RETENTION_SECONDS, "retention", self._retention.round)
        schedule.every(self._alarm.every_seconds, "alarm", self._alarm.round)
        schedule.every(self.set_back.every_seconds, "set back", self.set_back.round)
        schedule.every(self.strays.every_seconds, "strays", self.strays.round)
        schedule.every(_STATE_SECONDS, "state", self._tell_state)
        schedule.start()
        self._tell_state()

    def keep_up(self) -> None:
        """To be called again and again: the clock may be set."""
        if self._schedule is not None:
            self._schedule.keep_up()

    def stop(self) -> None:
        """Begin none any more."""
        if self._schedule is not None:
            self._schedule.stop()

    def end(self) -> None:
        """Let what is under way come to its end."""
        self._ending.set()
        self._retention.stop()

    def _tell_state(self) -> None:
        """What `systemctl status` shows; where that is told, the schedule goes round."""
        self._worker.beat()
        failures = {tender.source.name: tender.failure for tender in self._tenders}
        try:
            self._supervision.say(state_line(failures, self._journal.gate(self._endpoint)))
        except Unavailable as error:
            self._supervision.say(f"the journal is waited for: {error}")
        if not self._ending.is_set():
            self._worker.waits(_STATE_SECONDS)
