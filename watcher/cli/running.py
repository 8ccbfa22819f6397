"""`run` and `run --once`."""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

from msgspec import Struct

from watcher.bootstrap.adapters import try_out
from watcher.bootstrap.alarms import build_own_alarm
from watcher.bootstrap.daemon import build_service, build_supervision
from watcher.bootstrap.journals import have_one_journal, open_for_work, secrets_of
from watcher.bootstrap.measuring import Measuring
from watcher.bootstrap.vitals import build_vitals
from watcher.bootstrap.web import build_site
from watcher.config.cut import cut_short
from watcher.config.load import load
from watcher.config.sections import Configuration
from watcher.durations import parse_duration
from watcher.errors import ConfigurationError, JournalUnavailable, JournalUnusable, UsageError
from watcher.garbage import look_at_what_is_new
from watcher.headers import clean
from watcher.logs import conceal_tracebacks, set_up
from watcher.model import Backlog, Gate, Outcome, WorkLeft
from watcher.ports import Journal
from watcher.secrecy import KnownSecrets
from watcher.service.memory import keep_what_is_freed
from watcher.service.own_alarm import WithoutJournal
from watcher.service.presence import Listener
from watcher.service.stopping import Stop, Stopping
from watcher.service.supervision import Supervision
from watcher.service.vitals import Vitals
from watcher.web.site import Site

log = logging.getLogger(__name__)

_OPEN_AGAIN_SECONDS = 5.0
_REFRESHES = 12.5  # a second, of the line that shows progress

EXIT_WELL = 0
EXIT_FAILED = 1
EXIT_PENDING = 3


def run_daemon(path: Path) -> int:
    """Until SIGTERM. SIGHUP reads the configuration again: a wrong one is reported and the old one stays."""
    look_at_what_is_new()
    keep_what_is_freed()
    read = _Reading(path)
    stopping = Stopping()
    stopping.catch_signals()
    with build_supervision() as supervision:
        vitals = build_vitals(supervision)
        measuring = Measuring(vitals)
        lasting = _Lasting(
            stopping=stopping,
            supervision=supervision,
            vitals=vitals,
            measuring=measuring,
            site=build_site(vitals, measuring),
        )
        try:
            with Listener(path, vitals.told):
                return _serve(read, lasting)
        finally:
            lasting.site.close()


class _Lasting(Struct, frozen=True, kw_only=True):
    """What a process has for all the services that it builds one after the other."""

    stopping: Stopping
    supervision: Supervision
    vitals: Vitals
    measuring: Measuring
    site: Site


def _serve(read: _Reading, lasting: _Lasting) -> int:
    while True:
        stop = _run(read, lasting)
        if stop is not Stop.RELOAD:
            return EXIT_FAILED if stop is Stop.FAILED else EXIT_WELL


def _run(read: _Reading, lasting: _Lasting) -> Stop:
    configuration = read.configuration
    known = _begin_log(configuration, read.path)
    lasting.site.follow(configuration)
    journal = _awaited(configuration, lasting, known)
    if journal is None:
        return lasting.stopping.final or Stop.TERMINATED
    try:
        service = build_service(
            configuration,
            journal,
            lasting.stopping,
            known,
            lasting.supervision,
            vitals=lasting.vitals,
            meter=lasting.measuring.meter(configuration),
        )
        with lasting.site.showing(journal, service):
            return service.run(read.again)
    finally:
        journal.close()


def _begin_log(configuration: Configuration, path: Path) -> KnownSecrets:
    """The secrets that it will not tell; what may be wrong with the file is told first."""
    known = secrets_of(configuration)
    set_up(configuration.log, known)
    conceal_tracebacks(known)
    for warning in cut_short(path):
        log.warning("A value of the configuration may be cut short.", extra={"detail": warning})
    return known


def _awaited(configuration: Configuration, lasting: _Lasting, known: KnownSecrets) -> Journal | None:
    """The journal, once it can be had: a full disk or a database that is away is waited for. None: asked to stop."""
    said = None
    with WithoutJournal(lambda: build_own_alarm(configuration, known, lasting.vitals)) as alarm:
        while lasting.stopping.final is None:
            lasting.supervision.starts()
            try:
                return open_for_work(configuration)
            except JournalUnavailable as error:
                if str(error) != said:
                    log.warning("The journal is waited for.", extra={"detail": str(error)})
                said = str(error)
                lasting.vitals.waits(f"the journal is waited for: {said}")
                lasting.supervision.say(f"the journal is waited for: {said}")
                alarm.say(said)
                lasting.stopping.pause(_OPEN_AGAIN_SECONDS)
    return None


