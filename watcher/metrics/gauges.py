"""What is so at the moment of a scrape, as metrics."""

from __future__ import annotations

import platform
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime

from prometheus_client import Metric
from prometheus_client.core import GaugeMetricFamily, InfoMetricFamily

from watcher.metrics.reading import Reading
from watcher.model import Backlog, SourceWork

_PREFIX = "invoice_watcher_"


def gauges(seen: Reading) -> Iterator[Metric]:
    """All of them; those of a journal that cannot be read are left out."""
    yield from _process(seen)
    if seen.signs is not None:
        yield from _health(seen)
        yield from _work(seen)
        yield from _backlogs(seen)
        yield from _gate(seen)
    yield from _journal(seen)


def _process(seen: Reading) -> Iterator[Metric]:
    build = InfoMetricFamily(f"{_PREFIX}build", "The program that runs.")
    build.add_metric([], {"version": seen.version, "python": platform.python_version()})
    yield build
    yield _one("ready", "Whether the daemon works, can use its journal, and has no worker that hangs.", seen.ready)
    yield _one("workers_late", "Workers that give no sign of life.", seen.late)
    good = {name: moment.timestamp() for name, moment in seen.last_good.items() if name in seen.sources}
    yield _by("source_last_good_timestamp_seconds", "When this process last looked at a source without trouble.", good)


def _journal(seen: Reading) -> Iterator[Metric]:
    yield _one("journal_up", "Whether the journal can be read.", seen.signs is not None)
    if seen.storage is not None:
        yield _one("journal_size_bytes", "Bytes that the journal takes on its disk.", seen.storage.size)
        if seen.storage.free is not None:
            yield _one("journal_free_bytes", "Bytes that are free on the journal's disk.", seen.storage.free)


def _health(seen: Reading) -> Iterator[Metric]:
    signs = seen.signs
    health = {each.name: each for each in signs.sources if each.name in seen.sources} if signs else {}
    up = {name: float(each.up) for name, each in health.items() if each.up is not None}
    yield _by("source_up", "Whether a source can be used.", up)
    left_alone = {name: float(each.left_alone) for name, each in health.items()}
    yield _by("source_left_alone", "Mails and files that are not for us, and stay where they are.", left_alone)
    surplus = {name: float(each.surplus) for name, each in health.items()}
    yield _by("source_over_allowance", "Mails that wait because their senders have submitted too much.", surplus)
    told = Counter(each.key.partition(" ")[0] for each in seen.alerts)
    yield _by("alerts", "Things wrong that somebody has been told of.", {k: float(n) for k, n in told.items()}, "kind")


def _work(seen: Reading) -> Iterator[Metric]:
    load = seen.workload
    if load is None:
        return
    now = load.now

    def of(number: Callable[[SourceWork], float]) -> dict[str, float]:
        return {name: number(work) for name, work in load.sources.items()}

    yield _by("pending", "Documents of different content that have no outcome yet.", of(lambda work: work.pending))
    yield _by("due", "Of the pending ones, those that are to be posted now.", of(lambda work: work.due))
    yield _by("retried", "Of the pending ones, those that failed and are tried again.", of(lambda work: work.retried))
    yield _by("undecided", "Of the pending ones, those that a person decides on.", of(lambda work: work.undecided))
    age = of(lambda work: _age(work.oldest, now))
    yield _by("oldest_pending_age_seconds", "Age of the oldest submission with something pending; 0: none has.", age)


def _backlogs(seen: Reading) -> Iterator[Metric]:
    signs = seen.signs
    if signs is None:
        return
    for name, of, what in (
        ("held", signs.held, "Submissions that a person decides on"),
        ("unanswered", signs.unanswered, "Submissions that are to be answered"),
    ):
        count, age = _backlog(of, seen.sources, signs.now)
        yield _by(name, f"{what}.", count)
        yield _by(f"oldest_{name}_age_seconds", f"{what}: how long the oldest has waited; 0: none waits.", age)
    count, _ = _backlog(signs.overdue, seen.sources, signs.now)
    yield _by("overdue", "Documents that have been due, or failing, for an hour.", count)


def _gate(seen: Reading) -> Iterator[Metric]:
    if seen.gate is not None:
        yield _one("gate_open", "Whether the endpoint may be posted to.", seen.gate.open)


def _backlog(
    of: Mapping[str, Backlog], sources: tuple[str, ...], now: datetime
) -> tuple[dict[str, float], dict[str, float]]:
    """By source, how many there are and how old the oldest is."""
    count = {name: float(of[name].count) if name in of else 0.0 for name in sources}
    return count, {name: _age(of[name].oldest, now) if name in of else 0.0 for name in sources}


def _age(moment: datetime | None, now: datetime) -> float:
    return 0.0 if moment is None else max(0.0, (now - moment).total_seconds())


def _one(name: str, what: str, value: float) -> Metric:
    return GaugeMetricFamily(_PREFIX + name, what, value=float(value))


def _by(name: str, what: str, values: Mapping[str, float], label: str = "source") -> Metric:
    family = GaugeMetricFamily(_PREFIX + name, what, labels=[label])
    for value in sorted(values):
        family.add_metric([value], values[value])
    return family
