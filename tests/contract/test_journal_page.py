"""What the page reads of a journal: pages of a list, what waits, and what came and went of late."""

from __future__ import annotations

from datetime import timedelta

import pytest

from tests.support.journals import FAILED, REFUSED, answer, book, claim_one, document, file, mail, settle
from watcher.model import Backlog, Outcome, Reason, SubmissionFilter, SubmissionState
from watcher.ports import Journal

HOUR = timedelta(hours=1)


@pytest.fixture
def names(journal: Journal) -> list[str]:
    return [journal.record(mail(subject=f"mail {number}")) for number in range(5)]


def test_pages_are_the_list_in_pieces(journal: Journal, names: list[str]) -> None:
    wanted = SubmissionFilter(limit=2)
    found, below = [], None
    while True:
        page = journal.page(wanted, below=below)
        found += [each.id for each in page.submissions]
        below = page.below
        if below is None:
            break
    assert found == names[::-1]


def test_a_page_of_a_search_goes_on_where_the_last_one_ended(journal: Journal, names: list[str]) -> None:
    wanted = SubmissionFilter(search="MAIL", limit=3)
    first = journal.page(wanted)
    second = journal.page(wanted, below=first.below)
    assert [each.id for each in (*first.submissions, *second.submissions)] == names[::-1]
    assert journal.page(SubmissionFilter(search="nothing like it", limit=3)).submissions == ()


def test_what_waits_to_be_recognised_is_counted_but_for_what_is_held(journal: Journal) -> None:
    assert journal.pending() is None
    before = journal.now()
    journal.record(mail(document("a"), document("b")))
    journal.record(mail(state=SubmissionState.HELD, reason=Reason.UNKNOWN_SENDER.value))
    pending = journal.pending()
    assert isinstance(pending, Backlog)
    assert pending.count == 2
    assert before - HOUR < pending.oldest <= journal.now() + HOUR


def test_the_holder_of_a_document_is_its_submission(journal: Journal) -> None:
    first = journal.record(mail(document("same")))
    book(journal)
    second = journal.record(file(document("same")))
    (duplicate,) = journal.submission(second).documents
    assert duplicate.duplicate_of is not None
    assert journal.holder(duplicate.duplicate_of) == first
    assert journal.holder(10**9) is None


def test_what_came_and_went_is_told_by_steps(journal: Journal) -> None:
    journal.record(mail(document("a")))
    book(journal)
    journal.record(mail(document("b")))
    book(journal, FAILED)
    answer(journal)
    journal.record(mail(document("c")))
    journal.record(mail(document("held"), state=SubmissionState.HELD, reason=Reason.UNKNOWN_SENDER.value))
    activity = journal.activity(journal.now() - 2.5 * HOUR, step=HOUR, steps=3)
    assert activity.recorded == (0, 0, 3)
    assert activity.settled == ({}, {}, {Outcome.DONE: 1, Outcome.ERROR: 1})
    assert (activity.before, activity.waiting) == (0, (0, 0, 1))


def test_what_waited_before_is_told_too(journal: Journal) -> None:
    journal.record(mail(document("early")))
    journal.record(mail(document("later")))
    claimed = claim_one(journal)
    since = journal.now() + timedelta(milliseconds=1)
    while journal.now() < since:
        pass
    settle(journal, claimed, FAILED, REFUSED)
    activity = journal.activity(since, step=HOUR, steps=1)
    assert (activity.before, activity.recorded, activity.settled) == (2, (0,), ({Outcome.ERROR: 1},))
    assert activity.waiting == (1,)
