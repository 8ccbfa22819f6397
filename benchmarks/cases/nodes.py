"""How much one daemon and three do on one PostgreSQL, and how soon a daemon that died is succeeded.

All share one machine here: with an endpoint that answers at once they share its cores; with one that takes a second
they show whether three do three times as much.
"""

from __future__ import annotations

import contextlib
import itertools
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path

import yaml

from benchmarks.case import CPU_EACH, RATE, Bound, Case, Contestants, Facts, Figure, Plot, Ratio, Sample, Scale, Target
from benchmarks.daemons import family_cpu
from benchmarks.servers import Servers
from benchmarks.together import Begin, Together
from tests.support.nodes import CONNECT_SECONDS, TIMEOUT_SECONDS, Books
from tests.support.servers.postgres import Postgres
from tests.support.waiting import wait_for
from tests.support.workplace import COMMAND, Daemon, Workplace, environment, pdf
from watcher.sandbox.endpoint import Endpoint

_CONCURRENCY = 8
_SERVER = Figure(name="server", unit="ms CPU/document")
_TWICE = Figure(name="booked twice", unit="documents", digits=0)
_LOOKED_AT = Figure(name="source", unit="s until it is looked after", digits=1)
_POSTED = Figure(name="booking", unit="s until it is posted again", digits=1)
_DONE = {
    _LOOKED_AT.name: "SELECT 1 FROM submissions WHERE path LIKE '%new.pdf'",
    _POSTED.name: "SELECT 1 FROM tries WHERE number = 2",
}
_LONG_SECONDS = 300.0
_ROUNDS, _APART_SECONDS = 5, 5.0  # of take-overs, which wait for most of a minute


@contextlib.contextmanager
def running(workplace: Workplace, *names: str) -> Iterator[list[Daemon]]:
    """Daemons with the workplace's configuration, started at once; given when all are ready, stopped at the end."""
    with contextlib.ExitStack() as held:
        nodes = [held.enter_context(_running(workplace, name)) for name in names]
        for node in nodes:
            wait_for(partial(_has_settled, node), 60, "a node")
        yield nodes
        for node in nodes:
            if node.process.poll() is None:
                node.process.terminate()


@contextlib.contextmanager
def _running(workplace: Workplace, name: str) -> Iterator[Daemon]:
    config, log = workplace.root / f"{name}.yaml", workplace.root / f"{name}.log"
    config.write_text(yaml.safe_dump(workplace.config, allow_unicode=True), "utf-8")
    command: list[str | Path] = [COMMAND, "--config", config, "run"]
    with log.open("ab") as output:
        process = subprocess.Popen(command, stdout=output, stderr=output, env=environment(), start_new_session=True)
    try:
        yield Daemon(process, log)
        process.wait(60)
    finally:
        process.kill()
        process.wait()


def _has_settled(node: Daemon) -> bool:
    assert node.process.poll() is None, node.said()
    return "The daemon is ready" in node.said()


# ---------------------------------------------------------------------------------------- throughput


@contextlib.contextmanager
def _contest(scale: Scale) -> Iterator[Contestants]:
    at_once, later = scale.of(400, 12), scale.of(80, 12)
    with Postgres() as postgres, Servers() as servers:
        work = partial(_work, postgres, servers, scale.folder)
        yield {
            "daemons: 1": partial(work, nodes=1, files=at_once, latency=0.0),
            "daemons: 3": partial(work, nodes=3, files=at_once, latency=0.0),
            "daemons: 1, 1 s": partial(work, nodes=1, files=later, latency=scale.of(1, 0)),
            "daemons: 3, 1 s": partial(work, nodes=3, files=later, latency=scale.of(1, 0)),
        }


def _work(postgres: Postgres, servers: Servers, folder: Path, *, nodes: int, files: int, latency: float) -> Sample:
    """From the first drop to the last answer."""
    servers.answer_after(latency)
    servers.reset()
    with _company(postgres, servers, folder) as (workplace, books):
        with running(workplace, *(f"node-{number}" for number in range(nodes))) as daemons:
            members = [each.process.pid for each in daemons]
            cpu, server, began = sum(map(family_cpu, members)), family_cpu(postgres.pid), time.monotonic()
            for number in range(files):
                workplace.drop(f"{number}.pdf", pdf(f"{number} of {nodes}", 20_000))
            wait_for(lambda: books.closed() >= files, _LONG_SECONDS, "the answers", every=0.1)
            wall, cpu = time.monotonic() - began, sum(map(family_cpu, members)) - cpu
            server = family_cpu(postgres.pid) - server
        booked = [arrival.biz_id for arrival in servers.arrivals()]
        values = {RATE.name: files / wall, CPU_EACH.name: cpu / files * 1000, _SERVER.name: server / files * 1000}
        return Sample(values=values | {_TWICE.name: len(booked) - len(set(booked))})


