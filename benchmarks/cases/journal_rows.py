"""Whether a journal with years of work in it is as quick as a new one, on SQLite and on PostgreSQL.

The large journal is filled in bulk, once, and serves all rounds: each adds some hundred submissions to the million. The
empty one is new in each round, and comes to have those hundred alone.
"""

from __future__ import annotations

import contextlib
import itertools
import os
import shutil
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from benchmarks.case import Bound, Case, Contestants, Facts, Figure, Plot, Ratio, Sample, Scale
from benchmarks.daemons import family_cpu, usage
from benchmarks.filling import fill
from benchmarks.journal_work import Clock, least_ms, questions, way_of_submissions
from benchmarks.servers import Servers
from tests.support.servers.postgres import Postgres
from tests.support.waiting import wait_for
from tests.support.workplace import Workplace, pdf
from watcher.journal.opening import migrate, open_journal

EMPTY, FULL = "empty", "a million rows"
STEPS = ("record", "claim", "settle", "answer")
ASKED = ("known", "list", "list, errors", "list, a sender", "list, a name", "status", "page", "forget")
_FILES_SECONDS = 600.0
_WARM = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Engine:
    """A database system: gives the URL of a new journal, drops one, and tells the CPU seconds of its server so far."""

    name: str
    new: Callable[[], str]
    drop: Callable[[str], None]
    server_cpu: Clock

    def cpu(self) -> float:
        """Seconds of this process, where the journal is at work, and of the server."""
        return time.process_time() + self.server_cpu()


@contextlib.contextmanager
def sqlite(folder: Path) -> Iterator[Engine]:
    numbers = itertools.count()

    def new() -> str:
        place = folder / f"journal-{next(numbers)}"
        place.mkdir()
        return f"sqlite:///{place}/journal.db"

    def drop(url: str) -> None:
        shutil.rmtree(Path(url.removeprefix("sqlite:///")).parent)

    yield Engine(name="SQLite", new=new, drop=drop, server_cpu=lambda: 0.0)


@contextlib.contextmanager
def postgresql(_folder: Path) -> Iterator[Engine]:
    with Postgres() as server:
        yield Engine(
            name="PostgreSQL", new=server.database, drop=server.drop, server_cpu=lambda: family_cpu(server.pid)
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Sizes:
    rows: int  # of the large journal
    submissions: int  # that go their way in each run, by the ports
    files: int  # that the daemon takes in afterwards


@contextlib.contextmanager
def _contest(
    engines: Callable[[Path], contextlib.AbstractContextManager[Engine]], scale: Scale
) -> Iterator[Contestants]:
    sizes = Sizes(rows=scale.of(1_000_000, 500), submissions=scale.of(400, 24), files=scale.of(400, 10))
    with engines(scale.folder) as engine, Servers() as servers:
        full = engine.new()
        _fill(full, sizes.rows)
        measured = partial(_measured, engine, sizes, servers, scale.folder)
        yield {EMPTY: partial(_on_a_new_one, engine, measured), FULL: partial(measured, full)}


def _fill(url: str, rows: int) -> None:
    migrate(url)
    fill(url, rows)
    if url.startswith("postgres"):
        import psycopg

        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute("VACUUM ANALYZE")  # as its own vacuum does, which must not do it meanwhile
            connection.execute("CHECKPOINT")


def _on_a_new_one(engine: Engine, measured: Callable[[str], Sample]) -> Sample:
    url = engine.new()
    migrate(url)
    try:
        return measured(url)
    finally:
        engine.drop(url)


def _measured(engine: Engine, sizes: Sizes, servers: Servers, folder: Path, url: str) -> Sample:
    root = folder / "company"
    workplace = Workplace(root, servers).with_folder()
    # What the large journal was filled with is years old, and stays.
    workplace.config |= {"journal": url, "retention": {"closed": "36500d"}}
    workplace.write()
    try:
        return Sample(values=_by_the_ports(engine, workplace, sizes) | _by_the_daemon(engine, workplace, sizes.files))
    finally:
        shutil.rmtree(root)


def _by_the_ports(engine: Engine, workplace: Workplace, sizes: Sizes) -> dict[str, float]:
    journal = open_journal(workplace.config["journal"], exclusive=True)
    try:
        way_of_submissions(journal, _WARM, engine.cpu)  # what is loaded and prepared once
        began = time.perf_counter()
        steps, contents = way_of_submissions(journal, sizes.submissions, engine.cpu)
        wall = (time.perf_counter() - began) * 1000 / sizes.submissions
        asked = questions(journal, workplace.config_file, contents)
        return steps | {"wall": wall} | {name: least_ms(asked[name]) for name in ASKED}
    finally:
        journal.close()


def _by_the_daemon(engine: Engine, workplace: Workplace, files: int) -> dict[str, float]:
    """Files that are dropped at once, until the last lies in done/."""
    with workplace.daemon() as daemon:
        pid = daemon.process.pid
        began, cpu, server = time.perf_counter(), usage(pid).cpu, engine.server_cpu()
        for number in range(files):
            workplace.drop(f"{number}.pdf", pdf(f"{number} {time.time_ns()}"))
        wait_for(partial(_has_files, workplace.done, files), _FILES_SECONDS, "the files in done/", every=0.05)
        return {
            "files": files / (time.perf_counter() - began),
            "CPU a file": (usage(pid).cpu - cpu) * 1000 / files,
            "server a file": (engine.server_cpu() - server) * 1000 / files,
        }


def _has_files(folder: Path, count: int) -> bool:
    return sum(len(names) for _, _, names in os.walk(folder)) >= count


FIGURES = (
    *(Figure(name=name, unit="ms CPU/submission") for name in STEPS),
    Figure(name="wall", unit="ms/submission"),
    *(Figure(name=name, unit="ms") for name in ASKED),
    Figure(name="files", unit="documents/s", digits=0),
    Figure(name="CPU a file", unit="ms/document"),
    Figure(name="server a file", unit="ms CPU/document"),
)


def _slower_by(figure: str, at_most: float) -> Ratio:
    return Ratio(figure=figure, ours=FULL, theirs=EMPTY, bound=Bound(at_most=at_most))


def _case(name: str, title: str, engines: Callable[[Path], contextlib.AbstractContextManager[Engine]]) -> Case:
    return Case(
        facts=Facts(
            name=name,
            title=f"A journal of a million documents on {title}",
            measures=(
                f"A submission's cost by the journal's ports, what people ask, and what the daemon does with files, "
                f"on a journal of a million answered documents on {title}, and on a new one."
            ),
            figures=FIGURES,
            ratios=(
                *(_slower_by(name, 1.10) for name in (*STEPS, "wall", *ASKED, "CPU a file")),
                Ratio(figure="files", ours=FULL, theirs=EMPTY, bound=Bound(at_least=0.90)),
            ),
            plots=(Plot(figure="files"), Plot(figure="CPU a file")),
        ),
        contest=partial(_contest, engines),
    )


CASES = (
    _case("journal-sqlite", "SQLite", sqlite),
    _case("journal-postgresql", "PostgreSQL", postgresql),
)
