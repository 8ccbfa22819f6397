"""What is wrong, as the journal shows it, and in words."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta

from watcher.model import Backlog, Gate, Signs
from watcher.policy.alarm import AlarmRules, Condition
from watcher.policy.alarm_words import harmless, say

LONG = timedelta(hours=1)  # what has been due, failing or unanswered for so long should have gone on
RECENT = timedelta(days=30)  # of double bookings; older ones have been told
HELD_IN_A_FOLDER = timedelta(days=1)  # folders have no `held_after`
_AT_ONCE = timedelta(0)


def held_too_long(signs: Signs, held_after: Mapping[str, timedelta]) -> list[str]:
    """The sources of which the oldest hold is older than they allow."""
    return [
        source
        for source, allowed in held_after.items()
        if source in signs.held and signs.now - signs.held[source].oldest >= allowed
    ]


def conditions(signs: Signs, rules: AlarmRules) -> list[Condition]:
    """All that is wrong with this node's sources and endpoint, whether or not it is to be told yet."""
    gate = signs.gates.get(rules.endpoint, Gate(open=True))
    return [
        *_booked_twice(signs, rules),
        *_gate(gate, rules),
        *_sources(signs, rules),
        *_held(signs, rules),
        *_overdue(signs, gate, rules),
        *_unanswered(signs, rules),
    ]


def journal_away(trouble: str, rules: AlarmRules) -> Condition:
    """That it cannot be used, which it cannot show itself."""
    return Condition(key="journal", said=say("journal", rules.language, reason=harmless(trouble)), wait=rules.after)


def _booked_twice(signs: Signs, rules: AlarmRules) -> Iterator[Condition]:
    for each in signs.booked_twice:
        where = f"invoice-watcher show {each.submission}" if each.submission else f"bookings.id {each.booking}"
        said = say("booked-twice", rules.language, where=where)
        yield Condition(key=f"booked-twice {each.booking}", said=said, wait=_AT_ONCE, recurs=False, grave=True)


def _gate(gate: Gate, rules: AlarmRules) -> Iterator[Condition]:
    if not gate.open:
        said = say("gate", rules.language, since=_since(gate.since, rules), reason=harmless(gate.reason))
        yield Condition(key=f"gate {rules.endpoint}", said=said, wait=rules.after)


def _sources(signs: Signs, rules: AlarmRules) -> Iterator[Condition]:
    """One that is there, but of which something cannot be taken in (a store is down, say), is no better."""
    for health in signs.sources:
        if health.name in rules.sources and (health.up is False or (health.up and health.message)):
            kind = "intake" if health.up else "source"
            values = {"name": health.name, "since": _since(health.since, rules), "reason": harmless(health.message)}
            yield Condition(key=f"source {health.name}", said=say(kind, rules.language, **values), wait=rules.after)


def _held(signs: Signs, rules: AlarmRules) -> Iterator[Condition]:
    for source in held_too_long(signs, rules.held_after):
        yield Condition(key=f"held {source}", said=_backlog("held", signs.held, source, rules), wait=_AT_ONCE)


def _overdue(signs: Signs, gate: Gate, rules: AlarmRules) -> Iterator[Condition]:
    for source in signs.overdue:
        said = _backlog("overdue", signs.overdue, source, rules)
        yield Condition(key=f"overdue {source}", said=said, wait=rules.after, explained=not gate.open)


def _unanswered(signs: Signs, rules: AlarmRules) -> Iterator[Condition]:
    down = {health.name for health in signs.sources if health.up is False}
    for source, backlog in signs.unanswered.items():
        if signs.now - backlog.oldest >= LONG:
            said = _backlog("answers", signs.unanswered, source, rules)
            yield Condition(key=f"answers {source}", said=said, wait=rules.after, explained=source in down)


def _backlog(kind: str, of: Mapping[str, Backlog], source: str, rules: AlarmRules) -> str:
    backlog = of[source]
    return say(kind, rules.language, name=source, count=backlog.count, since=rules.moment(backlog.oldest))


def _since(moment: datetime | None, rules: AlarmRules) -> str:
    return "?" if moment is None else rules.moment(moment)
