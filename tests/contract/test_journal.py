"""What every journal promises, on every database."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any

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
    invoice,
    mail,
    note,
    only,
    open_gate,
    outcomes,
    pause_gate,
    settle,
)
from tests.support.waiting import wait_for
from watcher.errors import ClaimLost, UsageError
from watcher.journal.opening import open_journal
from watcher.model import (
    ANYTHING,
    Closed,
    DocumentState,
    Kind,
    Locator,
    News,
    Outcome,
    Planned,
    Reason,
    Settlement,
    SourceHealth,
    Submission,
    SubmissionFilter,
    SubmissionState,
    Thread,
)
from watcher.policy.arrival import Treatment, treatment
from watcher.ports import Journal

LATER = timedelta(hours=1)


# ------------------------------------------------------------------------------------------ intake


def test_a_submission_is_read_as_it_was_recorded(journal: Journal) -> None:
    new = mail(document("a"), document("b", outcome=Outcome.SKIPPED, locator=None, code="X", message="a logo"))

    name = journal.record(new)

    found = only(journal, name)
    assert len(name) == 16
    assert found.thread == new.thread
    assert (found.key, found.source, found.kind, found.place) == (new.key, "fapiao", Kind.MAIL, new.place)
    assert (found.sender, found.subject, found.person_name, found.language) == (
        "zhang@corp.example", "发票", "张三", "zh",
    )  # fmt: skip
    assert found.received_at == new.received_at
    assert found.state is SubmissionState.OPEN
    first, second = found.documents
    assert (first.state, first.outcome, first.attempts) == (DocumentState.PENDING, None, 0)
    assert first.attachment_url == "https://files.test/a.pdf"
    assert first.biz_id is not None
    assert len(first.biz_id) == 36
    assert (second.outcome, second.code, second.message) == (Outcome.SKIPPED, "X", "a logo")
    assert second.settled_at is not None


def test_text_that_no_database_can_store_does_not_keep_a_mail_out(journal: Journal) -> None:
    new = file(subject="a\x00b\ud800", place="caf\udce9.pdf", path="caf\udce9.pdf")

    found = only(journal, journal.record(new))

    assert found.place == "caf\udce9.pdf"  # a name that is no UTF-8 must find its file again
    assert found.path == "caf\udce9.pdf"
    assert found.subject == "a\ufffdb?"


def test_a_presigned_document_shows_its_key(journal: Journal) -> None:
    signed = document("a", locator=Locator(store="default", key="invoices/a.pdf", url=None))

    name = journal.record(mail(signed))

    assert only(journal, name).documents[0].attachment_url == "invoices/a.pdf"
    assert claim_one(journal).locator == Locator(store="default", key="invoices/a.pdf", url=None)


def test_a_submission_with_nothing_to_post_is_settled_and_due_for_its_answer(journal: Journal) -> None:
    name = journal.record(mail(document("a", outcome=Outcome.ERROR, code="ENCRYPTED", locator=None)))

    assert only(journal, name).state is SubmissionState.SETTLED
    assert journal.next_answer_in("fapiao") == 0
    assert claim(journal) == []


def test_a_held_submission_waits_and_posts_nothing(journal: Journal) -> None:
    name = journal.record(mail(state=SubmissionState.HELD, reason="UNVERIFIED_SENDER", remark="dmarc=fail"))

    found = only(journal, name)
    assert (found.state, found.reason, found.remark) == (SubmissionState.HELD, "UNVERIFIED_SENDER", "dmarc=fail")
    assert found.documents[0].outcome is None
    assert claim(journal) == []
    assert journal.work_left(["fapiao"]).pending == 0
    assert journal.next_answer_in("fapiao") is None


def test_a_mail_is_recorded_once_for_ever(journal: Journal) -> None:
    new = mail()
    name = journal.record(new)
    assert journal.record(new) == name
    book(journal)
    answer(journal)

    assert journal.record(new) == name
    assert journal.known([new.key, "other"])[new.key].state is SubmissionState.CLOSED
    assert "other" not in journal.known([new.key, "other"])


def test_a_file_that_was_moved_and_is_back_is_a_new_submission(journal: Journal) -> None:
    new = file()
    first = journal.record(new)
    assert journal.record(new) == first
    book(journal)
    answer(journal, "shared")

    second = journal.record(replace(new, succeeds=first))

    assert second != first
    assert outcomes(only(journal, second)) == [Outcome.DUPLICATE]
    assert journal.known([new.key])[new.key].submission == second


def test_a_file_that_another_node_has_taken_in_and_moved_since_one_looked_is_not_recorded_again(
    journal: Journal,
) -> None:
    """Given a node that found a file and was stopped, when it goes on, then what it found is answered already."""
    new = file()
    first = journal.record(new)
    book(journal, FAILED)
    answer(journal, "shared")

    assert journal.record(new) == first
    second = journal.record(replace(new, succeeds=first))  # it was put back, and looked at since
    book(journal, FAILED)
    answer(journal, "shared")
    assert journal.record(replace(new, succeeds=first)) == second
    assert claim(journal) == []


def test_a_file_that_stays_where_it_is_is_not_recorded_again(journal: Journal) -> None:
    new = file()
    first = journal.record(new)
    book(journal)
    answer(journal, "shared", moved=False, target=None)

    assert journal.known([new.key])[new.key].stays
    assert journal.record(new) == first


def test_the_same_key_recorded_by_many_at_once_is_one_submission(journal: Journal) -> None:
    for _ in range(5):
        new = file()
        with ThreadPoolExecutor(8) as pool:
            names = set(pool.map(journal.record, [new] * 8))
        assert len(names) == 1


def test_the_same_content_recorded_by_many_at_once_is_one_booking(journal: Journal) -> None:
    for turn in range(5):
        mails = [mail(document(f"x-{turn}"), document(f"y-{turn}")) for _ in range(4)]
        mails += [mail(document(f"y-{turn}"), document(f"x-{turn}")) for _ in range(4)]
        with ThreadPoolExecutor(8) as pool:
            names = list(pool.map(journal.record, mails))
        found = [only(journal, name) for name in names]
        assert len({each.booking for one in found for each in one.documents}) == 2


# --------------------------------------------------------------------------- bookings and generations


def test_what_is_pending_is_waited_for_and_becomes_a_duplicate_of_the_first(journal: Journal) -> None:
    first = journal.record(mail(document("same"), document("same")))
    second = journal.record(mail(document("same")))

    book(journal)

    one, copy = only(journal, first).documents
    other = only(journal, second).documents[0]
    assert (one.outcome, one.duplicate_of) == (Outcome.DONE, None)
    assert [(each.outcome, each.duplicate_of, each.code) for each in (copy, other)] == [
        (Outcome.DUPLICATE, one.id, None)
    ] * 2
    assert other.invoices == one.invoices
    assert {only(journal, name).state for name in (first, second)} == {SubmissionState.SETTLED}
    assert claim(journal) == []


def test_what_was_booked_is_a_duplicate_at_once(journal: Journal) -> None:
    first = journal.record(mail(document("same")))
    book(journal)

    second = journal.record(mail(document("same")))

    one, two = only(journal, first).documents[0], only(journal, second).documents[0]
    assert (two.outcome, two.duplicate_of) == (Outcome.DUPLICATE, one.id)
    assert [each.expense_id for each in two.invoices] == ["E-1"]
    assert only(journal, second).state is SubmissionState.SETTLED


def test_another_employee_and_another_wish_are_other_bookings(journal: Journal) -> None:
    journal.record(mail(document("same")))
    book(journal)

    journal.record(mail(document("same"), user_code="903852"))
    journal.record(mail(document("same"), create_expense=False))

    keys = {(each.key.user_code, each.key.create_expense) for each in claim(journal, limit=5)}
    assert keys == {("903852", True), ("903851", False)}


def test_what_failed_is_tried_by_the_next_document_as_the_next_generation(journal: Journal) -> None:
    first = journal.record(mail(document("same"), document("same")))
    failed = book(journal, FAILED)

    second = journal.record(mail(document("same")))
    again = book(journal)

    assert [(each.outcome, each.code) for each in only(journal, first).documents] == [(Outcome.ERROR, "400001")] * 2
    assert outcomes(only(journal, second)) == [Outcome.DONE]
    assert again.booking != failed.booking
    assert (failed.biz_id, again.biz_id) == (failed.key.biz_id(1), failed.key.biz_id(2))


def test_a_settled_document_says_all_that_came_back(journal: Journal) -> None:
    name = journal.record(mail())
    wanted = invoice(seller_name="某公司", verified=False, message="重复", message_code="7")
    book(journal, Settlement(outcome=Outcome.ATTENTION, code="200000", message="look", invoices=(wanted,)))

    found = only(journal, name).documents[0]

    assert found.invoices == (wanted,)
    assert (found.outcome, found.code, found.message) == (Outcome.ATTENTION, "200000", "look")
    assert (found.attempts, found.due_at) == (1, None)
    (tried,) = found.tries
    assert (tried.number, tried.biz_id, tried.result, tried.in_doubt) == (1, found.biz_id, "done", False)
    assert tried.ended_at is not None
    assert tried.ended_at >= tried.started_at


def test_a_submission_is_settled_by_its_last_document(journal: Journal) -> None:
    name = journal.record(mail(document("a"), document("b")))
    book(journal)
    assert only(journal, name).state is SubmissionState.OPEN
    assert journal.claim_answers("fapiao", limit=1, hold=HOLD) == []

    book(journal, FAILED)

    assert only(journal, name).state is SubmissionState.SETTLED


def test_a_submission_whose_documents_are_settled_by_many_at_once_is_settled(journal: Journal) -> None:
    for turn in range(10):
        name = journal.record(mail(*(document(f"{turn}-{part}") for part in range(4))))
        claimed = claim(journal, limit=4)
        with ThreadPoolExecutor(4) as pool:
            list(pool.map(lambda each: settle(journal, each, FAILED, REFUSED), claimed))
        assert only(journal, name).state is SubmissionState.SETTLED


# ------------------------------------------------------------------------------------------ claims


def test_a_claimed_booking_is_not_claimed_again_while_its_hold_lasts(journal: Journal) -> None:
    journal.record(mail())
    claimed = claim_one(journal)

    assert claim(journal) == []
    assert claimed.attempt == 1
    assert (claimed.try_number, claimed.in_doubt, claimed.probe_of, claimed.first_failed_at) == (1, False, None, None)
    waits = journal.next_try_in(["fapiao"], ENDPOINT)
    assert waits is not None
    assert 170 < waits <= 180


def test_a_try_is_recorded_before_its_request_leaves(journal: Journal) -> None:
    name = journal.record(mail())
    claimed = claim_one(journal)

    (tried,) = only(journal, name).documents[0].tries

    assert (tried.number, tried.biz_id, tried.ended_at, tried.result) == (1, claimed.biz_id, None, None)


def test_no_booking_is_claimed_twice_by_many_threads(journal: Journal) -> None:
    for number in range(60):
        journal.record(mail(source="fapiao" if number % 2 else "shared"))

    def drain(_: int) -> list[int]:
        mine: list[int] = []
        while claimed := claim(journal, limit=3):
            mine += [each.booking for each in claimed]
        return mine

    with ThreadPoolExecutor(8) as pool:
        taken = [booking for mine in pool.map(drain, range(8)) for booking in mine]
    assert len(taken) == len(set(taken)) == 60


def test_a_claim_gives_no_more_than_asked_for(journal: Journal) -> None:
    for _ in range(10):
        journal.record(mail())

    assert len(claim(journal, limit=4)) == 4
    assert len(claim(journal, limit=40)) == 6


def test_a_hold_that_is_over_lets_another_claim_and_refuses_the_late_outcome(journal: Journal) -> None:
    name = journal.record(mail())
    late = claim_one(journal, hold=OVER)
    now = claim_one(journal)
    assert now.booking == late.booking
    assert now.biz_id == late.biz_id
    assert now.in_doubt  # nobody knows what became of the first try

    with pytest.raises(ClaimLost):
        settle(journal, late, FAILED, REFUSED)
    assert outcomes(only(journal, name)) == [None]
    settle(journal, now, done(), ENDED)

    found = only(journal, name).documents[0]
    assert found.outcome is Outcome.DONE
    assert [(each.number, each.result) for each in found.tries] == [(1, "error"), (2, "done")]


def test_a_late_outcome_never_overwrites_what_was_decided(journal: Journal) -> None:
    name = journal.record(mail())
    late = claim_one(journal, hold=OVER)
    book(journal)

    with pytest.raises(ClaimLost):
        settle(journal, late, FAILED, REFUSED)

    found = only(journal, name).documents[0]
    assert (found.outcome, found.code) == (Outcome.DONE, "200000")
    assert [each.result for each in found.tries] == ["error", "done"]


def test_of_many_outcomes_for_one_claim_the_same_is_taken_again_and_another_is_refused(journal: Journal) -> None:
    name = journal.record(mail())
    claimed = book(journal)

    settle(journal, claimed, done(), ENDED)  # the reply to the first COMMIT may have been lost
    with pytest.raises(ClaimLost):
        settle(journal, claimed, FAILED, REFUSED)

    assert len(only(journal, name).documents[0].invoices) == 1


def test_a_late_answer_with_another_expense_shows_that_it_was_booked_twice(journal: Journal) -> None:
    name = journal.record(mail(document("a"), document("a")))
    late = claim_one(journal, hold=OVER)
    book(journal, done(invoice(expense_id="E-1")))

    with pytest.raises(ClaimLost):
        settle(journal, late, done(invoice(expense_id="E-2")), ENDED)

    first, copy = only(journal, name).documents
    assert (first.outcome, first.code) == (Outcome.ATTENTION, "BOOKED_TWICE")
    assert [each.expense_id for each in first.invoices] == ["E-1", "E-2"]
    assert copy.outcome is Outcome.DUPLICATE


def test_a_late_answer_that_booked_before_the_next_one_does_is_kept_beside_it(journal: Journal) -> None:
    name = journal.record(mail())
    late = claim_one(journal, hold=OVER)
    now = claim_one(journal)
    with pytest.raises(ClaimLost):
        settle(journal, late, done(invoice(expense_id="E-1")), ENDED)

    settle(journal, now, done(invoice(expense_id="E-2")), ENDED)

    found = only(journal, name).documents[0]
    assert (found.outcome, found.code) == (Outcome.ATTENTION, "BOOKED_TWICE")
    assert {each.expense_id for each in found.invoices} == {"E-1", "E-2"}


def test_a_late_answer_with_the_same_expense_changes_nothing(journal: Journal) -> None:
    name = journal.record(mail())
    late = claim_one(journal, hold=OVER)
    now = claim_one(journal)
    with pytest.raises(ClaimLost):
        settle(journal, late, done(), ENDED)

    settle(journal, now, done(), ENDED)

    found = only(journal, name).documents[0]
    assert (found.outcome, [each.expense_id for each in found.invoices]) == (Outcome.DONE, ["E-1"])


def test_what_a_late_answer_has_booked_does_not_end_in_error(journal: Journal) -> None:
    name = journal.record(mail())
    late = claim_one(journal, hold=OVER)
    now = claim_one(journal)
    with pytest.raises(ClaimLost):
        settle(journal, late, done(), ENDED)

    settle(journal, now, FAILED, REFUSED)

    found = only(journal, name).documents[0]
    assert (found.outcome, found.code) == (Outcome.ATTENTION, "IN_DOUBT")
    assert [each.expense_id for each in found.invoices] == ["E-1"]


def test_only_counted_tries_count_and_the_first_of_them_starts_the_clock(journal: Journal) -> None:
    name = journal.record(mail())
    journal.postpone(claim_one(journal), due_in=NOW, counted=False, ending=REFUSED)
    second = claim_one(journal)
    assert (second.attempt, second.try_number, second.first_failed_at) == (1, 2, None)

    journal.postpone(second, due_in=NOW, counted=True, ending=REFUSED)
    third = claim_one(journal)
    assert (third.attempt, third.try_number, third.in_doubt) == (2, 3, False)
    assert third.first_failed_at is not None

    journal.postpone(third, due_in=NOW, counted=True, ending=REFUSED)
    assert claim_one(journal).first_failed_at == third.first_failed_at
    assert only(journal, name).documents[0].attempts == 2


def test_a_doubt_once_had_stays(journal: Journal) -> None:
    journal.record(mail())
    journal.postpone(claim_one(journal), due_in=NOW, counted=True, ending=CUT_OFF)
    second = claim_one(journal)
    assert second.in_doubt
    journal.postpone(second, due_in=NOW, counted=True, ending=REFUSED)

    assert claim_one(journal).in_doubt


def test_a_postponed_booking_is_due_when_it_was_said(journal: Journal) -> None:
    name = journal.record(mail())
    journal.postpone(claim_one(journal), due_in=LATER, counted=True, ending=REFUSED)

    assert claim(journal) == []
    waits = journal.next_try_in(["fapiao"], ENDPOINT)
    assert waits is not None
    assert 3590 < waits <= 3600
    due_at = only(journal, name).documents[0].due_at
    assert due_at is not None
    assert timedelta(minutes=59) < due_at - journal.now() <= LATER


def test_a_postponement_under_a_lost_claim_is_refused_and_its_end_is_kept(journal: Journal) -> None:
    name = journal.record(mail())
    late = claim_one(journal, hold=OVER)
    now = claim_one(journal)

    with pytest.raises(ClaimLost):
        journal.postpone(late, due_in=LATER, counted=True, ending=CUT_OFF)

    settle(journal, now, done(), ENDED)
    found = only(journal, name).documents[0]
    assert [each.result for each in found.tries] == ["in_doubt", "done"]
    assert found.attempts == 1


def test_a_claim_is_over_with_its_postponement(journal: Journal) -> None:
    journal.record(mail())
    claimed = claim_one(journal)
    journal.postpone(claimed, due_in=NOW, counted=True, ending=REFUSED)

    journal.postpone(claimed, due_in=NOW, counted=True, ending=REFUSED)  # the same again is the same
    with pytest.raises(ClaimLost):
        settle(journal, claimed, done(), ENDED)
    assert claim_one(journal).attempt == 2


def test_a_try_that_never_left_is_forgotten(journal: Journal) -> None:
    name = journal.record(mail())
    claimed = claim_one(journal)

    journal.give_back(claimed)

    assert only(journal, name).documents[0].tries == ()
    again = claim_one(journal)
    assert (again.attempt, again.try_number, again.in_doubt) == (1, 1, False)
    journal.give_back(claimed)  # a lost claim is nobody's business
    assert claim(journal) == []


def test_what_was_interrupted_is_so_still_when_the_next_claim_is_given_back(journal: Journal) -> None:
    journal.record(mail())
    claim_one(journal, hold=OVER)
    again = claim_one(journal)
    assert again.interrupted

    for _ in range(2):
        journal.give_back(again)
        again = claim_one(journal)
        assert (again.interrupted, again.in_doubt) == (True, True)


def test_what_was_interrupted_is_so_still_when_a_probe_with_it_is_given_back(journal: Journal) -> None:
    journal.record(mail())
    claim_one(journal, hold=OVER)
    close_gate(journal, ENDPOINT, "shut", NOW)
    probe = claim_one(journal, hold=OVER)
    assert (probe.interrupted, probe.probe_of) == (True, ENDPOINT)
    journal.give_back(probe)
    again = claim_one(journal)
    assert (again.interrupted, again.in_doubt, again.probe_of) == (True, True, ENDPOINT)


def test_what_failed_and_was_left_in_doubt_since_is_posted_under_its_old_biz_id_when_it_comes_anew(
    journal: Journal,
) -> None:
    # Given a document that was refused, and of which an earlier try turns out to be in doubt after that
    journal.record(mail(document("same")))
    first = claim_one(journal, hold=OVER)
    again = claim_one(journal)
    settle(journal, again, FAILED, REFUSED)
    with suppress(ClaimLost):
        journal.postpone(first, due_in=NOW, counted=True, ending=CUT_OFF)
    # When it is submitted anew
    other = journal.record(mail(document("same")))
    # Then it is posted as it was
    claimed = claim_one(journal)
    assert (claimed.biz_id, claimed.in_doubt) == (first.biz_id, True)
    settle(journal, claimed, done(), ENDED)
    assert outcomes(only(journal, other)) == [Outcome.DONE]


def test_what_comes_anew_and_is_in_doubt_shows_nothing_of_the_answer_that_refused_it_before(journal: Journal) -> None:
    # Given a document that was refused with what was read in it, and of which an earlier try is in doubt
    journal.record(mail(document("same")))
    first = claim_one(journal, hold=OVER)
    settle(journal, claim_one(journal), replace(FAILED, invoices=(invoice(expense_id=None),)), REFUSED)
    with suppress(ClaimLost):
        journal.postpone(first, due_in=NOW, counted=True, ending=CUT_OFF)
    # When it is submitted anew
    other = journal.record(mail(document("same")))
    # Then no invoice is told of it while nobody has answered, nor where a person leaves it in doubt
    (waiting,) = only(journal, other).documents
    assert (waiting.outcome, waiting.invoices) == (None, ())
    with suppress(ClaimLost):
        journal.hold(claim_one(journal), None)
    journal.refuse(other)
    (left,) = only(journal, other).documents
    assert (left.outcome, left.code, left.invoices) == (Outcome.ATTENTION, "IN_DOUBT", ())


def test_fresh_bookings_go_before_retries(journal: Journal) -> None:
    journal.record(mail(document("old")))
    journal.postpone(claim_one(journal), due_in=NOW, counted=True, ending=REFUSED)
    journal.record(mail(document("new")))

    assert [claim_one(journal).key.content for _ in range(2)] == ["new", "old"]


def test_sources_take_turns_within_a_claim_and_across_claims(journal: Journal) -> None:
    for _ in range(20):
        journal.record(file())
    for _ in range(6):
        journal.record(mail())

    within = [each.source for each in claim(journal, limit=4)]
    across = [claim_one(journal).source for _ in range(4)]

    assert sorted(within) == ["fapiao", "fapiao", "shared", "shared"]
    assert across.count("fapiao") == 2
    assert len(claim(journal, limit=20)) == 18


def test_what_a_source_does_not_use_of_its_share_the_others_get_and_each_has_its_fresh_ones_first(
    journal: Journal,
) -> None:
    # Given three sources: one that has plenty, one with a single document, and one with retries and a fresh one
    for content in ("retried 1", "retried 2"):
        journal.record(file(document(content), source="c"))
        journal.postpone(claim_one(journal, "c"), due_in=NOW, counted=True, ending=REFUSED)
    journal.record_all([file(document(f"plenty {number}"), source="a") for number in range(9)])
    journal.record_all([file(document("single"), source="b"), file(document("fresh"), source="c")])
    # When there are workers for eight, and then for what is left
    claimed = claim(journal, "a", "b", "c", "d", limit=8)
    left = claim(journal, "a", "b", "c", "d", limit=20)
    # Then each source has its turn, as long as it has any
    of = {source: [each.key.content for each in claimed if each.source == source] for source in "abcd"}
    assert of == {
        "a": [f"plenty {number}" for number in range(4)],
        "b": ["single"],
        "c": ["fresh", "retried 1", "retried 2"],
        "d": [],
    }
    assert [each.source for each in claimed] == ["a", "b", "c", "a", "c", "a", "c", "a"]
    assert [each.key.content for each in left] == [f"plenty {number}" for number in range(4, 9)]


def test_a_gate_that_is_paused_lets_nothing_through_until_then(journal: Journal) -> None:
    journal.record(mail())
    pause_gate(journal, ENDPOINT, LATER)

    assert claim(journal, limit=8) == []


def test_only_the_asked_sources_are_claimed(journal: Journal) -> None:
    journal.record(mail())

    assert claim(journal, "shared") == []
    assert journal.next_try_in(["shared"], ENDPOINT) is None
    assert len(claim(journal, "fapiao")) == 1


def test_a_booking_goes_through_the_source_that_wants_it_last(journal: Journal) -> None:
    """Given a source that no node has any more, when its document arrives elsewhere, then it is posted from there."""
    journal.record(mail(document("same"), source="gone"))
    journal.record(file(document("same", locator=Locator(store="drive", key="k", url=None))))

    claimed = claim_one(journal, "shared")

    assert (claimed.source, claimed.locator.store) == ("shared", "drive")


# ------------------------------------------------------------------------------------------- gates


def test_a_gate_is_open_until_it_is_closed(journal: Journal) -> None:
    assert journal.gate(ENDPOINT).open
    close_gate(journal, ENDPOINT, "no configuration", LATER)

    gate = journal.gate(ENDPOINT)

    assert (gate.open, gate.reason) == (False, "no configuration")
    assert gate.since is not None
    assert journal.gates() == {ENDPOINT: gate}
    assert journal.gate("https://other.test/").open


def test_nothing_passes_a_closed_gate_before_its_probe_is_due(journal: Journal) -> None:
    journal.record(mail())
    close_gate(journal, ENDPOINT, "why", LATER)

    assert claim(journal, limit=8) == []
    waits = journal.next_try_in(["fapiao"], ENDPOINT)
    assert waits is not None
    assert 3590 < waits <= 3600


def test_one_probe_passes_a_closed_gate_when_it_is_due(journal: Journal) -> None:
    for _ in range(3):
        journal.record(mail())
    close_gate(journal, ENDPOINT, "why", NOW)

    (probe,) = claim(journal, limit=8)

    assert probe.probe_of == ENDPOINT
    assert claim(journal, limit=8) == []


def test_a_probe_takes_what_waits_where_nothing_is_due_but_never_what_is_in_flight(journal: Journal) -> None:
    journal.record(mail(document("waits")))
    journal.postpone(claim_one(journal), due_in=LATER, counted=False, ending=REFUSED)
    journal.record(mail(document("flies")))
    claim_one(journal)
    close_gate(journal, ENDPOINT, "why", NOW)

    probe = claim_one(journal)

    assert (probe.key.content, probe.probe_of) == ("waits", ENDPOINT)
    close_gate(journal, ENDPOINT, "why", NOW)
    assert claim(journal) == []


def test_a_probe_that_finds_nothing_leaves_the_gate_due(journal: Journal) -> None:
    close_gate(journal, ENDPOINT, "why", NOW)
    assert claim(journal) == []
    journal.record(mail())

    assert claim_one(journal).probe_of == ENDPOINT


def test_a_probe_that_never_left_is_due_again(journal: Journal) -> None:
    journal.record(mail())
    close_gate(journal, ENDPOINT, "why", NOW)
    journal.give_back(claim_one(journal))

    assert claim_one(journal).probe_of == ENDPOINT


def test_an_opened_gate_lets_everything_through(journal: Journal) -> None:
    for _ in range(3):
        journal.record(mail())
    close_gate(journal, ENDPOINT, "why", LATER)

    open_gate(journal, ENDPOINT)

    assert journal.gate(ENDPOINT).open
    assert [each.probe_of for each in claim(journal, limit=8)] == [None] * 3


def test_a_paused_gate_lets_nothing_through_until_it_is_over(journal: Journal) -> None:
    journal.record(mail())
    pause_gate(journal, ENDPOINT, LATER)

    gate = journal.gate(ENDPOINT)

    assert gate.open
    assert gate.resumes_at is not None
    assert claim(journal) == []
    waits = journal.next_try_in(["fapiao"], ENDPOINT)
    assert waits is not None
    assert 3590 < waits <= 3600

    pause_gate(journal, "https://other.test/", timedelta(milliseconds=500))
    assert journal.claim_bookings(sources=["fapiao"], endpoint="https://other.test/", limit=1, hold=HOLD) == []
    wait_for(lambda: journal.gate("https://other.test/").resumes_at is None)
    assert len(journal.claim_bookings(sources=["fapiao"], endpoint="https://other.test/", limit=1, hold=HOLD)) == 1


def test_the_time_to_give_up_stands_still_while_the_gate_is_closed(journal: Journal) -> None:
    journal.record(mail())
    journal.postpone(claim_one(journal), due_in=NOW, counted=True, ending=REFUSED)
    before = claim_one(journal)
    assert before.first_failed_at is not None
    journal.postpone(before, due_in=NOW, counted=True, ending=REFUSED)
    close_gate(journal, ENDPOINT, "why", NOW)
    shut = journal.gate(ENDPOINT).since
    assert shut is not None
    wait_for(lambda: journal.now() - shut > timedelta(milliseconds=200))

    earliest = journal.now()
    probe = claim_one(journal)
    latest = journal.now()
    assert probe.first_failed_at is not None
    assert earliest - shut <= probe.first_failed_at - before.first_failed_at <= latest - shut
    journal.postpone(probe, due_in=NOW, counted=False, ending=REFUSED)
    open_gate(journal, ENDPOINT)

    after = claim_one(journal)
    assert after.first_failed_at is not None
    assert after.first_failed_at - before.first_failed_at >= timedelta(milliseconds=200)


# ----------------------------------------------------------------------------------------- answers


def test_an_answer_is_claimed_planned_given_and_closed(journal: Journal) -> None:
    name = journal.record(mail())
    book(journal)
    assert journal.next_answer_in("fapiao") == 0

    (claimed,) = journal.claim_answers("fapiao", limit=5, hold=HOLD)
    assert (claimed.submission.id, claimed.number, claimed.target, claimed.replied) == (name, 1, None, False)
    assert claimed.submission.documents[0].outcome is Outcome.DONE
    assert journal.claim_answers("fapiao", limit=5, hold=HOLD) == []
    note(journal, claimed, Planned(target="done/a.pdf", replied=True))
    note(journal, claimed, Closed(moved=True, remark="said"))

    found = only(journal, name)
    assert (found.state, found.answer_number, found.moved_to) == (SubmissionState.CLOSED, 1, "done/a.pdf")
    assert found.remark == "said"
    assert found.answered_at is not None
    assert journal.next_answer_in("fapiao") is None
    note(journal, claimed, Closed(moved=True))  # the reply to the first COMMIT may have been lost
    assert only(journal, name).answer_number == 1


def test_a_reply_is_recorded_together_with_where_its_mail_is_about_to_go(journal: Journal) -> None:
    thread = Thread(message_id="<1@corp.example>", references=(), reply_to="Zhang@corp.example")
    journal.record(replace(mail(), thread=thread))
    book(journal)
    (late,) = journal.claim_answers("fapiao", limit=1, hold=OVER)

    assert journal.note_answers([(late, Planned(target="done", replied=True))]) == [True]
    (again,) = journal.claim_answers("fapiao", limit=1, hold=HOLD)

    assert (again.target, again.replied) == ("done", True)
    assert journal.sent_to("zhang@corp.example", timedelta(hours=1)).count == 1
    assert journal.note_answers([(late, Planned(target="error", replied=True))]) == [False]
    assert journal.sent_to("zhang@corp.example", timedelta(hours=1)).count == 1


@pytest.mark.parametrize("reason", [Reason.UNVERIFIED_SENDER, Reason.UNKNOWN_SENDER, Reason.UNCLEAR_USER])
def test_why_a_sender_was_not_believed_stays_to_be_read_when_the_mail_was_moved(
    journal: Journal, reason: Reason
) -> None:
    name = journal.record(replace(mail(), documents=(), reason=reason, remark="nothing proves it"))

    (claimed,) = journal.claim_answers("fapiao", limit=1, hold=HOLD)
    note(journal, claimed, Closed(moved=True))

    assert (only(journal, name).state, only(journal, name).remark) == (SubmissionState.CLOSED, "nothing proves it")


def test_an_interrupted_answer_knows_how_far_it_had_come(journal: Journal) -> None:
    journal.record(mail())
    book(journal)
    (late,) = journal.claim_answers("fapiao", limit=1, hold=OVER)
    note(journal, late, Planned(target="done/a.pdf", replied=True))

    (again,) = journal.claim_answers("fapiao", limit=1, hold=HOLD)

    assert (again.number, again.target, again.replied) == (1, "done/a.pdf", True)
    with pytest.raises(ClaimLost):
        note(journal, late, Planned(target=None))
    with pytest.raises(ClaimLost):
        note(journal, late, Planned(target=None, replied=True))
    with pytest.raises(ClaimLost):
        note(journal, late, Closed(moved=True))


def test_steps_of_several_answers_are_recorded_together_and_a_lost_claim_hinders_no_other(journal: Journal) -> None:
    names = journal.record_all([mail(), mail()])
    book(journal)
    book(journal)
    claims = {each.submission.id: each for each in journal.claim_answers("fapiao", limit=5, hold=HOLD)}
    first, second = (claims[name] for name in names)
    journal.postpone_answer(first, LATER, "another node has it")

    assert journal.note_answers([(first, Planned(target="a")), (second, Planned(target="b"))]) == [False, True]
    assert journal.note_answers([(first, Closed(moved=True)), (second, Closed(moved=True))]) == [False, True]

    assert [only(journal, name).state for name in names] == [SubmissionState.SETTLED, SubmissionState.CLOSED]
    assert only(journal, names[1]).moved_to == "b"


def test_a_postponed_answer_waits(journal: Journal) -> None:
    journal.record(mail())
    book(journal)
    (claimed,) = journal.claim_answers("fapiao", limit=1, hold=HOLD)

    journal.postpone_answer(claimed, LATER, "the mail server is away")

    assert journal.claim_answers("fapiao", limit=1, hold=HOLD) == []
    waits = journal.next_answer_in("fapiao")
    assert waits is not None
    assert 3590 < waits <= 3600
    with pytest.raises(ClaimLost):
        note(journal, claimed, Closed(moved=True))


def test_a_postponed_answer_is_due_at_once_when_it_is_hastened_and_one_under_way_is_left_alone(
    journal: Journal,
) -> None:
    journal.record(mail())
    book(journal)
    (claimed,) = journal.claim_answers("fapiao", limit=1, hold=HOLD)
    journal.hasten_answers("fapiao")
    assert journal.claim_answers("fapiao", limit=1, hold=HOLD) == []
    journal.postpone_answer(claimed, LATER, "the mail server is away")
    journal.hasten_answers("shared")
    assert journal.claim_answers("fapiao", limit=1, hold=HOLD) == []

    journal.hasten_answers("fapiao")

    assert len(journal.claim_answers("fapiao", limit=1, hold=HOLD)) == 1


def test_answers_are_given_oldest_first_and_by_source(journal: Journal) -> None:
    names = [journal.record(mail(document(str(n), outcome=Outcome.SKIPPED, locator=None))) for n in range(3)]
    journal.record(file(document("f", outcome=Outcome.SKIPPED, locator=None)))

    claimed = journal.claim_answers("fapiao", limit=9, hold=HOLD)

    assert [each.submission.id for each in claimed] == names


def test_no_answer_is_claimed_twice_by_many_threads(journal: Journal) -> None:
    for number in range(40):
        journal.record(mail(document(str(number), outcome=Outcome.SKIPPED, locator=None)))

    def drain(_: int) -> list[str]:
        mine: list[str] = []
        while claimed := journal.claim_answers("fapiao", limit=2, hold=HOLD):
            mine += [each.submission.id for each in claimed]
        return mine

    with ThreadPoolExecutor(6) as pool:
        taken = [name for mine in pool.map(drain, range(6)) for name in mine]
    assert len(taken) == len(set(taken)) == 40


# ------------------------------------------------------------------------------------------- retry


def test_a_retry_posts_what_failed_as_the_next_generation_and_answers_again(journal: Journal) -> None:
    name = journal.record(mail(document("a"), document("b")))
    book(journal, FAILED)
    book(journal)
    answer(journal, target="error/x")

    assert journal.retry(name) == 1

    found = only(journal, name)
    assert found.state is SubmissionState.OPEN
    assert outcomes(found) == [None, Outcome.DONE]
    again = book(journal)
    assert again.biz_id == again.key.biz_id(2)
    (claimed,) = journal.claim_answers("fapiao", limit=1, hold=HOLD)
    assert (claimed.number, claimed.target, claimed.replied) == (2, None, False)
    assert claimed.submission.moved_to == "error/x"


def test_a_retry_keeps_the_bizid_of_what_is_in_doubt_unless_a_person_says_so(journal: Journal) -> None:
    name = journal.record(mail(document("a")))
    journal.postpone(claim_one(journal), due_in=NOW, counted=True, ending=CUT_OFF)
    failed = book(journal, FAILED)

    assert journal.retry(name) == 1
    again = book(journal, FAILED)
    assert (again.booking, again.biz_id, again.attempt) == (failed.booking, failed.biz_id, 1)
    assert again.in_doubt

    assert journal.retry(name, new=True) == 1
    assert claim_one(journal).biz_id == failed.key.biz_id(2)


def test_a_retry_leaves_other_submissions_alone(journal: Journal) -> None:
    first = journal.record(mail(document("same")))
    second = journal.record(mail(document("same")))
    book(journal, FAILED)

    assert journal.retry(first) == 1
    book(journal)

    assert outcomes(only(journal, first)) == [Outcome.DONE]
    other = only(journal, second)
    assert outcomes(other) == [Outcome.ERROR]
    assert other.documents[0].invoices == ()
    assert journal.retry(second) == 0
    assert outcomes(only(journal, second)) == [Outcome.DUPLICATE]
    assert only(journal, second).documents[0].duplicate_of == only(journal, first).documents[0].id


def test_a_retry_joins_what_is_pending_already(journal: Journal) -> None:
    first = journal.record(mail(document("same")))
    book(journal, FAILED)
    second = journal.record(mail(document("same")))

    assert journal.retry(first) == 1
    book(journal)

    assert {*outcomes(only(journal, first)), *outcomes(only(journal, second))} == {Outcome.DONE, Outcome.DUPLICATE}


def test_a_retry_of_what_is_all_well_moves_it_again(journal: Journal) -> None:
    name = journal.record(mail())
    book(journal)
    answer(journal)

    assert journal.retry(name) == 0

    assert only(journal, name).state is SubmissionState.SETTLED
    assert journal.claim_answers("fapiao", limit=1, hold=HOLD)[0].number == 2


def test_an_error_of_our_own_cannot_be_retried(journal: Journal) -> None:
    name = journal.record(mail(document("a", outcome=Outcome.ERROR, code="NO_URL", locator=None)))

    assert journal.retry(name) == 0
    assert outcomes(only(journal, name)) == [Outcome.ERROR]


def test_a_retry_takes_the_answer_from_whoever_is_at_it(journal: Journal) -> None:
    name = journal.record(mail())
    book(journal, FAILED)
    (claimed,) = journal.claim_answers("fapiao", limit=1, hold=HOLD)

    journal.retry(name)

    with pytest.raises(ClaimLost):
        note(journal, claimed, Closed(moved=True))


def test_a_retry_uses_up_the_number_of_an_answer_under_way_that_was_never_noted(journal: Journal) -> None:
    # Given an answer that somebody is at: its reply may have gone out
    name = journal.record(mail())
    book(journal, FAILED)
    journal.claim_answers("fapiao", limit=1, hold=HOLD)
    # When it is tried again
    journal.retry(name)
    book(journal)
    # Then what is answered now has a number of its own, and nobody says that it was answered before
    (claimed,) = journal.claim_answers("fapiao", limit=1, hold=HOLD)
    assert (claimed.number, claimed.replied, claimed.submission.answered_at) == (2, False, None)


def test_a_retry_uses_up_the_number_of_a_reply_that_was_noted_before_the_mail_could_be_moved(journal: Journal) -> None:
    name = journal.record(mail())
    book(journal, FAILED)
    (claimed,) = journal.claim_answers("fapiao", limit=1, hold=HOLD)
    note(journal, claimed, Planned(target="error", replied=True))
    journal.postpone_answer(claimed, LATER, "the mail server is away")

    journal.retry(name)
    book(journal)

    (claimed,) = journal.claim_answers("fapiao", limit=1, hold=HOLD)
    assert (claimed.number, claimed.target, claimed.replied) == (2, None, False)


def test_a_retry_uses_up_a_number_though_the_answer_was_given_back(journal: Journal) -> None:
    name = journal.record(mail())
    book(journal, FAILED)
    (claimed,) = journal.claim_answers("fapiao", limit=1, hold=HOLD)
    journal.postpone_answer(claimed, LATER, "it could not be noted that its reply was sent")

    journal.retry(name)
    book(journal)

    assert journal.claim_answers("fapiao", limit=1, hold=HOLD)[0].number == 2


def test_a_retry_that_finds_all_booked_meanwhile_uses_up_the_number_of_the_answer_under_way(journal: Journal) -> None:
    # Given an answer under way that says that it failed, and the same document booked by another submission
    first, second = (journal.record(mail(document("same"))) for _ in range(2))
    book(journal, FAILED)
    journal.retry(second)
    book(journal)
    (claimed,) = [each for each in journal.claim_answers("fapiao", limit=2, hold=HOLD) if each.submission.id == first]
    # When it is tried again
    assert journal.retry(first) == 0
    # Then that it is a duplicate is answered under the next number, and once
    (again,) = journal.claim_answers("fapiao", limit=2, hold=HOLD)
    assert (claimed.number, again.submission.id, again.number) == (1, first, 2)


def test_a_second_retry_before_the_next_answer_uses_up_nothing_and_the_next_answer_is_given_once(
    journal: Journal,
) -> None:
    name = journal.record(mail(document("a"), document("b")))
    book(journal, FAILED)
    book(journal, FAILED)
    answer(journal)

    journal.retry(name)
    journal.retry(name)
    book(journal)
    book(journal)

    assert [each.number for each in journal.claim_answers("fapiao", limit=2, hold=HOLD)] == [2]


def test_a_retry_of_nothing_says_so(journal: Journal) -> None:
    with pytest.raises(UsageError, match="no submission"):
        journal.retry("nowhere")


def test_what_is_in_doubt_with_nothing_known_booked_can_be_tried_again(journal: Journal) -> None:
    name = journal.record(mail(document("a")))
    in_doubt = Settlement(outcome=Outcome.ATTENTION, code=Reason.IN_DOUBT)
    journal.postpone(claim_one(journal), due_in=NOW, counted=True, ending=CUT_OFF)
    first = book(journal, in_doubt)
    answer(journal)

    assert journal.retry(name) == 1
    assert book(journal, in_doubt).biz_id == first.biz_id

    assert journal.retry(name, new=True) == 1
    assert book(journal).biz_id == first.key.biz_id(2)
    assert outcomes(only(journal, name)) == [Outcome.DONE]


def test_what_a_late_answer_has_shown_to_be_booked_is_not_tried_again(journal: Journal) -> None:
    name = journal.record(mail(document("a")))
    late = claim_one(journal, hold=OVER)
    book(journal, Settlement(outcome=Outcome.ATTENTION, code=Reason.IN_DOUBT))
    with pytest.raises(ClaimLost):
        settle(journal, late, done(), ENDED)

    assert journal.retry(name) == 0
    assert outcomes(only(journal, name)) == [Outcome.ATTENTION]


# ----------------------------------------------------------------------------------------- sources


def test_a_source_is_looked_after_by_one_at_a_time(journal: Journal) -> None:
    journal.register_sources({"fapiao": Kind.MAIL})
    journal.register_sources({"fapiao": Kind.MAIL, "shared": Kind.FILE})

    claim_ = journal.claim_source("fapiao", HOLD)

    assert claim_ is not None
    assert journal.claim_source("fapiao", HOLD) is None
    assert journal.claim_source("shared", HOLD) is not None
    assert journal.claim_source("unknown", HOLD) is None
    journal.release_source(claim_)
    second = journal.claim_source("fapiao", HOLD)
    assert second is not None
    journal.release_source(claim_)  # lost long ago
    assert journal.claim_source("fapiao", HOLD) is None


def test_a_source_tells_how_it_fares_and_since_when(journal: Journal) -> None:
    journal.register_sources({"fapiao": Kind.MAIL, "shared": Kind.FILE})
    journal.report_source("shared", up=True, left_alone=3, surplus=2)
    journal.report_source("fapiao", up=False, message="refused")
    fapiao, shared = journal.source_health()
    assert (fapiao.name, fapiao.up, fapiao.message, fapiao.left_alone) == ("fapiao", False, "refused", 0)
    assert shared == SourceHealth(name="shared", up=True, since=shared.since, left_alone=3, surplus=2)

    journal.report_source("fapiao", up=False, message="still refused")

    again = journal.source_health()[0]
    assert again == SourceHealth(name="fapiao", up=False, since=fapiao.since, message="still refused")


def test_a_file_that_is_let_be_tried_again_during_its_answer_may_lie_where_that_was_to_move_it(
    journal: Journal,
) -> None:
    # Given an answer that was planned, and of which nobody noted whether the file was moved
    name = journal.record(file(document("a")))
    place = only(journal, name).place
    book(journal, FAILED)
    (claimed,) = journal.claim_answers("shared", limit=1, hold=HOLD)
    note(journal, claimed, Planned(target="error/a"))
    # When it is tried again, and again before that is answered
    for target in ("error/a", "error/b"):
        journal.retry(name)
        found = only(journal, name)
        assert (found.state, found.place, found.moved_to) == (SubmissionState.OPEN, place, target)
        book(journal, FAILED)
        (claimed,) = journal.claim_answers("shared", limit=1, hold=HOLD)
        assert claimed.target is None
        note(journal, claimed, Planned(target="error/b"))
    # Then it lies where the answer moved it that was noted in the end
    note(journal, claimed, Closed(moved=True))
    journal.retry(name)
    found = only(journal, name)
    assert (found.place, found.moved_to) == ("error/b", "error/b")


def test_retention_forgets_submissions_and_never_what_was_booked(journal: Journal) -> None:
    new = mail(document("same"))
    old = journal.record(new)
    book(journal)
    first = answer(journal).documents[0]
    open_ = journal.record(mail())
    assert journal.forget(LATER) == 0

    wait_for(lambda: journal.forget(timedelta(milliseconds=1)) == 1)

    assert journal.forget(timedelta(milliseconds=1)) == 0
    assert [each.id for each in journal.submissions(SubmissionFilter())] == [open_]
    assert journal.known([new.key])[new.key].submission == old
    assert journal.record(new) == old
    copy = only(journal, journal.record(mail(document("same")))).documents[0]
    assert (copy.outcome, copy.duplicate_of) == (Outcome.DUPLICATE, first.id)
    assert copy.invoices == first.invoices


def test_a_mail_that_comes_back_after_it_was_forgotten_is_taken_in_anew_and_not_booked_again(journal: Journal) -> None:
    # Given a mail that was booked, and forgotten since
    new = mail(document("same"))
    old = journal.record(new)
    book(journal)
    first = answer(journal).documents[0]
    wait_for(lambda: journal.forget(timedelta(milliseconds=1)) == 1)
    # When somebody moves it back
    known = journal.known([new.key])[new.key]
    assert treatment(Kind.MAIL, known) is Treatment.NEW
    again = journal.record(replace(new, succeeds=known.submission))
    # Then it has an answer of its own, as a duplicate of what was booked
    assert again != old
    copy = only(journal, again).documents[0]
    assert (copy.outcome, copy.duplicate_of) == (Outcome.DUPLICATE, first.id)
    assert journal.known([new.key])[new.key].submission == again


# ----------------------------------------------------------------------------------------- reading


def test_submissions_come_newest_first_and_whole_however_many(journal: Journal) -> None:
    names = [journal.record(mail()) for _ in range(410)]

    found = list(journal.submissions(SubmissionFilter(limit=None)))

    assert [each.id for each in found] == names[::-1]
    assert all(len(each.documents) == 1 for each in found)
    assert [each.id for each in journal.submissions(SubmissionFilter(limit=3))] == names[:-4:-1]
    assert [each.id for each in journal.submissions(SubmissionFilter(limit=200))] == names[:-201:-1]


def test_a_filter_lets_through_what_it_names(journal: Journal) -> None:
    booked = journal.record(mail(document("a"), sender="Li@corp.example"))
    book(journal)
    dropped = journal.record(file(received_at=datetime(2026, 5, 1, tzinfo=UTC)))

    def found(**wanted: object) -> list[str]:
        return [each.id for each in journal.submissions(SubmissionFilter(**wanted))]  # type: ignore[arg-type]

    assert found(state=SubmissionState.SETTLED) == [booked]
    assert found(outcome=Outcome.DONE) == [booked]
    assert found(source="shared") == [dropped]
    assert found(sender="li@CORP.example") == [booked]
    assert found(since=datetime(2026, 4, 1, tzinfo=UTC)) == [dropped]
    assert found(state=SubmissionState.SETTLED, source="shared") == []


@pytest.mark.parametrize("term", ["24312", "某公", "LI@corp", "车票", "taxi.PDF", "E-77", "sub/ta"])
def test_a_search_finds_what_people_know_a_submission_by(journal: Journal, term: str) -> None:
    sought = journal.record(
        file(document("a", name="taxi.pdf"), sender="li@corp.example", subject="车票", path="sub/taxi.pdf")
    )
    book(journal, done(invoice("2431200000", "E-77", seller_name="某公司")))
    journal.record(mail())

    assert [each.id for each in journal.submissions(SubmissionFilter(search=term))] == [sought]
    assert [each.id for each in journal.submissions(SubmissionFilter(search=sought[:8]))] == [sought]


def test_filters_that_are_combined_let_through_what_all_of_them_do(journal: Journal) -> None:
    journal.record(mail(document("a"), document("b"), sender="Li@corp.example"))
    journal.record(mail(document("a"), sender="li@corp.example", received_at=datetime(2020, 1, 1, tzinfo=UTC)))
    journal.record(file(document("c", outcome=Outcome.SKIPPED), document("d"), sender=None))
    journal.record(mail(document("e"), state=SubmissionState.HELD))
    for settlement in (done(), done(), Settlement(outcome=Outcome.ERROR)):
        book(journal, settlement)
    answer(journal)
    everything = list(journal.submissions(SubmissionFilter()))

    def matches(one: Submission, wanted: dict[str, Any]) -> bool:
        return (
            wanted["state"] in (None, one.state)
            and (wanted["outcome"] is None or any(each.outcome == wanted["outcome"] for each in one.documents))
            and wanted["source"] in (None, one.source)
            and wanted["sender"] in (None, (one.sender or "").lower())
            and (wanted["since"] is None or one.received_at >= wanted["since"])
            and wanted["search"] in (None, one.subject)
        )

    choices: dict[str, tuple[Any, ...]] = {
        "state": (None, SubmissionState.SETTLED, SubmissionState.CLOSED),
        "outcome": (None, Outcome.DONE, Outcome.ERROR),
        "source": (None, "fapiao"),
        "sender": (None, "li@corp.example"),
        "since": (None, datetime(2021, 1, 1, tzinfo=UTC)),
        "search": (None, "发票"),
    }
    for values in itertools.product(*choices.values()):
        wanted: dict[str, Any] = dict(zip(choices, values, strict=True))
        found = [each.id for each in journal.submissions(SubmissionFilter(**wanted))]
        assert found == [each.id for each in everything if matches(each, wanted)], wanted


@pytest.mark.parametrize("term", ["24312000", "EXPENSE-1"])
def test_a_whole_number_finds_what_has_just_that_and_every_duplicate_of_it(journal: Journal, term: str) -> None:
    sought = journal.record(mail(document("a")))
    book(journal, done(invoice("24312000", "EXPENSE-1")))
    copy = journal.record(mail(document("a")))
    journal.record(mail(subject="24312000 and EXPENSE-1"))
    journal.record(mail(document("b")))
    book(journal, done(invoice("243120001", "EXPENSE-12")))

    assert [each.id for each in journal.submissions(SubmissionFilter(search=term))] == [copy, sought]


def test_a_search_takes_percent_signs_for_what_they_are(journal: Journal) -> None:
    journal.record(mail(subject="100 percent"))
    sought = journal.record(mail(subject="100% sure"))

    assert [each.id for each in journal.submissions(SubmissionFilter(search="0%"))] == [sought]


def test_a_submission_is_found_by_a_prefix_that_only_it_has(journal: Journal) -> None:
    names = [journal.record(mail()) for _ in range(40)]

    assert journal.submission(names[0][:10].upper()).id == names[0]
    with pytest.raises(UsageError, match="several"):
        journal.submission(next(name[0] for name in names if sum(other[0] == name[0] for other in names) > 1))
    for wrong in ("", "no such", "%", "aaaaaaaaaaaaaaaa"):
        with pytest.raises(UsageError):
            journal.submission(wrong)


def test_counts_say_what_stands_in_the_journal(journal: Journal) -> None:
    assert journal.counts().documents == {"pending": 0}
    before = journal.now()
    journal.record(mail(document("a"), document("b", outcome=Outcome.SKIPPED, locator=None)))
    journal.record(mail(state=SubmissionState.HELD))
    journal.record(mail(document("a")))
    counts = journal.counts()
    assert counts.submissions == {SubmissionState.OPEN: 2, SubmissionState.HELD: 1}
    assert counts.documents == {"pending": 3, "skipped": 1}
    assert counts.oldest_pending is not None
    assert before <= counts.oldest_pending <= journal.now()

    book(journal)

    assert journal.counts().documents == {"pending": 1, "done": 1, "duplicate": 1, "skipped": 1}
    assert journal.counts().oldest_pending is None
    assert journal.outcomes_since(before) == {Outcome.DONE: 1, Outcome.DUPLICATE: 1, Outcome.SKIPPED: 1}
    assert journal.outcomes_since(journal.now() + LATER) == {}


def test_work_left_is_what_these_sources_still_have_to_do(journal: Journal) -> None:
    left = journal.work_left(["fapiao"])
    assert (left.pending, left.next_due_in, left.unanswered, left.next_answer_in) == (0, None, 0, None)
    journal.record(mail())
    journal.record(file())
    assert (journal.work_left(["fapiao"]).pending, journal.work_left(["fapiao"]).next_due_in) == (1, 0)
    claimed = claim_one(journal, "fapiao")
    assert journal.work_left(["fapiao"]).next_due_in == 0
    journal.postpone(claimed, due_in=LATER, counted=True, ending=REFUSED)
    waits = journal.work_left(["fapiao"]).next_due_in
    assert waits is not None
    assert 3590 < waits <= 3600

    book(journal)
    left = journal.work_left(["fapiao", "shared"])
    assert (left.pending, left.unanswered, left.next_answer_in) == (1, 1, 0)


def test_the_clock_is_the_databases(journal: Journal) -> None:
    first = journal.now()
    assert first.tzinfo is UTC
    assert abs(first - datetime.now(UTC)) < timedelta(minutes=1)
    wait_for(lambda: journal.now() > first)


# ------------------------------------------------------------------------------------- wake-ups, end


def test_a_listener_hears_of_work_recorded_here(journal: Journal) -> None:
    heard = threading.Event()
    journal.subscribe(lambda _news: heard.set())

    journal.record(mail())

    assert heard.is_set()


def test_only_those_whom_it_concerns_hear_of_a_change(journal: Journal) -> None:
    """Given two mails with the same document and a file of somebody else, then each change tells whom it concerns."""
    heard: list[News] = []
    journal.subscribe(heard.append)

    def news(change: Callable[[], object]) -> News:
        heard.clear()
        change()
        own = [each for each in heard if each != ANYTHING]  # which is told now and then whatever happens
        return own[0] if own else News()

    new = file(document("a"))
    assert news(lambda: journal.record(new)) == News(posting=True)
    assert news(lambda: journal.record(new)) == News()  # it is known
    waiting = mail(document("a"), source="other")  # acknowledged some time: nobody is told of that
    assert news(lambda: journal.record(waiting)) == News(posting=True)
    claimed = claim_one(journal, "other")
    assert news(lambda: journal.postpone(claimed, due_in=NOW, counted=True, ending=REFUSED)) == News(posting=True)
    again = claim_one(journal, "other")
    assert news(lambda: settle(journal, again, done(), ENDED)) == News(answering=frozenset({"shared", "other"}))
    assert news(lambda: journal.record(file(document("a")))) == News(answering=frozenset({"shared"}))  # a duplicate
    (answer,) = journal.claim_answers("other", limit=1, hold=HOLD)
    assert news(lambda: note(journal, answer, Planned(target="x"))) == News()
    assert news(lambda: journal.postpone_answer(answer, NOW, "later")) == News(answering=frozenset({"other"}))


def test_a_listener_hears_of_the_decision_of_another(journal: Journal, url: str) -> None:
    name = journal.record(mail())
    book(journal, FAILED)
    heard = threading.Event()
    journal.subscribe(lambda _news: heard.set())
    other = open_journal(url, exclusive=False)
    try:
        assert other.retry(name) == 1
        assert heard.wait(10)
    finally:
        other.close()


def test_a_listener_that_fails_does_no_harm(journal: Journal) -> None:
    def fail(_news: News) -> None:
        raise RuntimeError("a listener's fault")

    journal.subscribe(fail)

    assert only(journal, journal.record(mail())).state is SubmissionState.OPEN


def test_a_journal_keeps_everything_over_a_restart(journal: Journal, url: str) -> None:
    name = journal.record(mail())
    book(journal)
    before = only(journal, name)
    journal.close()
    journal.close()  # again does no harm

    again = open_journal(url, exclusive=True)
    try:
        assert again.submission(name) == replace(before)
    finally:
        again.close()
