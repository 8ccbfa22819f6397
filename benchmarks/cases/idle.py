"""What the daemon uses while nothing happens: with an empty folder, the page, mailboxes in IDLE, many known files.

Beside it a script that waits for events of a folder, and one that waits in IDLE; neither looks again by itself.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

from benchmarks.case import Bound, Case, Contestants, Facts, Figure, Plot, Ratio, Sample, Scale, Target
from benchmarks.daemons import cpu_seconds, quiet, usage
from benchmarks.journals import journal_of
from benchmarks.known_files import STAYS, make_known_files
from benchmarks.processes import daemon, program
from benchmarks.rivals import idling, script
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


@contextmanager
def _contest(scale: Scale) -> Iterator[Contestants]:
    seconds, files = scale.of(60, 2), scale.of(100_000, 200)
    with Endpoint() as endpoint, Dovecot() as server:
        accounts = [server.account() for _ in range(scale.of(10, 2))]
        daemons = {
            EMPTY: _workplace(scale.folder / "empty", endpoint),
            PAGE: _workplace(scale.folder / "page", endpoint, web={"listen": f"127.0.0.1:{free_port()}"}),
            MAILBOXES: _with_mailboxes(Workplace(scale.folder / "mailboxes", endpoint), accounts).write(),
        }
        full = _with_files(Workplace(scale.folder / "files", endpoint), files)
        watching = _watching(scale.folder / "watched", endpoint)
        waiting = [idling.__file__, server.host, str(server.port), PASSWORD, *(each.username for each in accounts)]
        yield {
            **{name: partial(_of_the_daemon, workplace, seconds) for name, workplace in daemons.items()},
            FILES: partial(_of_the_daemon, full, seconds, files),
            WATCHDOG: partial(_of_a_script, watching, seconds),
            IDLE: partial(_of_a_script, waiting, seconds),
        }


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


def _of_the_daemon(workplace: Workplace, seconds: float, known: int = 0) -> Sample:
    """`known` files are in its journal, and stay alone."""
    with daemon(workplace) as meter, journal_of(workplace) as journal:
        sample = _at_rest(meter.pid, seconds)
        if journal.submissions() != known:
            raise AssertionError(f"of {known} files that are known, {journal.submissions()} are in the journal")
    return sample


def _of_a_script(words: list[str], seconds: float) -> Sample:
    with program([sys.executable, *words]) as meter:
        return _at_rest(meter.pid, seconds)


def _at_rest(pid: int, seconds: float) -> Sample:
    quiet(pid, seconds=min(3.0, seconds / 4))
    before = cpu_seconds(pid)
    time.sleep(seconds)
    used = usage(pid)
    return Sample(
        values={"CPU": (cpu_seconds(pid) - before) / seconds * 100, "memory": used.rss, "threads": used.threads}
    )


def _targets(bounds: Mapping[str, float]) -> Iterator[Target]:
    for contestant, percent in bounds.items():
        yield Target(figure="CPU", contestant=contestant, bound=Bound(at_most=percent))


FACTS = Facts(
    name="idle",
    title="Idle",
    measures=(
        "CPU over a minute in which nothing happens, and memory: of the daemon, which looks at its folder each 30 s "
        "and at each mailbox each 60 s, and of scripts that wait for events alone."
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
