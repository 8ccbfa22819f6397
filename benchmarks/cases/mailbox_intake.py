"""Taking in a full mailbox: fetching every mail, and having its document in hand."""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from benchmarks.case import CPU, CPU_EACH, PEAK, RATE, WALL, Bound, Case, Contestants, Facts, Plot, Ratio, Sample, Scale
from benchmarks.cases.folders import Nowhere
from benchmarks.daemons import quiet
from benchmarks.journals import journal_of
from benchmarks.mailboxes import Stock, index, uids_of, unread, watched_by, write_employees
from benchmarks.processes import Meter, Spent, job
from benchmarks.rivals import least, mail_programs, raw_fetch, script
from benchmarks.servers import Servers
from tests.support.servers.dovecot import Account, Dovecot
from tests.support.workplace import Workplace

AT_REST_SECONDS = 0.5
LEAST = "the least in Python"


@dataclass(frozen=True, slots=True, kw_only=True)
class Full:
    """A mailbox with `count` mails, which everybody fetches into a new folder below `root`."""

    account: Account
    servers: Servers
    root: Path
    count: int
    slow: int  # how many the script gets, whose figures are for a document all the same

    def by_daemon(self) -> Sample:
        with tempfile.TemporaryDirectory(dir=self.root) as folder:
            workplace = Workplace(Path(folder), Nowhere(self.servers))
            watched_by(workplace, self.account).write()
            return taken_in(workplace, self.account.server, self.count).over(self.count)

    def by_script(self, *, workers: int) -> Sample:
        """It saves the documents, and neither posts nor answers."""
        unread(self.account, self.slow)
        with tempfile.TemporaryDirectory(dir=self.root) as folder:
            write_employees(Path(folder) / "employees.csv")
            saved = Path(folder) / "saved"
            saved.mkdir()
            command = script_at(self.account, Path(folder), "--save", str(saved), "--workers", str(workers))
            return self._whole(job(command, ready=True), saved, count=self.slow)

    def by_mbsync(self) -> Sample:
        with tempfile.TemporaryDirectory(dir=self.root) as folder:
            spent = job(mail_programs.mbsync(self.account, Path(folder)), ready=False)
            return self._whole(spent, Path(folder) / "INBOX" / "new", Path(folder) / "INBOX" / "cur")

    def by_getmail(self) -> Sample:
        with tempfile.TemporaryDirectory(dir=self.root) as folder:
            mail_programs.know(self.account, Path(folder), uids_of(self.account, self.count // 4 + 1))
            spent = job(mail_programs.getmail(self.account, Path(folder)), ready=False)
            return self._whole(spent, Path(folder) / "maildir" / "new", count=self.count // 4)

    def by_the_least(self) -> Sample:
        with tempfile.TemporaryDirectory(dir=self.root) as folder:
            stored = Path(folder) / "stored"
            stored.mkdir()
            places = [str(Path(folder) / "journal.db"), str(stored)]
            command = [sys.executable, least.__file__, "intake", *places, *login_to(self.account)]
            return self._whole(job(command, ready=True), stored)

    def by_raw_fetch(self) -> Sample:
        command = [sys.executable, raw_fetch.__file__, *login_to(self.account)]
        return job(command, ready=True).over(self.count)

    def _whole(self, spent: Spent, *folders: Path, count: int | None = None) -> Sample:
        """Raises SystemExit where not all is there."""
        there = sum(len(os.listdir(folder)) for folder in folders if folder.is_dir())  # noqa: PTH208 - a count
        count = count or self.count
        if there != count:
            raise SystemExit(f"{there} of {count} are there")
        return spent.over(count)


def taken_in(workplace: Workplace, server: Dovecot, count: int) -> Spent:
    """From the server's first word to a daemon that is ready, until so many submissions are in the journal."""
    with ExitStack() as silence:
        silence.enter_context(server.silent())
        with workplace.daemon() as daemon:
            quiet(daemon.process.pid, seconds=AT_REST_SECONDS)
            with journal_of(workplace) as journal:
                meter = Meter(daemon.process.pid)
                silence.close()
                journal.wait_for(count)
                return meter.spent()


def script_at(account: Account, folder: Path, *options: str) -> list[str]:
    """The script on a mailbox; `employees.csv` is in the folder."""
    where = ["--host", account.server.host, "--port", str(account.server.port)]
    who = ["--user", account.username, "--password", account.password]
    people = ["--employees", str(folder / "employees.csv")]
    return [sys.executable, script.__file__, "mailbox", *where, *who, *people, *options]


def login_to(account: Account) -> list[str]:
    return [account.server.host, str(account.server.port), account.username, account.password]


@contextmanager
def contest(scale: Scale, *, count: int, slow: int, size: int) -> Iterator[Contestants]:
    with Servers() as servers, Dovecot() as server:
        account = Stock(server, count, size).account()
        index(account)
        full = Full(account=account, servers=servers, root=scale.folder, count=count, slow=slow)
        yield {
            "daemon": full.by_daemon,
            "script": partial(full.by_script, workers=1),
            "script, pool of 8": partial(full.by_script, workers=8),
            "mbsync": full.by_mbsync,
            "getmail": full.by_getmail,
            LEAST: full.by_the_least,
            "raw fetch": full.by_raw_fetch,
        }


def _case(name: str, words: str, *, count: int, slow: int, size: int, told: str = "") -> Case:
    @contextmanager
    def scaled(scale: Scale) -> Iterator[Contestants]:
        with contest(
            scale, count=scale.of(count, 20), slow=scale.of(slow, 10), size=scale.of(size, size // 10)
        ) as contestants:
            yield contestants

    return Case(
        facts=Facts(
            name=name,
            title=f"Mailbox, intake of {words}",
            measures=(
                f"{words}, a PDF in each, from the server's first word until all are taken in: read, hashed, stored "
                "on the disk and in the journal. The script saves the attachments and does no more, mbsync and "
                "getmail copy the mails into a maildir, and the raw fetch reads all by one command and drops it. The "
                "least in Python is a floor and no program for use: the steps behind our promises for mails of this "
                f"shape, in the cheapest way: one thread, fetched in bulk, recorded a hundred at once. getmail gets a "
                f"quarter of them.{told}"
            ),
            figures=(RATE, CPU_EACH, CPU, WALL, PEAK),
            ratios=(
                Ratio(figure=RATE.name, ours="daemon", theirs="script", bound=Bound(at_least=5)),
                Ratio(figure=RATE.name, ours="daemon", theirs="script, pool of 8"),
                Ratio(figure=CPU.name, ours="daemon", theirs="mbsync", bound=Bound(at_most=1.5)),
                Ratio(figure=CPU_EACH.name, ours="daemon", theirs="getmail"),
                Ratio(figure=CPU.name, ours="daemon", theirs=LEAST),
                Ratio(figure=CPU.name, ours=LEAST, theirs="mbsync"),
                Ratio(figure=RATE.name, ours=LEAST, theirs="script"),
                Ratio(figure=CPU.name, ours="daemon", theirs="raw fetch"),
            ),
            plots=(Plot(figure=RATE.name), Plot(figure=CPU_EACH.name)),
        ),
        contest=scaled,
    )


CASES = (
    _case("mailbox-intake", "1000 mails of 100 kB", count=1000, slow=1000, size=100_000),
    _case(
        "mailbox-intake-large",
        "200 mails of 5 MB",
        count=200,
        slow=50,
        size=5_000_000,
        told=" The script, which takes a minute for all, gets 50 of them.",
    ),
)
