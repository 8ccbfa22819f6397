"""What is wrong, as the journal shows it, and in words."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta

from msgspec import Struct

from watcher.model import Backlog, ClockStep, Gate, Signs, SourceHealth
from watcher.policy.alarm import AlarmRules, Condition
from watcher.policy.alarm_words import harmless, say
from watcher.policy.pauses import REFUSED_SAID

LONG = timedelta(hours=1)  # what has been due, failing or unanswered for so long should have gone on
RECENT = timedelta(days=30)  # of double bookings; older ones have been told
HELD_IN_A_FOLDER = timedelta(days=1)  # folders have no `held_after`
_AT_ONCE = timedelta(0)


class Own(Struct, frozen=True, kw_only=True):
    """What one process sees itself, and no journal shows."""

    knows_mailer: bool = True  # it has tried to log in to the SMTP server
    mailer_refused: str | None = None  # why the SMTP server does not let us in
    journal: str | None = None  # why the journal cannot be used
    web: str | None = None  # why the page cannot be served
    clock: ClockStep | None = None  # how the clock was set of late
    late: tuple[str, ...] = ()  # workers that give no sign of life


_NOTHING_ITSELF = Own()


def held_too_long(signs: Signs, held_after: Mapping[str, timedelta]) -> list[str]:
    """The sources of which the oldest hold is older than they allow."""
    return [
        source
        for source, allowed in held_after.items()
        if source in signs.held and signs.now - signs.held[source].oldest >= allowed
    ]


def conditions(signs: Signs, rules: AlarmRules, own: Own = _NOTHING_ITSELF) -> list[Condition]:
    """All that is wrong with this node's sources, endpoint and replies, whether or not it is to be told yet.

    It is remembered in the journal, so that what one process has told the next one can tell to be over.
    """
    gate = signs.gate(rules.endpoint)
    return [
        *_booked_twice(signs, rules),
        *_gate(gate, rules),
        *_sources(signs, rules),
        *_held(signs, rules),
        *_overdue(signs, gate, rules),
        *_unanswered(signs, rules),
        *_strays(signs, rules),
        *_mailer(own, rules),
    ]


def own_conditions(own: Own, rules: AlarmRules) -> list[Condition]:
    """What is wrong with this process alone, which remembers it itself."""
    found = []
    for kind, trouble in (("journal", own.journal), ("web", own.web)):
        if trouble is not None:
            said = say(kind, rules.language, reason=harmless(trouble))
            found.append(Condition(key=kind, said=said, wait=rules.after))
    if own.clock is not None:  # what ran by it has gone on already; whether it is right now nobody knows but a person
        said = say("clock", rules.language, was=rules.moment(own.clock.was), now=rules.moment(own.clock.now))
        found.append(Condition(key="clock", said=said, wait=_AT_ONCE))
    for worker in own.late:  # it has been late for minutes when it is called so
        said = say("worker", rules.language, name=harmless(worker))
        found.append(Condition(key=f"worker {worker}", said=said, wait=_AT_ONCE))
    return found


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
        if health.name not in rules.sources:
            continue
        if health.up is False:
            yield from _down(health, rules)
        elif health.up and health.message:
            said = _said("intake", health, health.message, rules)
            yield Condition(key=f"source {health.name}", said=said, wait=rules.after)


def _down(health: SourceHealth, rules: AlarmRules) -> Iterator[Condition]:
    """A refused login is told at once: it does not mend itself. Of the two ways to be down the one explains the other.

    So a mailbox that goes from the one to the other is not told to be better.
    """
    message = health.message or ""
    refused = message.endswith(REFUSED_SAID)
    why = message.removesuffix(REFUSED_SAID).rstrip("; ")
    login, source = _said("login", health, why, rules), _said("source", health, message, rules)
    yield Condition(key=f"login {health.name}", said=login, wait=_AT_ONCE, explained=not refused)
    yield Condition(key=f"source {health.name}", said=source, wait=rules.after, explained=refused)


def _said(kind: str, health: SourceHealth, reason: str, rules: AlarmRules) -> str:
    since = _since(health.since, rules)
    return say(kind, rules.language, name=health.name, since=since, reason=harmless(reason))


def _mailer(own: Own, rules: AlarmRules) -> Iterator[Condition]:
    """Who has sent nothing yet does not know, and leaves what another process, or the one before, has told as it is."""
    if own.mailer_refused is not None or not own.knows_mailer:
        said = say("mailer", rules.language, reason=harmless(own.mailer_refused))
        yield Condition(key="mailer", said=said, wait=_AT_ONCE, explained=own.mailer_refused is None)


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


def _strays(signs: Signs, rules: AlarmRules) -> Iterator[Condition]:
    """A source that another node has may be without it for a while, as at a restart."""
    for source in signs.strays:
        yield Condition(key=f"stray {source}", said=_backlog("stray", signs.strays, source, rules), wait=rules.after)


def _backlog(kind: str, of: Mapping[str, Backlog], source: str, rules: AlarmRules) -> str:
    backlog = of[source]
    return say(kind, rules.language, name=source, count=backlog.count, since=rules.moment(backlog.oldest))


def _since(moment: datetime | None, rules: AlarmRules) -> str:
    return "?" if moment is None else rules.moment(moment)
