"""How long each operation of the journal takes with 0, 1,000 and 1,000,000 documents in it, on both databases.

    .venv/bin/python -m benchmarks.journal_growth --sizes 0,1000,1000000

SQLite in a temporary folder; `--folder DIR` keeps the journals, to be measured again. `--postgres` takes a cluster of
its own, which is thrown away at the end. `--plans` also prints every statement that walks a table that grows.

Prints the least of several goes in milliseconds, and how many times the smallest journal's the largest one's is.
The journals are filled in bulk (filling.py), then some work is put on top, so that there is something to claim.
SQLite has no statistics, as in the daemon; PostgreSQL is vacuumed and analysed once, as its autovacuum does.
"""

from __future__ import annotations

import argparse
import contextlib
import tempfile
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import make_url

from benchmarks.filling import fill, identifier, key
from tests.support.journals import CUT_OFF, ENDED, ENDPOINT, FAILED, HOLD, REFUSED, document, done, file, mail
from tests.support.query_plans import recorded
from watcher.journal.journal import SqlJournal
from watcher.journal.opening import migrate, open_journal
from watcher.model import ClaimedBooking, Kind, Outcome, SubmissionFilter, SubmissionState

SOURCES = ("fapiao", "shared")
YEAR = timedelta(days=365)
LONG_ENOUGH_MS = 3000
Operation = tuple[str, Callable[[], object]]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", default="0,1000,1000000")
    parser.add_argument("--postgres", action="store_true")
    parser.add_argument("--folder", type=Path, help="where the SQLite journals are kept")
    parser.add_argument("--plans", action="store_true")
    parser.add_argument("--goes", type=int, default=9)
    arguments = parser.parse_args()
    sizes = [int(size) for size in arguments.sizes.split(",")]
    columns = {}
    with _places(arguments) as place:
        for size in sizes:
            columns[size] = _measure(place(size), size, arguments)
    _print(sizes, columns)


@contextlib.contextmanager
def _places(arguments: argparse.Namespace) -> Iterator[Callable[[int], str]]:
    """Gives the URL of a journal for each size."""
    if arguments.postgres:
        from tests.support.servers.postgres import Postgres

        with Postgres() as server:
            yield lambda _size: server.database()
        return
    with contextlib.ExitStack() as stack:
        folder = arguments.folder or Path(stack.enter_context(tempfile.TemporaryDirectory()))
        yield lambda size: f"sqlite:///{folder}/journal-{size}.db"


def _measure(url: str, size: int, arguments: argparse.Namespace) -> dict[str, float]:
    _prepare(url, size)
    began = time.perf_counter()
    journal = open_journal(url, exclusive=True)
    opening = (time.perf_counter() - began) * 1000
    found = {"open the daemon's journal": opening}
    try:
        for name, operation in _operations(journal, size):
            with recorded() as statements:
                found[name] = _least(operation, arguments.goes)
            print(f"  {size:>8} {name}: {found[name]:.2f} ms", flush=True)
            for walk in journal._database.read(statements.walks) if arguments.plans else ():
                print(f"  {size:>8} {name}: {walk[:160]}", flush=True)
    finally:
        journal.close()
    return found


def _prepare(url: str, size: int) -> None:
    if url.startswith("sqlite") and Path(str(make_url(url).database)).exists():
        return
    migrate(url)
    began = time.perf_counter()
    fill(url, size)
    if url.startswith("postgres"):
        import psycopg

        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute("VACUUM ANALYZE")
    print(f"filled {url.partition(':')[0]} with {size} in {time.perf_counter() - began:.0f} s", flush=True)


def _least(operation: Callable[[], object], goes: int) -> float:
    taken: list[float] = []
    while len(taken) < goes and sum(taken) < LONG_ENOUGH_MS:
        began = time.perf_counter()
        operation()
        taken.append((time.perf_counter() - began) * 1000)
    return min(taken)


def _operations(journal: SqlJournal, size: int) -> Iterator[Operation]:
    yield from _intake(journal, size)
    yield from _recognition(journal)
    yield from _answering(journal)
    yield from _people(journal, size)
    yield from _tending(journal)


