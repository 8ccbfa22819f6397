"""Mails whose senders have heard nothing for long become a notice, once: in every journal."""

from __future__ import annotations

from datetime import timedelta

import pytest
from msgspec.structs import replace

from tests.support.journals import CUT_OFF, FAILED, HOLD, NOW, OVER, answer, book, claim_one, document, file, mail
from watcher.model import Acknowledgement, ClaimedNotice, NewSubmission, Outcome, Reason, SubmissionState
from watcher.ports import Journal

HOUR = timedelta(hours=1)


def overdue(
    journal: Journal, after: timedelta | None = NOW, *, source: str = "fapiao", hold: timedelta = HOLD
) -> list[ClaimedNotice]:
    return journal.claim_notices(source, limit=8, hold=hold, acknowledge_after=after)


def acknowledged(claims: list[ClaimedNotice]) -> list[str]:
    return [each.notice.submission.id for each in claims if isinstance(each.notice, Acknowledgement)]


def test_a_mail_that_takes_long_is_acknowledged_once_with_its_documents(journal: Journal) -> None:
    name = journal.record(mail(document("a"), document("b")))
    book(journal)

    (claimed,) = overdue(journal)

    assert acknowledged([claimed]) == [name]
    assert isinstance(claimed.notice, Acknowledgement)
    assert claimed.notice.thread.reply_to == "zhang@corp.example"
    assert [each.outcome for each in claimed.notice.submission.documents] == [Outcome.DONE, None]
    journal.end_notice(claimed, sent=True)
    assert journal.sent_to("zhang@corp.example", HOUR).count == 1
    assert overdue(journal) == []


def test_it_is_acknowledged_when_its_time_has_come_and_not_where_nothing_is(journal: Journal) -> None:
    journal.record(mail())

    assert overdue(journal, HOUR) == []
    assert overdue(journal, None) == []
    assert journal.next_answer_in("fapiao") is None
    waits = journal.next_answer_in("fapiao", acknowledge_after=HOUR)
    assert waits is not None
    assert 3500 < waits <= 3600
    assert journal.next_answer_in("another", acknowledge_after=HOUR) is None
    assert overdue(journal, NOW, source="another") == []
    assert len(overdue(journal)) == 1


@pytest.mark.parametrize(
    "new",
    [
        file(source="fapiao"),
        mail(answer=False),
        mail(document("broken", outcome=Outcome.ERROR, code=Reason.UNREADABLE, locator=None)),
        replace(mail(state=SubmissionState.HELD, reason=Reason.UNVERIFIED_SENDER), documents=()),
    ],
    ids=["a file", "nobody is answered", "settled at once", "held for its sender"],
)
def test_what_has_nobody_to_tell_or_nothing_to_wait_for_is_not_acknowledged(
    journal: Journal, new: NewSubmission
) -> None:
    journal.record(new)

    assert overdue(journal) == []


def test_what_is_settled_in_time_is_not_acknowledged_and_neither_is_a_retry_after_the_answer(journal: Journal) -> None:
    name = journal.record(mail())
    book(journal, FAILED)
    assert overdue(journal) == []
    answer(journal)

    assert journal.retry(name) == 1

    assert journal.submission(name).state is SubmissionState.OPEN
    assert overdue(journal) == []


def test_what_waits_for_a_person_because_it_is_in_doubt_is_acknowledged(journal: Journal) -> None:
    name = journal.record(mail())
    journal.hold(claim_one(journal), CUT_OFF)

    assert acknowledged(overdue(journal)) == [name]


def test_an_acknowledgement_of_a_dead_node_is_sent_by_another_under_the_same_name_and_knows_what_came_since(
    journal: Journal,
) -> None:
    journal.record(mail())
    (first,) = overdue(journal, hold=OVER)
    book(journal)

    (second,) = overdue(journal)

    assert (first.name, len(acknowledged([first, second]))) == (second.name, 2)
    assert isinstance(second.notice, Acknowledgement)
    assert second.notice.submission.state is SubmissionState.SETTLED


def test_of_many_each_is_acknowledged_by_one_however_few_are_claimed_at_a_time(journal: Journal) -> None:
    names = [journal.record(mail()) for _ in range(5)]

    found = [acknowledged(journal.claim_notices("fapiao", limit=2, hold=HOLD, acknowledge_after=NOW)) for _ in range(4)]

    assert sorted(name for each in found for name in each) == sorted(names)
    assert [len(each) for each in found] == [2, 2, 1, 0]


def test_what_retention_has_deleted_is_not_acknowledged_any_more(journal: Journal) -> None:
    journal.record(mail())
    overdue(journal, hold=OVER)
    book(journal)
    answer(journal)
    assert journal.forget(OVER) == 1

    assert overdue(journal) == []
    assert journal.next_answer_in("fapiao") is None
