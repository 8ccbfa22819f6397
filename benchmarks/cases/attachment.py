"""How much memory an attachment of 25 MB takes: the most that the process ever had, and what is due to the size."""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from email.message import EmailMessage
from functools import partial
from pathlib import Path

from benchmarks.case import PEAK, Case, Contestants, Facts, Figure, Plot, Ratio, Sample, Scale
from benchmarks.daemons import usage
from benchmarks.processes import program
from benchmarks.rivals import script
from benchmarks.servers import Servers
from tests.support.servers.dovecot import Dovecot
from tests.support.waiting import wait_for
from tests.support.workplace import EMPLOYEES, ZHANG, Workplace, pdf

SMALL_BYTES, LARGE_BYTES = 50_000, 25_000_000
_DUE = Figure(name="due to its size", unit="MB", digits=0)
_LONG_SECONDS = 120.0
_LOOK_SECONDS = 0.01


@contextmanager
def _contest(scale: Scale) -> Iterator[Contestants]:
    size = scale.of(LARGE_BYTES, LARGE_BYTES // 10)
    with Dovecot() as server, Servers() as servers:
        yield {
            "daemon, file": partial(_file, servers, scale.folder, size),
            "daemon, mail": partial(_mail, servers, server, scale.folder, size),
            "script, file": partial(_file_by_script, servers, scale.folder, size),
            "script, mail": partial(_mail_by_script, servers, server, scale.folder, size),
        }


def _sample(before: float, peak: float) -> Sample:
    return Sample(values={PEAK.name: peak, _DUE.name: peak - before})


# ---------------------------------------------------------------------------------------- the daemon


@contextmanager
def _company(servers: Servers, folder: Path) -> Iterator[Workplace]:
    """Takes so large a document, and hands it on as a file that is uploaded."""
    root = Path(tempfile.mkdtemp(dir=folder))
    workplace = Workplace(root, servers)
    workplace.config["stores"] = {"default": {"type": "http", "url": servers.upload_url}}
    workplace.config["limits"] = {"document": "30MB", "submission": "50MB"}
    try:
        yield workplace
    finally:
        shutil.rmtree(root)


def _file(servers: Servers, folder: Path, size: int) -> Sample:
    def deal_with(number: int, size: int) -> float:
        workplace.drop(f"{number}.pdf", pdf(str(number), size))
        workplace.closed(number)
        return usage(daemon.process.pid).peak

    with _company(servers, folder) as workplace, workplace.with_folder().write().daemon() as daemon:
        return _sample(deal_with(1, SMALL_BYTES), deal_with(2, size))


def _mail(servers: Servers, server: Dovecot, folder: Path, size: int) -> Sample:
    account = server.account()

    def deal_with(number: int, size: int) -> float:
        account.append(_raw(number, size))
        workplace.closed(number, timeout=_LONG_SECONDS)
        return usage(daemon.process.pid).peak

    with _company(servers, folder) as workplace:
        workplace.with_smtp(servers.smtp_host, servers.smtp_port)
        workplace.with_mailbox(server.host, server.port, account.username, account.password).write()
        with workplace.daemon() as daemon:
            return _sample(deal_with(1, SMALL_BYTES), deal_with(2, size))


def _raw(number: int, size: int) -> bytes:
    message = EmailMessage()
    message["From"], message["To"] = "zhang@corp.example", "fapiao@corp.example"
    message["Subject"], message["Message-ID"] = f"发票 {number}", f"<{number}@corp.example>"
    message.set_content("请查收")
    message.add_attachment(pdf(str(number), size), maintype="application", subtype="pdf", filename=f"{number}.pdf")
    return message.as_bytes()


# ---------------------------------------------------------------------------------------- the script


def _file_by_script(servers: Servers, folder: Path, size: int) -> Sample:
    root = Path(tempfile.mkdtemp(dir=folder))
    places = {name: root / name for name in ("inbox", "done", "error")}
    for place in places.values():
        (place / ZHANG).mkdir(parents=True)
    options = [word for name, place in places.items() for word in (f"--{name}", str(place))]
    command = [
        sys.executable,
        script.__file__,
        "folder",
        *options,
        "--ocr",
        servers.url,
        "--upload",
        servers.upload_url,
    ]

    def deal_with(number: int, size: int) -> float:
        (places["inbox"] / ZHANG / f"{number}.pdf").write_bytes(pdf(str(number), size))
        wait_for((places["done"] / ZHANG / f"{number}.pdf").exists, _LONG_SECONDS, "the file in done/")
        return usage(meter.pid).peak

    with program(command) as meter:
        return _sample(deal_with(1, SMALL_BYTES), deal_with(2, size))


def _mail_by_script(servers: Servers, server: Dovecot, folder: Path, size: int) -> Sample:
    """It ends when the mailbox is empty, so it runs for each."""
    employees = folder / "employees.csv"
    employees.write_text(EMPLOYEES, encoding="utf-8")
    account = server.account()
    for name in ("Done", "Failed"):
        account.create(name)
    options = {
        "host": server.host, "port": server.port, "user": account.username, "password": account.password,
        "employees": employees, "ocr": servers.url, "upload": servers.upload_url,
        "smtp-host": servers.smtp_host, "smtp-port": servers.smtp_port,
    }  # fmt: skip
    words = [word for name, value in options.items() for word in (f"--{name}", str(value))]

    def deal_with(number: int, size: int) -> float:
        account.append(_raw(number, size))
        peak = _peak_of([sys.executable, script.__file__, "mailbox", *words])
        if account.messages():
            raise AssertionError("the script left the mail where it was")
        return peak

    return _sample(deal_with(1, SMALL_BYTES), deal_with(2, size))


def _peak_of(command: Sequence[str]) -> float:
    """Megabytes of a program that ends by itself, looked at all the while.

    What the kernel tells at its end counts the memory of the process that started it as well.
    """
    peak = 0.0
    with subprocess.Popen(command, stdout=subprocess.DEVNULL) as process:
        while process.poll() is None:
            with suppress(FileNotFoundError, ProcessLookupError, KeyError):  # it ends at this moment
                peak = max(peak, usage(process.pid).peak)
            time.sleep(_LOOK_SECONDS)
    if process.returncode != 0:
        raise AssertionError(f"the script ended with status {process.returncode}")
    return peak


FACTS = Facts(
    name="attachment",
    title="An attachment of 25 MB",
    measures=(
        "The most memory that the process ever had, when a document of 50 kB and then one of 25 MB came in a folder or "
        "in a mailbox and was uploaded, posted and answered; and by how much the large one raised it."
    ),
    figures=(PEAK, _DUE),
    ratios=(
        Ratio(figure=PEAK.name, ours="daemon, file", theirs="script, file"),
        Ratio(figure=PEAK.name, ours="daemon, mail", theirs="script, mail"),
    ),
    plots=(Plot(figure=PEAK.name),),
)
CASES = (Case(facts=FACTS, contest=_contest),)