def _intake(journal: SqlJournal, size: int) -> Iterator[Operation]:
    middle = [key(number) for number in range(max(1, size // 2 - 250), size // 2 + 250)]
    stamp = time.time_ns()
    yield "known: 500 keys", lambda: journal.known(middle)
    yield "known: 500 new keys", lambda: journal.known([f"file:{stamp}{number}" for number in range(500)])
    yield "record", lambda: _record(journal, 1)


def _record(journal: SqlJournal, count: int) -> None:
    for _ in range(count):
        stamp = str(time.time_ns())
        make, source = (mail, "fapiao") if int(stamp) % 2 else (file, "shared")
        journal.record(make(document(stamp), key=f"new:{stamp}", source=source))


def _recognition(journal: SqlJournal) -> Iterator[Operation]:
    def claim() -> list[ClaimedBooking]:
        return journal.claim_bookings(sources=SOURCES, endpoint=ENDPOINT, limit=4, hold=HOLD)

    _record(journal, 200)
    yield "next_try_in", lambda: journal.next_try_in(SOURCES, ENDPOINT)
    yield "work_left", lambda: journal.work_left(SOURCES)
    yield "claim_bookings: 4", claim
    held = [claimed for _ in range(20) for claimed in claim()]
    yield "give_back", lambda: journal.give_back(held.pop())
    yield "postpone", lambda: journal.postpone(held.pop(), due_in=timedelta(0), counted=True, ending=CUT_OFF)
    yield "settle: done", lambda: journal.settle(held.pop(), done(), ENDED)
    yield "settle: error", lambda: journal.settle(held.pop(), FAILED, REFUSED)

    def close_and_open() -> None:
        journal.close_gate(ENDPOINT, "why", timedelta(minutes=5))
        journal.open_gate(ENDPOINT)

    yield "close and open the gate", close_and_open
    journal.close_gate(ENDPOINT, "why", timedelta(0))
    yield "claim a probe", lambda: journal.claim_bookings(sources=SOURCES, endpoint=ENDPOINT, limit=1, hold=HOLD)
    journal.open_gate(ENDPOINT)


def _answering(journal: SqlJournal) -> Iterator[Operation]:
    yield "next_answer_in", lambda: journal.next_answer_in("fapiao")
    held = []
    yield "claim_answers: 1", lambda: held.extend(journal.claim_answers("fapiao", limit=1, hold=HOLD))
    held += journal.claim_answers("shared", limit=8, hold=HOLD)
    closed = []

    def close() -> None:
        if held:
            claimed = held.pop()
            journal.plan_answer(claimed, "done/a")
            journal.close_submission(claimed, moved=True)
            closed.append(claimed.submission.id)

    yield "plan and close an answer", close
    yield "retry", lambda: journal.retry(closed[-1])


def _people(journal: SqlJournal, size: int) -> Iterator[Operation]:
    name = identifier(size) if size else next(journal.submissions(SubmissionFilter(limit=1))).id
    yield "show by an id", lambda: journal.submission(name)
    yield "show by a prefix", lambda: journal.submission(name[:9])
    yield "counts", journal.counts
    yield "source_health", journal.source_health
    yield "outcomes_since: an hour", lambda: journal.outcomes_since(datetime.now(UTC) - timedelta(hours=1))

    def listed(**wanted: Any) -> Callable[[], int]:
        return lambda: sum(1 for _ in journal.submissions(SubmissionFilter(**wanted)))

    yield "list", listed()
    for state in SubmissionState:
        yield f"list --state {state}", listed(state=state)
    for outcome in Outcome:
        yield f"list --outcome {outcome}", listed(outcome=outcome)
    yield "list --source", listed(source="shared")
    yield "list --source of nothing", listed(source="nobody")
    yield "list --sender", listed(sender="person-7@corp.example")
    yield "list --sender of nothing", listed(sender="nobody@corp.example")
    yield "list --since 2020", listed(since=datetime(2020, 1, 1, tzinfo=UTC))
    yield "list --since yesterday", listed(since=datetime.now(UTC) - timedelta(days=1))
    yield "list --search a number", listed(search=f"24{size // 2:018}")
    yield "list --search an expense", listed(search=f"E{size // 2}")
    yield "list --search a name", listed(search=f"发票-{size // 2}.pdf")
    yield "list --search nothing", listed(search="zzzzzz")
    yield "list all of a sender", listed(sender="person-7@corp.example", limit=None)
    yield "list all errors", listed(outcome=Outcome.ERROR, limit=None)


def _tending(journal: SqlJournal) -> Iterator[Operation]:
    yield "register_sources", lambda: journal.register_sources({"fapiao": Kind.MAIL, "shared": Kind.FILE})
    yield "claim and release a source", lambda: _claim_source(journal)
    yield "forget: a step", lambda: journal.forget(YEAR)
    yield "forget: nothing", lambda: journal.forget(YEAR * 50)


def _claim_source(journal: SqlJournal) -> None:
    claim = journal.claim_source("fapiao", HOLD)
    assert claim is not None
    journal.release_source(claim)


def _print(sizes: list[int], columns: dict[int, dict[str, float]]) -> None:
    print(f"\n{'operation':<32}" + "".join(f"{size:>12}" for size in sizes) + f"{'ratio':>10}")
    for name in columns[sizes[0]]:
        row = [columns[size][name] for size in sizes]
        print(f"{name:<32}" + "".join(f"{value:>12.2f}" for value in row) + f"{row[-1] / row[0]:>10.1f}")


if __name__ == "__main__":
    main()
