"""What systemd hears of this process, and the thread that says that it is well: only while every worker is.

Who is late is said in the log, once and with the place where it stands, because systemd itself only says that it was
told nothing any more.
"""

from __future__ import annotations

import logging
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import Self

from watcher.service.heartbeats import Beat, Heartbeats, Worker
from watcher.service.notify import notify, reloading, status

log = logging.getLogger(__name__)

_LOOK_SECONDS = 5.0  # where systemd does not want to hear more often
_LOOKS_IN_AN_INTERVAL = 4  # of the watchdog's: it is fed at least twice in one, however busy the machine is
_START_SECONDS = 6 * 3600.0  # a start or a reload may have to copy and change a journal of gigabytes
_STOP_MARGIN_SECONDS = 300.0  # beside the requests that are waited for: last words with the journal, and answers
_EXTENDED_USEC = 60_000_000  # how much longer systemd is to wait for a start, a reload or a stop, told at each look
_MAIN_SECONDS = 60.0  # it beats three times as often
_FRAMES = 8


class Supervision:
    """Says what state the service is in, and goes on saying that it is alive while nobody is late.

    The thread runs inside the context: through starts, reloads and the stop, whose time it has systemd extend for as
    long as they go on.
    """

    def __init__(
        self,
        *,
        watchdog_seconds: float | None,
        heartbeats: Heartbeats | None = None,
        tell: Callable[[str], None] = notify,
    ) -> None:
        """`watchdog_seconds`: how often systemd wants to hear; None: never."""
        self.heartbeats = heartbeats or Heartbeats()
        self._feeds = watchdog_seconds is not None
        self._every = min(_LOOK_SECONDS, (watchdog_seconds or _LOOK_SECONDS) / _LOOKS_IN_AN_INTERVAL)
        self._tell = tell
        self._main = self._new_main()
        self._is_changing = True  # starts, reloads or stops
        self._status = ""
        self._told_late: list[str] = []
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, name="heartbeats", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_error: object) -> None:
        self._ended.set()
        self._thread.join(_LOOK_SECONDS)

    # ------------------------------------------------------------------------------------- the states

    def starts(self) -> None:
        """The first time or after a reload: the journal is opened, or waited for; to be told again while it is."""
        self._changes(_START_SECONDS)

    def ready(self) -> None:
        """Started, or a reload is over."""
        self._is_changing = False
        self._tell("READY=1")

    def listens(self) -> None:
        """The main thread waits for signals; to be told again and again."""
        self._main.beat()

    def reloads(self) -> None:
        """Somebody wishes that the configuration be read again."""
        self._tell(reloading())
        self._changes(_START_SECONDS)

    def stops(self, longest_seconds: float, *, for_good: bool) -> None:
        """The service ends, within that time. Whoever is left behind by it is not watched any more."""
        if for_good:
            self._tell("STOPPING=1")
        self.say(f"{'stops' if for_good else 'reloads'}; what is under way is waited for")
        self.heartbeats.clear()
        self._main = self._new_main()
        self._changes(longest_seconds + _STOP_MARGIN_SECONDS)

    def say(self, text: str) -> None:
        """What `systemctl status` shows from now on; told where it is news."""
        if text != self._status:
            self._status = text
            if not self._told_late:
                self._tell(status(text))

    def _changes(self, longest_seconds: float) -> None:
        self._is_changing = True
        self._main.waits(longest_seconds)

    def _new_main(self) -> Worker:
        return self.heartbeats.worker("main", silence_seconds=_MAIN_SECONDS)

    # -------------------------------------------------------------------------------------- the watch

    def look(self) -> None:
        """Tell systemd that all is well, if it is; else who is late."""
        late = self.heartbeats.look()
        self._tell_of(late)
        if not late and (said := self._well()):
            self._tell(said)

    def _run(self) -> None:
        while not self._ended.wait(self._every):
            try:
                self.look()
            except Exception:  # then systemd is told nothing more, and restarts what cannot even do this
                log.exception("The heartbeats could not be looked at.")

    def _well(self) -> str:
        said = ["WATCHDOG=1"] if self._feeds else []
        if self._is_changing:
            said.append(f"EXTEND_TIMEOUT_USEC={_EXTENDED_USEC}")
        return "\n".join(said)

    def _tell_of(self, late: list[Beat]) -> None:
        names = [beat.worker for beat in late]
        if names == self._told_late:
            return
        for beat in late:
            if beat.worker not in self._told_late:
                self._log(beat)
        self._told_late = names
        if late:
            self._tell(status(f"no sign of life from {', '.join(dict.fromkeys(names))}"))
        else:
            log.warning("All workers give signs of life again.")
            self._tell(status(self._status))

    def _log(self, beat: Beat) -> None:
        log.error(
            "A worker gives no sign of life, and systemd is to restart the daemon."
            if self._feeds
            else "A worker gives no sign of life; the daemon should be restarted.",
            extra={
                "worker": beat.worker,
                "silent_s": round(self.heartbeats.silence_of(beat)),
                "stands_at": standing_at(beat.thread),
            },
        )


def standing_at(thread: int) -> str | None:
    """Where in the program a thread is, the innermost call first; None: it is gone."""
    frame = sys._current_frames().get(thread)  # noqa: SLF001 - this is how Python shows other threads' frames
    places: list[str] = []
    while frame is not None and len(places) < _FRAMES:
        places.append(_place(frame))
        frame = frame.f_back
    return " < ".join(places) or None


def _place(frame: FrameType) -> str:
    return f"{Path(frame.f_code.co_filename).name}:{frame.f_lineno} {frame.f_code.co_name}"
