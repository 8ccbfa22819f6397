"""The thread that records outcomes, so that who posts waits for no commit."""

from __future__ import annotations

import logging
import threading
from collections.abc import Sequence
from queue import Empty, SimpleQueue
from time import sleep as pause

from watcher.errors import Unavailable
from watcher.model import ClaimedBooking, SettledTry
from watcher.recognise import Recognise
from watcher.service.heartbeats import JOURNAL_SECONDS, Heartbeats
from watcher.service.threads import show_name

log = logging.getLogger(__name__)

_MOST = 256  # outcomes in one transaction
# Where the last ones were several, more are on their way: nobody waits for them to be recorded but their answers.
_GATHERING_SECONDS = 0.01
_LOOK_SECONDS = 60.0  # how long it sleeps at most where nothing comes

_Outcomes = tuple[Sequence[SettledTry], float]  # and when the first of them was claimed


class Recorder:
    """Records, in one transaction, all outcomes that have come while the last ones were written. Safe for threads.

    It runs from its first outcome until it is closed. A journal that is away is waited for, see Recognise.
    """

    def __init__(self, recognise: Recognise, heartbeats: Heartbeats) -> None:
        self._recognise = recognise
        self._worker = heartbeats.worker("record", silence_seconds=JOURNAL_SECONDS)
        self._come: SimpleQueue[_Outcomes | None] = SimpleQueue()
        self._lock = threading.Lock()
        self._unrecorded = 0
        self._come_together = False
        self._thread: threading.Thread | None = None

    @property
    def is_busy(self) -> bool:
        """Whether an outcome that was taken is not recorded yet."""
        return self._unrecorded > 0

    def take(self, tried: Sequence[SettledTry], claimed_at: float) -> None:
        """Have them recorded. `claimed_at`: of `boot_seconds`, from before their claims."""
        with self._lock:
            self._unrecorded += len(tried)
            has_thread = self._has_thread()
        if has_thread:
            self._come.put((tried, claimed_at))
        else:
            self._record(tried, claimed_at)

    def close(self) -> None:
        """Return when all that was taken is recorded, or is given up."""
        if self._thread is not None:
            self._come.put(None)
            self._thread.join()

    def _has_thread(self) -> bool:
        """Whether there is one; a machine that has no thread to give now may have one later."""
        if self._thread is None:
            thread = threading.Thread(target=self._run, name="record", daemon=True)
            try:
                thread.start()
            except RuntimeError:
                return False
            self._thread = thread
        return True

    def _run(self) -> None:
        show_name("record")
        is_over = False
        while not is_over:
            self._worker.waits(_LOOK_SECONDS)
            tried, claimed_at, is_over = self._gathered()
            self._come_together = len(tried) > 1
            if tried:
                self._worker.beat()
                self._record(tried, claimed_at)
        self._worker.end()

    def _gathered(self) -> tuple[list[SettledTry], float, bool]:
        """What has come, when the last of it was claimed, and whether nothing comes any more."""
        gathered: list[SettledTry] = []
        claimed_at = 0.0
        try:
            come = self._come.get(timeout=_LOOK_SECONDS)
            if self._come_together:
                pause(_GATHERING_SECONDS)
            while come is not None:
                gathered += come[0]
                claimed_at = max(claimed_at, come[1])
                if len(gathered) >= _MOST:
                    break
                come = self._come.get_nowait()
        except Empty:
            return gathered, claimed_at, False
        return gathered, claimed_at, come is None

    def _record(self, tried: Sequence[SettledTry], claimed_at: float) -> None:
        try:
            self._settle(tried, claimed_at)
        finally:
            with self._lock:
                self._unrecorded -= len(tried)

    def _settle(self, tried: Sequence[SettledTry], claimed_at: float) -> None:
        try:
            self._recognise.settle(tried, claimed_at, self._worker.beat)
        except Unavailable as error:
            for each in tried:
                warn_unrecorded(each.claimed, error)
        except Exception:
            if len(tried) > 1:  # one that cannot be recorded must not hold up the others
                for each in tried:
                    self._settle([each], claimed_at)
                return
            # A thread must not die silently; the hold brings the booking back.
            log.exception("A try failed in our own code.", extra={"booking": tried[0].claimed.booking})


def warn_unrecorded(claimed: ClaimedBooking, error: Unavailable) -> None:
    """We are to end; the hold ends, and the booking is claimed again, its last try in doubt."""
    log.warning("An outcome could not be recorded.", extra={"booking": claimed.booking, "detail": str(error)})
