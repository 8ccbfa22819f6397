"""Ten new mails in a mailbox of 50,000 that everybody knows."""

from __future__ import annotations

import itertools
import os
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

from benchmarks.case import CPU, PEAK, WALL, Bound, Case, Contestants, Facts, Plot, Ratio, Sample, Scale
from benchmarks.cases.folders import Nowhere
from benchmarks.cases.mailbox_intake import login_to, script_at, taken_in
from benchmarks.daemons import quiet
from benchmarks.journals import journal_of
from benchmarks.known_mails import STAYS, know_old_mails, put_old_mails
from benchmarks.mailboxes import addresses, index, maildir, put, uids_of, watched_by, write_employees
from benchmarks.processes import Meter, Spent, job, teller
from benchmarks.rivals import mail_programs, raw_fetch, raw_idle
from benchmarks.servers import Servers
from tests.support.mails import mail, part
from tests.support.servers.dovecot import Account, Dovecot
from tests.support.workplace import PATIENCE_SECONDS, Workplace, pdf

NEW = 10
NEW_BYTES = 100_000
RAW_FETCH, RAW_IDLE = "raw fetch", "raw IDLE and fetch"
GAP_SECONDS = 3.0  # between the end of a first look and the new mails


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """A mailbox with `count` mails that each contestant has seen, in a folder of its own below `root`."""

    account: Account
    servers: Servers
    root: Path
    count: int
    _numbers: Iterator[int] = field(default_factory=itertools.count)

    def prepare(self) -> None:
        """Let everybody see the old mails."""
        put_old_mails(self.account, self.count)
        index(self.account)
        know_old_mails(self._workplace(self.root / "daemon"), self.account, self.count)
        for name in ("script", "mbsync", "getmail"):
            (self.root / name).mkdir()
        write_employees(self.root / "script" / "employees.csv")
        job(mail_programs.mbsync(self.account, self.root / "mbsync", safely=False), ready=False)
        mail_programs.know(self.account, self.root / "getmail", uids_of(self.account))

    def by_starting(self) -> Sample:
        """A daemon that starts with all ten there, from the server's first word."""
        with tempfile.TemporaryDirectory(dir=self.root) as folder:
            workplace = self._started_with(Path(folder))
            with self._new_mails():
                return _sample(taken_in(workplace, self.account.server, NEW))

    def by_running(self) -> Sample:
        """A daemon that has looked already, from the moment at which the mails come."""
        with tempfile.TemporaryDirectory(dir=self.root) as folder, ExitStack() as mails:
            workplace = self._started_with(Path(folder))
            with workplace.daemon() as daemon:
                quiet(daemon.process.pid, seconds=GAP_SECONDS)
                with journal_of(workplace) as journal:
                    meter = Meter(daemon.process.pid)
                    mails.enter_context(self._new_mails())
                    journal.wait_for(NEW)
                    return _sample(meter.spent())

    def by_script(self) -> Sample:
        with tempfile.TemporaryDirectory(dir=self.root) as saved, self._new_mails():
            command = script_at(self.account, self.root / "script", "--save", saved)
            spent = job(command, ready=True)
            return _all_ten(spent, len(os.listdir(saved)))  # noqa: PTH208 - a count of names

    def by_mbsync(self) -> Sample:
        return self._by_copying(mail_programs.mbsync(self.account, self.root / "mbsync"), self.root / "mbsync/INBOX")

    def by_getmail(self) -> Sample:
        command = mail_programs.getmail(self.account, self.root / "getmail")
        return self._by_copying(command, self.root / "getmail/maildir")

    def by_raw_fetch(self) -> Sample:
        """The new ones by their numbers, which it is told."""
        with self._new_mails():
            command = [sys.executable, raw_fetch.__file__, *login_to(self.account)]
            return _sample(job([*command, f"{self.count + 1}:*", str(NEW * NEW_BYTES)], ready=True))

    def by_raw_idle(self) -> Sample:
        """One that waits already, from the moment at which the mails come."""
        command = [sys.executable, raw_idle.__file__, *login_to(self.account), str(self.count), str(NEW)]
        with ExitStack() as mails, teller(command) as waiting:
            time.sleep(GAP_SECONDS)
            meter = Meter(waiting.meter.pid)
            mails.enter_context(self._new_mails())
            waiting.wait_for(1, patience=PATIENCE_SECONDS)
            return _sample(replace(meter.spent(), wall=waiting.at["done"] - meter.began))

    def _by_copying(self, command: list[str], copies: Path) -> Sample:
        before = _count(copies)
        with self._new_mails():
            return _all_ten(job(command, ready=False), _count(copies) - before)

    def _workplace(self, root: Path) -> Workplace:
        return watched_by(Workplace(root, Nowhere(self.servers)), self.account, **STAYS)

    def _started_with(self, root: Path) -> Workplace:
        """A workplace whose journal knows the old mails."""
        workplace = self._workplace(root / "work").write()
        shutil.copy(self.root / "daemon" / "journal.db", workplace.root / "journal.db")
        return workplace

    @contextmanager
    def _new_mails(self) -> Iterator[None]:
        """Unread, as a server delivers them; they are deleted at the end of the block."""
        people, beside, new = addresses(), maildir(self.account) / "tmp", maildir(self.account) / "new"
        names = []
        for number in itertools.islice(self._numbers, NEW):
            content = part(pdf(f"new {number}", NEW_BYTES), name=f"new-{number}.pdf")
            raw = mail(content, subject=f"new {number}", sender=people[number % len(people)])
            names.append(f"{int(time.time())}.M{number:06}P2.host,S={len(raw)}")
            put(beside, names[-1], raw, time.time())
        for name in names:
            (beside / name).rename(new / name)
        try:
            yield
        finally:
            self._delete(set(names))

    def _delete(self, names: set[str]) -> None:
        """What the server made of these files."""
        for name in ("cur", "new"):
            for path in (maildir(self.account) / name).iterdir():
                if path.name.partition(":")[0] in names:
                    path.unlink()
        with self.account.connection() as imap:
            imap.select("INBOX", readonly=True)  # it notices that they are gone


