"""From a dropped file to the moved one, with an endpoint that answers at once."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from benchmarks.case import (
    CPU,
    CPU_EACH,
    PEAK,
    RATE,
    WALL,
    Bound,
    Case,
    Contestants,
    Facts,
    Plot,
    Ratio,
    Sample,
    Scale,
    Target,
)
from benchmarks.cases.folders import BASE_URL, RESOLVE, Folders, count_of, script_on
from benchmarks.processes import ON_ANY_CORE, Meter, daemon, program
from benchmarks.rivals import least
from benchmarks.servers import Servers
from tests.support.waiting import wait_for
from tests.support.workplace import ZHANG, Workplace, pdf

DOCUMENT_BYTES = 50_000
LONG_SECONDS = 300.0
ANY_CORE = "daemon, on any core"
LEAST, LEAST_BY_REQUESTS = "the least in Python", "the least, by requests"
FIGURES = (RATE, CPU_EACH, CPU, WALL, PEAK)


def by_daemon(servers: Servers, root: Path, count: int, *through: str, resolve: bool) -> Sample:
    with tempfile.TemporaryDirectory(dir=root) as folder:
        workplace = Workplace(Path(folder), servers, concurrency=8).with_folder()
        workplace.config["stores"] = {"default": RESOLVE if resolve else {"type": "http", "url": servers.upload_url}}
        with daemon(workplace.write(), *through) as meter:
            return _dropped(servers, workplace.inbox, workplace.done, count, meter)


def by_script(servers: Servers, root: Path, count: int, *, resolve: bool, workers: int) -> Sample:
    with tempfile.TemporaryDirectory(dir=root) as folder:
        folders = Folders(Path(folder))
        store = ["--base-url", BASE_URL] if resolve else ["--upload", servers.upload_url]
        with script_on(folders, servers, *store, workers=workers) as meter:
            return _dropped(servers, folders.root / "inbox", folders.root / "done", count, meter)


def by_the_least(servers: Servers, root: Path, count: int, *words: str, resolve: bool) -> Sample:
    with tempfile.TemporaryDirectory(dir=root) as folder:
        folders = Folders(Path(folder))
        folders.make()
        places = [Path(folder) / "journal.db", folders.of("inbox"), folders.of("done")]
        store = [] if resolve else [servers.upload_url]
        command = [sys.executable, least.__file__, *words, "folder", *map(str, places), servers.url, *store]
        with program(command) as meter:
            return _dropped(servers, folders.root / "inbox", folders.root / "done", count, meter)


def _dropped(servers: Servers, inbox: Path, done: Path, count: int, meter: Meter) -> Sample:
    """All files are written one after the other, as fast as that goes; then it is waited until all have moved."""
    servers.reset()
    (inbox / ZHANG).mkdir(exist_ok=True)
    meter = Meter(meter.pid)
    for number in range(count):
        (inbox / ZHANG / f"{number}.pdf").write_bytes(pdf(f"document {number}", DOCUMENT_BYTES))
    servers.wait_for_posts(count, LONG_SECONDS)
    wait_for(lambda: count_of(done / ZHANG) >= count, LONG_SECONDS, f"{count} files in done")
    return meter.spent().over(count)


@contextmanager
def contest(scale: Scale, *, resolve: bool) -> Iterator[Contestants]:
    count = scale.of(1000, 30)
    with Servers() as servers:
        given = (servers, scale.folder, count)
        yield {
            "daemon": partial(by_daemon, *given, resolve=resolve),
            ANY_CORE: partial(by_daemon, *given, *ON_ANY_CORE, resolve=resolve),
            "script": partial(by_script, *given, resolve=resolve, workers=1),
            "script, pool of 8": partial(by_script, *given, resolve=resolve, workers=8),
            LEAST: partial(by_the_least, *given, resolve=resolve),
            LEAST_BY_REQUESTS: partial(by_the_least, *given, "--requests", resolve=resolve),
        }


def _case(name: str, title: str, measures: str, *, resolve: bool) -> Case:
    return Case(
        facts=Facts(
            name=name,
            title=title,
            measures=measures,
            figures=FIGURES,
            ratios=(
                Ratio(figure=CPU_EACH.name, ours="daemon", theirs="script", bound=Bound(at_most=1.0)),
                Ratio(figure=CPU_EACH.name, ours="daemon", theirs="script, pool of 8", bound=Bound(at_most=1.0)),
                Ratio(figure=CPU_EACH.name, ours=ANY_CORE, theirs="script"),
                Ratio(figure=CPU_EACH.name, ours=ANY_CORE, theirs="script, pool of 8"),
                Ratio(figure=CPU_EACH.name, ours="daemon", theirs=LEAST),
                Ratio(figure=CPU_EACH.name, ours=LEAST, theirs="script"),
                Ratio(figure=CPU_EACH.name, ours=LEAST_BY_REQUESTS, theirs="script"),
                Ratio(figure=RATE.name, ours="daemon", theirs="script"),
                Ratio(figure=RATE.name, ours="daemon", theirs="script, pool of 8"),
                Ratio(figure=RATE.name, ours="daemon", theirs=ANY_CORE),
            ),
            targets=(Target(figure=RATE.name, contestant="daemon", bound=Bound(at_least=150)),),
            plots=(Plot(figure=RATE.name), Plot(figure=CPU_EACH.name)),
        ),
        contest=partial(contest, resolve=resolve),
    )


CASES = (
    _case(
        "folder-way",
        "Folder, the whole way",
        "1000 files of 50 kB dropped at once, each uploaded by HTTP, posted to an endpoint that answers at once, and "
        "moved. The least in Python is a floor and no program for use: the steps behind our promises for such files, "
        "in the cheapest way: one thread, hashed, recorded a hundred at once before and after each step; by requests: "
        "the same with the HTTP library that the daemon and the script use. On any core: the daemon may not keep its "
        "threads on one, as systemd's unit has it without the drop-in for that.",
        resolve=False,
    ),
    _case(
        "folder-way-resolve",
        "Folder, the whole way, without uploads",
        "The same with files that have an address already, so that nothing is uploaded.",
        resolve=True,
    ),
)
