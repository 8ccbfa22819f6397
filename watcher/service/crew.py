"""Threads that work on what they are handed, one thing each at a time."""

from __future__ import annotations

import threading
from collections.abc import Callable
from queue import Empty, SimpleQueue
from typing import Generic, TypeVar

from watcher.deadline import started
from watcher.service.threads import show_name

T = TypeVar("T")

IDLE_SECONDS = 60.0  # after which a thread that has nothing to do ends; what it holds is given back with it


class Crew(Generic[T]):
    """As many threads as there is work for at once. Who hands something over sees to it that they are not too many.

    The one that came free last is the next to work: its connection is the warmest, and those that are needed no more
    are left to end. In a pool that goes round, each of many threads would find its connection too old.
    """

    def __init__(self, name: str, work: Callable[[T], None]) -> None:
        """`work` raises nothing."""
        self._name = name
        self._work = work
        self._lock = threading.Lock()
        self._threads: set[threading.Thread] = set()
        self._idle: list[SimpleQueue[T | None]] = []  # the hands of those that have nothing to do
        self._closing = False

    def hand(self, task: T) -> None:
        """Have it worked on now. Raises OSError, and takes nothing, where no thread can be had."""
        with self._lock:
            hands = self._idle.pop() if self._idle else None
            if hands is None:
                hands = self._started()
        hands.put(task)

    def close(self) -> None:
        """Wait until all work is done, and no thread is left."""
        with self._lock:
            self._closing = True
            threads = list(self._threads)
            for hands in self._idle:
                hands.put(None)
        for thread in threads:
            thread.join()

    def _started(self) -> SimpleQueue[T | None]:
        hands: SimpleQueue[T | None] = SimpleQueue()
        thread = threading.Thread(target=self._run, args=(hands,), name=self._name, daemon=True)
        started(thread)
        self._threads.add(thread)
        return hands

    def _run(self, hands: SimpleQueue[T | None]) -> None:
        show_name(self._name)
        task = hands.get()
        while task is not None:
            self._work(task)
            task = self._next(hands)
        with self._lock:
            self._threads.discard(threading.current_thread())

    def _next(self, hands: SimpleQueue[T | None]) -> T | None:
        """What this thread is handed next; None: it is to end."""
        with self._lock:
            if self._closing:
                return None
            self._idle.append(hands)
        try:
            return hands.get(timeout=IDLE_SECONDS)
        except Empty:
            pass
        with self._lock:
            if hands in self._idle:
                self._idle.remove(hands)
                return None
        return hands.get()  # handed over just now
