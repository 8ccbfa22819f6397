"""Three real daemons on one PostgreSQL under load, and what may befall them: nothing lost, nothing twice.

A claim that a node has left behind is over after its hold: 35 s for a booking with these timeouts, 60 s for
an answer. So all of these run with `--exhaustive` alone: one in which several things happen at once, and each
by itself. What every run has of several nodes stands in test_nodes and in the suites of the journal.
"""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.support.nodes import (
    CONNECT_SECONDS,
    TIMEOUT_SECONDS,
    Books,
    Load,
    Node,
    Nodes,
    assert_nothing_lost_and_nothing_twice,
    passing,
)
from tests.support.servers.dovecot import Account, Dovecot
from tests.support.servers.fault_proxy import Fault, Kind, Way
from tests.support.servers.postgres import Postgres
from tests.support.servers.smtp import SmtpSink
from tests.support.waiting import wait_for
from tests.support.workplace import Workplace
from watcher.answer import HOLD
from watcher.ports import HOLD_MARGIN
from watcher.sandbox.endpoint import Endpoint

HOLD_SECONDS = CONNECT_SECONDS + TIMEOUT_SECONDS + HOLD_MARGIN.total_seconds()
ANSWER_HOLD_SECONDS = HOLD.total_seconds()
ANSWERED_SECONDS = 120.0  # a hold of an answer, twice: a busy machine is slow
SOME = 12  # requests, until all nodes are surely at work
BLACK_HOLE = Fault(kind=Kind.SWALLOW, of=Way.BOTH, times=None)
LOST_REPLY = Fault(kind=Kind.RESET, of=Way.DOWN, after=b"COMMIT", times=1)


class Company(NamedTuple):
    """Nodes, what comes in, and what can be asked of what came of it."""

    nodes: Nodes
    load: Load
    books: Books
    endpoint: Endpoint

    def more_requests(self, count: int, what: str) -> None:
        wanted = len(self.endpoint.requests) + count
        wait_for(lambda: len(self.endpoint.requests) >= wanted, 60, what)

    def start_three(self) -> tuple[Node, Node, Node]:
        """Three nodes that all have had something to do."""
        first, second, third = self.nodes.start("first", "second", "third")
        self.more_requests(SOME, "the nodes to be at work")
        return first, second, third

    def wait_for_a_request_under_way(self) -> None:
        assert self.endpoint.wait_until(lambda each: each.under_way > 0, 30)


@pytest.fixture
def company(
    tmp_path: Path, endpoint: Endpoint, postgres: Postgres, dovecot: Dovecot, smtp_sink: SmtpSink
) -> Iterator[Company]:
    """Checked in the end, when all that came in is answered and the nodes have ended well."""
    endpoint.behave(latency=(0.2, 0.6))
    account: Account = dovecot.account()
    workplace = Workplace(
        tmp_path, endpoint, connect_timeout=f"{CONNECT_SECONDS}s", timeout=f"{TIMEOUT_SECONDS}s", concurrency=3
    )
    workplace.with_folder(poll="2s", settle="1s")
    workplace.with_mailbox(dovecot.host, dovecot.port, account.username, account.password, poll="2s")
    workplace.with_smtp(smtp_sink.host, smtp_sink.port)
    journal = postgres.database()
    books = Books(journal)
    with Nodes(workplace, journal) as nodes:
        with Load(workplace, account) as load:
            yield Company(nodes, load, books, endpoint)
        books.wait_until_closed(load, ANSWERED_SECONDS)
        survivors = nodes.running()
        assert survivors
        with ThreadPoolExecutor() as pool:
            for status in pool.map(Node.status, survivors):
                assert status.returncode == 0, status.stderr
    assert_nothing_lost_and_nothing_twice(
        load=load, workplace=workplace, account=account, smtp=smtp_sink, endpoint=endpoint, books=books
    )


