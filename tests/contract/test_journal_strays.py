"""What is left of sources that are not configured any more, in every journal."""

from __future__ import annotations

from tests.support.journals import (
    CUT_OFF,
    ENDED,
    ENDPOINT,
    HOLD,
    OVER,
    answer,
    claim,
    claim_one,
    document,
    done,
    file,
    mail,
    notice,
    settle,
)
from watcher.journal.checking import check_journal
from watcher.model import Kind, Locator, Reason, SubmissionState
from watcher.ports import Journal

OURS = ["fapiao"]
OURS_AT = Locator(store="ours", key="invoices/same.pdf", url="https://ours.test/same.pdf")
SURPLUS = notice(source="old", concerns="zhang@corp.example")


def strays(journal: Journal) -> dict[str, int]:
    """By name, how many submissions are left."""
    return {name: left.count for name, left in journal.strays(OURS).items()}


def test_whatever_is_not_closed_of_a_source_that_is_not_ours_is_left_and_what_is_closed_is_not(
    journal: Journal,
) -> None:
    journal.record(mail(document("closed"), source="old"))
    settle(journal, claim_one(journal, "old"), done(), ENDED)
    answer(journal, "old")
    journal.record(mail(document("ours")))
    journal.record(mail(document("pending"), source="old"))
    journal.record(mail(source="old", state=SubmissionState.HELD, reason=Reason.UNVERIFIED_SENDER))
    journal.record(file(document("no longer")))

    left = journal.strays(OURS)

    assert strays(journal) == {"old": 2, "shared": 1}
    assert left["old"].oldest <= left["shared"].oldest
    assert journal.signs(OURS, long=HOLD, recent=HOLD).strays == left


def test_what_another_node_looks_after_is_not_left_until_it_does_so_no_more(journal: Journal) -> None:
    journal.register_sources({"old": Kind.MAIL})
    journal.record(mail(document("pending"), source="old"))
    claim = journal.claim_source("old", HOLD)
    assert claim is not None
    assert strays(journal) == {}

    journal.release_source(claim)
    assert strays(journal) == {"old": 1}

    assert journal.claim_source("old", OVER) is not None  # its node has died, and the hold is over
    assert strays(journal) == {"old": 1}


def test_the_check_of_the_journal_warns_of_what_is_left_and_of_nothing_where_nothing_is(
    journal: Journal, url: str
) -> None:
    journal.record(mail(document("pending"), source="old"))

    warned, well = check_journal(url, OURS), check_journal(url, ["old"])

    (stray,) = [each for each in warned if each not in well and each.warning]
    assert "old" in stray.message
    assert stray.mend is not None
    assert len(warned) == len(well) + 1


# ----------------------------------------------------------------------------------- it goes on elsewhere


def test_a_mail_that_was_left_is_posted_and_answered_by_the_source_that_has_found_it(journal: Journal) -> None:
    left = journal.record(mail(document("left"), key="its key", source="old"))
    assert journal.known(["its key"])["its key"].source == "old"
    assert claim(journal, *OURS) == []

    assert journal.take_over({left: "its key"}, "fapiao", sources=OURS) == [left]

    settle(journal, claim_one(journal, *OURS), done(), ENDED)
    assert answer(journal, "fapiao").source == "fapiao"
    assert strays(journal) == {}
    assert journal.take_over({left: "its key"}, "fapiao", sources=OURS) == []


def test_what_was_left_settled_or_held_goes_on_as_it_is(journal: Journal) -> None:
    settled = journal.record(mail(document("settled"), key="1", source="old"))
    settle(journal, claim_one(journal, "old"), done(), ENDED)
    held = journal.record(mail(key="2", source="old", state=SubmissionState.HELD, reason=Reason.UNVERIFIED_SENDER))

    assert set(journal.take_over({settled: "1", held: "2"}, "fapiao", sources=OURS)) == {settled, held}

    assert answer(journal, "fapiao").id == settled
    assert journal.submission(held).state is SubmissionState.HELD
    assert journal.signs(OURS, long=HOLD, recent=HOLD).held["fapiao"].count == 1


def test_what_its_sender_is_to_be_told_goes_on_with_a_mail(journal: Journal) -> None:
    left = journal.record(mail(document("left"), key="1", source="old"))
    journal.tell(SURPLUS, once_in=HOLD)

    journal.take_over({left: "1"}, "fapiao", sources=OURS)

    assert len(journal.claim_notices("fapiao", limit=8, hold=HOLD)) == 1
    assert journal.claim_notices("old", limit=8, hold=HOLD) == []


