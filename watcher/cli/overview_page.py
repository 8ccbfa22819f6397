"""`status` for people: what an administrator looks at first, in 80 columns."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from zoneinfo import ZoneInfo

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from watcher.cli.overview import Daemon, Overview, SourceState
from watcher.cli.rendering import age, ago, amount_of_bytes, minute
from watcher.headers import clean
from watcher.model import Gate, Kind, Outcome, Submission, SubmissionState
from watcher.policy.conditions import held_too_long

_KINDS = {Kind.MAIL: "mailbox", Kind.FILE: "folder"}


def overview_page(seen: Overview, zone: ZoneInfo) -> RenderableType:
    """Times are shown in this zone."""
    page = _Page(seen, zone)
    return Group(
        page.daemon(),
        page.journal(),
        Text(),
        page.sources(),
        *page.says(),
        Text(),
        page.gate(),
        page.counts(),
        *page.work(),
        *page.for_you(),
    )


class _Page:
    """The parts of one page."""

    def __init__(self, seen: Overview, zone: ZoneInfo) -> None:
        self._seen = seen
        self._zone = zone

    def _since(self, moment: datetime | None) -> str:
        """When, and how long that is."""
        if moment is None:
            return "?"
        return f"{minute(moment, self._zone)} ({age(self._seen.now - moment)})"

    def daemon(self) -> Text:
        daemon = self._seen.daemon
        if not daemon.runs:
            return Text(f"daemon: NOT RUNNING here: {clean(daemon.missing[0], 300)}", "bold red")
        what = Text("daemon: ")
        if daemon.missing:
            what.append(f"NOT READY: {clean('; '.join(daemon.missing), 300)}", "bold red")
        else:
            what.append("ready", "green")
        return what.append(_process(daemon, self._since(daemon.started_at)))

    def journal(self) -> Text:
        stored = self._seen.storage
        free = f", {amount_of_bytes(stored.free)} free" if stored.free is not None else ""
        size = amount_of_bytes(stored.size)
        said = Text(f"journal: {stored.kind} {clean(stored.where, 200)}, {size}{free}, schema {stored.schema}")
        if trouble := self._seen.journal_trouble:
            said.append(f"\n{trouble}", "bold red")
        return said

    # --------------------------------------------------------------------------------------- sources

    def sources(self) -> Table:
        table = Table(box=None, header_style="bold", pad_edge=False)
        for heading in ("source", "", "for", "kind", "looked at", "last taken in", "left alone", "to post"):
            numeric = heading in ("left alone", "to post")
            table.add_column(heading, overflow="fold", justify="right" if numeric else "left")
        for source in self._seen.sources:
            health = source.health
            table.add_row(
                source.name,
                _up(health.up),
                age(self._seen.now - health.since) if health.since else "",
                _KINDS[source.kind],
                ago(source.looked_at, self._seen.now),
                ago(source.work.last_taken_in, self._seen.now),
                str(health.left_alone or ""),
                str(source.work.pending or ""),
            )
        return table

    def says(self) -> Iterator[Text]:
        """What each source says now, or what was the matter last."""
        for source in self._seen.sources:
            if source.health.message:
                style = "red" if source.health.up is False else "yellow"
                yield Text(f"{source.name} says: {clean(source.health.message, 400)}", style)
            elif source.trouble is not None:
                yield self._over(source)

    def _over(self, source: SourceState) -> Text:
        trouble = source.trouble
        said = clean(trouble.said, 200) if trouble else ""
        when = ago(trouble.at, self._seen.now) if trouble else ""
        return Text(f"{source.name}: last trouble {when}, over: {said}", "dim")

    # --------------------------------------------------------------------------------- gate and work

    def gate(self) -> Text:
        gate = self._seen.gate
        if not gate.open:
            probe = f"; next probe {_in(gate, self._seen.now)}"
            return Text(f"gate: CLOSED since {self._since(gate.since)}: {clean(gate.reason, 200)}{probe}", "bold red")
        if gate.resumes_at is not None and gate.resumes_at > self._seen.now:
            until = minute(gate.resumes_at, self._zone)
            return Text(f"gate: open; the endpoint asked to wait until {until}", "yellow")
        return Text("gate: open", "green")

    def counts(self) -> Text:
        counts = self._seen.counts
        submissions = ", ".join(f"{count} {state}" for state, count in counts.submissions.items() if count)
        documents = ", ".join(f"{count} {outcome}" for outcome, count in counts.documents.items() if count)
        return Text(f"submissions: {submissions or 'none'}\ndocuments: {documents or 'none'}")

    def work(self) -> Iterator[Text]:
        """What waits for us, and what was done of late."""
        load = self._seen.workload
        works = load.sources.values()
        if pending := sum(each.pending for each in works):
            parts = {"due": sum(each.due for each in works), "tried again": sum(each.retried for each in works)}
            said = ", ".join(f"{count} {name}" for name, count in parts.items() if count)
            yield Text(f"to post: {pending}" + (f" ({said})" if said else ""))
        if load.oldest is not None:
            yield Text(f"oldest pending: {self._since(load.oldest)}")
        yield Text(f"settled in the last hour: {_outcomes(load.settled)}; day: {_outcomes(load.settled_in_a_day)}")
        if load.tries:
            yield Text("tries in the last hour: " + ", ".join(self._tries()))
        yield from _failing(self._seen.pending)
        yield from _waiting([*self._seen.unanswered, *self._seen.pending])
        if surplus := sum(source.health.surplus for source in self._seen.sources):
            yield Text(
                f"{surplus} mails wait, because their senders have submitted what per_sender allows in an hour",
                "yellow",
            )

    def _tries(self) -> Iterator[str]:
        for result, tried in self._seen.workload.tries.items():
            said = f"{tried.count} {result or 'under way'}"
            bad = result not in ("", "answered") and tried.said
            yield f"{said} (last {ago(tried.last_at, self._seen.now)}: {clean(tried.said, 120)})" if bad else said

    # ------------------------------------------------------------------------- what waits for a person

    def for_you(self) -> Iterator[Text]:
        """What only a person can do, with the command that shows it."""
        held = self._seen.counts.submissions.get(SubmissionState.HELD, 0)
        if held:
            yield Text(f"{held} held for your decision: invoice-watcher list --state held", "yellow")
        for source in held_too_long(self._seen.signs, self._seen.held_after):
            oldest = self._since(self._seen.signs.held[source].oldest)
            yield Text(f"{source}: held for too long, the oldest since {oldest}", "bold red")
        for source, left in self._seen.signs.strays.items():
            yield Text(
                f"{clean(source, 60)} is no source of this node's configuration, and no node looks after it: "
                f"{left.count} not finished, the oldest since {self._since(left.oldest)}: "
                f"invoice-watcher list --source {clean(source, 60)}",
                "bold red",
            )
        for alert in self._seen.alerts:
            yield Text(f"alert since {self._since(alert.since)}: {clean(alert.said, 300)}", "red")


def _process(daemon: Daemon, since: str) -> str:
    return f"; version {daemon.version}, process {daemon.process}, since {since}" if daemon.process else ""


def _up(up: bool | None) -> Text:  # noqa: FBT001
    return {True: Text("up", "green"), False: Text("DOWN", "bold red"), None: Text("not tried yet", "dim")}[up]


def _in(gate: Gate, now: datetime) -> str:
    """When the next probe comes, as soon as a document waits for it."""
    due = gate.probe_at
    return "now, when a document waits" if due is None or due <= now else f"in {age(due - now)}"


def _outcomes(counted: Mapping[Outcome, int]) -> str:
    said = ", ".join(f"{counted[outcome]} {outcome}" for outcome in Outcome if counted.get(outcome))
    return said or "none"


def _failing(pending: Sequence[Submission]) -> Iterator[Text]:
    """Documents whose last try failed, by what was said of it."""
    documents = [each for submission in pending for each in submission.documents if each.outcome is None]
    tries = [document.tries[-1] for document in documents if document.tries]
    said = [clean(last.message, 200) for last in tries if last.ended_at is not None and last.message]
    for reason in dict.fromkeys(said):
        yield Text(f"{said.count(reason)} pending, and tried again: {reason}", style="yellow")


def _waiting(unclosed: Sequence[Submission]) -> Iterator[Text]:
    """What was released, and answers and returns of files that failed and are tried again, by what was said of them."""
    if released := sum(each.released for each in unclosed):
        yield Text(f"{released} released, to be taken in as soon as found in the mailbox's folder", style="yellow")
    for state, what in ((SubmissionState.SETTLED, "answered"), (SubmissionState.OPEN, "put back for another try")):
        said = [clean(one.remark, 200) for one in unclosed if one.state is state and one.remark and not one.released]
        for reason in dict.fromkeys(said):
            yield Text(f"{said.count(reason)} to be {what}, and tried again: {reason}", style="yellow")