class _Reading:
    """The configuration as it could last be read. Raises ConfigurationError where it never could."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.configuration = load(path)

    def again(self) -> bool:
        """Whether it can be read again, its journal be opened, and all be built; what is wrong with it is logged."""
        try:
            new = load(self.path)
            if not have_one_journal(new, self.configuration):  # our own lock would refuse us
                open_for_work(new).close()
            try_out(new)
        except ConfigurationError as error:
            for problem in error.problems:
                log.error("The new configuration is wrong; the old one stays.", extra={"problem": problem})
            return False
        except (JournalUnusable, JournalUnavailable) as error:
            log.error("The new configuration is wrong; the old one stays.", extra={"problem": f"journal: {error}"})
            return False
        except Exception:  # the service that runs would be stopped for one that cannot be built
            log.exception("The new configuration cannot be used; the old one stays.")
            return False
        self.configuration = new
        return True


def run_once(path: Path, wait: str) -> int:
    """Take in all that is there, work until nothing is due within `wait`, answer."""
    try:
        wait_for = parse_duration(wait)
    except ValueError as error:
        raise UsageError(f"--wait: {error}") from error
    look_at_what_is_new()
    keep_what_is_freed()
    configuration = load(path)
    known = _begin_log(configuration, path)
    stopping = Stopping()
    stopping.catch_signals()
    return _once(configuration, wait_for, stopping, known)


def _once(configuration: Configuration, wait: timedelta, stopping: Stopping, known: KnownSecrets) -> int:
    journal = open_for_work(configuration)
    began = journal.now()
    service = build_service(configuration, journal, stopping, known, build_supervision())
    try:
        with _progress() as show:
            failures = service.run_once(wait, show)
        for failure in failures:
            print(f"invoice-watcher: {known.hidden(failure)}", file=sys.stderr)  # noqa: T201
        left = journal.work_left(service.sources)
        strays = journal.strays(service.sources)
        behind = journal.work_left(list(strays))
        outcomes = journal.outcomes_since(began)
        gate = journal.gate(configuration.recognition.url)
    finally:
        journal.close()
    said = _summary({str(outcome): count for outcome, count in outcomes.items()}, left, gate, service.surplus)
    print(said + _left_behind(strays))  # noqa: T201
    if left.pending or behind.pending or service.surplus:
        return EXIT_PENDING
    unanswered = left.unanswered or behind.unanswered
    return EXIT_FAILED if failures or unanswered or outcomes.get(Outcome.ERROR) else EXIT_WELL


def _summary(outcomes: dict[str, int], left: WorkLeft, gate: Gate, surplus: int) -> str:
    said = ", ".join(f"{count} {outcome}" for outcome, count in outcomes.items()) or "no documents"
    if left.pending and not gate.open:
        said += f"; {left.pending} pending while the endpoint cannot be used: {clean(gate.reason, 200)}"
    elif left.pending and left.next_due_in is None:
        said += f"; {left.pending} pending, held for your decision or for their files: see `invoice-watcher status`"
    elif left.pending:
        said += f"; {left.pending} pending, the next try in {round(left.next_due_in or 0)} s"
    if left.unanswered:
        said += f"; {left.unanswered} still to be answered"
    if surplus:
        said += f"; {surplus} mails wait, because their senders have submitted what per_sender allows in an hour"
    return said


def _left_behind(strays: Mapping[str, Backlog]) -> str:
    """On PostgreSQL it may be another node's, which does not run now."""
    return "".join(
        f"; {left.count} not finished of {clean(name, 60)}, which is no source of this node's configuration: "
        "see `invoice-watcher status`"
        for name, left in strays.items()
    )


@contextmanager
def _progress() -> Iterator[Callable[[WorkLeft], None]]:
    """A line on a terminal that says what is left; nothing elsewhere."""
    if not sys.stderr.isatty():
        yield lambda _: None
        return
    from rich.console import Console
    from rich.live import Live
    from rich.spinner import Spinner

    line = Spinner("dots", "Looking …", style="status.spinner")
    # Not `Console.status`, which first shows its line a while after it began: whoever logs then does not clear it.
    with Live(line, console=Console(stderr=True), refresh_per_second=_REFRESHES, transient=True):
        yield lambda left: line.update(
            text=f"{left.pending} documents pending, {left.unanswered} submissions to answer"
        )
