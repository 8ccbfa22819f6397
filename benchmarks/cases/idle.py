"""What the daemon uses while nothing happens: with an empty folder, the page, mailboxes in IDLE, many known files.

Beside it a script that waits for events of a folder, and one that waits in IDLE; neither looks again by itself.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack, contextmanager
from functools import partial
from pathlib import Path
from typing import Any

from benchmarks.case import Bound, Case, Contestants, Facts, Figure, Plot, Ratio, Sample, Scale, Target
from benchmarks.daemons import cpu_seconds, quiet, usage
from benchmarks.journals import journal_of
from benchmarks.known_files import STAYS, make_known_files
from benchmarks.processes import daemon, program
from benchmarks.rivals import idling, script
from benchmarks.together import Shared
from tests.support.servers.dovecot import PASSWORD, Account, Dovecot
from tests.support.servers.process import free_port
from tests.support.workplace import Workplace
from watcher.sandbox.endpoint import Endpoint

EMPTY, PAGE, MAILBOXES, FILES = (
    "daemon, an empty folder",
    "daemon, the same with the page",
    "daemon, 10 mailboxes",
    "daemon, 100,000 files",
)
WATCHDOG, IDLE = "script, an empty folder", "script, 10 mailboxes"


def idle(idlers: Mapping[str, Callable[[], AbstractContextManager[int]]], seconds: float) -> dict[str, Sample]:
    """All idle at the same time: one after the other would take an hour, and who idles disturbs nobody.

    `idlers` start a process each, give its id, and end it.
    """
    with ExitStack() as held:
        processes = {name: held.enter_context(start()) for name, start in idlers.items()}
        for pid in processes.values():
            quiet(pid, seconds=min(3.0, seconds / 4))
        began = {name: (time.monotonic(), cpu_seconds(pid)) for name, pid in processes.items()}
        time.sleep(seconds)
        return {name: _since(*began[name], pid) for name, pid in processes.items()}


def _since(began: float, cpu: float, pid: int) -> Sample:
    percent = (cpu_seconds(pid) - cpu) / (time.monotonic() - began) * 100
    used = usage(pid)
    return Sample(values={"CPU": percent, "memory": used.rss, "threads": used.threads})


@contextmanager
def _contest(scale: Scale) -> Iterator[Contestants]:
    files = scale.of(100_000, 200)
    with Endpoint() as endpoint, Dovecot() as server:
        accounts = [server.account() for _ in range(scale.of(10, 2))]
        page = _workplace(scale.folder / "page", endpoint, web={"listen": f"127.0.0.1:{free_port()}"})
        mailboxes = _with_mailboxes(Workplace(scale.folder / "mailboxes", endpoint), accounts)
        full = _with_files(Workplace(scale.folder / "files", endpoint), files)
        waiting = [idling.__file__, server.host, str(server.port), PASSWORD, *(each.username for each in accounts)]
        idlers = {
            EMPTY: partial(_daemon, _workplace(scale.folder / "empty", endpoint)),
            PAGE: partial(_daemon, page),
            MAILBOXES: partial(_daemon, mailboxes.write()),
            FILES: partial(_daemon, full, files),
            WATCHDOG: partial(_script, _watching(scale.folder / "watched", endpoint)),
            IDLE: partial(_script, waiting),
        }
        shared = Shared(partial(idle, idlers, scale.of(60, 2)))
        yield {name: partial(shared.sample, name) for name in idlers}


def _workplace(root: Path, endpoint: Endpoint, **sections: Any) -> Workplace:
    workplace = Workplace(root, endpoint).with_folder()
    workplace.config |= sections
    return workplace.write()


def _with_mailboxes(workplace: Workplace, accounts: list[Account]) -> Workplace:
    for number, account in enumerate(accounts):
        login = (account.server.host, account.server.port, account.username, account.password)
        workplace.with_mailbox(*login, name=f"mailbox-{number}")
    return workplace


def _with_files(workplace: Workplace, count: int) -> Workplace:
    workplace.with_folder(**STAYS).write()
    make_known_files(workplace, count)
    return workplace


def _watching(root: Path, endpoint: Endpoint) -> list[str]:
    places = {name: root / name for name in ("inbox", "done", "error")}
    for place in places.values():
        place.mkdir(parents=True)
    options = [word for name, place in places.items() for word in (f"--{name}", str(place))]
    return [script.__file__, "folder", *options, "--ocr", endpoint.url, "--base-url", "https://files.example/"]


@contextmanager
def _daemon(workplace: Workplace, known: int = 0) -> Iterator[int]:
    """`known` files are in its journal, and stay alone."""
    with daemon(workplace) as meter, journal_of(workplace) as journal:
        yield meter.pid
        if journal.submissions() != known:
            raise AssertionError(f"of {known} files that are known, {journal.submissions()} are in the journal")


@contextmanager
def _script(words: list[str]) -> Iterator[int]:
    with program([sys.executable, *words]) as meter:
        yield meter.pid


def _targets(bounds: Mapping[str, float]) -> Iterator[Target]:
    for contestant, percent in bounds.items():
        yield Target(figure="CPU", contestant=contestant, bound=Bound(at_most=percent))


FACTS = Facts(
    name="idle",
    title="Idle",
    measures=(
        "CPU over a minute in which nothing happens, and memory: of the daemon, which looks at its folder each 30 s "
        "and at each mailbox each 60 s, and of scripts that wait for events alone. All idle at the same time."
    ),
    figures=(
        Figure(name="CPU", unit="% of a core", digits=3),
        Figure(name="memory", unit="MB", digits=0),
        Figure(name="threads", unit="", digits=0),
    ),
    ratios=(
        Ratio(figure="memory", ours=EMPTY, theirs=WATCHDOG),
        Ratio(figure="memory", ours=MAILBOXES, theirs=IDLE),
    ),
    targets=(
        *_targets({EMPTY: 0.3, PAGE: 0.3, MAILBOXES: 0.3, FILES: 2.0}),
        Target(figure="memory", contestant=EMPTY, bound=Bound(at_most=80)),
    ),
    plots=(Plot(figure="CPU"), Plot(figure="memory")),
)
CASES = (Case(facts=FACTS, contest=_contest),)
