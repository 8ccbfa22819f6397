"""An endpoint that answers at once, until it does not: several documents for one worker, and what waits behind it."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from hashlib import sha256
from pathlib import Path

from tests.support.waiting import wait_for
from tests.support.workplace import ZHANG, Workplace, pdf
from watcher.sandbox.endpoint import Endpoint

QUICK, LATER = 200, 60


def drop(workplace: Workplace, name: str, count: int) -> None:
    folder = workplace.inbox / ZHANG
    folder.mkdir(exist_ok=True)
    for number in range(count):
        (folder / f"{name}-{number}.pdf").write_bytes(pdf(f"{name} {number}"))


def moved(workplace: Workplace) -> int:
    folder = workplace.done / ZHANG
    return len([*folder.glob("*.pdf")]) if folder.exists() else 0


def test_a_request_that_is_not_answered_holds_up_no_other_document(tmp_path: Path, endpoint: Endpoint) -> None:
    workplace = Workplace(tmp_path, endpoint, concurrency=8, timeout="7s", connect_timeout="3s").with_folder()
    workplace.config["recognition"]["retry"] = {"first": "0.5s", "longest": "1s"}
    workplace.write()
    with workplace.daemon():
        # Given an endpoint that has answered many requests at once
        drop(workplace, "quick", QUICK)
        wait_for(lambda: moved(workplace) == QUICK, 60)

        # When one in the middle of the next is booked and never answered
        content = sha256(pdf(f"later {LATER // 2}")).hexdigest()
        endpoint.behave(silent="after", times=1, pattern=f"*{content}*")
        drop(workplace, "later", LATER)

        # Then all the others are posted and moved while it is waited for
        wait_for(lambda: moved(workplace) == QUICK + LATER - 1, 8, "all but one")
        assert len(endpoint.requests) == QUICK + LATER

        # and in the end that one is, too: its second try finds what the first one has booked
        wait_for(lambda: moved(workplace) == QUICK + LATER, 60, "the last one")
    assert len(endpoint.bookings) == QUICK + LATER
    tries = [len([each for each in endpoint.requests if each.biz_id == biz_id]) for biz_id in endpoint.bookings]
    assert sorted(tries) == [1] * (QUICK + LATER - 1) + [2]
    with closing(sqlite3.connect(workplace.root / "journal.db")) as journal:
        ((unfinished,),) = journal.execute("SELECT count(*) FROM tries WHERE ended_at IS NULL")
    assert unfinished == 0
