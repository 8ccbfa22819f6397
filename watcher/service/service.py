"""Starts the threads, waits for a reason to stop, and stops them in order.

The order of the stop: first nothing new is taken in; then nothing new is posted, and the requests
under way end (each within `recognition.timeout`); then what was settled meanwhile is answered once
more; then connections are closed. The journal is its opener's to close.
"""

from __future__ import annotations

import logging
import math
import threading
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from datetime import timedelta
from functools import partial
from typing import Protocol

from watcher.clock import boot_seconds
from watcher.errors import Unavailable
from watcher.model import Kind, News, WorkLeft
from watcher.ports import Journal
from watcher.service.alarm import Alarm
from watcher.service.answerer import Answerer
from watcher.service.cores import gather_threads
from watcher.service.poster import Poster
from watcher.service.releases import Releases
from watcher.service.retention import Retention
from watcher.service.rounds import Rounds
from watcher.service.set_back import SetBack
from watcher.service.stopping import Stop, Stopping
from watcher.service.strays import Strays
from watcher.service.supervision import Supervision
from watcher.service.tender import Tender
from watcher.service.threads import show_name
from watcher.service.vitals import Vitals

log = logging.getLogger(__name__)

_LOOK_EVERY_SECONDS = 0.1  # of `run --once`, for what wakes nobody: the end of an answer
_LOOKING_SECONDS = 5.0  # how long a stop waits for what is being taken in
_LAST_ANSWERS_SECONDS = 5.0  # and at least for what is being answered


class Closable(Protocol):
    """What is let go of at the end."""

    def close(self) -> None: ...


