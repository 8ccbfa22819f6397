"""What `status` knows: gathered from the journal, and from the daemon where one runs here."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from msgspec import Struct, field

from watcher.bootstrap.journals import held_after, trouble_of_journal
from watcher.config.sections import Configuration, Mailbox
from watcher.model import (
    Alert,
    Counts,
    Gate,
    Kind,
    Signs,
    SourceHealth,
    SourceWork,
    Storage,
    Submission,
    SubmissionFilter,
    SubmissionState,
    Trouble,
    Workload,
)
from watcher.policy.conditions import LONG, RECENT
from watcher.ports import Journal
from watcher.presence import NoAnswer, ask

_LOOKED_AT = 100  # of the submissions that are to be answered


class Daemon(Struct, frozen=True, kw_only=True):
    """The daemon with this configuration, as it tells itself; of one that does not answer only `missing` is known."""

    runs: bool
    missing: tuple[str, ...]  # why it is not ready; empty: it is
    version: str | None = None
    process: int | None = None
    started_at: datetime | None = None
    looked_at: Mapping[str, datetime] = field(default_factory=dict)
    troubles: Mapping[str, Trouble] = field(default_factory=dict)


class SourceState(Struct, frozen=True, kw_only=True):
    """One source of the configuration."""

    name: str
    kind: Kind
    health: SourceHealth
    work: SourceWork
    looked_at: datetime | None  # the end of the last look that went well, where a daemon tells
    trouble: Trouble | None  # the last one, also when it is over, where a daemon tells


class Overview(Struct, frozen=True, kw_only=True):
    """All that `status` shows."""

    now: datetime
    daemon: Daemon
    storage: Storage
    journal_trouble: str | None
    sources: tuple[SourceState, ...]
    endpoint: str
    gate: Gate
    counts: Counts
    signs: Signs
    workload: Workload
    alerts: tuple[Alert, ...]  # what somebody has been told of, and is not over
    pending: tuple[Submission, ...]  # open ones, the newest
    unanswered: tuple[Submission, ...]  # settled ones, the newest
    held_after: Mapping[str, timedelta]


def overview(path: Path, configuration: Configuration, journal: Journal) -> Overview:
    """Ask the journal, and the daemon with the configuration at this path. Raises what the journal raises."""
    allowed = held_after(configuration)
    signs = journal.signs(allowed, long=LONG, recent=RECENT)
    workload = journal.workload(allowed)
    daemon = _daemon(path)
    return Overview(
        now=signs.now,
        daemon=daemon,
        storage=journal.storage(),
        journal_trouble=trouble_of_journal(configuration),
        sources=_sources(configuration, signs, workload, daemon),
        endpoint=configuration.recognition.url,
        gate=signs.gate(configuration.recognition.url),
        counts=journal.counts(),
        signs=signs,
        workload=workload,
        alerts=tuple(each for each in journal.alerts() if each.stands),
        pending=_some(journal, SubmissionState.OPEN),
        unanswered=_some(journal, SubmissionState.SETTLED),
        held_after=allowed,
    )


def _some(journal: Journal, state: SubmissionState) -> tuple[Submission, ...]:
    return tuple(journal.submissions(SubmissionFilter(state=state, limit=_LOOKED_AT)))


def _sources(configuration: Configuration, signs: Signs, workload: Workload, daemon: Daemon) -> tuple[SourceState, ...]:
    health = {each.name: each for each in signs.sources}
    return tuple(
        SourceState(
            name=section.name,
            kind=Kind.MAIL if isinstance(section, Mailbox) else Kind.FILE,
            health=health.get(section.name, SourceHealth(name=section.name, up=None)),
            work=workload.sources.get(section.name, SourceWork()),
            looked_at=daemon.looked_at.get(section.name),
            trouble=daemon.troubles.get(section.name),
        )
        for section in configuration.sources
    )


def _daemon(path: Path) -> Daemon:
    try:
        told = ask(path)
    except NoAnswer as error:
        return Daemon(runs=False, missing=(str(error),))
    if "pid" not in told:
        return Daemon(runs=True, missing=() if told.get("ready") is True else ("it tells strangers no more",))
    looks: Mapping[str, Any] = told["sources"]
    good = {name: each["last_good"] for name, each in looks.items() if each["last_good"]}
    return Daemon(
        runs=True,
        missing=tuple(told["missing"]),
        version=told["version"],
        process=told["pid"],
        started_at=datetime.fromisoformat(told["started_at"]),
        looked_at={name: datetime.fromisoformat(at) for name, at in good.items()},
        troubles={name: _trouble(each["last_trouble"]) for name, each in looks.items() if each["last_trouble"]},
    )


def _trouble(told: Mapping[str, Any]) -> Trouble:
    return Trouble(at=datetime.fromisoformat(told["at"]), said=told["said"])
