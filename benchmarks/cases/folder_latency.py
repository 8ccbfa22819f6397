"""How long it takes from a dropped file to the request for its recognition."""

from __future__ import annotations

import statistics
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from benchmarks.case import Bound, Case, Contestants, Facts, Figure, Plot, Ratio, Sample, Scale, Target
from benchmarks.cases.folders import BASE_URL, RESOLVE, Folders, script_on
from benchmarks.daemons import quiet
from benchmarks.dropping import Way, by_close, by_rename, delays_ms, drop, p95
from benchmarks.processes import daemon
from benchmarks.servers import Servers
from tests.support.workplace import ZHANG, Workplace

GAPS = {0.01: 200, 0.1: 40, 1.0: 8}  # seconds between two files, and how many there are
TARGET_MS = 20.0
REST_SECONDS = 1.0


def _figure(gap: float, which: str) -> Figure:
    return Figure(name=f"{which}, each {gap:g} s", unit="ms", digits=1)


MEDIANS = {gap: _figure(gap, "median") for gap in GAPS}
HIGH = {gap: _figure(gap, "95th of 100") for gap in GAPS}


@dataclass(frozen=True, slots=True, kw_only=True)
class Drops:
    """Files that come at every pace in turn, in one way."""

    servers: Servers
    root: Path
    way: Way
    quick: bool

    def by_daemon(self) -> Sample:
        with tempfile.TemporaryDirectory(dir=self.root) as folder:
            workplace = Workplace(Path(folder), self.servers).with_folder()
            workplace.config["stores"] = {"default": RESOLVE}
            (workplace.inbox / ZHANG).mkdir()
            with daemon(workplace.write()) as meter:
                quiet(meter.pid, seconds=REST_SECONDS)
                return self._measured(workplace.inbox / ZHANG)

    def by_script(self) -> Sample:
        with tempfile.TemporaryDirectory(dir=self.root) as folder:
            folders = Folders(Path(folder))
            with script_on(folders, self.servers, "--base-url", BASE_URL) as meter:
                quiet(meter.pid, seconds=REST_SECONDS)
                return self._measured(folders.of("inbox"))

    def _measured(self, folder: Path) -> Sample:
        values: dict[str, float] = {}
        for gap, count in GAPS.items():
            names = [f"{gap:g}-{number}.pdf" for number in range(5 if self.quick else count)]
            delays = delays_to_post(self.servers, folder, names, gap, self.way)
            values |= {MEDIANS[gap].name: statistics.median(delays), HIGH[gap].name: p95(delays)}
        return Sample(values=values)


def delays_to_post(servers: Servers, folder: Path, names: list[str], gap: float, way: Way) -> list[float]:
    """Drop files, one each `gap` seconds, and give the milliseconds until each was posted."""
    servers.reset()
    moments = drop(folder, names, gap, way)
    servers.wait_for_posts(len(names))
    return delays_ms(moments, {each.attachment_url.rpartition("/")[2]: each.at for each in servers.arrivals()})


@contextmanager
def contest(scale: Scale, *, way: Way) -> Iterator[Contestants]:
    with Servers() as servers:
        drops = Drops(servers=servers, root=scale.folder, way=way, quick=scale.quick)
        yield {
            "daemon": drops.by_daemon,
            "script": drops.by_script,
        }


def _case(name: str, words: str, way: Way) -> Case:
    return Case(
        facts=Facts(
            name=name,
            title=f"Folder, from {words} to the request",
            measures=(
                f"Milliseconds from {words} until the endpoint has the whole request for its recognition, where files "
                "come each 0.01, 0.1 and 1 s and have an address already. The daemon has recorded each by then."
            ),
            figures=(*MEDIANS.values(), *HIGH.values()),
            ratios=tuple(Ratio(figure=each.name, ours="daemon", theirs="script") for each in MEDIANS.values()),
            targets=tuple(
                Target(figure=each.name, contestant="daemon", bound=Bound(at_most=TARGET_MS))
                for each in MEDIANS.values()
            ),
            plots=tuple(Plot(figure=each.name) for each in MEDIANS.values()),
        ),
        contest=partial(contest, way=way),
    )


CASES = (
    _case("latency-close", "the close of a file", by_close),
    _case("latency-rename", "the rename of a file", by_rename),
)
