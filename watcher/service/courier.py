"""Hands news to the channels: all at once, each at its own pace."""

from __future__ import annotations

import logging
import math
import random
import threading
from collections.abc import Sequence

from watcher.clock import boot_seconds
from watcher.errors import Refused, Unavailable
from watcher.model import Language
from watcher.policy.news import News, subject_of, text_of
from watcher.policy.pauses import growing
from watcher.ports import AlertChannel

log = logging.getLogger(__name__)

_FIRST_PAUSE_SECONDS, _LONGEST_PAUSE_SECONDS = 30.0, 1800.0
_LOOK_SECONDS = 0.1
_LAST_SECONDS = 3.0  # for what is under way at a stop: what was taken, and is not remembered, is told again


class Courier:
    """Tells every channel. One that fails is told what it missed when it can be reached again, by this process.

    Called by one thread, `stop` by any.
    """

    def __init__(
        self,
        channels: Sequence[AlertChannel],
        *,
        language: Language,
        patience_seconds: float = 40.0,
        first_pause_seconds: float = _FIRST_PAUSE_SECONDS,
    ) -> None:
        """Whoever has not taken a message after the patience counts as not told."""
        self._lines = [_Line(channel, language, first_pause_seconds) for channel in channels]
        self._patience_seconds = patience_seconds
        self._stops_at = math.inf

    def stop(self) -> None:
        """Wait for channels that are being told for a few seconds at most."""
        self._stops_at = boot_seconds() + _LAST_SECONDS

    def tell(self, news: News) -> bool:
        """Whether anybody has been told, or there is nobody to tell."""
        begun = [line for line in self._lines if line.begin(news)]
        ends_at = boot_seconds() + self._patience_seconds
        while (busy := [line for line in begun if line.is_busy]) and boot_seconds() < min(ends_at, self._stops_at):
            busy[0].wait(_LOOK_SECONDS)
        told = [line for line in begun if line.has_told]
        if told:
            for line in self._lines:
                if line not in told:
                    line.owe(news)
        return bool(told) or not self._lines

    def catch_up(self) -> None:
        """Begin to tell what was missed to those whose pause is over; waits for nobody."""
        for line in self._lines:
            line.catch_up()


class _Line:
    """One channel, what it has missed, and when it is tried again."""

    def __init__(self, channel: AlertChannel, language: Language, first_pause_seconds: float) -> None:
        self._channel = channel
        self._language = language
        self._first_pause_seconds = first_pause_seconds
        self._lock = threading.Lock()
        self._missed = News()
        self._failures = 0
        self._rests_until = 0.0
        self._thread: threading.Thread | None = None
        self.has_told = False  # of the last attempt

    @property
    def is_busy(self) -> bool:
        return self._thread is not None and self._thread.is_alive()

    def wait(self, seconds: float) -> None:
        """Until it is at nothing any more, so long at most."""
        if self._thread is not None:
            self._thread.join(seconds)

    def begin(self, news: News) -> bool:
        """Start to tell this and what was missed. False where it rests after a failure, or is still at the last."""
        if self.is_busy or boot_seconds() < self._rests_until:
            return False
        self.has_told = False
        # A daemon thread: one that waits for a server holds up no end of the program.
        self._thread = threading.Thread(target=self._tell, args=(news,), name="alert", daemon=True)
        self._thread.start()
        return True

    def owe(self, news: News) -> None:
        with self._lock:
            self._missed = self._missed.then(news)

    def catch_up(self) -> None:
        if self._missed:
            self.begin(News())

    def _tell(self, news: News) -> None:
        with self._lock:
            missed, whole = self._missed, self._missed.then(news)
        try:
            self._channel.tell(subject_of(whole, self._language), text_of(whole, self._language), good=not whole.wrong)
        except (Unavailable, Refused) as error:
            self._failed(str(error))
        except Exception as error:  # a channel that we stumble over must not keep the others from telling
            log.exception("An alert could not be sent.", extra={"channel": self._channel.name})
            self._failed(type(error).__name__)
        else:
            self._took(missed)

    def _failed(self, why: str) -> None:
        self._failures += 1
        fraction = random.random()  # noqa: S311 - jitter is no secret
        pause = growing(
            self._failures, first=self._first_pause_seconds, longest=_LONGEST_PAUSE_SECONDS, fraction=fraction
        )
        self._rests_until = boot_seconds() + pause
        fields = {"channel": self._channel.name, "detail": why, "again_in_s": round(pause)}
        log.warning("An alert could not be sent; it is tried again.", extra=fields)

    def _took(self, missed: News) -> None:
        with self._lock:
            if self._missed is missed:  # else more was missed meanwhile
                self._missed = News()
        self._failures, self._rests_until = 0, 0.0
        self.has_told = True
        log.info("An alert was sent.", extra={"channel": self._channel.name})
