"""What waits for a person or for its file, in every journal."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from tests.support.journals import (
    CUT_OFF,
    ENDED,
    ENDPOINT,
    FAILED,
    HOLD,
    NOW,
    OVER,
    REFUSED,
    answer,
    book,
    claim,
    claim_one,
    close_gate,
    document,
    done,
    file,
    mail,
    only,
    outcomes,
    settle,
)
from watcher.errors import ClaimLost, UsageError
from watcher.model import BookingKey, Locator, NewDocument, Outcome, Reason, Settlement, SubmissionState
from watcher.ports import Journal

# ------------------------------------------------------------------------------- held for a decision


def held(journal: Journal, *documents: NewDocument) -> str:
    """A submission whose one booking is in doubt, and waits for a person."""
    name = journal.record(mail(*documents))
    journal.hold(claim_one(journal), CUT_OFF)
    return name


def test_what_is_in_doubt_and_held_is_never_due_and_says_why(journal: Journal) -> None:
    name = held(journal)

    found = only(journal, name)
    assert (found.state, found.reason, found.remark) == (SubmissionState.HELD, Reason.IN_DOUBT, CUT_OFF.message)
    assert (found.documents[0].outcome, found.documents[0].due_at, found.documents[0].attempts) == (None, None, 1)
    assert found.documents[0].tries[0].in_doubt
    assert claim(journal, limit=8) == []
    assert journal.next_try_in(["fapiao"], ENDPOINT) is None
    close_gate(journal, ENDPOINT, "shut", NOW)
    assert claim(journal, limit=8) == []  # not even as a probe


def test_a_try_that_never_left_is_forgotten_when_its_booking_is_held(journal: Journal) -> None:
    name = journal.record(mail())
    claim_one(journal, hold=OVER)
    again = claim_one(journal)
    assert again.interrupted

    journal.hold(again, None)

    (found,) = only(journal, name).documents
    assert [(one.number, one.in_doubt) for one in found.tries] == [(1, True)]
    assert only(journal, name).state is SubmissionState.HELD


def test_a_held_booking_goes_on_under_its_bizid_when_a_person_says_so(journal: Journal) -> None:
    name = held(journal, document("a"))

    assert journal.retry(name) == 1

    found = only(journal, name)
    assert (found.state, found.reason, found.remark) == (SubmissionState.OPEN, None, None)
    again = book(journal)
    assert (again.biz_id, again.in_doubt, again.interrupted) == (again.key.biz_id(1), True, False)
    assert only(journal, name).state is SubmissionState.SETTLED


def test_a_held_booking_gets_a_new_bizid_only_when_a_person_says_so(journal: Journal) -> None:
    first, second = held(journal, document("a")), journal.record(mail(document("a")))

    assert journal.retry(first, new=True) == 1

    again = book(journal)
    assert again.biz_id == again.key.biz_id(2)
    assert {*outcomes(only(journal, first)), *outcomes(only(journal, second))} == {Outcome.DONE, Outcome.DUPLICATE}
    assert {only(journal, each).state for each in (first, second)} == {SubmissionState.SETTLED}


def test_a_further_document_of_what_is_held_is_held_with_it(journal: Journal) -> None:
    first = held(journal, document("a"))
    second = journal.record(mail(document("a"), document("b")))
    assert (only(journal, second).state, only(journal, second).reason) == (SubmissionState.HELD, Reason.IN_DOUBT)
    assert book(journal).key.content == "b"  # the others go on
    assert only(journal, second).state is SubmissionState.HELD

    assert journal.retry(second) == 1
    book(journal)

    assert {only(journal, each).state for each in (first, second)} == {SubmissionState.SETTLED}


def test_a_refusal_leaves_what_is_in_doubt_so_and_lets_it_be_answered(journal: Journal) -> None:
    first, second = held(journal, document("a")), journal.record(mail(document("a")))

    journal.refuse(second)

    assert outcomes(only(journal, first)) == [Outcome.ATTENTION]
    assert only(journal, first).documents[0].code == Reason.IN_DOUBT
    assert outcomes(only(journal, second)) == [Outcome.DUPLICATE]
    assert {only(journal, each).state for each in (first, second)} == {SubmissionState.SETTLED}
    with pytest.raises(UsageError, match="not held"):
        journal.refuse(first)


def hold_content(journal: Journal, content: str) -> bool:
    key = BookingKey(content=content, user_code="903851", create_expense=True)
    why = "it may have been booked instead"
    # The reply to the first COMMIT may have been lost.
    held, again = (journal.hold_content(key, source="fapiao", locator=PLACE, why=why) for _ in range(2))
    assert held is again
    return held


PLACE = Locator(store="drive", key="a.pdf", url="https://files.test/a.pdf")


@pytest.mark.parametrize("before", ["nothing", "taken in", "failed", "tried before"])
def test_what_another_booking_may_have_booked_is_held_whether_it_is_known_or_comes_later(
    journal: Journal, before: str
) -> None:
    # Given a content, and in one case a booking of it that nobody is at work on
    name = ""
    if before != "nothing":
        name = journal.record(mail(document("a")))
        if before == "failed":
            settle(journal, claim_one(journal), FAILED, REFUSED)
        if before == "tried before":
            journal.postpone(claim_one(journal), due_in=NOW, counted=True, ending=REFUSED)
    # When it may have been booked
    assert hold_content(journal, "a")
    # Then it waits for a person who hears why, and is not posted
    if before in ("nothing", "failed"):
        name = journal.record(mail(document("a")))
    assert claim(journal, limit=8) == []
    found = only(journal, name)
    assert (found.state, found.reason) == (SubmissionState.HELD, Reason.IN_DOUBT)
    assert found.remark == "it may have been booked instead"
    # And it is booked once under its own number when they say so
    assert journal.retry(name) == 1
    again = book(journal)
    assert again.biz_id == again.key.biz_id(2 if before == "failed" else 1)
    assert outcomes(only(journal, name)) == [Outcome.DONE]


@pytest.mark.parametrize("before", ["in flight", "booked"])
def test_what_is_in_flight_or_booked_is_left_alone_where_another_booking_may_have_booked_it(
    journal: Journal, before: str
) -> None:
    name = journal.record(mail(document("a")))
    claimed = claim_one(journal)
    if before == "booked":
        settle(journal, claimed, done(), ENDED)
    assert hold_content(journal, "a") is (before == "booked")
    if before == "in flight":
        settle(journal, claimed, done(), ENDED)
    assert outcomes(only(journal, name)) == [Outcome.DONE]


def test_what_is_held_for_its_sender_can_be_refused(journal: Journal) -> None:
    turned = mail(state=SubmissionState.HELD, reason=Reason.UNKNOWN_SENDER)
    name = journal.record(replace(turned, documents=()))
    assert journal.retry(name) == 0

    journal.refuse(name)

    (claimed,) = journal.claim_answers("fapiao", limit=1, hold=HOLD)
    assert (claimed.submission.id, claimed.submission.reason) == (name, Reason.UNKNOWN_SENDER)


def test_a_late_answer_resolves_what_is_held(journal: Journal) -> None:
    name = journal.record(mail(document("a")))
    late = claim_one(journal, hold=OVER)
    journal.hold(claim_one(journal), None)

    settle(journal, late, done(), ENDED)

    assert outcomes(only(journal, name)) == [Outcome.DONE]
    assert (only(journal, name).state, only(journal, name).reason) == (SubmissionState.SETTLED, None)


def test_a_late_refusal_does_not_decide_what_is_held(journal: Journal) -> None:
    name = journal.record(mail(document("a")))
    late = claim_one(journal, hold=OVER)
    journal.hold(claim_one(journal), None)

    with pytest.raises(ClaimLost):
        settle(journal, late, FAILED, REFUSED)

    assert only(journal, name).state is SubmissionState.HELD


def test_a_late_answer_that_leaves_it_in_doubt_does_not_decide_what_is_held(journal: Journal) -> None:
    name = journal.record(mail(document("a")))
    late = claim_one(journal, hold=OVER)
    journal.hold(claim_one(journal), None)

    with pytest.raises(ClaimLost):
        settle(journal, late, Settlement(outcome=Outcome.ATTENTION, code=Reason.IN_DOUBT), REFUSED)

    assert only(journal, name).state is SubmissionState.HELD


def test_a_hold_under_a_lost_claim_is_refused_and_its_end_is_kept(journal: Journal) -> None:
    name = journal.record(mail())
    late = claim_one(journal, hold=OVER)
    claim_one(journal)

    with pytest.raises(ClaimLost):
        journal.hold(late, CUT_OFF)

    assert only(journal, name).documents[0].tries[0].result == CUT_OFF.result
    assert only(journal, name).state is SubmissionState.OPEN


# -------------------------------------------------------------------- what is tried again without a decision


def failed(journal: Journal, *documents: NewDocument) -> str:
    """A mail whose one booking ended in error, and that is answered."""
    name = journal.record(mail(*documents))
    book(journal, FAILED)
    answer(journal, target="error")
    return name


def test_what_a_person_left_in_doubt_is_not_posted_by_who_moves_the_mail_back(journal: Journal) -> None:
    name = held(journal, document("a"))
    journal.refuse(name)
    answer(journal, target="done")

    assert journal.retry(name, decided=False) == 0

    assert claim(journal, limit=8) == []
    found = answer(journal, target="done")  # it is answered again, and moved away again
    assert [(each.outcome, each.code) for each in found.documents] == [(Outcome.ATTENTION, Reason.IN_DOUBT)]


def test_a_mail_that_comes_back_waits_with_the_one_that_is_held_for_the_same_document(journal: Journal) -> None:
    # Given a document that failed, and was sent again in another mail, which is held
    first = failed(journal, document("a"))
    second = held(journal, document("a"))

    # When somebody moves the first mail back
    assert journal.retry(first, decided=False) == 0

    # Then nothing is posted, and both wait for a person
    assert claim(journal, limit=8) == []
    for name in (first, second):
        assert (only(journal, name).state, only(journal, name).reason) == (SubmissionState.HELD, Reason.IN_DOUBT)
    assert journal.retry(first, decided=False) == 0  # nor by doing so twice
    assert claim(journal, limit=8) == []
    assert journal.retry(first) == 1
    assert book(journal).biz_id == BookingKey(content="a", user_code="903851", create_expense=True).biz_id(2)
    assert {only(journal, name).state for name in (first, second)} == {SubmissionState.SETTLED}


def test_what_is_in_no_doubt_in_a_mail_that_comes_back_is_posted_beside_what_is_held(journal: Journal) -> None:
    name = journal.record(mail(document("a"), document("b")))
    for _ in range(2):
        book(journal, FAILED)
    answer(journal, target="error")
    held(journal, document("a"))

    assert journal.retry(name, decided=False) == 1

    assert book(journal).key.content == "b"
    assert outcomes(only(journal, name)) == [None, Outcome.DONE]
    assert only(journal, name).state is SubmissionState.HELD


def test_what_was_left_in_doubt_in_another_mail_is_not_posted_by_one_that_comes_back(journal: Journal) -> None:
    first = failed(journal, document("a"))
    journal.refuse(held(journal, document("a")))

    assert journal.retry(first, decided=False) == 0

    assert claim(journal, limit=8) == []
    assert outcomes(only(journal, first)) == [Outcome.DUPLICATE]  # as if it had been sent a third time


def test_what_turned_out_to_be_in_doubt_after_it_had_failed_is_held_when_its_mail_comes_back(journal: Journal) -> None:
    # Given a refusal, and then the end of an earlier try of which nobody knows whether it was carried out
    name = journal.record(mail(document("a")))
    late = claim_one(journal, hold=OVER)
    book(journal, FAILED)
    answer(journal, target="error")
    with pytest.raises(ClaimLost):
        journal.postpone(late, due_in=NOW, counted=True, ending=CUT_OFF)

    # When somebody moves the mail back
    assert journal.retry(name, decided=False) == 0

    # Then it waits for a person, who may let it go on under its old bizId
    assert claim(journal, limit=8) == []
    assert (only(journal, name).state, only(journal, name).reason) == (SubmissionState.HELD, Reason.IN_DOUBT)
    assert journal.retry(name) == 1
    assert book(journal).biz_id == late.biz_id


def test_what_failed_in_no_doubt_is_tried_again_whoever_says_so(journal: Journal) -> None:
    name = failed(journal, document("a"))

    assert journal.retry(name, decided=False) == 1

    book(journal)
    assert outcomes(only(journal, name)) == [Outcome.DONE]


# ---------------------------------------------------------------------------- files that are put back


IN_PLACE = frozenset({"default"})


def failed_in_place(journal: Journal) -> str:
    """A file that was moved to error/, and is to be tried again from where it lay."""
    name = journal.record(file(document("a"), place="a/b.pdf"))
    book(journal, FAILED)
    answer(journal, "shared", target="/error/a/b.pdf")
    assert journal.retry(name, in_place=IN_PLACE) == 1
    return name


def test_a_file_with_its_url_by_its_place_is_put_back_before_it_is_posted_again(journal: Journal) -> None:
    name = failed_in_place(journal)
    assert claim(journal, limit=8) == []
    assert journal.next_answer_in("shared") == 0
    (claimed,) = journal.claim_returns("shared", limit=8, hold=HOLD)
    assert (claimed.submission.place, claimed.submission.moved_to) == ("a/b.pdf", "/error/a/b.pdf")
    assert journal.claim_returns("shared", limit=8, hold=HOLD) == []

    journal.note_return(claimed, "key-now", "fingerprint-now")

    found = only(journal, name)
    assert (found.state, found.moved_to, found.fingerprint) == (SubmissionState.OPEN, None, "fingerprint-now")
    assert journal.known(["key-now"])["key-now"].submission == name
    assert book(journal).biz_id == BookingKey(content="a", user_code="903851", create_expense=True).biz_id(2)
    assert outcomes(only(journal, name)) == [Outcome.DONE]


def test_a_file_that_cannot_be_put_back_ends_in_error(journal: Journal) -> None:
    name = failed_in_place(journal)
    (claimed,) = journal.claim_returns("shared", limit=8, hold=HOLD)

    journal.give_up_return(claimed, "it is gone")

    (found,) = only(journal, name).documents
    assert (found.outcome, found.code, found.message) == (Outcome.ERROR, Reason.NO_URL, "it is gone")
    assert only(journal, name).state is SubmissionState.SETTLED


@pytest.mark.parametrize("left", [0, 1])
def test_a_document_that_lay_in_two_places_ends_in_error_only_when_neither_file_can_be_put_back(
    journal: Journal, left: int
) -> None:
    # Given the same document in two files, both in error/, that are both to be tried again
    places = ("a/b.pdf", "a/c.pdf")
    names = []
    for place in places:
        locator = Locator(store="default", key=place, url=f"https://files.test/{place}")
        names.append(journal.record(file(document("a", locator=locator), place=place)))
        book(journal, FAILED)
        answer(journal, "shared", target=f"/error/{place}")
    for name in names:
        assert journal.retry(name, in_place=IN_PLACE) == 1
    returns = {each.submission.id: each for each in journal.claim_returns("shared", limit=8, hold=HOLD)}
    # When one of them is gone
    journal.give_up_return(returns[names[1 - left]], "it is gone")
    # Then the other one is still put back, and posted
    assert [outcomes(only(journal, name)) for name in names] == [[None], [None]]
    assert claim(journal, limit=8) == []
    journal.note_return(returns[names[left]], "key-now", "fingerprint-now")
    booked = book(journal)
    assert places[left] in {at.key for at in (booked.locator, *booked.others)}
    assert [outcomes(only(journal, name)) for name in names] == [[Outcome.DONE], [Outcome.DUPLICATE]]


def test_a_document_that_lay_in_two_places_ends_in_error_when_both_files_are_gone(journal: Journal) -> None:
    names = []
    for place in ("a/b.pdf", "a/c.pdf"):
        names.append(journal.record(file(document("a"), place=place)))
        book(journal, FAILED)
        answer(journal, "shared", target=f"/error/{place}")
    for name in names:
        journal.retry(name, in_place=IN_PLACE)

    for claimed in journal.claim_returns("shared", limit=8, hold=HOLD):
        journal.give_up_return(claimed, "it is gone")

    found = [only(journal, name) for name in names]
    assert [(each.state, outcomes(each)) for each in found] == [(SubmissionState.SETTLED, [Outcome.ERROR])] * 2


def test_a_return_that_has_to_wait_is_due_again_then(journal: Journal) -> None:
    failed_in_place(journal)
    (claimed,) = journal.claim_returns("shared", limit=8, hold=HOLD)

    journal.postpone_answer(claimed, NOW, "something lies there")

    assert journal.claim_returns("shared", limit=8, hold=HOLD)[0].submission.remark == "something lies there"
    with pytest.raises(ClaimLost):
        journal.note_return(claimed, "k", "f")


def test_a_file_that_somebody_put_back_lets_the_waiting_booking_go_through_it(journal: Journal) -> None:
    name = failed_in_place(journal)
    other = journal.record(file(document("a"), place="a/b.pdf"))

    book(journal)

    assert {*outcomes(only(journal, name)), *outcomes(only(journal, other))} == {Outcome.DONE, Outcome.DUPLICATE}
    assert journal.claim_returns("shared", limit=8, hold=HOLD) == []


# ------------------------------------------------------------------- what is posted from an address


def test_what_anybody_is_posting_from_an_address_is_known_while_its_claim_lasts(journal: Journal) -> None:
    at = Locator(store="drive", key="发票/a.pdf", url="https://files.test/a.pdf")
    for content, locator in (("a", at), ("b", replace(at, key="b.pdf")), ("c", at), ("d", at), ("e", at)):
        journal.record(mail(document(content, locator=locator)))
    # Given one that is claimed there, one elsewhere, one that was posted, one whose claim is over, and one that is due
    a, b, c = claim(journal, limit=3)
    settle(journal, c, done(), ENDED)
    assert len(claim(journal, hold=OVER)) == 1

    (found,) = journal.under_way([at.key])

    assert (found.booking, found.content, found.locator) == (a.booking, "a", at)
    assert [each.booking for each in journal.under_way([at.key, "b.pdf"])] == [a.booking, b.booking]
    assert journal.under_way([]) == journal.under_way(["c.pdf"]) == []
