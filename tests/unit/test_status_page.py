"""What `status` says in words, of a service to which a lot has happened."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from io import StringIO
from zoneinfo import ZoneInfo

import pytest
from msgspec.structs import replace
from rich.console import Console

from watcher.cli.overview import Daemon, Overview, SourceState
from watcher.cli.overview_json import overview_json
from watcher.cli.overview_page import overview_page
from watcher.cli.rendering import age, amount_of_bytes
from watcher.model import (
    Alert,
    Backlog,
    Counts,
    Gate,
    Kind,
    Outcome,
    Signs,
    SourceHealth,
    SourceWork,
    Storage,
    SubmissionState,
    Tried,
    Trouble,
    Workload,
)

NOW = datetime(2026, 11, 26, 9, 0, tzinfo=UTC)
MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)
ZONE = ZoneInfo("Asia/Shanghai")
SEEN = Overview(
    now=NOW,
    daemon=Daemon(runs=True, missing=(), version="1.0", process=7, started_at=NOW - 3 * HOUR),
    storage=Storage(kind="sqlite", where="/journal.db", schema="0005", size=12_345_678, free=41 * 10**9),
    journal_trouble=None,
    sources=(
        SourceState(
            name="fapiao",
            kind=Kind.MAIL,
            health=SourceHealth(name="fapiao", up=True, since=NOW - 3 * HOUR, surplus=2),
            work=SourceWork(pending=4, due=1, retried=2, oldest=NOW - HOUR, last_taken_in=NOW - 5 * MINUTE),
            looked_at=NOW - timedelta(seconds=12),
            trouble=Trouble(at=NOW - 2 * HOUR, said="no route\nto host"),
        ),
    ),
    endpoint="https://endpoint.example/ocr",
    gate=Gate(open=False, since=NOW - 20 * MINUTE, reason="配置错误", probe_at=NOW + 3 * MINUTE),
    counts=Counts(submissions={SubmissionState.OPEN: 4, SubmissionState.HELD: 3}, documents={"done": 9, "pending": 4}),
    signs=Signs(now=NOW, held={"fapiao": Backlog(count=3, oldest=NOW - 30 * HOUR)}),
    workload=Workload(
        now=NOW,
        sources={"fapiao": SourceWork(pending=4, due=1, retried=2, oldest=NOW - HOUR)},
        settled={Outcome.DONE: 118, Outcome.ERROR: 2},
        settled_in_a_day={Outcome.DONE: 2300},
        tries={
            "unknown": Tried(count=4, last_at=NOW - 3 * MINUTE, said="HTTP 502"),
            "": Tried(count=1, last_at=NOW, said=None),
        },
    ),
    alerts=(Alert(key="gate x", since=NOW - 10 * MINUTE, said="Nothing is posted", told_at=NOW),),
    pending=(),
    unanswered=(),
    held_after={"fapiao": 24 * HOUR},
)


def page(seen: Overview = SEEN, width: int = 4000) -> str:
    written = StringIO()
    Console(file=written, width=width, highlight=False, markup=False).print(overview_page(seen, ZONE))
    return written.getvalue()


@pytest.mark.parametrize(
    "line",
    [
        "daemon: ready; version 1.0, process 7, since 2026-11-26 14:00:00 (3 h)",
        "journal: sqlite /journal.db, 12.3 MB, 41.0 GB free, schema 0005",
        "fapiao: last trouble 2 h ago, over: no route to host",
        "gate: CLOSED since 2026-11-26 16:40:00 (20 min): 配置错误; next probe in 3 min",
        "submissions: 4 open, 3 held",
        "to post: 4 (1 due, 2 tried again)",
        "oldest pending: 2026-11-26 16:00:00 (1 h)",
        "settled in the last hour: 118 done, 2 error; day: 2300 done",
        "tries in the last hour: 4 unknown (last 3 min ago: HTTP 502), 1 under way",
        "2 mails wait, because their senders have submitted what per_sender allows in an hour",
        "3 held for your decision: invoice-watcher list --state held",
        "fapiao: held for too long, the oldest since 2026-11-25 11:00:00 (30 h)",
        "alert since 2026-11-26 16:50:00 (10 min): Nothing is posted",
    ],
)
def test_each_thing_is_said_in_a_line_of_its_own(line: str) -> None:
    assert line in [each.rstrip() for each in page().splitlines()]


def test_what_is_left_of_a_source_that_nobody_has_is_said_with_its_name() -> None:
    left = {"old": Backlog(count=2, oldest=NOW - HOUR)}
    said = page(replace(SEEN, signs=Signs(now=NOW, strays=left)))
    assert (
        "old is no source of this node's configuration, and no node looks after it: 2 not finished, the oldest since "
        "2026-11-26 16:00:00 (1 h): invoice-watcher list --source old"
    ) in [line.rstrip() for line in said.splitlines()]


def test_the_table_of_sources_has_the_state_beside_the_name() -> None:
    (row,) = [line for line in page().splitlines() if line.startswith("fapiao ")]
    assert row.split() == ["fapiao", "up", "3", "h", "mailbox", "12", "s", "ago", "5", "min", "ago", "4"]


def test_a_terminal_of_eighty_columns_is_enough() -> None:
    assert max(len(line) for line in page(width=80).splitlines()) <= 80


def test_a_daemon_that_is_not_ready_and_one_that_does_not_run_say_why() -> None:
    unready = replace(SEEN, daemon=replace(SEEN.daemon, missing=("look-fapiao gives no sign of life",)))
    assert "daemon: NOT READY: look-fapiao gives no sign of life; version 1.0" in page(unready)
    away = replace(SEEN, daemon=Daemon(runs=False, missing=("no daemon runs with config.yaml",)))
    assert "daemon: NOT RUNNING here: no daemon runs with config.yaml" in page(away)


def test_the_object_has_the_same_keys_whatever_there_is_to_tell() -> None:
    full = overview_json(SEEN, ZONE)
    empty = overview_json(
        replace(
            SEEN, gate=Gate(open=True), counts=Counts(), signs=Signs(now=NOW), workload=Workload(now=NOW), alerts=()
        ),
        ZONE,
    )
    assert list(full) == list(empty)
    for part in ("daemon", "journal", "gate", "submissions", "documents", "settled"):
        assert set(full[part]) == set(empty[part]), part  # type: ignore[call-overload]
    assert full["for_you"] == [{"what": "held", "count": 3, "command": "invoice-watcher list --state held"}]
    assert full["tries"]["under_way"]["count"] == 1  # type: ignore[index]


@pytest.mark.parametrize(
    ("span", "said"),
    [(0, "0 s"), (59, "59 s"), (60, "1 min"), (3599, "59 min"), (3600, "1 h"),
     (172_799, "47 h"), (172_800, "2 d"), (-5, "0 s")],
)  # fmt: skip
def test_ages_are_said_as_people_say_them(span: int, said: str) -> None:
    assert age(timedelta(seconds=span)) == said


@pytest.mark.parametrize(
    ("size", "said"), [(0, "0 B"), (999, "999 B"), (1000, "1.0 kB"), (12_345_678, "12.3 MB"), (10**16, "10000.0 TB")]
)
def test_sizes_are_said_as_people_say_them(size: int, said: str) -> None:
    assert amount_of_bytes(size) == said
