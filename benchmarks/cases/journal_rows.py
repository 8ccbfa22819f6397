"""Whether a journal with years of work in it is as quick as a new one, on SQLite and on PostgreSQL.

The large journal is filled in bulk, once, and each round has a copy of it, as each has an empty one: some hundred
submissions are added to both. The bare driver does the least of it on tables of keys, of both sizes: deeper indexes
and colder pages are nobody's fault.
"""

from __future__ import annotations

import contextlib
import itertools
import os
import shutil
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from pathlib import Path

from benchmarks.bare_keys import fill_keys, work_on_keys
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
BARE_EMPTY, BARE_FULL = "bare driver, empty", "bare driver, a million rows"
STEPS = ("record", "claim", "settle", "answer")
ASKED = ("known", "list", "list, errors", "list, a sender", "list, a name", "status", "page", "forget")
_FILES_SECONDS = 600.0
_FOR_EVER = timedelta(days=36_500)
_WARM = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Engine:
    """A database system: gives the URL of a new journal, copies and drops one, and tells its server's CPU seconds."""

    name: str
    new: Callable[[], str]
    copy: Callable[[str], str]  # of what nobody is connected to; the URL of the copy
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

    def copy(url: str) -> str:
        made = new()
        shutil.copy(_file(url), _file(made))
        return made

    def drop(url: str) -> None:
        shutil.rmtree(_file(url).parent)

    yield Engine(name="SQLite", new=new, copy=copy, drop=drop, server_cpu=lambda: 0.0)


def _file(url: str) -> Path:
    return Path(url.removeprefix("sqlite:///"))


@contextlib.contextmanager
def postgresql(_folder: Path) -> Iterator[Engine]:
    with Postgres() as server:
        yield Engine(
            name="PostgreSQL",
            new=server.database,
            copy=server.copy,
            drop=server.drop,
            server_cpu=lambda: family_cpu(server.pid),
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
        empty, full, no_keys, keys = engine.new(), engine.new(), engine.new(), engine.new()
        migrate(empty)
        _fill(full, sizes.rows)
        fill_keys(no_keys, 0)
        fill_keys(keys, sizes.rows)
        measured = partial(_measured, engine, sizes, servers, scale.folder)
        bare = partial(_bare, engine, sizes)
        yield {
            EMPTY: partial(_on_a_copy, engine, measured, empty),
            FULL: partial(_on_a_copy, engine, measured, full),
            BARE_EMPTY: partial(_on_a_copy, engine, partial(bare, 0), no_keys),
            BARE_FULL: partial(_on_a_copy, engine, partial(bare, sizes.rows), keys),
        }


def _fill(url: str, rows: int) -> None:
    migrate(url)
    fill(url, rows)
    _fold_totals(url)
    if url.startswith("postgres"):
        import psycopg

        with psycopg.connect(url, autocommit=True) as connection:
            # As its own vacuum does in time, which must not do it meanwhile; nor are totals ever written in bulk.
            connection.execute("VACUUM FULL totals")
            connection.execute("VACUUM ANALYZE")
            connection.execute("CHECKPOINT")


def _fold_totals(url: str) -> None:
    journal = open_journal(url, exclusive=True)
    try:
        journal.forget(_FOR_EVER)
    finally:
        journal.close()


def _on_a_copy(engine: Engine, measured: Callable[[str], Sample], original: str) -> Sample:
    url = engine.copy(original)
    os.sync()  # else each commit waits for what the system still has to write of the copy
    try:
        return measured(url)
    finally:
        engine.drop(url)


def _bare(engine: Engine, sizes: Sizes, rows: int, url: str) -> Sample:
    return Sample(values=work_on_keys(url, sizes.submissions, rows, engine.cpu))


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
                f"on a journal of a million answered documents on {title}, and on a new one; beside it what the bare "
                f"driver takes to write and to find the random keys of as many submissions and documents, and of none."
            ),
            figures=FIGURES,
            ratios=(
                *(_slower_by(name, 1.10) for name in (*STEPS, "wall", *ASKED, "CPU a file")),
                Ratio(figure="files", ours=FULL, theirs=EMPTY, bound=Bound(at_least=0.90)),
                *(Ratio(figure=name, ours=BARE_FULL, theirs=BARE_EMPTY) for name in ("record", "known")),
            ),
            plots=(Plot(figure="files"), Plot(figure="CPU a file")),
        ),
        contest=partial(_contest, engines),
    )


CASES = (
    _case("journal-sqlite", "SQLite", sqlite),
    _case("journal-postgresql", "PostgreSQL", postgresql),
)
