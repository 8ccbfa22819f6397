"""How near the daemon comes to what the endpoint allows: its concurrency by its latency, while there is a backlog.

The backlog lies in the folder before the start, or has been taken in while nothing could be posted, which shows the
posting alone. A bare HTTP client at the same concurrency says what the machine and the endpoint give.
"""

from __future__ import annotations

import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path
from typing import NamedTuple

from benchmarks.case import Bound, Case, Contestant, Contestants, Facts, Figure, Plot, Ratio, Sample, Scale, Target
from benchmarks.daemons import usage
from benchmarks.journals import journal_of
from benchmarks.processes import job
from benchmarks.rivals import posting
from benchmarks.servers import Servers
from benchmarks.together import Begin, Together, Waiting, at_once
from tests.support.workplace import Workplace, pdf

AT_ONCE = (8, 64, 256)
_LONG_SECONDS = 300.0
_FEW_A_SECOND = 30  # so many requests at most leave the machine to others
_SHARE = Figure(name="of the limit", unit="· concurrency / latency")
_RATE = Figure(name="rate", unit="POST/s", digits=1)
_CPU = Figure(name="CPU each", unit="ms/document")


class Setting(NamedTuple):
    latency: float
    concurrency: int
    documents: int


class Nowhere(NamedTuple):
    """An address of the endpoint where nothing is: it closes the gate."""

    url: str


def from_the_folder(servers: Servers, folder: Path, setting: Setting, begin: Begin = at_once) -> Sample:
    with _company(servers, folder, setting) as workplace:
        begin()
        return _posted(servers, workplace, setting)


def from_the_journal(servers: Servers, folder: Path, setting: Setting, begin: Begin = at_once) -> Sample:
    with _company(servers, folder, setting) as workplace:
        url = workplace.config["recognition"]["url"]
        workplace.config["recognition"]["url"] = f"{servers.url}-nowhere"
        with workplace.write().daemon(), journal_of(workplace) as journal:
            journal.wait_for(setting.documents)
        (workplace.root / "daemon.log").unlink()  # it says that a daemon is ready
        workplace.config["recognition"]["url"] = url
        begin()
        return _posted(servers, workplace.write(), setting)


@contextmanager
def _company(servers: Servers, folder: Path, setting: Setting) -> Iterator[Workplace]:
    """With the documents in its folder."""
    root = Path(tempfile.mkdtemp(dir=folder))
    timeout = f"{setting.latency + 30:g}s"
    workplace = Workplace(root, servers, concurrency=setting.concurrency, timeout=timeout).with_folder().write()
    for number in range(setting.documents):
        workplace.drop(f"{number}.pdf", pdf(f"{number}", 20_000))
    try:
        yield workplace
    finally:
        shutil.rmtree(root)


def _posted(servers: Servers, workplace: Workplace, setting: Setting) -> Sample:
    servers.answer_after(setting.latency)
    servers.reset()
    with workplace.daemon() as daemon:
        started = usage(daemon.process.pid).cpu
        servers.wait_for_answers(setting.documents, _LONG_SECONDS)
        cpu = usage(daemon.process.pid).cpu - started
    return sample(servers, setting, cpu)


def sample(servers: Servers, setting: Setting, cpu: float) -> Sample:
    """From the first request to the last answer, as the endpoint saw them."""
    came = [arrival.at for arrival in servers.arrivals()]
    if len(came) != setting.documents:
        raise AssertionError(f"{setting.documents} documents were posted in {len(came)} requests")
    rate = setting.documents / (max(came) - min(came) + setting.latency)
    values = {"rate": rate, "CPU each": cpu * 1000 / setting.documents}
    if setting.latency:
        values["of the limit"] = rate * setting.latency / setting.concurrency
    return Sample(values=values)


def bare_client(servers: Servers, setting: Setting, begin: Begin = at_once) -> Sample:
    begin()
    servers.answer_after(setting.latency)
    servers.reset()
    words = [servers.url, str(setting.documents), str(setting.concurrency)]
    spent = job([sys.executable, "-m", posting.__name__, *words], ready=True)
    return sample(servers, setting, spent.cpu)


