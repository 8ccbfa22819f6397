"""One file more in a tree of 100,000."""

from __future__ import annotations

import statistics
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from benchmarks.case import CPU, PEAK, Bound, Case, Contestants, Facts, Figure, Plot, Ratio, Sample, Scale, Target
from benchmarks.cases.folder_latency import delays_to_post
from benchmarks.cases.folders import BASE_URL, RESOLVE, Folders, count_of, script_on
from benchmarks.daemons import quiet
from benchmarks.dropping import by_close, delays_ms, drop
from benchmarks.processes import Meter, daemon, teller
from benchmarks.rivals.watchers import ESTABLISHED, inotifywait, scandir
from benchmarks.servers import Servers
from tests.support.waiting import wait_for
from tests.support.workplace import ZHANG, Workplace

SUBFOLDERS = 100
GAP_SECONDS = 0.5
REST_SECONDS = 2.0
SCAN_SECONDS = 1.0
PATIENCE_SECONDS = 60.0
MEDIAN = Figure(name="median", unit="ms", digits=1)
MOST = Figure(name="longest", unit="ms", digits=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Tree:
    """An inbox with so many files that nobody takes; each run drops some more, which are gone at its end."""

    servers: Servers
    root: Path
    drops: int

    def make(self, count: int) -> None:
        for number in range(SUBFOLDERS):
            (self.inbox / str(900_000 + number)).mkdir(parents=True)
        for number in range(count):
            (self.inbox / str(900_000 + number % SUBFOLDERS) / f"报销说明-{number:06}.docx").write_bytes(b"some text")
        (self.inbox / ZHANG).mkdir(exist_ok=True)

    @property
    def inbox(self) -> Path:
        return self.root / "tree"

    def by_daemon(self) -> Sample:
        with tempfile.TemporaryDirectory(dir=self.root) as folder:
            workplace = Workplace(Path(folder), self.servers).with_folder(path=str(self.inbox))
            workplace.config["stores"] = {"default": RESOLVE}
            with daemon(workplace.write()) as meter:
                quiet(meter.pid, seconds=REST_SECONDS)
                return self._posted(meter)

    def by_script(self) -> Sample:
        with tempfile.TemporaryDirectory(dir=self.root) as folder:
            options = ["--base-url", BASE_URL, "--inbox", str(self.inbox)]
            with script_on(Folders(Path(folder)), self.servers, *options) as meter:
                quiet(meter.pid, seconds=REST_SECONDS)
                return self._posted(meter)

    def by_watcher(self, command: list[str], ready: str) -> Sample:
        with teller(command, ready=ready) as told:
            meter = Meter(told.meter.pid)
            moments = drop(self.inbox / ZHANG, self._names(), GAP_SECONDS, by_close)
            told.wait_for(self.drops, patience=PATIENCE_SECONDS)
            delays = delays_ms(moments, {path.rpartition("/")[2]: at for path, at in told.at.items()})
            sample = self._sample(meter, delays)
        for name in moments:
            (self.inbox / ZHANG / name).unlink()
        return sample

    def _posted(self, meter: Meter) -> Sample:
        meter, place = Meter(meter.pid), self.inbox / ZHANG
        sample = self._sample(meter, delays_to_post(self.servers, place, self._names(), GAP_SECONDS, by_close))
        wait_for(lambda: not count_of(place), PATIENCE_SECONDS, "the files to be moved")
        return sample

    def _names(self) -> list[str]:
        return [f"invoice-{number}.pdf" for number in range(self.drops)]

    def _sample(self, meter: Meter, delays: list[float]) -> Sample:
        spent = meter.spent()
        values = {MEDIAN.name: statistics.median(delays), MOST.name: max(delays)}
        return Sample(values={**values, CPU.name: spent.cpu, PEAK.name: spent.peak})


@contextmanager
def contest(scale: Scale) -> Iterator[Contestants]:
    with Servers() as servers:
        tree = Tree(servers=servers, root=scale.folder, drops=scale.of(10, 2))
        tree.make(scale.of(100_000, 1000))
        yield {
            "daemon": tree.by_daemon,
            "script": tree.by_script,
            "inotifywait": partial(tree.by_watcher, inotifywait(tree.inbox), ESTABLISHED),
            "scandir loop": partial(tree.by_watcher, scandir(tree.inbox, SCAN_SECONDS), "ready"),
        }


CASES = (
    Case(
        facts=Facts(
            name="folder-tree",
            title="Folder, one file into a tree of 100,000",
            measures=(
                "Ten files, one each half second, closed in a folder beside a hundred with 100,000 other files: "
                "milliseconds until the endpoint has the request, and until inotifywait and a scandir loop tell the "
                "name. CPU is of the five seconds."
            ),
            figures=(MEDIAN, MOST, CPU, PEAK),
            ratios=(
                Ratio(figure=MEDIAN.name, ours="daemon", theirs="script"),
                Ratio(figure=CPU.name, ours="daemon", theirs="script"),
                Ratio(figure=CPU.name, ours="daemon", theirs="scandir loop"),
            ),
            targets=(Target(figure=MEDIAN.name, contestant="daemon", bound=Bound(at_most=20.0)),),
            plots=(Plot(figure=MEDIAN.name, log=True), Plot(figure=CPU.name)),
        ),
        contest=contest,
    ),
)
