"""What the overview shows: whether all is well, what waits, and for whom."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta

from msgspec import Struct

from watcher.config.sections import Configuration
from watcher.headers import clean
from watcher.model import Backlog, Gate, Outcome, Signs, SourceHealth
from watcher.policy.conditions import LONG, RECENT
from watcher.ports import Journal
from watcher.web.chart import Chart, chart_of
from watcher.web.remembered import Remembered
from watcher.web.speech import Speech

SPANS = {"day": (timedelta(hours=1), 24), "fortnight": (timedelta(hours=12), 28)}
_WEEK = timedelta(days=7)
_SAID = 300


class Figures(Struct, frozen=True, kw_only=True):
    """What the journal says, at about one moment."""

    signs: Signs
    today: Mapping[Outcome, int]
    week: Mapping[Outcome, int]
    week_began: datetime
    pending: Backlog | None
    unanswered: int


class SourceRow(Struct, frozen=True, kw_only=True):
    name: str
    kind: str
    state: str  # up, hampered, down or untried
    since: str
    says: str
    left_alone: int
    surplus: int


class Overview(Struct, frozen=True, kw_only=True):
    troubles: tuple[str, ...]
    figures: Figures
    gate: Gate
    gate_waits: str | None
    sources: tuple[SourceRow, ...]
    held: Backlog | None
    chart: Chart
    span: str


def read_figures(journal: Journal, configuration: Configuration) -> Figures:
    """Each is cheap, but for a week's outcomes, which grow with the week."""
    names = [section.name for section in configuration.sources]
    now = journal.now()
    midnight = now.astimezone(configuration.timezone).replace(hour=0, minute=0, second=0, microsecond=0)
    week_began = midnight - _WEEK + timedelta(days=1)
    return Figures(
        signs=journal.signs(names, long=LONG, recent=RECENT),
        today=journal.outcomes_since(midnight),
        week=journal.outcomes_since(week_began),
        week_began=week_began,
        pending=journal.pending(),
        unanswered=journal.work_left(names).unanswered,
    )


def overview(
    journal: Journal, configuration: Configuration, speech: Speech, remembered: Remembered, span: str
) -> Overview:
    figures = remembered.get("figures", lambda: read_figures(journal, configuration))
    signs = figures.signs
    gate = signs.gate(configuration.recognition.url)
    waits = gate.open and gate.resumes_at is not None and gate.resumes_at > signs.now
    rows = tuple(_sources(configuration, signs.sources, speech))
    return Overview(
        troubles=tuple(_troubles(rows, gate, signs, speech)),
        figures=figures,
        gate=gate,
        gate_waits=speech.time(gate.resumes_at) if waits else None,
        sources=rows,
        held=_together(signs.held),
        chart=_chart(journal, speech, remembered, span),
        span=span,
    )


def _troubles(rows: tuple[SourceRow, ...], gate: Gate, signs: Signs, speech: Speech) -> Iterator[str]:
    for row in rows:
        if row.state in ("down", "hampered"):
            key = "overview.source_down" if row.state == "down" else "overview.source_hampered"
            yield speech.say(key, name=row.name, message=row.says or speech.say("page.unknown"))
    if not gate.open:
        yield speech.say("overview.gate_closed", reason=clean(gate.reason, _SAID))
    for name, left in signs.strays.items():
        yield speech.say("overview.stray", name=name, n=left.count, time=speech.time(left.oldest))
    for twice in signs.booked_twice:
        yield speech.say("overview.booked_twice", id=twice.submission or f"#{twice.booking}")


def _sources(configuration: Configuration, known: tuple[SourceHealth, ...], speech: Speech) -> Iterator[SourceRow]:
    by_name = {health.name: health for health in known}
    mailboxes = {mailbox.name for mailbox in configuration.mailboxes}
    for section in configuration.sources:
        health = by_name.get(section.name, SourceHealth(name=section.name, up=None))
        yield SourceRow(
            name=section.name,
            kind=speech.say("kinds.mail" if section.name in mailboxes else "kinds.file"),
            state=_state(health),
            since=speech.time(health.since),
            says=clean(health.message, _SAID),
            left_alone=health.left_alone,
            surplus=health.surplus,
        )


def _state(health: SourceHealth) -> str:
    if health.up is None:
        return "untried"
    if not health.up:
        return "down"
    return "hampered" if health.message else "up"


def _together(backlogs: Mapping[str, Backlog]) -> Backlog | None:
    if not backlogs:
        return None
    each = backlogs.values()
    return Backlog(count=sum(one.count for one in each), oldest=min(one.oldest for one in each))


def _chart(journal: Journal, speech: Speech, remembered: Remembered, span: str) -> Chart:
    step, steps = SPANS[span]
    now = journal.now()
    # The last step is the one under way; steps begin at whole hours, so that the drawing does not shiver.
    end = now.replace(minute=0, second=0, microsecond=0) + timedelta(hours=1)
    since = end - step * steps
    activity = remembered.get(("activity", span, since), lambda: journal.activity(since, step=step, steps=steps))
    form = "%H:%M" if span == "day" else "%m-%d"
    return chart_of(activity, since, step, lambda moment: moment.astimezone(speech.zone).strftime(form))
