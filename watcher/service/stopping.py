"""Why the daemon stops: told by signals and by its own threads."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable
from contextlib import suppress
from enum import StrEnum
from functools import partial
from queue import Empty, SimpleQueue
from types import FrameType

from watcher.clock import boot_seconds

_WAIT_SECONDS = 0.5


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
            time.sleep(min(left, _WAIT_SECONDS))

    def _next(self, beat: Callable[[], None]) -> None:
        # A signal that comes in the instant before a wait begins is handled only when it ends: so it ends often.
        while True:
            beat()
            with suppress(Empty):
                self._wishes.get(timeout=_WAIT_SECONDS)
                return

    def catch_signals(self) -> None:
        """From now on SIGTERM, SIGINT and SIGHUP are wishes; to be called in the main thread."""
        for number, reason in (
            (signal.SIGTERM, Stop.TERMINATED),
            (signal.SIGINT, Stop.TERMINATED),
            (signal.SIGHUP, Stop.RELOAD),
        ):
            signal.signal(number, partial(self._hear, reason))

    def _hear(self, reason: Stop, _number: int, _frame: FrameType | None) -> None:
        self.ask(reason)
