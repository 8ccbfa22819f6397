"""What is skipped and sent later, and files that are posted in parts, in every journal."""

from __future__ import annotations

from datetime import date

import pytest
from msgspec.structs import replace

from tests.support.journals import (
    ENDED,
    FAILED,
    HOLD,
    book,
    claim,
    claim_one,
    document,
    done,
    file,
    mail,
    only,
    outcomes,
    settle,
)
from watcher.errors import UsageError
from watcher.model import BookingKey, LeftOut, NewDocument, Outcome, Reason, SubmissionState
from watcher.ports import Journal
from watcher.seen import By, SeenInvoice


def skipped(content: str = "trip") -> NewDocument:
    return document(content, outcome=Outcome.SKIPPED, code=Reason.NOT_INVOICE, message="行程单 / a trip sheet")


def part(first: int, last: int, parent: str = "whole") -> NewDocument:
    content = BookingKey.of_part(parent, first, last)
    return replace(document(f"part-{first}-{last}"), content=content)


def became(journal: Journal, name: str) -> list[Outcome | None]:
    return outcomes(only(journal, name))


# ------------------------------------------------------------------------------------- what was skipped


def test_what_is_skipped_is_settled_and_not_posted(journal: Journal) -> None:
    name = journal.record(mail(document("invoice"), skipped()))
    book(journal)

    found = only(journal, name)
    assert became(journal, name) == [Outcome.DONE, Outcome.SKIPPED]
    assert (found.state, found.documents[1].code, found.documents[1].booking) == (
        SubmissionState.SETTLED,
        Reason.NOT_INVOICE,
        None,
    )
    assert claim(journal, limit=8) == []


def test_what_was_skipped_is_posted_when_somebody_says_so_and_answered_again(journal: Journal) -> None:
    name = journal.record(mail(document("invoice"), skipped()))
    book(journal)

    assert journal.release(name) == 1

    found = only(journal, name)
    assert (found.state, found.documents[1].outcome, found.documents[1].code) == (SubmissionState.OPEN, None, None)
    again = book(journal)
    assert again.biz_id == BookingKey(content="trip", user_code="903851", create_expense=True).biz_id(1)
    assert became(journal, name) == [Outcome.DONE, Outcome.DONE]
    assert only(journal, name).state is SubmissionState.SETTLED


def test_a_release_uses_up_the_number_of_an_answer_under_way(journal: Journal) -> None:
    name = journal.record(mail(document("invoice"), skipped()))
    book(journal)
    journal.claim_answers("fapiao", limit=1, hold=HOLD)

    assert journal.release(name) == 1
    book(journal)

    assert [each.number for each in journal.claim_answers("fapiao", limit=2, hold=HOLD)] == [2]


def test_what_was_skipped_is_a_duplicate_where_it_was_booked_meanwhile(journal: Journal) -> None:
    name = journal.record(mail(skipped()))
    other = journal.record(mail(document("trip")))
    book(journal)

    assert journal.release(name) == 0

    (found,) = only(journal, name).documents
    assert (found.outcome, found.duplicate_of) == (Outcome.DUPLICATE, only(journal, other).documents[0].id)


def test_what_failed_is_not_released_and_what_was_skipped_not_retried(journal: Journal) -> None:
    name = journal.record(mail(document("bad"), skipped()))
    settle(journal, claim_one(journal), FAILED, ENDED)

    assert journal.release(name) == 1
    assert became(journal, name) == [Outcome.ERROR, None]
    book(journal)
    assert journal.retry(name) == 1
    assert became(journal, name) == [None, Outcome.DONE]


def test_a_release_of_nothing_changes_nothing(journal: Journal) -> None:
    name = journal.record(mail())
    book(journal)

    assert journal.release(name) == 0
    assert only(journal, name).state is SubmissionState.SETTLED
    with pytest.raises(UsageError):
        journal.release("aaaaaaaaaaaaaaaa")


