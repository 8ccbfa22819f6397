"""Taking in very many files that were dropped at once, and losing none."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
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
    Figure,
    Plot,
    Ratio,
    Sample,
    Scale,
    Target,
)
from benchmarks.cases.folders import RESOLVE, Folders, Nowhere, count_of, saving, script_on
from benchmarks.dropping import write_all
from benchmarks.journals import journal_of
from benchmarks.processes import Meter, daemon, teller
from benchmarks.rivals.watchers import ESTABLISHED, inotifywait, scandir
from benchmarks.servers import Servers
from tests.support.workplace import ZHANG, Workplace, pdf

LOST = Figure(name="lost", unit="files", digits=0)
WRITTEN = Figure(name="written in", unit="s")
SHM = Path("/dev/shm")
PATIENCE_SECONDS = 5.0  # of those who hear of a file once or never
LOOK_SECONDS = 0.1
SCAN_SECONDS = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Flood:
    """`count` files of `size` bytes, written one after the other as fast as that goes, for everybody who watches."""

    servers: Servers
    root: Path
    count: int
    size: int
    resolve: bool

    def by_daemon(self) -> Sample:
        with tempfile.TemporaryDirectory(dir=self.root) as folder:
            workplace = Workplace(Path(folder), Nowhere(self.servers)).with_folder()
            if self.resolve:
                workplace.config["stores"] = {"default": RESOLVE}
            (workplace.inbox / ZHANG).mkdir()
            with daemon(workplace.write()) as meter, journal_of(workplace) as journal:
                return self._measured(workplace.inbox / ZHANG, meter, journal.submissions, patience=120.0)

    def by_script(self, *, workers: int) -> Sample:
        with tempfile.TemporaryDirectory(dir=self.root) as folder:
            folders = Folders(Path(folder))
            with script_on(folders, self.servers, *saving(folders), workers=workers) as meter:
                seen = partial(count_of, folders.root / "saved")
                return self._measured(folders.of("inbox"), meter, seen, patience=PATIENCE_SECONDS)

    def by_watcher(self, command: Callable[[Path], list[str]], ready: str) -> Sample:
        with tempfile.TemporaryDirectory(dir=self.root) as folder, teller(command(Path(folder)), ready=ready) as told:
            return self._measured(Path(folder), told.meter, lambda: len(told.at), patience=PATIENCE_SECONDS)

    def _measured(self, folder: Path, meter: Meter, seen: Callable[[], int], *, patience: float) -> Sample:
        contents = [pdf(f"document {number}", self.size) for number in range(self.count)]
        meter = Meter(meter.pid)
        write_all(folder, contents)
        written = time.monotonic() - meter.began
        found, since, spent = 0, time.monotonic(), meter.spent()
        while found < self.count and time.monotonic() - since < patience:
            time.sleep(LOOK_SECONDS)
            if (now := seen()) > found:
                found, since, spent = now, time.monotonic(), meter.spent()
        values = {LOST.name: self.count - found, WRITTEN.name: written}
        sample = spent.over(max(found, 1))
        return replace(sample, values={**sample.values, **values})


@contextmanager
def contest(scale: Scale, *, count: int, size: int, tmpfs: bool) -> Iterator[Contestants]:
    with Servers() as servers:
        flood = Flood(servers=servers, root=SHM if tmpfs else scale.folder, count=count, size=size, resolve=tmpfs)
        yield {
            "daemon": flood.by_daemon,
            "script": partial(flood.by_script, workers=1),
            "script, pool of 8": partial(flood.by_script, workers=8),
            "inotifywait": partial(flood.by_watcher, inotifywait, ESTABLISHED),
            "scandir loop": partial(flood.by_watcher, partial(scandir, pause=SCAN_SECONDS), "ready"),
        }


@contextmanager
def at_once(scale: Scale) -> Iterator[Contestants]:
    with contest(scale, count=scale.of(10_000, 200), size=10_000, tmpfs=False) as contestants:
        yield contestants


@contextmanager
def in_a_second(scale: Scale) -> Iterator[Contestants]:
    with contest(scale, count=scale.of(30_000, 400), size=0, tmpfs=True) as contestants:
        yield contestants


_FIGURES = (LOST, RATE, CPU_EACH, CPU, WALL, WRITTEN, PEAK)
_RATIOS = (
    Ratio(figure=RATE.name, ours="daemon", theirs="script"),
    Ratio(figure=CPU_EACH.name, ours="daemon", theirs="script"),
)
_NONE_LOST = (Target(figure=LOST.name, contestant="daemon", bound=Bound(at_most=0)),)

CASES = (
    Case(
        facts=Facts(
            name="folder-intake",
            title="Folder, intake of 10,000 files at once",
            measures=(
                "10,000 files of 10 kB, written one after the other as fast as that goes, until all are taken in: "
                "read, hashed, stored on the disk and in the journal. The script copies them to another folder and "
                "does no more; inotifywait and the scandir loop only tell their names."
            ),
            figures=_FIGURES,
            ratios=_RATIOS,
            targets=_NONE_LOST,
            plots=(Plot(figure=RATE.name, log=True), Plot(figure=CPU_EACH.name, log=True)),
        ),
        contest=at_once,
    ),
    Case(
        facts=Facts(
            name="folder-burst",
            title="Folder, 30,000 files in a second",
            measures=(
                "30,000 small files on a tmpfs, written as fast as that goes, until all are taken in, or nothing more "
                "is heard of any; a file is lost that was not taken in. Nobody copies any but the script."
            ),
            figures=_FIGURES,
            ratios=_RATIOS,
            targets=(*_NONE_LOST, Target(figure=WRITTEN.name, contestant="daemon", bound=Bound(at_most=1.5))),
            plots=(Plot(figure=LOST.name), Plot(figure=CPU_EACH.name, log=True)),
        ),
        contest=in_a_second,
    ),
)
