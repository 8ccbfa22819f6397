"""The ledger, in every journal: everything that was received, once, in the order of receipt."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import islice

import pytest

from tests.support.journals import answer, book, document, done, file, invoice, mail
from watcher.journal import ledger
from watcher.model import Outcome, Settlement
from watcher.ports import Journal

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


@pytest.fixture(autouse=True)
def small_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ledger, "CHUNK", 2)


def received(journal: Journal, *hours: int) -> list[str]:
    """Recorded in this order, received so many hours after noon."""
    return [journal.record(mail(received_at=NOON + timedelta(hours=each))) for each in hours]


def names(journal: Journal, since: datetime | None = None) -> list[str]:
    return [submission.id for submission in journal.ledger(since)]


def test_an_empty_journal_has_an_empty_ledger(journal: Journal) -> None:
    assert names(journal) == []


@pytest.mark.parametrize("hours", [(3, 1, 2), (0, 0, 0, 0, 0), (1, 0, 1, 0, 1, 0)])
def test_all_come_once_by_the_time_of_receipt_and_then_as_they_were_recorded(
    journal: Journal, hours: tuple[int, ...]
) -> None:
    recorded = received(journal, *hours)
    assert names(journal) == [name for _, name in sorted(zip(hours, recorded, strict=True), key=lambda each: each[0])]


def test_since_is_a_time_that_is_in_it(journal: Journal) -> None:
    first, second, third = received(journal, 0, 1, 2)

    assert names(journal, NOON) == [first, second, third]
    assert names(journal, NOON + timedelta(hours=1)) == [second, third]
    assert names(journal, NOON + timedelta(hours=1, milliseconds=1)) == [third]
    assert names(journal, NOON + timedelta(days=1)) == []


def test_what_is_recorded_meanwhile_makes_nothing_come_twice(journal: Journal) -> None:
    begun = received(journal, 1, 2, 3)
    reading = journal.ledger()
    found = [each.id for each in islice(reading, 2)]

    early, late = received(journal, 0, 4)
    found += [each.id for each in reading]

    assert found == [*begun, late]
    assert early not in found


def test_a_submission_has_its_invoices_and_a_duplicate_names_the_first(journal: Journal) -> None:
    journal.record(mail(document("a"), received_at=NOON))
    book(journal, done(invoice("1" * 8), invoice("2" * 8, "E-2")))
    answer(journal)
    journal.record(file(document("a"), received_at=NOON + timedelta(hours=1)))

    first, second = journal.ledger()

    assert [each.number for each in first.documents[0].invoices] == ["1" * 8, "2" * 8]
    assert first.documents[0].counted == (True, True)
    assert second.documents[0].outcome is Outcome.DUPLICATE
    assert second.documents[0].duplicate_of == first.documents[0].id
    assert [each.number for each in second.documents[0].invoices] == ["1" * 8, "2" * 8]
    assert second.documents[0].counted == (False, False)


def test_what_failed_first_and_was_sent_again_is_counted_where_it_was_booked(journal: Journal) -> None:
    refused = Settlement(outcome=Outcome.ERROR, code="B1", invoices=(invoice("1" * 8, None, message="超出预算"),))
    journal.record(mail(document("a"), received_at=NOON))
    book(journal, refused)
    answer(journal)
    journal.record(mail(document("a"), received_at=NOON + timedelta(hours=1)))
    book(journal, done(invoice("1" * 8)))

    first, second = journal.ledger()

    assert [each.number for each in first.documents[0].invoices] == ["1" * 8]
    assert (first.documents[0].counted, second.documents[0].counted) == ((False,), (True,))
