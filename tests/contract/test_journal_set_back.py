"""What waits in a journal whose clock was set back, on every database."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from sqlalchemy import BigInteger

from tests.support.journals import (
    CUT_OFF,
    ENDPOINT,
    HOLD,
    NOW,
    answer,
    book,
    claim,
    claim_one,
    close_gate,
    document,
    file,
    mail,
    note,
    notice,
    only,
    pause_gate,
    write,
)
from watcher.journal.tables import metadata
from watcher.model import Kind, Planned, Reason, SubmissionState
from watcher.ports import Journal
from watcher.service.set_back import SetBack

STEP = timedelta(days=30)
HOUR = timedelta(hours=1)
SOON = timedelta(minutes=1)
_TIMES = {
    table.name: [
        column.name
        for column in table.columns
        if isinstance(column.type, BigInteger) and (column.name.endswith("_at") or column.name.endswith("since"))
    ]
    for table in metadata.sorted_tables
}


def set_back(journal: Journal) -> None:
    """As a journal stands after its clock was set back: all of its times are that much ahead."""
    ahead = STEP // timedelta(milliseconds=1)

    for table, times in _TIMES.items():
        if times:
            write(journal, f"UPDATE {table} SET " + ", ".join(f"{time} = {time} + {ahead}" for time in times))


def draws_near(journal: Journal) -> int:
    set_back(journal)
    return journal.draw_near(HOUR)


def test_where_the_clock_was_not_set_back_everything_stays_as_it_is(journal: Journal) -> None:
    journal.register_sources({"fapiao": Kind.MAIL})
    journal.record(mail(document("fresh")))
    journal.record(file(document("failed")))
    journal.postpone(claim_one(journal, "shared"), due_in=HOUR, counted=True, ending=CUT_OFF)
    journal.claim_source("fapiao", HOLD)
    close_gate(journal, ENDPOINT, "shut", 5 * HOUR)
    pause_gate(journal, "https://other.test/", 20 * HOUR)
    before = journal.gates()

    assert journal.draw_near(HOUR) == 0

    assert journal.gates() == before
    assert claim(journal, "shared") == []


def test_a_shorter_retry_longest_is_not_told_as_a_clock_that_was_set_back(
    journal: Journal, caplog: pytest.LogCaptureFixture
) -> None:
    journal.record(mail())
    journal.postpone(claim_one(journal), due_in=6 * HOUR, counted=True, ending=CUT_OFF)

    SetBack(journal=journal, longest_pause=HOUR).round()

    assert claim(journal) != []
    assert [record.message for record in caplog.records if "retry.longest" not in record.message] == []


@pytest.mark.parametrize("due_in", [NOW, SOON])
def test_what_was_to_be_posted_is_posted_now_and_has_failed_for_no_longer(journal: Journal, due_in: timedelta) -> None:
    journal.record(mail())
    journal.postpone(claim_one(journal), due_in=due_in, counted=True, ending=CUT_OFF)
    set_back(journal)
    assert claim(journal) == []

    assert journal.draw_near(HOUR) > 0

    failed_at = claim_one(journal).first_failed_at
    assert failed_at is not None
    assert abs(journal.now() - failed_at) < SOON


def test_what_is_being_posted_is_left_to_whom_it_is_claimed_by_for_as_long_as_that_may_last(journal: Journal) -> None:
    journal.record(mail())
    claimed = claim_one(journal)

    assert draws_near(journal) > 0

    assert claim(journal) == []
    waits = journal.next_try_in(["fapiao"], ENDPOINT)
    assert waits is not None
    assert HOUR - SOON < timedelta(seconds=waits) <= HOUR
    journal.postpone(claimed, due_in=NOW, counted=True, ending=CUT_OFF)


def test_what_was_to_be_answered_is_answered_now(journal: Journal) -> None:
    journal.record(mail())
    book(journal)
    (claimed,) = journal.claim_answers("fapiao", limit=1, hold=HOLD)
    journal.postpone_answer(claimed, SOON, "the mail server is away")

    assert draws_near(journal) > 0

    assert answer(journal).state is SubmissionState.CLOSED


def test_a_notice_and_a_mail_that_nobody_has_heard_of_come_now_and_in_their_time(journal: Journal) -> None:
    journal.record(mail(answer=True))
    assert journal.tell(notice(), once_in=HOUR)

    assert draws_near(journal) > 0

    assert len(journal.claim_notices("fapiao", limit=9, hold=HOLD, acknowledge_after=SOON)) == 1
    assert len(journal.claim_notices("fapiao", limit=9, hold=HOLD, acknowledge_after=NOW)) == 1


def test_what_is_held_is_so_since_now(journal: Journal) -> None:
    name = journal.record(mail(state=SubmissionState.HELD, reason=Reason.UNKNOWN_SENDER))

    assert draws_near(journal) > 0

    held_at = only(journal, name).held_at
    assert held_at is not None
    assert abs(journal.now() - held_at) < SOON


def test_what_a_dead_node_looked_after_is_anothers_within_the_hour(journal: Journal) -> None:
    journal.register_sources({"fapiao": Kind.MAIL, "shared": Kind.FILE})
    journal.claim_source("fapiao", HOLD)
    journal.claim_duty("alarm", HOLD)
    set_back(journal)
    assert journal.claim_source("shared", HOLD) is None

    assert journal.draw_near(HOUR) == 3

    assert journal.claim_source("shared", HOLD) is not None
    assert journal.draw_near(HOUR) == 0


@pytest.mark.parametrize("shut", [True, False])
def test_a_gate_is_probed_or_passed_now(journal: Journal, *, shut: bool) -> None:
    journal.record(mail())
    if shut:
        close_gate(journal, ENDPOINT, "shut", 2 * HOUR)
    else:
        pause_gate(journal, ENDPOINT, 2 * HOUR)

    assert draws_near(journal) > 0

    since = journal.gate(ENDPOINT).since
    assert since is not None
    assert abs(journal.now() - since) < SOON
    assert claim_one(journal).probe_of == (ENDPOINT if shut else None)


@pytest.mark.parametrize(
    "has",
    [
        lambda journal: journal.spent("fapiao", "903851", HOUR).count,
        lambda journal: journal.sent_to("zhang@corp.example", HOUR).count,
        lambda journal: int(not journal.tell(notice(), once_in=24 * HOUR)),
    ],
)
def test_what_was_submitted_sent_and_told_does_not_count_for_as_long_as_the_clock_was_set_back(
    journal: Journal, has: Callable[[Journal], int]
) -> None:
    journal.record(mail(counts_as="903851", size=1, answer=True))
    book(journal)
    (claimed,) = journal.claim_answers("fapiao", limit=1, hold=HOLD)
    note(journal, claimed, Planned(target="done", replied=True))
    journal.tell(notice(), once_in=HOUR)
    assert has(journal) == 1

    set_back(journal)

    assert has(journal) == 0
