"""Mails that are let in after a hold, how much senders submit and are sent and told: in every journal."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from msgspec.structs import replace

from tests.support.journals import (
    CUT_OFF,
    HOLD,
    NOW,
    OVER,
    answer,
    book,
    claim_one,
    document,
    mail,
    note,
    notice,
    only,
    outcomes,
)
from watcher.errors import UsageError
from watcher.model import Known, NewSubmission, Outcome, Planned, Reason, SubmissionState, Thread
from watcher.ports import Journal

HOUR = timedelta(hours=1)
A_MOMENT = timedelta(milliseconds=1)


def held_mail(**changes: Any) -> NewSubmission:
    values = {"state": SubmissionState.HELD, "reason": Reason.UNVERIFIED_SENDER, "remark": "dmarc=fail", **changes}
    return replace(mail(**values), documents=())


def read_again(held: NewSubmission, name: str, **changes: Any) -> NewSubmission:
    """The mail as its source takes it in after its release."""
    taken = {"state": SubmissionState.OPEN, "reason": None, "remark": None, "succeeds": name}
    return replace(held, documents=(document(f"of {held.key}"),), **{**taken, **changes})


# --------------------------------------------------------------------------------------------- let in


def test_what_is_held_for_its_sender_says_since_when(journal: Journal) -> None:
    name = journal.record(held_mail())

    found = only(journal, name)

    assert (found.state, found.reason, found.remark) == (SubmissionState.HELD, Reason.UNVERIFIED_SENDER, "dmarc=fail")
    assert found.held_at is not None
    assert abs(journal.now() - found.held_at) < timedelta(minutes=1)


def test_what_is_let_in_is_known_as_released_until_it_is_taken_in(journal: Journal) -> None:
    held = held_mail()
    name = journal.record(held)

    assert journal.let_in(name, None) == "903851"

    assert journal.known([held.key])[held.key].released_for == "903851"
    assert dict(journal.released()) == {name: "fapiao"}
    found = only(journal, name)
    assert (found.state, found.reason, found.released, found.held_at) == (SubmissionState.OPEN, None, True, None)
    assert journal.record(read_again(held, name)) == name
    assert journal.known([held.key])[held.key] == Known(
        submission=name, state=SubmissionState.OPEN, stays=False, source="fapiao"
    )
    assert dict(journal.released()) == {}


def test_what_was_let_in_is_one_submission_that_is_booked_and_answered(journal: Journal) -> None:
    held = held_mail()
    name = journal.record(held)
    journal.let_in(name, None)

    journal.record(read_again(held, name, user_code="903851", answer=True))
    book(journal)
    closed = answer(journal)

    assert (closed.id, closed.state, outcomes(closed)) == (name, SubmissionState.CLOSED, [Outcome.DONE])
    assert (closed.released, closed.held_at, closed.remark) == (False, None, None)
    assert closed.let_in_despite == "UNVERIFIED_SENDER: dmarc=fail"  # whoever asks later sees who answers for it
    assert closed.let_in_at is not None


def test_a_mail_that_is_taken_in_twice_after_its_release_is_written_once(journal: Journal) -> None:
    held = held_mail()
    name = journal.record(held)
    journal.let_in(name, None)

    assert [journal.record(read_again(held, name)) for _ in range(2)] == [name, name]

    assert len(only(journal, name).documents) == 1


def test_a_mail_of_nobody_needs_an_employee_and_gets_the_one_that_is_named(journal: Journal) -> None:
    name = journal.record(held_mail(user_code=None, person_name=None, reason=Reason.UNKNOWN_SENDER))
    with pytest.raises(UsageError, match="--user-code"):
        journal.let_in(name, None)
    assert only(journal, name).state is SubmissionState.HELD

    assert journal.let_in(name, "903852") == "903852"

    assert only(journal, name).user_code == "903852"


def test_another_employee_than_was_supposed_does_not_keep_the_name_of_the_first(journal: Journal) -> None:
    name = journal.record(held_mail())

    journal.let_in(name, "903852")

    found = only(journal, name)
    assert (found.user_code, found.person_name, found.language) == ("903852", None, None)


def test_only_what_is_held_for_its_sender_is_let_in(journal: Journal) -> None:
    doubtful = journal.record(mail())
    journal.hold(claim_one(journal), CUT_OFF)
    released = journal.record(held_mail())
    journal.let_in(released, None)

    for name in (doubtful, released, journal.record(mail()), "a" * 16):
        with pytest.raises(UsageError):
            journal.let_in(name, "903851")


def test_what_was_released_can_be_refused_until_it_is_taken_in(journal: Journal) -> None:
    held = held_mail()
    name = journal.record(held)
    journal.let_in(name, None)

    journal.refuse(name)

    found = only(journal, name)
    assert (found.state, found.released) == (SubmissionState.SETTLED, False)
    assert journal.record(read_again(held, name)) == name
    assert only(journal, name).documents == ()
    with pytest.raises(UsageError, match="not held"):
        journal.refuse(name)


def test_a_mail_that_was_let_in_waits_for_a_person_again_where_its_document_is_in_doubt(journal: Journal) -> None:
    held = held_mail()
    content = document(f"of {held.key}")
    journal.record(mail(content))
    journal.hold(claim_one(journal), CUT_OFF)
    name = journal.record(held)
    journal.let_in(name, None)

    journal.record(read_again(held, name))

    found = only(journal, name)
    assert (found.state, found.reason) == (SubmissionState.HELD, Reason.IN_DOUBT)
    assert found.held_at is not None


def test_what_is_held_because_it_is_in_doubt_says_since_when_and_no_longer_afterwards(journal: Journal) -> None:
    name = journal.record(mail())
    journal.hold(claim_one(journal), CUT_OFF)
    assert only(journal, name).held_at is not None

    journal.retry(name)

    assert only(journal, name).held_at is None


# ------------------------------------------------------------------------------------------ allowances


def test_what_a_sender_submits_is_counted_for_that_sender_and_source_alone(journal: Journal) -> None:
    for size in (1000, 200):
        journal.record(mail(size=size, counts_as="903851"))
    journal.record(mail(size=7, counts_as="903852"))
    journal.record(mail(size=7, counts_as="903851", source="another"))
    journal.record(mail(size=7))
    journal.record(held_mail(size=7))

    spent = journal.spent("fapiao", "903851", HOUR)

    assert (spent.count, spent.bytes) == (2, 1200)
    assert spent.ago is not None
    assert timedelta(0) <= spent.ago < timedelta(minutes=1)


def test_what_was_submitted_earlier_than_is_asked_for_does_not_count(journal: Journal) -> None:
    journal.record(mail(size=1000, counts_as="903851"))

    spent = journal.spent("fapiao", "903851", -HOUR)

    assert (spent.count, spent.bytes, spent.ago) == (0, 0, None)


def test_replies_are_counted_by_recipient_whatever_its_case(journal: Journal) -> None:
    for reply_to in ("zhang@corp.example", "Zhang@Corp.example", "smith@corp.example"):
        journal.record(mail(thread=Thread(reply_to=reply_to)))
        book(journal)
    for claimed in journal.claim_answers("fapiao", limit=3, hold=HOLD):
        note(journal, claimed, Planned(target="done", replied=True))

    assert journal.sent_to("ZHANG@corp.example", HOUR).count == 2
    assert journal.sent_to("smith@corp.example", HOUR).count == 1
    assert journal.sent_to("zhang@corp.example", -HOUR).count == 0


# --------------------------------------------------------------------------------------------- notices


def test_a_notice_comes_out_as_it_went_in_and_is_sent_by_one(journal: Journal) -> None:
    assert journal.tell(notice(), once_in=HOUR)

    (claimed,) = journal.claim_notices("fapiao", limit=8, hold=HOLD)

    assert claimed.notice == notice()
    assert journal.claim_notices("fapiao", limit=8, hold=HOLD) == []
    journal.end_notice(claimed, sent=True)
    assert journal.sent_to("zhang@corp.example", HOUR).count == 1
    assert journal.next_answer_in("fapiao") is None


def test_whom_a_source_has_told_is_not_told_again_for_a_while(journal: Journal) -> None:
    assert journal.tell(notice(), once_in=HOUR)
    assert not journal.tell(notice(subject="another"), once_in=HOUR)
    (claimed,) = journal.claim_notices("fapiao", limit=8, hold=HOLD)
    journal.end_notice(claimed, sent=False)

    assert not journal.tell(notice(), once_in=HOUR)
    assert journal.tell(notice(concerns="903852"), once_in=HOUR)
    assert journal.tell(notice(source="another"), once_in=HOUR)
    assert journal.tell(notice(), once_in=-A_MOMENT)


def test_a_notice_that_cannot_be_sent_is_due_again_later(journal: Journal) -> None:
    journal.tell(notice(), once_in=HOUR)
    (claimed,) = journal.claim_notices("fapiao", limit=8, hold=HOLD)

    journal.postpone_notice(claimed, HOUR)

    assert journal.claim_notices("fapiao", limit=8, hold=HOLD) == []
    waits = journal.next_answer_in("fapiao")
    assert waits is not None
    assert 3590 < waits <= 3600
    left = journal.work_left(["fapiao"])
    assert left.next_answer_in is not None


def test_a_notice_of_a_dead_node_is_sent_by_another_under_the_same_name(journal: Journal) -> None:
    journal.tell(notice(), once_in=HOUR)
    (first,) = journal.claim_notices("fapiao", limit=8, hold=OVER)

    (second,) = journal.claim_notices("fapiao", limit=8, hold=HOLD)

    assert first.name == second.name
    journal.end_notice(first, sent=True)  # its claim is lost: the second decides
    assert journal.sent_to("zhang@corp.example", HOUR).count == 0


def test_what_no_limit_asks_about_is_forgotten_and_the_rest_is_not(journal: Journal) -> None:
    journal.tell(notice(), once_in=HOUR)
    journal.record(mail())
    book(journal)
    (claimed,) = journal.claim_answers("fapiao", limit=1, hold=HOLD)
    note(journal, claimed, Planned(target="done", replied=True))

    assert journal.forget(NOW) == 0

    assert journal.sent_to("zhang@corp.example", HOUR).count == 1
    assert len(journal.claim_notices("fapiao", limit=8, hold=HOLD)) == 1