@contextlib.contextmanager
def _company(
    postgres: Postgres, endpoint: Servers | Endpoint, folder: Path, **recognition: object
) -> Iterator[tuple[Workplace, Books]]:
    """With a database of its own, and a folder."""
    root = Path(tempfile.mkdtemp(dir=folder))
    workplace = Workplace(root, endpoint, concurrency=_CONCURRENCY, **recognition).with_folder(poll="2s", settle="1s")
    journal = postgres.database()
    workplace.config["journal"] = journal
    try:
        yield workplace, Books(journal)
    finally:
        postgres.drop(journal)
        shutil.rmtree(root)


# ----------------------------------------------------------------------------------------- take-over


@contextlib.contextmanager
def _take_over_contest(scale: Scale) -> Iterator[Contestants]:
    end: Callable[[Daemon], object] = _stop if scale.quick else _kill
    with Postgres() as postgres:
        one = partial(_take_over, postgres, scale.folder, end)
        together = Together({str(number): one for number in range(scale.of(_ROUNDS, 1))}, apart=_APART_SECONDS)
        numbers = itertools.cycle(range(scale.of(_ROUNDS, 1)))
        yield {"an heir": lambda: together.sample(str(next(numbers)))}


def _kill(daemon: Daemon) -> None:
    daemon.process.kill()
    daemon.process.wait()


def _stop(daemon: Daemon) -> None:
    """It leaves nothing that others wait for: a minute less, where only the way is tried."""
    daemon.stop()


def _take_over(postgres: Postgres, folder: Path, end: Callable[[Daemon], object], begin: Begin) -> Sample:
    """Seconds from the death of a node until another does what it had claimed."""
    begin()
    times = {"connect_timeout": f"{CONNECT_SECONDS}s", "timeout": f"{TIMEOUT_SECONDS}s", "retry": {"first": "1s"}}
    with Endpoint() as endpoint, _company(postgres, endpoint, folder, **times) as (workplace, books):
        with running(workplace, "dying") as (dying,):
            wait_for(books.claimed_sources, 60, "the source's claim")
            endpoint.behave(silent="before", times=1)
            workplace.drop("in flight.pdf", pdf("in flight"))
            wait_for(lambda: len(endpoint.requests) > 0, 60, "the request")
            end(dying)
        died = time.monotonic()
        with running(workplace, "heir"):
            workplace.drop("new.pdf", pdf("new"))
            return Sample(values=_seconds_until_done(books, died))


def _seconds_until_done(books: Books, since: float) -> dict[str, float]:
    times: dict[str, float] = {}

    def look() -> bool:
        for name, statement in _DONE.items():
            if name not in times and books.rows(statement):
                times[name] = time.monotonic() - since
        return len(times) == len(_DONE)

    wait_for(look, _LONG_SECONDS, "an heir", every=0.1)
    return times


def _never_twice(contestants: Sequence[str]) -> Iterator[Target]:
    for contestant in contestants:
        yield Target(figure=_TWICE.name, contestant=contestant, bound=Bound(at_most=0))


NODES = Facts(
    name="nodes",
    title="One node and three",
    measures=(
        f"Files from a folder on one PostgreSQL by one daemon and by three, each with {_CONCURRENCY} requests at once, "
        "with an endpoint that answers at once and with one that takes a second; all on one machine."
    ),
    figures=(RATE, CPU_EACH, _SERVER, _TWICE),
    ratios=(
        Ratio(figure=RATE.name, ours="daemons: 3", theirs="daemons: 1"),
        Ratio(figure=CPU_EACH.name, ours="daemons: 3", theirs="daemons: 1"),
        Ratio(figure=RATE.name, ours="daemons: 3, 1 s", theirs="daemons: 1, 1 s"),
    ),
    targets=tuple(_never_twice(("daemons: 1", "daemons: 3", "daemons: 1, 1 s", "daemons: 3, 1 s"))),
    plots=(Plot(figure=RATE.name),),
)
TAKE_OVER = Facts(
    name="take-over",
    title="A node that died",
    measures=(
        "From the kill of a daemon until another looks after its folder, and posts again what it was posting, which is "
        f"when the request's {CONNECT_SECONDS + TIMEOUT_SECONDS} s and 30 s more are over. Five such companies at the "
        f"same time, {_APART_SECONDS:g} s apart, because hardly anything is done meanwhile."
    ),
    figures=(_LOOKED_AT, _POSTED),
)
CASES = (Case(facts=NODES, contest=_contest), Case(facts=TAKE_OVER, contest=_take_over_contest))