def test_what_no_store_has_stays_skipped(journal: Journal) -> None:
    name = journal.record(mail(document("trip", locator=None, outcome=Outcome.SKIPPED)))

    assert journal.release(name) == 0
    assert became(journal, name) == [Outcome.SKIPPED]


# --------------------------------------------------------------------------------------- what was read


def test_what_was_read_and_what_was_left_out_are_kept(journal: Journal) -> None:
    read = SeenInvoice(
        by=By.QR,
        number="26317000000012345678",
        date=date(2026, 5, 1),
        amount="100.10",
        seller="某公司",
        first=1,
        last=2,
    )
    left_out = (LeftOut(name="image001.png", why="image/png: pictures are not accepted"),)

    name = journal.record(mail(document("a", read=(read,)), left_out=left_out))

    found = only(journal, name)
    assert (found.documents[0].read, found.left_out) == ((read,), left_out)


# ------------------------------------------------------------------------------------- parts of a file


def test_each_part_of_a_file_is_a_booking_of_its_own(journal: Journal) -> None:
    name = journal.record(file(part(1, 3), part(4, 6), part(7, 7)))

    claimed = claim(journal, limit=8)

    assert [each.key.content for each in claimed] == ["whole#1-3", "whole#4-6", "whole#7-7"]
    for each in claimed:
        settle(journal, each, done(), ENDED)
    again = journal.record(file(part(1, 3), part(4, 6), part(7, 7), path="again.pdf"))
    assert became(journal, again) == [Outcome.DUPLICATE] * 3
    assert [each.duplicate_of for each in only(journal, again).documents] == [
        each.id for each in only(journal, name).documents
    ]


def test_parts_of_a_file_that_was_booked_whole_are_its_duplicates(journal: Journal) -> None:
    first = journal.record(file(document("whole")))
    book(journal)

    name = journal.record(file(part(1, 3), part(4, 6)))

    found = only(journal, name)
    assert became(journal, name) == [Outcome.DUPLICATE] * 2
    assert found.documents[0].duplicate_of == only(journal, first).documents[0].id


def test_pages_that_were_booked_in_other_parts_are_duplicates(journal: Journal) -> None:
    journal.record(file(part(1, 3), part(4, 6)))
    for _ in range(2):
        book(journal)

    name = journal.record(file(part(1, 2), part(3, 4), part(5, 6)))

    assert became(journal, name) == [Outcome.DUPLICATE] * 3


def test_a_whole_file_whose_parts_are_all_booked_is_a_duplicate(journal: Journal) -> None:
    journal.record(file(part(1, 3), part(4, 6)))
    for _ in range(2):
        book(journal)

    assert became(journal, journal.record(file(document("whole")))) == [Outcome.DUPLICATE]


def test_a_whole_file_some_of_which_is_booked_is_not_posted_and_says_why(journal: Journal) -> None:
    journal.record(file(part(1, 3), part(4, 6)))
    book(journal)
    settle(journal, claim_one(journal), FAILED, ENDED)

    name = journal.record(file(document("whole")))

    (found,) = only(journal, name).documents
    assert (found.outcome, found.code) == (Outcome.ERROR, Reason.PARTLY_BOOKED)


def test_pages_beside_those_that_were_booked_are_posted(journal: Journal) -> None:
    journal.record(file(part(1, 3)))
    book(journal)

    name = journal.record(file(part(3, 5), part(6, 7)))

    assert became(journal, name) == [Outcome.ERROR, None]
    assert only(journal, name).documents[0].code == Reason.PARTLY_BOOKED


def test_parts_that_failed_leave_nothing_behind(journal: Journal) -> None:
    journal.record(file(part(1, 3)))
    settle(journal, claim_one(journal), FAILED, ENDED)

    name = journal.record(file(document("whole")))

    assert became(journal, name) == [None]


def test_parts_of_another_employee_are_none_of_ours(journal: Journal) -> None:
    journal.record(file(part(1, 3)))
    book(journal)

    name = journal.record(file(document("whole"), user_code="903852"))

    assert became(journal, name) == [None]