def _sample(spent: Spent) -> Sample:
    return Sample(values={WALL.name: spent.wall, CPU.name: spent.cpu, PEAK.name: spent.peak})


def _all_ten(spent: Spent, found: int) -> Sample:
    if found != NEW:
        raise SystemExit(f"{found} of {NEW} new mails were fetched")
    return _sample(spent)


def _count(folder: Path) -> int:
    places = (folder / name for name in ("new", "cur"))
    return sum(len(os.listdir(place)) for place in places if place.is_dir())  # noqa: PTH208 - a count of names


@contextmanager
def contest(scale: Scale) -> Iterator[Contestants]:
    with Servers() as servers, Dovecot() as server:
        root = scale.folder / "all"
        root.mkdir()
        known = Known(account=server.account(), servers=servers, root=root, count=scale.of(50_000, 200))
        known.prepare()
        yield {
            "daemon, started": known.by_starting,
            "daemon, running": known.by_running,
            "script": known.by_script,
            "mbsync": known.by_mbsync,
            "getmail": known.by_getmail,
            RAW_FETCH: known.by_raw_fetch,
            RAW_IDLE: known.by_raw_idle,
        }


CASES = (
    Case(
        facts=Facts(
            name="mailbox-known",
            title="Mailbox, 50,000 old mails and 10 new",
            measures=(
                "Ten new mails with a PDF of 100 kB each come into an INBOX of 50,000 that stay there and are known to "
                "everybody. The daemon that is started looks at all of them; the one that runs hears from the server, "
                "which takes its time; the others are started, and ask for what is unread or what they lack. Raw is "
                "what the protocol allows: a socket that is told the numbers of the new mails, reads those and drops "
                "them, started, or waiting for the server's word."
            ),
            figures=(WALL, CPU, PEAK),
            ratios=tuple(
                ratio
                for ours in ("daemon, started", "daemon, running")
                for ratio in (
                    Ratio(figure=WALL.name, ours=ours, theirs="script", bound=Bound(at_most=0.2)),
                    Ratio(figure=CPU.name, ours=ours, theirs="mbsync", bound=Bound(at_most=1.5)),
                    Ratio(figure=CPU.name, ours=ours, theirs="getmail"),
                )
            )
            + tuple(Ratio(figure=WALL.name, ours=raw, theirs="script") for raw in (RAW_FETCH, RAW_IDLE)),
            plots=(Plot(figure=WALL.name), Plot(figure=CPU.name)),
        ),
        contest=contest,
    ),
)
