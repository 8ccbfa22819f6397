"""What the daemon does about what is left of sources that are configured no more."""

from __future__ import annotations

from collections.abc import Collection
from datetime import UTC, datetime
from typing import cast

import pytest

from watcher.errors import JournalUnavailable
from watcher.model import Backlog
from watcher.service.strays import StrayJournal, Strays

LEFT = Backlog(count=2, oldest=datetime(2026, 11, 26, 9, 0, tzinfo=UTC))


class Journal:
    """Says what it is told to say, and hears for whose sake bookings are taken over."""

    def __init__(self) -> None:
        self.left: dict[str, Backlog] = {}
        self.is_away = False
        self.heard: list[Collection[str]] = []

    def take_over_bookings(self, sources: Collection[str]) -> int:
        if self.is_away:
            raise JournalUnavailable("the database is away")
        self.heard.append(sources)
        return 1

    def strays(self, sources: Collection[str]) -> dict[str, Backlog]:
        return self.left


@pytest.fixture
def journal() -> Journal:
    return Journal()


@pytest.fixture
def strays(journal: Journal) -> Strays:
    return Strays(journal=cast("StrayJournal", journal), sources=["fapiao"])


def told(caplog: pytest.LogCaptureFixture) -> list[str]:
    """The sources that were warned of since it was asked last."""
    names = [str(vars(record)["source"]) for record in caplog.records if record.levelname == "WARNING"]
    caplog.clear()
    return names


def rounds(journal: Journal, strays: Strays, caplog: pytest.LogCaptureFixture, *left: str) -> list[list[str]]:
    """What is told of the sources of which something is left at each round."""
    said = []
    for names in left:
        journal.left = dict.fromkeys(names.split(), LEFT)
        strays.round()
        said.append(told(caplog))
    return said


def test_what_is_left_at_the_start_is_told_at_once_and_each_source_once(
    journal: Journal, strays: Strays, caplog: pytest.LogCaptureFixture
) -> None:
    assert rounds(journal, strays, caplog, "old gone", "old gone", "gone") == [["gone", "old"], [], []]


def test_what_comes_later_is_told_when_it_lasts_because_another_node_may_only_start_anew(
    journal: Journal, strays: Strays, caplog: pytest.LogCaptureFixture
) -> None:
    said = rounds(journal, strays, caplog, "", "theirs", "", "theirs", "theirs", "theirs")

    assert said == [[], [], [], [], ["theirs"], []]


def test_bookings_are_taken_over_for_the_configured_sources_at_each_round(journal: Journal, strays: Strays) -> None:
    strays.round()
    strays.round()

    assert journal.heard == [{"fapiao"}, {"fapiao"}]


def test_a_journal_that_is_away_is_asked_again_at_the_next_round(
    journal: Journal, strays: Strays, caplog: pytest.LogCaptureFixture
) -> None:
    journal.left, journal.is_away = {"old": LEFT}, True
    strays.round()
    assert told(caplog) == []

    journal.is_away = False
    strays.round()
    assert told(caplog) == ["old"]
