"""When a daemon is ready."""

from __future__ import annotations

from datetime import UTC, datetime

from watcher.model import Trouble
from watcher.service.vitals import Looks, Vitals

NOW = datetime(2026, 11, 26, 9, 0, tzinfo=UTC)


def missing(vitals: Vitals) -> list[str]:
    return [each.said for each in vitals.missing()]


def test_it_is_ready_once_it_works_and_not_before_or_while_it_stops() -> None:
    vitals = Vitals()
    assert missing(vitals) == ["the daemon starts"]
    vitals.works(lambda: None)
    assert missing(vitals) == []
    vitals.waits("it stops")
    assert missing(vitals) == ["it stops"]


def test_a_journal_that_cannot_be_used_and_every_worker_that_hangs_are_missing() -> None:
    vitals = Vitals(late=lambda: ["look-fapiao", "claim"])
    vitals.works(lambda: "the journal's disk is full")
    assert missing(vitals) == [
        "the journal's disk is full",
        "look-fapiao gives no sign of life",
        "claim gives no sign of life",
    ]


def test_a_source_that_is_down_leaves_it_ready() -> None:
    vitals = Vitals()
    vitals.works(lambda: None)
    vitals.stumbled("fapiao", "no route to host")
    assert missing(vitals) == []


def test_the_journal_is_asked_once_however_many_ask() -> None:
    asked: list[None] = []
    vitals = Vitals()
    vitals.works(lambda: asked.append(None))
    for _ in range(5):
        vitals.missing()
    assert len(asked) == 1


def test_the_last_trouble_of_a_source_is_kept_when_it_is_over() -> None:
    vitals = Vitals(clock=lambda: NOW)
    vitals.stumbled("fapiao", "no route to host")
    vitals.looked("fapiao")
    assert vitals.looks() == {"fapiao": Looks(last_good=NOW, last_trouble=Trouble(at=NOW, said="no route to host"))}
