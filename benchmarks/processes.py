"""Contestants as processes: started, let work, and measured from when they say that they are ready."""

from __future__ import annotations

import multiprocessing
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, ParamSpec, TypeVar

from benchmarks.case import CPU, CPU_EACH, PEAK, RATE, WALL, Sample
from benchmarks.daemons import family_cpu, usage
from tests.support import without_affinity
from tests.support.workplace import Workplace

PROJECT = Path(__file__).resolve().parents[1]

# Starts a daemon that may not keep its threads on one core.
ON_ANY_CORE = (sys.executable, without_affinity.__file__)

_LOOK_SECONDS = 0.02

P = ParamSpec("P")
T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Spent:
    """Between two moments: seconds, and CPU seconds of a process with all it started. `peak` is MB since its start."""

    wall: float
    cpu: float
    peak: float

    def over(self, documents: int) -> Sample:
        """As the figures of so many documents."""
        return Sample(
            values={
                WALL.name: self.wall,
                CPU.name: self.cpu,
                RATE.name: documents / self.wall,
                CPU_EACH.name: self.cpu / documents * 1000,
                PEAK.name: self.peak,
            }
        )


@dataclass(slots=True)
class Meter:
    """Of a running process, from now on."""

    pid: int
    began: float = field(default_factory=time.monotonic)
    _cpu: float = 0.0

    def __post_init__(self) -> None:
        self._cpu = family_cpu(self.pid)

    def spent(self) -> Spent:
        """Until now."""
        wall, cpu = time.monotonic() - self.began, family_cpu(self.pid) - self._cpu
        return Spent(wall=wall, cpu=cpu, peak=usage(self.pid).peak)


@contextmanager
def daemon(workplace: Workplace, *through: str) -> Iterator[Meter]:
    """The installed command on a workplace that is written; measured from when it says that it is ready.

    `through`: a command that starts it.
    """
    with workplace.daemon(*through) as running:
        yield Meter(running.process.pid)


@contextmanager
def program(command: Sequence[str | os.PathLike[str]]) -> Iterator[Meter]:
    """A program that says "ready" when it is loaded and serves until it is ended, which is at the end of the block."""
    with _started(command) as process:
        try:
            yield Meter(process.pid)
        finally:
            process.kill()


class Teller:
    """A program that writes a line for each file that it has seen. `at` is the moment of each line."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.meter = Meter(process.pid)
        self.at: dict[str, float] = {}
        self._process = process
        self._reading = threading.Thread(target=self._read)
        self._reading.start()

    def end(self) -> None:
        self._process.kill()
        self._reading.join()

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            self.at.setdefault(line.rstrip("\n"), time.monotonic())

    def wait_for(self, count: int, *, patience: float) -> None:
        """Until it has told so many, or nothing new for `patience` seconds."""
        told, since = 0, time.monotonic()
        while told < count and time.monotonic() - since < patience:
            time.sleep(_LOOK_SECONDS)
            if len(self.at) > told:
                told, since = len(self.at), time.monotonic()


@contextmanager
def teller(command: Sequence[str | os.PathLike[str]], *, ready: str = "ready") -> Iterator[Teller]:
    """A program that tells what it sees until the end of the block, after a line that begins with `ready`."""
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, cwd=PROJECT) as process:
        assert process.stdout is not None
        if not any(line.startswith(ready) for line in process.stdout):
            raise SystemExit(f"{_name(command)} did not become ready")
        told = Teller(process)
        try:
            yield told
        finally:
            told.end()


def job(command: Sequence[str | os.PathLike[str]], *, ready: bool) -> Spent:
    """A program that ends by itself, from its start to its end, or from when it says "ready". It must end well."""
    began, before = time.monotonic(), 0.0
    with _started(command, ready=ready) as process, _peak(process.pid) as peak:
        if ready:
            began, before = time.monotonic(), family_cpu(process.pid)
        _, status, used = os.wait4(process.pid, 0)
        wall = time.monotonic() - began
        process.returncode = os.waitstatus_to_exitcode(status)
    return Spent(wall=wall, cpu=used.ru_utime + used.ru_stime - before, peak=peak())


@contextmanager
def _peak(pid: int) -> Iterator[Callable[[], float]]:
    """Gives its megabytes at most so far, looked at again and again.

    What `wait4` says would be of no use: it counts what the process had that started this one.
    """
    ended, most = threading.Event(), 0.0

    def look() -> None:
        nonlocal most
        while not ended.wait(_LOOK_SECONDS):
            with suppress(OSError, KeyError):  # it ended meanwhile, or is about to
                most = max(most, usage(pid).peak)

    looking = threading.Thread(target=look)
    looking.start()
    try:
        yield lambda: most
    finally:
        ended.set()
        looking.join()


@contextmanager
def _started(command: Sequence[str | os.PathLike[str]], *, ready: bool = True) -> Iterator[subprocess.Popen[str]]:
    """Raises SystemExit, with what it said, where it does not become ready or ends badly."""
    with tempfile.TemporaryFile("w+") as said:
        output = subprocess.PIPE if ready else said
        with subprocess.Popen(command, stdout=output, stderr=said, text=True, cwd=PROJECT) as process:
            if process.stdout is not None and process.stdout.readline() != "ready\n":
                process.kill()
                raise SystemExit(f"{_name(command)} did not become ready: {_end_of(said)}")
            yield process
        if (process.returncode or 0) > 0:
            raise SystemExit(f"{_name(command)} ended with status {process.returncode}: {_end_of(said)}")


def _name(command: Sequence[str | os.PathLike[str]]) -> str:
    return " ".join(str(word) for word in command[:2])


def _end_of(said: IO[str]) -> str:
    said.seek(0)
    return said.read()[-2000:]


def in_its_own(function: Callable[P, T], *arguments: P.args, **named: P.kwargs) -> T:
    """Call a function of a module in a fresh interpreter, and give what it gives."""
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as pool:
        return pool.submit(function, *arguments, **named).result()