@pytest.mark.exhaustive  # it waits for every hold; test_nodes has two daemons, and the suites of PostgreSQL the rest
def test_nodes_that_are_killed_stopped_and_cut_off_lose_nothing_and_double_nothing(
    company: Company, postgres: Postgres
) -> None:
    killed, stopped, cut_off = company.start_three()
    postgres.restart(immediate=True)
    company.more_requests(SOME, "requests after the restart of the database")
    lost = cut_off.line.meet(LOST_REPLY)
    wait_for(lambda: lost.fired, 60, "a COMMIT whose reply is lost")

    company.wait_for_a_request_under_way()
    stopped.freeze()
    black_hole = cut_off.line.meet(BLACK_HOLE)
    company.wait_for_a_request_under_way()
    killed.kill()
    with passing(HOLD_SECONDS):
        (late,) = company.nodes.start("late")
        wait_for(lambda: black_hole.fired, 60, "the black hole")
        company.more_requests(SOME, "the node that joined late to take over")
        assert company.books.claimed_sources() == ["fapiao", "shared"]
        company.load.cease()
    stopped.thaw()
    cut_off.line.heal()
    assert late.process.poll() is None


# ------------------------------------------------------------------------------------- each by itself


@pytest.mark.exhaustive
def test_a_node_that_is_killed_is_succeeded(company: Company) -> None:
    killed, _, _ = company.start_three()
    for _ in range(2):  # once for what it did from its start on, once for what it found there
        company.wait_for_a_request_under_way()
        killed.kill()
        with passing(HOLD_SECONDS):
            company.more_requests(SOME, "the others to go on")
        (killed,) = company.nodes.start("again")


@pytest.mark.exhaustive
def test_a_node_that_was_stopped_longer_than_its_holds_is_refused_and_overwrites_nothing(company: Company) -> None:
    stopped, _, _ = company.start_three()
    company.wait_for_a_request_under_way()
    stopped.freeze()
    with passing(ANSWER_HOLD_SECONDS):
        company.more_requests(SOME, "the others to go on")
    stopped.thaw()
    company.more_requests(SOME, "all to go on")
    company.load.cease()
    # What it had under way when it was stopped is kept with its try, late as it is. (What it had claimed and not posted
    # yet is another node's by then: of such a try nobody knows whether its request left.)
    books, endpoint = company.books, company.endpoint
    wait_for(lambda: books.answers_not_kept(endpoint.requests) == 0, ANSWERED_SECONDS, "the late answers")


@pytest.mark.exhaustive
def test_a_node_that_is_cut_off_from_the_database_does_no_harm_and_goes_on_when_it_is_healed(company: Company) -> None:
    cut_off, _, _ = company.start_three()
    company.wait_for_a_request_under_way()
    black_hole = cut_off.line.meet(BLACK_HOLE)
    with passing(ANSWER_HOLD_SECONDS):
        company.more_requests(SOME, "the others to go on")
        assert black_hole.fired
    before = cut_off.said().count("A booking has its outcome")
    cut_off.line.heal()
    wait_for(lambda: cut_off.said().count("A booking has its outcome") > before, 60, "the node to go on")


@pytest.mark.exhaustive
def test_a_database_that_crashes_again_and_again_is_waited_for(company: Company, postgres: Postgres) -> None:
    company.start_three()
    for _ in range(5):
        company.wait_for_a_request_under_way()
        postgres.restart(immediate=True)
        company.more_requests(SOME, "the nodes to go on")


@pytest.mark.exhaustive
def test_replies_to_commits_that_are_lost_lose_and_double_nothing(company: Company) -> None:
    nodes = company.start_three()
    lost = [node.line.meet(replace(LOST_REPLY, times=20)) for node in nodes]
    wait_for(lambda: all(each.fired == 20 for each in lost), 120, "the lost replies")


@pytest.mark.exhaustive
def test_nodes_come_and_go_under_load(company: Company) -> None:
    nodes = list(company.start_three())
    for number in range(6):
        company.wait_for_a_request_under_way()
        assert nodes.pop(0).stop() == 0
        nodes += company.nodes.start(f"next-{number}")
        company.more_requests(SOME, "the nodes to go on")
    company.load.cease()
    # Whoever is asked to stop leaves nothing that others have to wait for.
    wait_for(lambda: company.books.tries_without_end() == 0, HOLD_SECONDS / 2, "the requests under way to end")
