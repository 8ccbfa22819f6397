"""Outcomes that are recorded together are what they are one by one."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest

from tests.support.journals import (
    CUT_OFF,
    ENDED,
    ENDPOINT,
    FAILED,
    NOW,
    OVER,
    REFUSED,
    claim,
    claim_one,
    close_gate,
    document,
    done,
    file,
    invoice,
    mail,
    only,
    outcomes,
    settle,
)
from watcher.errors import ClaimLost
from watcher.model import ClaimedBooking, Outcome, SettledTry, Settlement, SubmissionState, TryEnding
from watcher.ports import Journal


def tried(claimed: ClaimedBooking, settlement: Settlement | None = None, ending: TryEnding = ENDED) -> SettledTry:
    return SettledTry(claimed=claimed, settlement=settlement or done(), ending=ending)


def test_each_booking_gets_its_outcome_its_invoices_and_the_end_of_its_try(journal: Journal) -> None:
    # Given four documents of three submissions, and a fifth with the content of the first
    first = journal.record(mail(document("a"), document("b")))
    second = journal.record(mail(document("a"), document("c")))
    third = journal.record(file(document("d")))
    a, b, c, d = sorted(claim(journal, limit=8), key=lambda each: each.key.content)
    unclear = Settlement(outcome=Outcome.ATTENTION, code="IN_DOUBT", message="?")

    # When the answers to them are recorded in one go
    stand = journal.settle(
        [
            tried(c, unclear, CUT_OFF),
            tried(a, done(invoice("1", "E-1"), invoice("2", "E-2"))),
            tried(d, done(invoice("3", "E-3"))),
            tried(b, FAILED, REFUSED),
        ]
    )

    # Then every one stands
    assert stand == [True] * 4
    one, two = only(journal, first).documents
    assert (one.outcome, one.code, [each.expense_id for each in one.invoices]) == ("done", "200000", ["E-1", "E-2"])
    assert (two.outcome, two.code, two.message, two.invoices) == ("error", "400001", "查验失败", ())
    assert [(each.result, each.in_doubt) for each in two.tries] == [("error", False)]
    copy, three = only(journal, second).documents
    assert (copy.outcome, copy.code) == (Outcome.DUPLICATE, None)
    assert (three.outcome, three.code) == ("attention", "IN_DOUBT")
    assert [(each.result, each.in_doubt) for each in three.tries] == [("in_doubt", True)]
    assert [each.expense_id for each in only(journal, third).documents[0].invoices] == ["E-3"]
    # and all three submissions are to be answered
    states = {only(journal, name).state for name in (first, second, third)}
    assert states == {SubmissionState.SETTLED}
    assert len(journal.claim_answers("fapiao", limit=8, hold=NOW)) == 2
    assert len(journal.claim_answers("shared", limit=8, hold=NOW)) == 1


def test_a_submission_of_which_something_is_pending_is_not_settled(journal: Journal) -> None:
    whole, half = journal.record(mail()), journal.record(mail(document("x"), document("y")))
    claims = claim(journal, limit=2)

    assert journal.settle([tried(each) for each in claims]) == [True, True]

    assert only(journal, whole).state is SubmissionState.SETTLED
    assert only(journal, half).state is SubmissionState.OPEN
    assert outcomes(only(journal, half)) == [Outcome.DONE, None]


def test_a_claim_that_is_lost_takes_nothing_from_the_others(journal: Journal) -> None:
    # Given two bookings, one of which another node has claimed and settled meanwhile
    lost_one, kept_one = journal.record(mail()), journal.record(mail())
    late = claim_one(journal, hold=OVER)
    settle(journal, claim_one(journal), done(), ENDED)
    held = claim_one(journal)

    # When both are recorded together
    stand = journal.settle([tried(late, FAILED, REFUSED), tried(held)])

    # Then one stands, and of the other the end of its try is kept
    assert stand == [False, True]
    assert outcomes(only(journal, kept_one)) == [Outcome.DONE]
    found = only(journal, lost_one).documents[0]
    assert (found.outcome, [each.result for each in found.tries]) == (Outcome.DONE, ["error", "done"])


def test_the_same_outcomes_are_taken_again(journal: Journal) -> None:
    names = [journal.record(mail()) for _ in range(3)]
    told = [tried(each) for each in claim(journal, limit=3)]
    journal.settle(told)

    assert journal.settle(told) == [True] * 3  # the reply to the first COMMIT may have been lost

    for name in names:
        found = only(journal, name).documents[0]
        assert (found.outcome, len(found.invoices), len(found.tries)) == (Outcome.DONE, 1, 1)


def test_a_later_try_minds_what_an_earlier_one_has_booked(journal: Journal) -> None:
    # Given a booking whose first answer came late, and booked
    doubtful = journal.record(mail())
    late = claim_one(journal, hold=OVER)
    again = claim_one(journal)
    with pytest.raises(ClaimLost):
        settle(journal, late, done(invoice(expense_id="E-1")), ENDED)
    plain = [journal.record(mail()) for _ in range(2)]
    fresh = claim(journal, limit=2)

    # When its second one says otherwise, among others
    assert journal.settle([tried(again, FAILED, REFUSED), *(tried(each) for each in fresh)]) == [True] * 3

    # Then it is no error
    found = only(journal, doubtful).documents[0]
    assert (found.outcome, found.code) == (Outcome.ATTENTION, "IN_DOUBT")
    assert [outcomes(only(journal, name)) for name in plain] == [[Outcome.DONE]] * 2


def test_a_probe_among_others_ends_the_probe(journal: Journal) -> None:
    waiting = [journal.record(mail()) for _ in range(3)]
    others = claim(journal, limit=2)
    close_gate(journal, ENDPOINT, "no right", timedelta(milliseconds=1))
    probes: list[ClaimedBooking] = []
    while not probes:
        probes = claim(journal)
    (probe,) = probes
    assert probe.probe_of == ENDPOINT

    assert journal.settle([tried(each) for each in (*others, probe)]) == [True] * 3

    assert [outcomes(only(journal, name)) for name in waiting] == [[Outcome.DONE]] * 3


def test_of_two_who_settle_the_same_bookings_at_once_one_is_believed_for_each(journal: Journal) -> None:
    for turn in range(5):
        # Given bookings whose claims are over, and are another's now
        names = [journal.record(mail()) for _ in range(6)]
        late = claim(journal, "fapiao", limit=6, hold=OVER)
        now = claim(journal, "fapiao", limit=6)
        assert len(late) == len(now) == 6

        # When both tell of them, in different orders
        with ThreadPoolExecutor(2) as pool:
            lost = pool.submit(journal.settle, [tried(each, FAILED, REFUSED) for each in reversed(late)])
            kept = pool.submit(journal.settle, [tried(each) for each in now])

        # Then whoever has the claim is right, whichever came first
        assert (lost.result(), kept.result()) == ([False] * 6, [True] * 6), turn
        for name in names:
            found = only(journal, name).documents[0]
            assert (found.outcome, [each.result for each in found.tries]) == (Outcome.DONE, ["error", "done"])


def test_nothing_to_record_is_nothing(journal: Journal) -> None:
    assert journal.settle([]) == []
