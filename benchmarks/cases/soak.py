"""Whether a daemon that has dealt with 200,000 documents is as it was: years of a company's work in twenty minutes."""

from __future__ import annotations

import itertools
import shutil
import signal
import statistics
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from benchmarks.case import CPU_EACH, RATE, Bound, Case, Contestants, Facts, Figure, Plot, Point, Sample, Scale, Target
from benchmarks.daemons import Usage, usage
from benchmarks.feeding import DONE, FAILED, RULE, Feed, contents
from benchmarks.servers import Servers
from tests.support.servers.dovecot import Account, Dovecot
from tests.support.workplace import Daemon, Workplace

_RATE = 400.0  # documents a second that are given, where so many are dealt with
_WARM_SHARE = 0.2  # of the documents, until which memory may grow: caches fill
_MEMORY = Figure(name="memory", unit="MB", digits=1)
_THREADS = Figure(name="threads", unit="", digits=0)
_DESCRIPTORS = Figure(name="descriptors", unit="", digits=0)
_JOURNAL = Figure(name="journal", unit="MB", digits=0)
_GROWTH = Figure(name="memory growth", unit="MB/100,000 documents")
_MORE_THREADS = Figure(name="threads growth", unit="1/100,000 documents")
_MORE_DESCRIPTORS = Figure(name="descriptors growth", unit="1/100,000 documents")
_SLOWER = Figure(name="CPU growth", unit="%/100,000 documents", digits=1)
_THREADS_APART = Figure(name="threads apart", unit="most - least", digits=0)
_DESCRIPTORS_APART = Figure(name="descriptors apart", unit="most - least", digits=0)
_TWICE = Figure(name="booked twice", unit="documents", digits=0)
_LOST = Figure(name="lost", unit="documents", digits=0)
_DAEMON = "daemon"


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """At one moment: seconds since the start, documents dealt with, what the process uses, MB of the journal."""

    at: float
    documents: int
    used: Usage
    journal: float


@contextmanager
def _contest(scale: Scale) -> Iterator[Contestants]:
    with Dovecot() as server, Servers() as servers:
        yield {_DAEMON: partial(_soak, servers, server.account(), scale)}


def _soak(servers: Servers, account: Account, scale: Scale) -> Sample:
    total = scale.of(200_000, 500)
    with _shelves(scale.folder) as shelves:
        workplace = _workplace(servers, account, scale.folder / "company", shelves)
        feed = Feed(shelves, account, servers, total=total, rate=_RATE)
        feed.prepare()
        with workplace.write().daemon() as daemon:
            looks = list(_looks(feed, daemon, workplace, every=10.0 if not scale.quick else 0.5))
    booked = [arrival.biz_id for arrival in servers.arrivals()]
    found = {_TWICE.name: len(booked) - len(set(booked)), _LOST.name: contents(total) - len(set(booked))}
    return Sample(values=figures_of(looks) | found, series=_series(looks))


@contextmanager
def _shelves(folder: Path) -> Iterator[Path]:
    """Folders in memory, where there is room: what comes and goes is not what is measured."""
    memory = Path("/dev/shm")
    shelves = Path(tempfile.mkdtemp(prefix="bench-soak-", dir=memory if memory.is_dir() else folder))
    try:
        yield shelves
    finally:
        shutil.rmtree(shelves)


def _workplace(servers: Servers, account: Account, root: Path, shelves: Path) -> Workplace:
    workplace = Workplace(root, servers, concurrency=8)
    workplace.config |= {
        "stores": {"default": {"type": "http", "url": servers.upload_url}},
        "directory": {"rules": [RULE]},
    }
    workplace.with_folder(**{key: str(shelves / name) for key, name in _PLACES.items()})
    login = (account.server.host, account.server.port, account.username, account.password)
    workplace.with_mailbox(*login, done=DONE, error=FAILED)
    return workplace.with_smtp(servers.smtp_host, servers.smtp_port)


_PLACES = {"path": "inbox", "done": "done", "error": "error"}


def _looks(feed: Feed, daemon: Daemon, workplace: Workplace, *, every: float) -> Iterator[Look]:
    """One each so many seconds, while there is work; after each sixth the configuration is changed and read again."""
    began, pid, number = time.monotonic(), daemon.process.pid, 0
    for documents in feed.steps():
        at = time.monotonic() - began
        if at < number * every or not feed.feeds:
            continue
        yield Look(at=at, documents=documents, used=usage(pid), journal=_megabytes(workplace.root))
        number += 1
        if number % 6 == 0:
            _reload(workplace, daemon, number)


