"""A probe of a closed gate that never left, because its document lacks its URL, in every journal."""

from __future__ import annotations

from datetime import datetime, timedelta
from functools import partial
from typing import cast

import pytest
from sqlalchemy import text

from tests.support.journals import (
    ENDPOINT,
    NOW,
    OVER,
    REFUSED,
    claim,
    claim_one,
    close_gate,
    document,
    file,
    mail,
    only,
)
from tests.support.waiting import wait_for
from watcher.errors import ClaimLost
from watcher.journal.journal import SqlJournal
from watcher.model import ClaimedBooking, TryEnding
from watcher.ports import Journal

LATER = timedelta(hours=1)
LACKING = TryEnding(result="no_url", message="the file is not there any more")


def is_past(journal: Journal, moment: datetime) -> bool:
    return journal.now() > moment


def make_probe_due(journal: Journal) -> None:
    """As if the gate's interval were over."""
    statement = text("UPDATE gates SET due_at = 0")
    cast("SqlJournal", journal)._database.write(lambda connection: connection.execute(statement) and None)


def test_a_probe_that_lacks_its_url_is_another_ones_at_once_and_is_not_taken_before_its_time(journal: Journal) -> None:
    journal.record(mail(document("lacks")))
    close_gate(journal, ENDPOINT, "why", LATER)
    make_probe_due(journal)
    lacks = claim_one(journal)
    journal.record(mail(document("has")))
    assert claim(journal) == []

    journal.set_aside(lacks, due_in=LATER, ending=LACKING)

    assert journal.next_try_in(["fapiao"], ENDPOINT) == 0
    has = claim_one(journal)
    assert (has.key.content, has.probe_of) == ("has", ENDPOINT)
    assert claim(journal, limit=8) == []  # one at a time
    journal.set_aside(has, due_in=LATER, ending=LACKING)
    assert claim(journal, limit=8) == []
    assert 3590 < (journal.next_try_in(["fapiao"], ENDPOINT) or 0) <= 3600


def test_what_is_set_aside_counts_no_try_keeps_its_ending_and_goes_on_with_all_others(journal: Journal) -> None:
    name = journal.record(mail())
    close_gate(journal, ENDPOINT, "why", LATER)
    make_probe_due(journal)
    journal.set_aside(claim_one(journal), due_in=NOW, ending=LACKING)

    again = claim_one(journal)
    journal.postpone(again, due_in=LATER, counted=False, ending=REFUSED)

    assert (again.try_number, again.attempt, again.first_failed_at, again.in_doubt) == (2, 1, None, False)
    tries = only(journal, name).documents[0].tries
    assert [each.result for each in tries] == ["no_url", "error"]
    make_probe_due(journal)
    assert claim_one(journal).probe_of == ENDPOINT  # it has its URL again, so it may go before its time


def test_probes_take_turns_whether_they_are_fresh_or_were_tried_before(journal: Journal) -> None:
    for one in (mail(document("a")), file(document("b")), mail(document("c"))):
        journal.record(one)
    for _ in range(2):
        journal.postpone(claim_one(journal), due_in=NOW, counted=True, ending=REFUSED)
    close_gate(journal, ENDPOINT, "why", NOW)

    tried = []
    for _ in range(6):
        probe = claim_one(journal)
        tried.append(probe.key.content)
        journal.postpone(probe, due_in=NOW, counted=False, ending=REFUSED)
        wait_for(partial(is_past, journal, journal.now()))  # what is due since the same moment has no order

    assert set(tried[:3]) == {"a", "b", "c"}
    assert tried[3:] == tried[:3]


def twice_claimed_probe(journal: Journal) -> tuple[ClaimedBooking, ClaimedBooking]:
    """A probe as one node has lost it and as another one has it now, beside another booking that could probe."""
    journal.record(mail())
    close_gate(journal, ENDPOINT, "why", NOW)
    lost = claim_one(journal, hold=OVER)
    ours = claim_one(journal)
    journal.record(mail())
    return lost, ours


def test_who_has_lost_a_probe_that_lacks_its_url_leaves_the_gate_to_its_new_one(journal: Journal) -> None:
    lost, ours = twice_claimed_probe(journal)

    with pytest.raises(ClaimLost):
        journal.set_aside(lost, due_in=NOW, ending=LACKING)
    assert claim(journal, limit=8) == []
    journal.set_aside(ours, due_in=LATER, ending=LACKING)
    assert claim_one(journal).probe_of == ENDPOINT


def test_who_has_lost_a_probe_that_failed_leaves_the_gate_to_its_new_one(journal: Journal) -> None:
    lost, _ = twice_claimed_probe(journal)

    with pytest.raises(ClaimLost):
        journal.postpone(lost, due_in=NOW, counted=False, ending=REFUSED)
    assert claim(journal, limit=8) == []


def test_who_has_lost_a_probe_that_a_person_is_to_decide_leaves_the_gate_to_its_new_one(journal: Journal) -> None:
    lost, _ = twice_claimed_probe(journal)

    with pytest.raises(ClaimLost):
        journal.hold(lost, None)
    assert claim(journal, limit=8) == []
