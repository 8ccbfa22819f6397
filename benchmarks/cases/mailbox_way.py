"""From a mail in the INBOX to its reply, with an endpoint that answers at once."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from benchmarks.case import (
    CPU,
    CPU_EACH,
    PEAK,
    RATE,
    WALL,
    Bound,
    Case,
    Contestants,
    Facts,
    Plot,
    Ratio,
    Sample,
    Scale,
    Target,
)
from benchmarks.cases.folder_way import ANY_CORE, LEAST_BY_REQUESTS
from benchmarks.cases.mailbox_intake import AT_REST_SECONDS, LEAST, login_to, script_at
from benchmarks.daemons import quiet
from benchmarks.journals import journal_of
from benchmarks.mailboxes import Stock, count_in, watched_by, write_employees
from benchmarks.processes import ON_ANY_CORE, Meter, Spent, job
from benchmarks.rivals import least
from benchmarks.servers import Servers
from tests.support.servers.dovecot import Account, Dovecot
from tests.support.workplace import Workplace

DONE = "Done"
MAIL_BYTES = 100_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Company:
    """Each run has a new mailbox with the same mails."""

    stock: Stock
    server: Dovecot
    servers: Servers
    root: Path
    count: int

    def by_daemon(self, *through: str) -> Sample:
        account = self._account()
        with tempfile.TemporaryDirectory(dir=self.root) as folder:
            workplace = Workplace(Path(folder), self.servers, concurrency=8)
            workplace.config["stores"] = {"default": {"type": "http", "url": self.servers.upload_url}}
            workplace.with_smtp(self.servers.smtp_host, self.servers.smtp_port)
            watched_by(workplace, account, done=DONE, error="Failed").write()
            return self._whole(self._answered(workplace, *through), account)

    def by_script(self, *, workers: int) -> Sample:
        account = self._account()
        with tempfile.TemporaryDirectory(dir=self.root) as folder:
            write_employees(Path(folder) / "employees.csv")
            where = ["--ocr", self.servers.url, "--upload", self.servers.upload_url]
            replies = ["--smtp-host", self.servers.smtp_host, "--smtp-port", str(self.servers.smtp_port)]
            command = script_at(account, Path(folder), *where, *replies, "--workers", str(workers))
            return self._whole(job(command, ready=True), account)

    def by_the_least(self, *words: str) -> Sample:
        account = self._account()
        with tempfile.TemporaryDirectory(dir=self.root) as folder:
            stored = Path(folder) / "stored"
            stored.mkdir()
            places = [str(Path(folder) / "journal.db"), str(stored)]
            where = [self.servers.url, self.servers.upload_url, self.servers.smtp_host, str(self.servers.smtp_port)]
            command = [sys.executable, least.__file__, *words, "mailbox", *places, *login_to(account), *where]
            return self._whole(job(command, ready=True), account)

    def _account(self) -> Account:
        self.servers.reset()
        account = self.stock.account()
        for folder in (DONE, "Failed"):
            account.create(folder)
        return account

    def _answered(self, workplace: Workplace, *through: str) -> Spent:
        """From the server's first word to a daemon that is ready, until all mails are replied to and moved."""
        with ExitStack() as silence, ExitStack() as running:
            silence.enter_context(self.server.silent())
            daemon = running.enter_context(workplace.daemon(*through))
            quiet(daemon.process.pid, seconds=AT_REST_SECONDS)
            with journal_of(workplace) as journal:
                meter = Meter(daemon.process.pid)
                silence.close()
                journal.wait_for_closed(self.count)
                return meter.spent()

    def _whole(self, spent: Spent, account: Account) -> Sample:
        """Raises SystemExit where not all was posted, replied to and moved."""
        counts, moved = self.servers.counts(), count_in(account, DONE)
        if {counts.posts, counts.uploads, counts.mails, moved} != {self.count}:
            raise SystemExit(f"of {self.count} mails {moved} are done: {counts}")
        return spent.over(self.count)


@contextmanager
def contest(scale: Scale) -> Iterator[Contestants]:
    count = scale.of(500, 20)
    with Servers() as servers, Dovecot() as server:
        stock = Stock(server, count, MAIL_BYTES)
        company = Company(stock=stock, server=server, servers=servers, root=scale.folder, count=count)
        yield {
            "daemon": company.by_daemon,
            ANY_CORE: partial(company.by_daemon, *ON_ANY_CORE),
            "script": partial(company.by_script, workers=1),
            "script, pool of 8": partial(company.by_script, workers=8),
            LEAST: company.by_the_least,
            LEAST_BY_REQUESTS: partial(company.by_the_least, "--requests"),
        }


CASES = (
    Case(
        facts=Facts(
            name="mailbox-way",
            title="Mailbox, the whole way",
            measures=(
                "500 mails with a PDF of 100 kB each, from the server's first word until the last is replied to and "
                "moved: fetched, uploaded by HTTP, posted to an endpoint that answers at once, and answered. The "
                "least in Python is a floor and no program for use: the steps behind our promises for mails of this "
                "shape, in the cheapest way: one thread, fetched and moved in bulk, recorded a hundred at once; by "
                "requests: the same with the HTTP library that the daemon and the script use. On any core: the daemon "
                "may not keep its threads on one, as systemd's unit has it without the drop-in for that."
            ),
            figures=(RATE, CPU_EACH, CPU, WALL, PEAK),
            ratios=(
                Ratio(figure=CPU_EACH.name, ours="daemon", theirs="script", bound=Bound(at_most=0.5)),
                Ratio(figure=CPU_EACH.name, ours="daemon", theirs="script, pool of 8", bound=Bound(at_most=0.5)),
                Ratio(figure=CPU_EACH.name, ours=ANY_CORE, theirs="script"),
                Ratio(figure=CPU_EACH.name, ours="daemon", theirs=LEAST),
                Ratio(figure=CPU_EACH.name, ours=LEAST, theirs="script"),
                Ratio(figure=CPU_EACH.name, ours=LEAST_BY_REQUESTS, theirs="script"),
                Ratio(figure=RATE.name, ours="daemon", theirs="script"),
                Ratio(figure=RATE.name, ours="daemon", theirs="script, pool of 8"),
            ),
            targets=(Target(figure=RATE.name, contestant="daemon", bound=Bound(at_least=100)),),
            plots=(Plot(figure=RATE.name), Plot(figure=CPU_EACH.name)),
        ),
        contest=contest,
    ),
)
