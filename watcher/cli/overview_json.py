"""`status --json`: one object, whose keys stay."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from zoneinfo import ZoneInfo

from watcher.cli.overview import Overview, SourceState
from watcher.cli.rendering import Json, moment
from watcher.headers import clean
from watcher.model import Backlog, Kind, Outcome, SubmissionState, Trouble

_LONGEST = 400


def overview_json(seen: Overview, zone: ZoneInfo) -> Json:
    """Times are RFC 3339 in this zone; sizes are bytes; what is not known is null."""

    def at(value: datetime | None) -> str | None:
        return None if value is None else moment(value, zone)

    load, gate = seen.workload, seen.gate
    return {
        "now": at(seen.now),
        "daemon": {
            "running": seen.daemon.runs,
            "ready": seen.daemon.runs and not seen.daemon.missing,
            "missing": [clean(each, _LONGEST) for each in seen.daemon.missing],
            "version": seen.daemon.version,
            "pid": seen.daemon.process,
            "started_at": at(seen.daemon.started_at),
        },
        "journal": {
            "kind": seen.storage.kind,
            "where": seen.storage.where,
            "schema": seen.storage.schema,
            "size": seen.storage.size,
            "free": seen.storage.free,
            "trouble": seen.journal_trouble,
        },
        "sources": [_source(seen, source, zone) for source in seen.sources],
        "gate": {
            "endpoint": seen.endpoint,
            "open": gate.open,
            "since": at(gate.since),
            "reason": clean(gate.reason, _LONGEST) or None,
            "resumes_at": at(gate.resumes_at),
            "probe_at": at(gate.probe_at),
        },
        "submissions": {str(state): seen.counts.submissions.get(state, 0) for state in SubmissionState},
        "documents": {name: seen.counts.documents.get(name, 0) for name in [*map(str, Outcome), "pending"]},
        "oldest_pending": at(load.oldest),
        "settled": {"hour": _counted(load.settled), "day": _counted(load.settled_in_a_day)},
        "tries": {
            result or "under_way": {
                "count": tried.count,
                "last_at": at(tried.last_at),
                "said": clean(tried.said, _LONGEST) or None,
            }
            for result, tried in load.tries.items()
        },
        "alerts": [{"key": each.key, "since": at(each.since), "said": each.said} for each in seen.alerts],
        "for_you": [
            {"what": "held", "count": held, "command": "invoice-watcher list --state held"}
            for held in [seen.counts.submissions.get(SubmissionState.HELD, 0)]
            if held
        ],
    }


def _source(seen: Overview, source: SourceState, zone: ZoneInfo) -> Json:
    def at(value: datetime | None) -> str | None:
        return None if value is None else moment(value, zone)

    health, work = source.health, source.work
    return {
        "name": source.name,
        "kind": "mailbox" if source.kind is Kind.MAIL else "folder",
        "up": health.up,
        "since": at(health.since),
        "message": clean(health.message, _LONGEST) or None,
        "looked_at": at(source.looked_at),
        "last_taken_in": at(work.last_taken_in),
        "last_trouble": _trouble(source.trouble, zone),
        "left_alone": health.left_alone,
        "surplus": health.surplus,
        "pending": work.pending,
        "due": work.due,
        "retried": work.retried,
        "undecided": work.undecided,
        "oldest_pending": at(work.oldest),
        "held": _backlog(seen.signs.held, source.name, zone),
        "unanswered": _backlog(seen.signs.unanswered, source.name, zone),
    }


def _trouble(trouble: Trouble | None, zone: ZoneInfo) -> Json | None:
    return None if trouble is None else {"at": moment(trouble.at, zone), "said": clean(trouble.said, _LONGEST)}


def _backlog(of: Mapping[str, Backlog], source: str, zone: ZoneInfo) -> Json:
    backlog = of.get(source)
    return {"count": backlog.count if backlog else 0, "oldest": moment(backlog.oldest, zone) if backlog else None}


def _counted(counted: Mapping[Outcome, int]) -> Json:
    return {str(outcome): counted.get(outcome, 0) for outcome in Outcome}