class Service:
    """The running daemon."""

    def __init__(
        self,
        *,
        journal: Journal,
        stopping: Stopping,
        sources: Mapping[str, Kind],
        tenders: Sequence[Tender],
        answerers: Sequence[Answerer],
        poster: Poster,
        alarm: Alarm,
        releases: Releases,
        set_back: SetBack,
        retention: Retention,
        resources: Sequence[Closable],
        supervision: Supervision,
        settling_grace: timedelta,
        stop_within: timedelta,
        vitals: Vitals | None = None,
        journal_trouble: Callable[[], str | None] = lambda: None,
        load: Callable[[], None] = lambda: None,
    ) -> None:
        """`vitals` hears whether all threads run; `journal_trouble` says why the journal cannot be used.

        `load` is called once the daemon is ready, to load what somebody would have to wait for later.
        """
        self._load = load
        self._vitals = vitals or Vitals()
        self._journal_trouble = journal_trouble
        self._journal = journal
        self._stopping = stopping
        self._sources = dict(sources)
        self._tenders = tenders
        self._answerers = answerers
        self._poster = poster
        self._alarm = alarm
        self._releases = releases
        self._rounds = Rounds(
            journal=journal,
            tenders=tenders,
            endpoint=poster.endpoint,
            alarm=alarm,
            set_back=set_back,
            strays=Strays(journal=journal, sources=self._sources),
            retention=retention,
            supervision=supervision,
        )
        self._resources = resources
        self._supervision = supervision
        self._settling_grace = settling_grace
        self._stop_within = stop_within
        self._changed = threading.Event()

    # -------------------------------------------------------------------------------- the daemon

    @property
    def sources(self) -> list[str]:
        return list(self._sources)

    def run(self, may_reload: Callable[[], bool]) -> Stop:
        """Until somebody asks it to stop. A wish to reload that `may_reload` denies is forgotten."""
        self._begin()
        looking = [self._thread(f"look-{tender.source.name}", tender.run) for tender in self._tenders]
        with suppress(Unavailable):
            self._vitals.clock_watch.look(self._journal.now())
        self._vitals.works(self._journal_trouble)
        self._supervision.ready()
        self._rounds.begin()  # what they do first is seconds away: to load APScheduler keeps nobody waiting
        log.info("The daemon is ready.", extra={"sources": ", ".join(self._sources)})
        self._load()
        reason = self._stopping.wait(partial(self._told, may_reload), self._listens)
        self._vitals.waits("it begins anew with its new configuration" if reason is Stop.RELOAD else "it stops")
        self._supervision.stops(self._stop_within.total_seconds(), for_good=reason is not Stop.RELOAD)
        log.info("The daemon stops.", extra={"reason": reason})
        self._rounds.stop()
        self._end(looking)
        return self._stopping.final or reason

    @property
    def surplus(self) -> int:
        """Mails that wait because their senders have submitted too much of late."""
        return sum(tender.surplus for tender in self._tenders)

    # -------------------------------------------------------------------------------- run --once

    def run_once(self, wait: timedelta, progress: Callable[[WorkLeft], None]) -> list[str]:
        """Take in all that is there, and work until nothing is due within `wait`.

        Returns what kept sources from being looked at. `progress` is called several times a second.
        """
        self._begin()
        self._poster.hurry()
        grace = self._settling_grace.total_seconds()
        looking = [
            self._thread(f"look-{tender.source.name}", partial(tender.run_once, grace)) for tender in self._tenders
        ]
        gather_threads()
        try:
            while not self._stopping.is_asked:
                self._changed.clear()
                left = self._journal.work_left(self.sources)
                progress(left)
                if not any(thread.is_alive() for thread in looking) and self._is_finished(left, wait):
                    break
                self._changed.wait(_LOOK_EVERY_SECONDS)
            if not self._stopping.is_asked:
                self._alarm.round()  # what is remembered of it lets one run go on where the last one left off
        finally:  # also where the journal cannot be asked any more: what is under way must end
            self._end(looking)
        return [f"{tender.source.name}: {tender.failure}" for tender in self._tenders if tender.failure]

    def _is_finished(self, left: WorkLeft, wait: timedelta) -> bool:
        """Whether nothing is under way or due within `wait`: neither a try nor an answer."""
        tries_in = self._poster.idle_for()
        answers_in = math.inf if left.next_answer_in is None else left.next_answer_in
        return tries_in is not None and min(tries_in, answers_in) > wait.total_seconds()

    # ------------------------------------------------------------------------------ start and end

    def _begin(self) -> None:
        self._journal.register_sources(self._sources)
        self._rounds.set_back.round()
        self._journal.leave_other_gates(self._poster.endpoint)
        self._rounds.strays.round()
        self._journal.subscribe(self._wake)
        self._posting = self._thread("claim", self._poster.run)
        self._letting_in = self._thread("let-in", self._releases.run)
        self._answering = [self._thread(answerer.name, answerer.run) for answerer in self._answerers]

    def _wake(self, news: News) -> None:
        """Only those whom it concerns: each looks into the journal then."""
        if news.posting:
            self._poster.wake()
        for answerer in self._answerers:
            if news.answering is None:
                answerer.look()
            elif answerer.source in news.answering:
                answerer.wake()
        self._changed.set()
        if news.decided:
            self._releases.wake()

    def _thread(self, name: str, work: Callable[[], None]) -> threading.Thread:
        def guarded() -> None:
            show_name(name)
            try:
                work()
            except Exception:  # an unknown state is left by starting anew, which systemd does
                log.exception("A thread of the daemon fell over; it stops and wants to be started again.")
                self._stopping.ask(Stop.FAILED)
            finally:
                self._changed.set()

        thread = threading.Thread(target=guarded, name=name, daemon=True)
        thread.start()
        return thread

    def _told(self, may_reload: Callable[[], bool]) -> bool:
        """systemd hears of every wish to reload, and that it is over: by the next service's READY, or at once."""
        self._supervision.reloads()
        granted = may_reload()
        if not granted:
            self._supervision.ready()
        return granted

    def _listens(self) -> None:
        """The main thread, again and again."""
        self._supervision.listens()
        self._rounds.keep_up()
        gather_threads()

    def _end(self, looking: Sequence[threading.Thread]) -> None:
        self._rounds.end()
        self._releases.stop()
        self._alarm.stop()
        for tender in self._tenders:
            tender.stop()
        self._poster.stop()
        deadline = boot_seconds() + self._stop_within.total_seconds()
        self._letting_in.join()
        self._posting.join()
        # What is being taken in may be left: nothing there has been touched, and the next start takes it in.
        _join(looking, min(deadline, boot_seconds() + _LOOKING_SECONDS))
        for answerer in self._answerers:
            answerer.stop()
        _join(self._answering, max(deadline, boot_seconds() + _LAST_ANSWERS_SECONDS))
        self._alarm.join()
        for resource in self._resources:
            with suppress(Unavailable):
                resource.close()


def _join(threads: Sequence[threading.Thread], deadline: float) -> None:
    """Wait for threads until the deadline; one that hangs on a server is left behind."""
    for thread in threads:
        thread.join(max(0.0, deadline - boot_seconds()))
