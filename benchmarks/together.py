"""Contestants that hardly need the machine, all at the same time: one after the other they would take an hour."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import partial

from benchmarks.case import Sample

Begin = Callable[[], None]
Waiting = Callable[[Begin], Sample]  # a contestant that calls what it is given when it is prepared, and then begins


def at_once() -> None:
    """For a contestant that is alone, and waits for nobody."""


class Shared:
    """What one run finds for several contestants: the first that is asked for in a round lets all run."""

    def __init__(self, run: Callable[[], dict[str, Sample]]) -> None:
        self._run = run
        self._found: dict[str, Sample] = {}

    def sample(self, name: str) -> Sample:
        """Of one of them."""
        if name not in self._found:
            self._found = self._run()
        return self._found.pop(name)


class Together:
    """Each begins when all are prepared, `apart` seconds after the one before, so that no two are busy at once."""

    def __init__(self, contestants: Mapping[str, Waiting], *, apart: float) -> None:
        self._contestants, self._apart = contestants, apart
        self.sample = Shared(self._run).sample

    def _run(self) -> dict[str, Sample]:
        prepared = threading.Barrier(len(self._contestants))

        def one(place: int, contestant: Waiting) -> Sample:
            try:
                return contestant(partial(self._begin, prepared, place))
            except BaseException:
                prepared.abort()  # nobody waits for one that failed
                raise

        with ThreadPoolExecutor(len(self._contestants)) as pool:
            running = {
                name: pool.submit(one, place, each) for place, (name, each) in enumerate(self._contestants.items())
            }
            return {name: each.result() for name, each in running.items()}

    def _begin(self, prepared: threading.Barrier, place: int) -> None:
        prepared.wait()
        time.sleep(place * self._apart)
