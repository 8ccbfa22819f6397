"""What a process knows of itself: since when it runs, what it still waits for, and how its sources fared of late.

It belongs to the process: a reload ends one service and builds the next, and what was seen stays seen.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from watcher.clock import boot_seconds
from watcher.model import Alert, Trouble
from watcher.service.clock_watch import ClockWatch

_JOURNAL_KNOWN_SECONDS = 2.0  # however many ask


class Missing(Struct, frozen=True, kw_only=True):
    """One thing that keeps a daemon from being ready."""

    what: str  # "start", "journal", or a worker's name
    said: str  # a few words for an administrator, maybe a database's


class Looks(Struct, frozen=True, kw_only=True):
    """How the looks at one source went, since this process runs."""

    last_good: datetime | None = None  # the end of the last one that went well
    last_trouble: Trouble | None = None  # kept when it is over


class Vitals:
    """Safe for threads."""

    def __init__(
        self,
        *,
        version: str = "",
        late: Callable[[], list[str]] = list,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        """`late` names the workers that give no sign of life."""
        self.version = version
        self.started_at = clock()
        self._late = late
        self._clock = clock
        self._lock = threading.Lock()
        self._waits_for: str | None = "the daemon starts"
        self._journal_trouble: Callable[[], str | None] = lambda: None
        self._journal_seen: tuple[float, str | None] = (0.0, None)
        self._looks: dict[str, Looks] = {}
        self.has_mailed = False  # whether this process has tried to log in to the SMTP server
        self.mailer_refusal: str | None = None  # why it does not let us in
        self.web_trouble: str | None = None  # why the page cannot be served
        self.clock_watch = ClockWatch()
        self.own_alerts: tuple[Alert, ...] = ()  # what was told of this process, and is remembered by it alone

    # ------------------------------------------------------------------------------------- readiness

    def waits(self, what: str) -> None:
        """It is not ready: `what` says in a few words what it does, or waits for, instead of working."""
        self._waits_for = what

    def works(self, journal_trouble: Callable[[], str | None]) -> None:
        """From now on all threads run. `journal_trouble` says why the journal cannot be used; None: it can."""
        with self._lock:
            self._journal_trouble, self._journal_seen = journal_trouble, (0.0, None)
        self._waits_for = None

    def missing(self) -> list[Missing]:
        """Why the daemon is not ready; empty: it is.

        Ready is who has started, can use the journal, and has no worker that hangs. A mailbox, a store or an endpoint
        that is away does not count: the daemon waits for them, which is its work.
        """
        if (waits_for := self._waits_for) is not None:
            return [Missing(what="start", said=waits_for)]
        trouble = self._trouble_of_journal()
        found = [Missing(what="journal", said=trouble)] if trouble else []
        return found + [Missing(what=each, said=f"{each} gives no sign of life") for each in self._late()]

    def late(self) -> list[str]:
        """The workers that give no sign of life."""
        return self._late()

    def _trouble_of_journal(self) -> str | None:
        with self._lock:
            seen_at, trouble = self._journal_seen
            if not seen_at or boot_seconds() - seen_at > _JOURNAL_KNOWN_SECONDS:
                trouble = self._journal_trouble()
                self._journal_seen = (boot_seconds(), trouble)
            return trouble

    # --------------------------------------------------------------------------------------- sources

    def looked(self, source: str) -> None:
        """A look at it went well."""
        with self._lock:
            self._looks[source] = replace(self._looks.get(source, Looks()), last_good=self._clock())

    def stumbled(self, source: str, said: str) -> None:
        """A look at it, or at something in it, failed."""
        with self._lock:
            trouble = Trouble(at=self._clock(), said=said)
            self._looks[source] = replace(self._looks.get(source, Looks()), last_trouble=trouble)

    def looks(self) -> Mapping[str, Looks]:
        """By source."""
        with self._lock:
            return dict(self._looks)

    # ------------------------------------------------------------------------------- replies, the page

    def mailed(self) -> None:
        """The SMTP server let us in."""
        self.has_mailed, self.mailer_refusal = True, None

    def mailer_refused(self, said: str) -> None:
        """The SMTP server does not let us in."""
        self.has_mailed, self.mailer_refusal = True, said

    def served(self, trouble: str | None) -> None:
        """Whether the page can be served; `trouble` says why not."""
        self.web_trouble = trouble

    # ------------------------------------------------------------------------------------------ told

    def told(self) -> dict[str, Any]:
        """All of it, for JSON."""
        missing = self.missing()
        return {
            "ready": not missing,
            "missing": [each.said for each in missing],
            "version": self.version,
            "pid": os.getpid(),
            "started_at": self.started_at.isoformat(),
            "page_trouble": self.web_trouble,
            "sources": {name: _looks_told(looks) for name, looks in self.looks().items()},
        }


def _looks_told(looks: Looks) -> dict[str, Any]:
    last_good = looks.last_good.isoformat() if looks.last_good else None
    return {"last_good": last_good, "last_trouble": _trouble_told(looks.last_trouble)}


def _trouble_told(trouble: Trouble | None) -> dict[str, Any] | None:
    return {"at": trouble.at.isoformat(), "said": trouble.said} if trouble else None