def _megabytes(root: Path) -> float:
    return sum(path.stat().st_size for path in root.glob("journal.db*")) / 1e6


def _reload(workplace: Workplace, daemon: Daemon, number: int) -> None:
    workplace.config["recognition"]["timeout"] = f"{10 + number % 2}s"
    workplace.write()
    daemon.signal(signal.SIGHUP)


# ------------------------------------------------------------------------------------ what it comes to


def figures_of(looks: Sequence[Look]) -> dict[str, float]:
    """Of the whole, and what grew after the first fifth."""
    first, last = looks[0], looks[-1]
    warm = [look for look in looks if look.documents >= last.documents * _WARM_SHARE]
    threads, descriptors = [look.used.threads for look in warm], [look.used.descriptors for look in warm]
    each = [(look.documents, cpu) for look, (_, cpu) in zip(looks[1:], _cpu_each(looks), strict=True) if look in warm]
    dealt = last.documents - first.documents
    mean = (last.used.cpu - first.used.cpu) / dealt * 1000
    return {
        RATE.name: dealt / (last.at - first.at),
        CPU_EACH.name: mean,
        _SLOWER.name: _growth(each) / mean * 100,
        _MEMORY.name: last.used.rss,
        _GROWTH.name: _growth([(look.documents, look.used.rss) for look in warm]),
        _THREADS.name: last.used.threads,
        _MORE_THREADS.name: _growth([(look.documents, look.used.threads) for look in warm]),
        _THREADS_APART.name: max(threads) - min(threads),
        _DESCRIPTORS.name: last.used.descriptors,
        _MORE_DESCRIPTORS.name: _growth([(look.documents, look.used.descriptors) for look in warm]),
        _DESCRIPTORS_APART.name: max(descriptors) - min(descriptors),
        _JOURNAL.name: last.journal,
    }


def _growth(points: Sequence[Point]) -> float:
    """By the line that fits best, for 100,000 documents."""
    return statistics.linear_regression(*zip(*points, strict=True)).slope * 100_000


def _cpu_each(looks: Sequence[Look]) -> Iterator[Point]:
    """Milliseconds for a document, in each stretch between two looks."""
    for before, look in itertools.pairwise(looks):
        yield look.documents, (look.used.cpu - before.used.cpu) * 1000 / max(1, look.documents - before.documents)


def _series(looks: Sequence[Look]) -> dict[str, tuple[Point, ...]]:
    return {
        _MEMORY.name: tuple((look.documents, look.used.rss) for look in looks),
        _THREADS.name: tuple((look.documents, look.used.threads) for look in looks),
        _DESCRIPTORS.name: tuple((look.documents, look.used.descriptors) for look in looks),
        _JOURNAL.name: tuple((look.documents, look.journal) for look in looks),
        CPU_EACH.name: tuple(_cpu_each(looks)),
    }


def _at_most(figure: Figure, bound: float) -> Target:
    return Target(figure=figure.name, contestant=_DAEMON, bound=Bound(at_most=bound))


FACTS = Facts(
    name="soak",
    title="200,000 documents through one daemon",
    measures=(
        "Seven files for each mail, uploaded, posted to an endpoint that answers at once, and answered; one in 25 a "
        "duplicate, one in 25 a failure, and the configuration changed and read again each "
        "minute; what grows is told for 100,000 documents, by the line that fits best after the first fifth."
    ),
    figures=(
        RATE, CPU_EACH, _SLOWER, _MEMORY, _GROWTH, _THREADS, _MORE_THREADS, _THREADS_APART, _DESCRIPTORS,
        _MORE_DESCRIPTORS, _DESCRIPTORS_APART, _JOURNAL, _TWICE, _LOST,
    ),
    targets=(
        _at_most(_GROWTH, 5), _at_most(_MORE_THREADS, 1), _at_most(_MORE_DESCRIPTORS, 1), _at_most(_SLOWER, 10),
        _at_most(_TWICE, 0), _at_most(_LOST, 0),
    ),
    plots=tuple(Plot(figure=each.name, kind="lines", over="documents") for each in (_MEMORY, _DESCRIPTORS, _THREADS)),
)  # fmt: skip
CASES = (Case(facts=FACTS, contest=_contest, runs=1, asked_for=True),)
