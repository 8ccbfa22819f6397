"""What the journal shows of what is wrong, what it remembers of it, and whose duty it is to tell, in every journal."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from msgspec.structs import replace

from tests.support.journals import (
    CUT_OFF,
    ENDED,
    ENDPOINT,
    HOLD,
    NOW,
    OVER,
    book,
    claim_one,
    close_gate,
    document,
    done,
    file,
    invoice,
    mail,
    only,
    settle,
    write,
)
from watcher.model import Alert, Kind, Reason, Signs, SubmissionState
from watcher.ports import Journal

SOURCES = ["fapiao", "shared"]
DAY = timedelta(days=1)
MOMENT = datetime(2026, 11, 26, 9, 0, tzinfo=UTC)


def signs(journal: Journal, *, long: timedelta = HOLD, recent: timedelta = DAY) -> Signs:
    return journal.signs(SOURCES, long=long, recent=recent)


def held_mail(journal: Journal) -> str:
    return journal.record(mail(state=SubmissionState.HELD, reason=Reason.UNKNOWN_SENDER))


# ------------------------------------------------------------------------------------ what is wrong


def test_where_nothing_is_wrong_nothing_is_shown(journal: Journal) -> None:
    journal.register_sources({"fapiao": Kind.MAIL})
    journal.record(mail(document("fresh")))
    book(journal)
    journal.record(file(document("fresher")))

    found = signs(journal)

    assert (found.held, found.overdue, list(found.unanswered), found.booked_twice) == ({}, {}, ["fapiao"], ())
    assert [each.name for each in found.sources] == ["fapiao"]
    assert abs(found.now - journal.now()) < timedelta(seconds=10)


def test_sources_and_gates_are_shown_as_they_are(journal: Journal) -> None:
    journal.report_source("fapiao", up=False, message="no route")
    close_gate(journal, ENDPOINT, "shut", DAY)

    found = signs(journal)

    assert found.sources == tuple(journal.source_health())
    assert found.gates == journal.gates()
    assert not found.gates[ENDPOINT].open


def test_what_is_held_is_counted_by_source_with_the_oldest(journal: Journal) -> None:
    first, _ = held_mail(journal), held_mail(journal)
    journal.record(mail(state=SubmissionState.HELD, reason=Reason.UNKNOWN_SENDER, source="elsewhere"))
    write(journal, f"UPDATE submissions SET held_at = 1000 WHERE id = '{first}'")

    (source, backlog) = next(iter(signs(journal).held.items()))

    assert (source, backlog.count, backlog.oldest) == ("fapiao", 2, datetime.fromtimestamp(1, UTC))
    assert list(signs(journal).held) == ["fapiao"]


def test_a_hold_of_which_nobody_wrote_the_time_began_when_it_was_recorded(journal: Journal) -> None:
    name = held_mail(journal)
    write(journal, f"UPDATE submissions SET held_at = NULL, recorded_at = 2000 WHERE id = '{name}'")

    assert signs(journal).held["fapiao"].oldest == datetime.fromtimestamp(2, UTC)
    journal.refuse(name)
    assert signs(journal).held == {}


def test_a_booking_that_has_been_due_for_long_is_overdue(journal: Journal) -> None:
    journal.record(file(document("waits")))
    assert signs(journal).overdue == {}
    write(journal, "UPDATE bookings SET due_at = 3000")
    found = signs(journal).overdue["shared"]
    assert (found.count, found.oldest) == (1, datetime.fromtimestamp(3, UTC))


def test_a_booking_that_has_been_failing_for_long_is_overdue_though_its_next_try_is_to_come(journal: Journal) -> None:
    journal.record(mail(document("fails")))
    journal.postpone(claim_one(journal), due_in=DAY, counted=True, ending=CUT_OFF)
    assert signs(journal).overdue == {}
    write(journal, "UPDATE bookings SET first_failed_at = 4000")
    assert signs(journal).overdue["fapiao"].oldest == datetime.fromtimestamp(4, UTC)


def test_a_booking_that_waits_for_a_person_is_held_and_not_overdue(journal: Journal) -> None:
    journal.record(mail(document("doubt")))
    journal.hold(claim_one(journal), CUT_OFF)
    write(journal, "UPDATE bookings SET first_failed_at = 4000")
    assert signs(journal).overdue == {}
    assert signs(journal).held["fapiao"].count == 1


def test_what_is_to_be_answered_is_as_old_as_its_last_outcome(journal: Journal) -> None:
    name = journal.record(mail(document("answered")))
    book(journal)
    write(journal, f"UPDATE submissions SET recorded_at = 1000 WHERE id = '{name}'")
    (found,) = signs(journal).unanswered.values()
    assert (found.count, found.oldest) == (1, only(journal, name).documents[0].settled_at)


def test_a_double_booking_is_shown_with_its_submission_for_as_long_as_it_is_recent(journal: Journal) -> None:
    name = journal.record(mail(document("a")))
    late = claim_one(journal, hold=OVER)
    settle(journal, claim_one(journal), done(invoice(expense_id="E-1")), ENDED)
    assert signs(journal).booked_twice == ()
    _settle_late(journal, late)
    assert only(journal, name).documents[0].code == Reason.BOOKED_TWICE

    (found,) = signs(journal).booked_twice

    assert (found.booking, found.submission) == (late.booking, name)
    write(journal, "DELETE FROM submissions")
    assert signs(journal).booked_twice == (replace(found, submission=None),)
    write(journal, "UPDATE bookings SET settled_at = 1000")
    assert signs(journal).booked_twice == ()


def _settle_late(journal: Journal, late: object) -> None:
    from watcher.errors import ClaimLost

    try:
        settle(journal, late, done(invoice(expense_id="E-2")), ENDED)  # type: ignore[arg-type]
    except ClaimLost:
        return


# -------------------------------------------------------------------------------- what is remembered


def alert(key: str = "source fapiao", **changes: object) -> Alert:
    return replace(Alert(key=key, since=MOMENT, said="停了"), **changes)


def test_what_is_remembered_comes_back_as_it_was(journal: Journal) -> None:
    told = alert("gate https://endpoint.example", told_at=MOMENT, gone_at=MOMENT + DAY, times=3)
    journal.remember([alert(), told])
    assert sorted(journal.alerts(), key=lambda each: each.key) == [told, alert()]


def test_what_is_remembered_anew_takes_the_place_of_the_old_and_what_is_over_is_forgotten(journal: Journal) -> None:
    journal.remember([alert(), alert("held fapiao")])
    journal.remember([alert(told_at=MOMENT)], forget=["held fapiao", "never known"])
    assert journal.alerts() == [alert(told_at=MOMENT)]
    journal.remember([], forget=["source fapiao"])
    assert journal.alerts() == []


# ------------------------------------------------------------------------------------- whose duty


def test_a_duty_is_one_nodes_at_a_time(journal: Journal) -> None:
    claim = journal.claim_duty("alarm", HOLD)
    assert claim is not None
    assert journal.claim_duty("alarm", HOLD) is None
    assert journal.claim_duty("another", HOLD) is not None
    journal.release_duty(claim)
    assert journal.claim_duty("alarm", HOLD) is not None


def test_a_duty_whose_hold_is_over_is_anybodys_and_not_given_back_by_who_lost_it(journal: Journal) -> None:
    lost = journal.claim_duty("alarm", NOW)
    assert lost is not None
    assert journal.claim_duty("alarm", HOLD) is not None
    journal.release_duty(lost)
    assert journal.claim_duty("alarm", HOLD) is None