def test_what_is_of_a_source_of_ours_or_looked_after_by_another_node_or_closed_is_not_taken_over(
    journal: Journal,
) -> None:
    journal.register_sources({"elsewhere": Kind.MAIL})
    assert journal.claim_source("elsewhere", HOLD) is not None
    closed = journal.record(mail(document("closed"), key="1", source="old"))
    settle(journal, claim_one(journal, "old"), done(), ENDED)
    answer(journal, "old")
    ours = journal.record(mail(key="2"))
    theirs = journal.record(mail(key="3", source="elsewhere"))

    found = {closed: "1", ours: "2", theirs: "3"}
    assert journal.take_over(found, "other", sources=[*OURS, "other"]) == []

    assert [journal.submission(each).source for each in found] == ["old", "fapiao", "elsewhere"]


def test_a_file_that_was_left_is_known_by_its_place_and_state_and_then_by_its_new_key(journal: Journal) -> None:
    left = journal.record(file(document("left"), key="old key", place="a/b.pdf", fingerprint="1:2:3"))
    journal.record(mail(source="old"))
    assert journal.left_files(OURS) == {("a/b.pdf", "1:2:3"): left}
    assert journal.left_files([*OURS, "shared"]) == {}

    assert journal.take_over({left: "new key"}, "team", sources=[*OURS, "team"]) == [left]

    assert journal.known(["new key"])["new key"].submission == left
    assert journal.record(file(document("left"), key="new key", source="team")) == left
    settle(journal, claim_one(journal, "team"), done(), ENDED)
    answer(journal, "team", moved=False, target=None)
    assert journal.known(["new key"])["new key"].stays


def test_a_booking_that_others_wait_for_too_goes_with_what_was_left(journal: Journal) -> None:
    left = journal.record(mail(document("same"), key="1", source="old"))
    journal.record(mail(document("same"), key="2", source="older"))

    journal.take_over({left: "1"}, "fapiao", sources=OURS)

    assert claim_one(journal, *OURS).submissions[0] == left


# --------------------------------------------------------------- bookings that went through what is gone


def test_a_booking_that_a_source_took_which_is_gone_goes_through_one_that_waits_for_it(journal: Journal) -> None:
    waits = journal.record(mail(document("same", locator=OURS_AT)))
    journal.record(file(document("same")))  # it wanted it last
    assert claim(journal, *OURS) == []

    assert journal.take_over_bookings(OURS) == 1

    claimed = claim_one(journal, *OURS)
    assert (claimed.source, claimed.locator) == ("fapiao", OURS_AT)
    settle(journal, claimed, done(), ENDED)
    assert answer(journal, "fapiao").id == waits
    assert journal.take_over_bookings(OURS) == 0


def test_a_booking_that_nobody_of_ours_waits_for_or_that_another_node_looks_after_is_left(journal: Journal) -> None:
    journal.register_sources({"shared": Kind.FILE})
    journal.record(mail(document("theirs"), source="old"))
    journal.record(mail(document("same")))
    journal.record(file(document("same")))
    held = journal.claim_source("shared", HOLD)
    assert held is not None

    assert journal.take_over_bookings(OURS) == 0

    journal.release_source(held)
    assert journal.take_over_bookings(OURS) == 1
    assert [each.source for each in claim(journal, "fapiao", "shared", "old", limit=8)] == ["fapiao", "old"]


def test_a_booking_that_is_tried_again_keeps_its_time_and_its_tries(journal: Journal) -> None:
    journal.record(mail(document("same")))
    journal.record(file(document("same")))
    journal.postpone(claim_one(journal, "shared"), due_in=HOLD, counted=True, ending=CUT_OFF)

    assert journal.take_over_bookings(OURS) == 1

    assert claim(journal, *OURS) == []
    waits = journal.next_try_in(OURS, ENDPOINT)
    assert waits is not None
    assert waits > HOLD.total_seconds() / 2


def test_a_booking_that_is_held_for_a_person_stays_so_and_goes_on_when_they_have_decided(journal: Journal) -> None:
    waits = journal.record(mail(document("same")))
    journal.record(file(document("same")))
    journal.hold(claim_one(journal, "shared"), CUT_OFF)

    assert journal.take_over_bookings(OURS) == 1

    assert claim(journal, *OURS) == []
    assert journal.submission(waits).state is SubmissionState.HELD
    assert journal.retry(waits) == 1
    assert claim_one(journal, *OURS).attempt == 1