# --------------------------------------------------------------------------------------------- the cases


def _folder(concurrency: int) -> str:
    return f"daemon, {concurrency} at once, from the folder"


def _journal(concurrency: int) -> str:
    return f"daemon, {concurrency} at once, from the journal"


def _client(concurrency: int) -> str:
    return f"HTTP client, {concurrency} at once"


@contextmanager
def _contest(latency: float, documents: Callable[[int], int], scale: Scale) -> Iterator[Contestants]:
    """Each has an endpoint of its own, because some run at the same time."""
    with ExitStack() as held:
        alone: dict[str, Contestant] = {}
        few: dict[str, Waiting] = {}
        for concurrency in AT_ONCE:
            count = 3 * AT_ONCE[0] if scale.quick else documents(concurrency)
            setting = Setting(min(latency, 0.1) if scale.quick else latency, concurrency, count)
            for name, contestant in _contestants(setting, scale.folder).items():
                waiting = partial(contestant, held.enter_context(Servers()))
                if latency and concurrency / latency <= _FEW_A_SECOND:
                    few[name] = waiting
                else:
                    alone[name] = partial(waiting, at_once)
        together = Together(few, apart=0.1 if scale.quick else latency / max(1, len(few)))
        yield {name: partial(together.sample, name) for name in few} | alone


def _contestants(setting: Setting, folder: Path) -> dict[str, Callable[[Servers, Begin], Sample]]:
    """What is in the journal already is only of interest where many are posted at once."""
    found: dict[str, Callable[[Servers, Begin], Sample]] = {
        _folder(setting.concurrency): lambda servers, begin: from_the_folder(servers, folder, setting, begin),
        _client(setting.concurrency): lambda servers, begin: bare_client(servers, setting, begin),
    }
    if setting.concurrency == AT_ONCE[-1]:
        found[_journal(setting.concurrency)] = lambda servers, begin: from_the_journal(servers, folder, setting, begin)
    return found


def _ours() -> Iterator[tuple[str, str]]:
    """Each way of the daemon, and the client that it stands beside."""
    for concurrency in AT_ONCE:
        yield _folder(concurrency), _client(concurrency)
    yield _journal(AT_ONCE[-1]), _client(AT_ONCE[-1])


def _facts(latency: float, figures: tuple[Figure, ...], *, of_the_limit: float | None, documents: str) -> Facts:
    bound = Bound(at_least=of_the_limit)
    return Facts(
        name=f"pipeline-{latency:g}s",
        title=f"Posting, with an endpoint that takes {latency:g} s"
        if latency
        else "Posting, with an endpoint that answers at once",
        measures=(
            f"POSTs a second, from the first request to the last answer as the endpoint saw them, of {documents} that "
            "lie in the folder before the start, or that the journal has already. Those that post at most "
            f"{_FEW_A_SECOND} a second run at the same time, each with an endpoint of its own, and begin in turn."
        ),
        figures=figures,
        ratios=tuple(Ratio(figure=_RATE.name, ours=ours, theirs=theirs) for ours, theirs in _ours()),
        targets=tuple(Target(figure=_SHARE.name, contestant=each, bound=bound) for each, _ in _ours() if of_the_limit),
        plots=(Plot(figure=_SHARE.name if latency else _RATE.name), Plot(figure=_CPU.name)),
    )


def _case(latency: float, documents: Callable[[int], int], told: str, *, of_the_limit: float | None = None) -> Case:
    figures = (_SHARE, _RATE, _CPU) if latency else (_RATE, _CPU)
    return Case(
        facts=_facts(latency, figures, of_the_limit=of_the_limit, documents=told),
        contest=partial(_contest, latency, documents),
    )


CASES = (
    _case(0, lambda concurrency: max(500, 5 * concurrency), "some hundred documents"),
    # So many that the first wave, in which each request opens its connection, is a thirtieth of it.
    _case(1, lambda concurrency: 30 * concurrency, "30 documents for each request at once", of_the_limit=0.95),
    _case(10, lambda concurrency: 3 * concurrency, "3 documents for each request at once", of_the_limit=0.95),
)
