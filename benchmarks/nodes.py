"""How much one, two and three nodes on one PostgreSQL do, and how soon a node that died is succeeded.

    .venv/bin/python -m benchmarks.nodes throughput [--files 400] [--latency 1.0]
    .venv/bin/python -m benchmarks.nodes take-over [--runs 3]

Starts a PostgreSQL and the sandbox's endpoint of its own (see tests/support), and nodes with the installed
command. All share one machine here: compare the figures, and do not take them for those of several machines.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import NamedTuple

from tests.support.nodes import CONNECT_SECONDS, TIMEOUT_SECONDS, Books, Nodes
from tests.support.servers.postgres import Postgres
from tests.support.waiting import wait_for
from tests.support.workplace import Workplace, pdf
from watcher.sandbox.endpoint import Endpoint

LONG_SECONDS = 600.0
_DONE = {
    "the source is looked at": "SELECT 1 FROM submissions WHERE path LIKE '%new.pdf'",
    "the booking in flight is posted again": "SELECT 1 FROM tries WHERE number = 2",
}


class Bench(NamedTuple):
    """A company with a folder, whose nodes are not started yet."""

    workplace: Workplace
    endpoint: Endpoint
    nodes: Nodes
    books: Books


@contextmanager
def bench(postgres: Postgres, latency: float) -> Iterator[Bench]:
    with tempfile.TemporaryDirectory() as root, Endpoint(latency=latency) as endpoint:
        times = {"connect_timeout": f"{CONNECT_SECONDS}s", "timeout": f"{TIMEOUT_SECONDS}s"}
        workplace = Workplace(Path(root), endpoint, concurrency=8, **times).with_folder(poll="2s", settle="1s")
        journal = postgres.database()
        with Nodes(workplace, journal) as nodes:
            yield Bench(workplace, endpoint, nodes, Books(journal))


def is_under_way(endpoint: Endpoint) -> bool:
    return endpoint.under_way > 0


def has_swallowed_one(endpoint: Endpoint) -> bool:
    return len(endpoint.requests) > 0


def has_closed(books: Books, count: int) -> bool:
    return books.closed() >= count


def throughput(postgres: Postgres, files: int, latency: float) -> None:
    """Files a second, from the first request to the last answer, of one, two and three nodes."""
    for count in (1, 2, 3):
        with bench(postgres, latency) as (workplace, endpoint, nodes, books):
            nodes.start(*(f"node-{number}" for number in range(count)))
            for number in range(files):
                workplace.drop(f"{number}.pdf", pdf(f"{number}"))
            wait_for(partial(is_under_way, endpoint), LONG_SECONDS)
            began = time.monotonic()
            wait_for(partial(has_closed, books, files), LONG_SECONDS)
            rate = files / (time.monotonic() - began)
            print(f"{count} node(s): {rate:.1f} files/s, at most {endpoint.most_at_once} requests at once", flush=True)


def take_over(postgres: Postgres, runs: int) -> None:
    """Seconds from the death of a node until another does what it had claimed."""
    for run in range(runs):
        with bench(postgres, 0.0) as (workplace, endpoint, nodes, books):
            (dying,) = nodes.start("dying")
            wait_for(books.claimed_sources, LONG_SECONDS)
            endpoint.behave(silent="before", times=1)
            workplace.drop("in flight.pdf", pdf(f"in flight {run}"))
            wait_for(partial(has_swallowed_one, endpoint), LONG_SECONDS)
            dying.kill()
            died = time.monotonic()
            nodes.start("heir")
            workplace.drop("new.pdf", pdf(f"new {run}"))
            times = seconds_until_done(books, died)
            print(", ".join(f"{name}: {seconds:.0f} s" for name, seconds in times.items()), flush=True)


def seconds_until_done(books: Books, since: float) -> dict[str, float]:
    times: dict[str, float] = {}

    def look() -> bool:
        for name, statement in _DONE.items():
            if name not in times and books.rows(statement):
                times[name] = time.monotonic() - since
        return len(times) == len(_DONE)

    wait_for(look, LONG_SECONDS)
    return times


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=["throughput", "take-over"])
    parser.add_argument("--files", type=int, default=400)
    parser.add_argument("--latency", type=float, default=1.0, help="of the endpoint, in seconds")
    parser.add_argument("--runs", type=int, default=3)
    given = parser.parse_args()
    with Postgres() as postgres:
        if given.what == "throughput":
            throughput(postgres, given.files, given.latency)
        else:
            take_over(postgres, given.runs)


if __name__ == "__main__":
    main()
