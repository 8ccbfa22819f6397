"""Connections that are cut at any byte, stall or are refused, by the installed command: nothing lost, nothing twice.

The bytes of one mail's way are counted at each server; then faults strike at a spread of them. `--exhaustive`
makes that spread wide.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import cycle
from pathlib import Path

import pytest

from tests.support.crossing import Crossing
from tests.support.servers.dovecot import Dovecot
from tests.support.servers.fault_proxy import Armed, Fault, Kind, Way
from tests.support.servers.s3 import S3
from tests.support.servers.smtp import SmtpSink
from tests.support.waiting import wait_for
from watcher.sandbox.endpoint import Endpoint

ENDS = (Kind.RESET, Kind.CUT, Kind.TRUNCATE)


@pytest.fixture
def crossing(tmp_path: Path, dovecot: Dovecot, smtp_sink: SmtpSink, s3: S3, endpoint: Endpoint) -> Iterator[Crossing]:
    with Crossing(tmp_path, dovecot.account(), smtp_sink, s3, endpoint).opened() as made:
        yield made


def flows(crossing: Crossing) -> dict[str, dict[Way, int]]:
    """How many bytes go which way for one more mail."""
    before = {name: (proxy.up, proxy.down) for name, proxy in crossing.proxies.items()}
    crossing.submit()
    crossing.all_answered()
    return {
        name: {Way.UP: proxy.up - before[name][0], Way.DOWN: proxy.down - before[name][1]}
        for name, proxy in crossing.proxies.items()
    }


def spread(flow: dict[Way, int], count: int) -> Iterator[Fault]:
    """So many faults over the bytes of both directions, from the first to the last."""
    kinds = cycle(ENDS)
    for step in range(count):
        way = (Way.DOWN, Way.UP)[step % 2]
        at = step * max(0, flow[way] - 1) // max(1, count - 1)
        yield Fault(kind=next(kinds), of=way, at=at, across=True)


def test_wherever_connections_are_cut_every_mail_is_booked_once_and_answered_once(
    crossing: Crossing, exhaustive: bool
) -> None:
    count = 120 if exhaustive else 6
    fired: list[Armed] = []
    with crossing.workplace.daemon() as daemon:
        flows(crossing)  # with what only the first one costs
        measured = flows(crossing)
        for faults in zip(*(spread(measured[name], count) for name in crossing.proxies), strict=True):
            # Given one more mail, and a fault on its way to each server
            fired += [proxy.meet(fault) for proxy, fault in zip(crossing.proxies.values(), faults, strict=True)]
            crossing.submit()
            # When it is on its way, then it arrives, by itself
            crossing.all_answered()
        assert daemon.process.poll() is None
        wait_for(lambda: "fapiao up" in crossing.status(), 20, "a clean status")
        assert "tried again" not in crossing.status()
    assert sum(armed.fired for armed in fired) > len(fired) / 2
    crossing.assert_nothing_lost_and_nothing_twice()
