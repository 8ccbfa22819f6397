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
from tests.support.workplace import ZHANG, pdf
from watcher.model import SubmissionState
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
        crossing.workplace.wait_for_status("fapiao up")
        assert "tried again" not in crossing.workplace.status()
    assert sum(armed.fired for armed in fired) > len(fired) / 2
    crossing.assert_nothing_lost_and_nothing_twice()


def test_what_refuses_connections_is_named_in_the_status_and_found_again(crossing: Crossing) -> None:
    port = {name: proxy.port for name, proxy in crossing.proxies.items()}
    said = {
        "imap": "fapiao DOWN",
        "smtp": f"1 to be answered, and tried again: the SMTP server 127.0.0.1:{port['smtp']} cannot be used",
        "store": "the store default cannot upload",
        "endpoint": "1 pending, and tried again: Connection refused",
    }
    with crossing.workplace.daemon() as daemon:
        crossing.submit()
        crossing.all_answered()
        for name, proxy in crossing.proxies.items():
            proxy.refuse()
            crossing.submit()
            crossing.workplace.wait_for_status(said[name])
            proxy.listen()
            crossing.all_answered()
        crossing.workplace.wait_for_status("fapiao up")
        # which is told to be over, where it is told at all
        status = crossing.workplace.status().replace(f"over: {said['store']}", "")
        assert [words for words in (*said.values(), "tried again") if words in status] == []
        assert daemon.process.poll() is None
    crossing.assert_nothing_lost_and_nothing_twice()


def test_what_stalls_holds_up_no_other_source_and_goes_on_where_it_was(crossing: Crossing) -> None:
    workplace = crossing.workplace.with_folder(store="drive")
    workplace.config["stores"]["drive"] = {
        "type": "objects",
        "service": "fs",
        "options": {"root": str(workplace.root / "store")},
    }
    workplace.write()
    with workplace.daemon():
        crossing.submit()
        crossing.all_answered()
        for name in ("imap", "smtp", "store"):
            armed = crossing.proxies[name].meet(Fault(kind=Kind.STALL, times=None))
            crossing.submit()
            wait_for(lambda armed=armed: armed.fired, 60, f"{name} to stall")  # type: ignore[misc]
            workplace.drop(f"{name}.pdf", pdf(name))
            wait_for((workplace.done / ZHANG / f"{name}.pdf").exists, 60, f"a file to be answered while {name} stalls")
            assert len(crossing.submissions(SubmissionState.CLOSED)) < len(crossing.names)
            crossing.proxies[name].heal()
            crossing.all_answered()
    crossing.assert_nothing_lost_and_nothing_twice(others=3)


@pytest.mark.exhaustive  # it waits for every time-out
@pytest.mark.parametrize("kind", [Kind.STALL, Kind.SWALLOW])
def test_what_stalls_for_good_is_given_up_and_tried_anew(crossing: Crossing, kind: Kind) -> None:
    with crossing.workplace.daemon() as daemon:
        flows(crossing)
        measured = flows(crossing)
        for name, proxy in crossing.proxies.items():
            for way in (Way.DOWN, Way.UP):
                armed = proxy.meet(Fault(kind=kind, of=way, at=measured[name][way] // 2, across=True))
                crossing.submit()
                crossing.all_answered(timeout=240)
                assert armed.fired, (name, way)
        assert daemon.process.poll() is None
    crossing.assert_nothing_lost_and_nothing_twice()


COMMANDS = [
    ("imap", b"UID MOVE"), ("smtp", b"\r\n.\r\n"), ("imap", b"UID FETCH"), ("smtp", b"rcpt"), ("imap", b"UID SEARCH"),
    ("smtp", b"ehlo"), ("imap", b"LOGIN"), ("smtp", b"mail"), ("imap", b"EXAMINE"), ("smtp", b"data"),
    ("imap", b"SELECT"), ("smtp", b"NOOP"), ("imap", b"UID STORE"), ("imap", b"NOOP"), ("imap", b"LIST"),
    ("imap", b"IDLE"), ("imap", b"DONE"), ("imap", b"CAPABILITY"),
]  # fmt: skip


@pytest.mark.parametrize(
    "lost",
    [
        pytest.param(Way.UP, id="the command"),
        pytest.param(Way.DOWN, id="its answer", marks=pytest.mark.exhaustive),
    ],
)
def test_a_server_that_goes_away_within_a_command_is_found_again(
    crossing: Crossing, lost: Way, exhaustive: bool
) -> None:
    commands = COMMANDS if exhaustive else COMMANDS[:4]
    fired: dict[bytes, int] = {}
    with crossing.workplace.daemon() as daemon:
        crossing.submit()
        crossing.all_answered()
        for server, command in commands:
            armed = crossing.proxies[server].meet(Fault(kind=Kind.RESET, of=lost, after=command))
            crossing.submit()
            crossing.all_answered()
            fired[command] = armed.fired
        assert daemon.process.poll() is None
    assert [command for command in (b"UID MOVE", b"UID FETCH", b"\r\n.\r\n", b"rcpt") if not fired[command]] == []
    crossing.assert_nothing_lost_and_nothing_twice()
    repeated = len(crossing.sink.received) - len(crossing.names)
    assert repeated == (1 if lost is Way.DOWN else 0), "only a mail whose acknowledgement was lost is sent again"
