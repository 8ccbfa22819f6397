"""Whether everything that works in this process still goes round: each worker beats, and is late when it does not.

A worker is a thread, or a piece of work in one. When it beats it says for how long it may be silent at most, so that
who waits for mail, for a slow server or for a full disk is not taken for one that hangs. Time is what the process has
run: while it was stopped or the machine slept nobody could beat, and nobody is late for that.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator
from typing import Self

from msgspec import Struct

from watcher.clock import boot_seconds

MARGIN_SECONDS = 20.0  # that a wait may take beyond what was said: the machine may be busy
JOURNAL_SECONDS = 300.0  # for a few words with the journal: each waits for locks, other nodes and the disk
WATCH = "heartbeats"  # who is late when nobody looks at the others any more
_LONGEST_STEP_SECONDS = 10.0  # between two looks; what is longer was no time that the process had
_UNWATCHED_SECONDS = 60.0


class Beat(Struct, frozen=True, kw_only=True):
    """A worker's last sign of life. Times are those of the process (see above)."""

    worker: str
    thread: int  # its identifier, by which it can be seen where the thread stands
    at: float
    late_at: float


_Noted = tuple[float, float, int]  # when it beat, the seconds that it may be silent, and its thread


def late_ones(beats: Iterable[Beat], now: float) -> list[Beat]:
    """Those whose silence is longer than they said, the longest first."""
    return sorted((beat for beat in beats if now > beat.late_at), key=lambda beat: beat.late_at)


class Heartbeats:
    """The signs of life of one process. Safe for threads.

    Somebody has to `look` every few seconds: time goes on by that.
    """

    def __init__(self, clock: Callable[[], float] = boot_seconds) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._beats: dict[Worker, _Noted] = {}
        self._looked_at = clock()
        self._run_seconds = 0.0
        self._era = 0  # how often all were dismissed

    def worker(
        self, name: str, *, silence_seconds: float = JOURNAL_SECONDS, margin_seconds: float = MARGIN_SECONDS
    ) -> Worker:
        """Somebody who beats at least so often while at work; watched from the first beat on.

        `margin_seconds`: how much longer than announced it may wait.
        """
        return Worker(self, name, era=self._era, silence_seconds=silence_seconds, margin_seconds=margin_seconds)

    def look(self) -> list[Beat]:
        """Let time go on; who is late now."""
        with self._lock:
            now = self._clock()
            self._run_seconds += min(now - self._looked_at, _LONGEST_STEP_SECONDS)
            self._looked_at = now
            return late_ones(self._all_beats(), self._run_seconds)

    def late(self) -> list[str]:
        """The names of the workers that give no sign of life, none twice; empty: all are well."""
        with self._lock:
            late = late_ones(self._all_beats(), self._run_seconds)
            unwatched = self._clock() - self._looked_at > _UNWATCHED_SECONDS
        return [WATCH] if unwatched else list(dict.fromkeys(beat.worker for beat in late))

    def _all_beats(self) -> Iterator[Beat]:
        for worker, (at, silence_seconds, thread) in self._beats.items():
            yield Beat(worker=worker.name, thread=thread, at=at, late_at=at + silence_seconds)

    def silence_of(self, beat: Beat) -> float:
        """For how many seconds that one was the last."""
        return self._run_seconds - beat.at

    def clear(self) -> None:
        """Watch nobody any more: those that are left behind are no longer waited for, whatever they say."""
        with self._lock:
            self._era += 1
            self._beats.clear()

    def note(self, worker: Worker, silence_seconds: float) -> None:
        """It is alive now, and may be silent for so long."""
        now = self._run_seconds
        noted = (now, silence_seconds, threading.get_ident())
        if worker.noted == noted:  # time goes on only when somebody looks: many beats say nothing new
            return
        with self._lock:
            if worker.era == self._era:
                self._beats[worker] = worker.noted = noted

    def forget(self, worker: Worker) -> None:
        """It is watched no more, until it beats again."""
        with self._lock:
            worker.noted = None
            self._beats.pop(worker, None)


def unwatched(name: str) -> Worker:
    """A worker whom nobody looks after, such as in a run that somebody waits for."""
    return Heartbeats().worker(name)


class Worker:
    """One who beats. As a context manager: watched inside, and not any more afterwards."""

    def __init__(
        self, heartbeats: Heartbeats, name: str, *, era: int, silence_seconds: float, margin_seconds: float
    ) -> None:
        self.name = name
        self.era = era
        self.noted: _Noted | None = None  # of what Heartbeats has of it
        self._heartbeats = heartbeats
        self._silence_seconds = silence_seconds
        self._margin_seconds = margin_seconds

    def beat(self) -> None:
        """At work, and it goes on."""
        self._heartbeats.note(self, self._silence_seconds)

    def waits(self, seconds: float) -> None:
        """Nothing to do for so long at most."""
        self._heartbeats.note(self, seconds + self._margin_seconds)

    def end(self) -> None:
        """Not watched any more, until it beats again."""
        self._heartbeats.forget(self)

    def __enter__(self) -> Self:
        self.beat()
        return self

    def __exit__(self, *_error: object) -> None:
        self.end()
