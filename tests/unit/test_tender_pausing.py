"""How long a tender pauses after what went wrong."""

from __future__ import annotations

import threading
from datetime import timedelta
from typing import Any, cast

from watcher.errors import JournalUnavailable
from watcher.intake import Intake
from watcher.model import Claim
from watcher.ports import Source, TendingJournal
from watcher.service.tender import Tender


class Away:
    """A journal that is away, and the source that waits for it."""

    name = "shared"

    def claim_source(self, source: str, hold: timedelta) -> Claim:
        raise JournalUnavailable("the server is restarted")

    def report_source(self, name: str, **state: Any) -> None:
        raise AssertionError("what is wrong with the journal is no fault of the source")

    def wake(self) -> None: ...

    def close(self) -> None: ...


class Pauses(threading.Event):
    """Notes how long it is waited for, and is set after the twentieth time."""

    def __init__(self) -> None:
        super().__init__()
        self.noted: list[float | None] = []

    def wait(self, timeout: float | None = None) -> bool:
        self.noted.append(timeout)
        if len(self.noted) == 20:
            self.set()
        return self.is_set()


def test_a_source_is_looked_at_soon_after_the_journal_is_back_however_long_it_was_away() -> None:
    away = Away()
    tender = Tender(
        source=cast("Source", away),
        intake=cast("Intake", away),
        journal=cast("TendingJournal", away),
        poll=timedelta(minutes=5),
    )
    pauses = tender._stop = Pauses()
    tender.run()
    assert len(set(pauses.noted)) == 1
