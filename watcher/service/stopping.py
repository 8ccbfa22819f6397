"""Why the daemon stops: told by signals and by its own threads."""

from __future__ import annotations

import os
import select
import signal
from collections.abc import Callable
from contextlib import suppress
from enum import StrEnum
from functools import partial
from queue import Empty, SimpleQueue
from types import FrameType

from watcher.clock import boot_seconds

_BEAT_SECONDS = 20.0  # how often it is said that wishes are still listened for


class Stop(StrEnum):
    """Why a run ended."""

    TERMINATED = "terminated"  # SIGTERM or SIGINT
    RELOAD = "reload"  # SIGHUP: build it anew from the configuration
    FAILED = "failed"  # a thread of ours fell over


class Stopping:
    """The wishes to stop or to reload, each heard once.

    There is one for the whole process, so that no signal is lost that comes while a service ends and the
    next one is built.
    """

    def __init__(self) -> None:
        # Not an event: a signal handler that sets one may wait for a lock that its own thread holds.
        self._wishes: SimpleQueue[Stop] = SimpleQueue()
        self._final: Stop | None = None
        # The interpreter writes here when a signal comes, also in the instant before a wait begins: so that no wait has
        # to end now and then in order to see whether one came.
        self._woken, self._wake = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        self._waiting = select.poll()
        self._waiting.register(self._woken, select.POLLIN)

    @property
    def is_asked(self) -> bool:
        """Whether any wish has not been heard yet."""
        return not self._wishes.empty()

    @property
    def final(self) -> Stop | None:
        """Why the process has to end; None where it has not. Of several reasons the first counts."""
        return self._final

    def ask(self, reason: Stop) -> None:
        """From any thread, and from signal handlers."""
        if reason is not Stop.RELOAD and self._final is None:
            self._final = reason
        self._wishes.put(reason)
        with suppress(BlockingIOError):  # full of wake-ups: it will wake
            os.write(self._wake, b"\0")

    def wait(self, may_reload: Callable[[], bool], beat: Callable[[], None] = lambda: None) -> Stop:
        """Return when the service has to end. A wish to reload that `may_reload` denies is forgotten.

        `beat` hears again and again that it is still listened for wishes.
        """
        while True:
            self._next(beat)
            if self._final is not None:
                return self._final
            if may_reload():
                return self._final or Stop.RELOAD

    def pause(self, seconds: float) -> None:
        """Sleep so long, or until the process has to end; a wish to reload stays for `wait`."""
        end = boot_seconds() + seconds
        while self._final is None and (left := end - boot_seconds()) > 0:
            self._sleep(left)

    def _next(self, beat: Callable[[], None]) -> None:
        while True:
            beat()
            with suppress(Empty):
                self._wishes.get_nowait()
                return
            self._sleep(_BEAT_SECONDS)

    def _sleep(self, seconds: float) -> None:
        """So long, or until something is asked."""
        if self._waiting.poll(seconds * 1000):
            os.read(self._woken, select.PIPE_BUF)

    def catch_signals(self) -> None:
        """From now on SIGTERM, SIGINT and SIGHUP are wishes; to be called in the main thread."""
        signal.set_wakeup_fd(self._wake, warn_on_full_buffer=False)
        for number, reason in (
            (signal.SIGTERM, Stop.TERMINATED),
            (signal.SIGINT, Stop.TERMINATED),
            (signal.SIGHUP, Stop.RELOAD),
        ):
            signal.signal(number, partial(self._hear, reason))

    def _hear(self, reason: Stop, _number: int, _frame: FrameType | None) -> None:
        self.ask(reason)
