"""What the journal tells of the work that waits and of what was done of late."""

from __future__ import annotations

from datetime import timedelta

from tests.support.journals import (
    CUT_OFF,
    ENDED,
    FAILED,
    REFUSED,
    claim_one,
    close_gate,
    document,
    done,
    file,
    mail,
    open_gate,
    settle,
)
from watcher.journal.journal import SqlJournal
from watcher.model import Outcome, SourceWork

BOTH = ("fapiao", "shared")


def test_an_empty_journal_has_no_work(journal: SqlJournal) -> None:
    load = journal.workload(BOTH)
    assert load.sources == {"fapiao": SourceWork(), "shared": SourceWork()}
    assert load.oldest is None
    assert (load.settled, load.settled_in_a_day, load.tries) == ({}, {}, {})


def test_what_is_due_is_told_from_what_is_tried_again_later(journal: SqlJournal) -> None:
    journal.record(mail())
    journal.record(mail())
    journal.postpone(claim_one(journal), due_in=timedelta(hours=1), counted=True, ending=CUT_OFF)
    load = journal.workload(BOTH)
    work = load.sources["fapiao"]
    assert (work.pending, work.due, work.retried, work.undecided) == (2, 1, 1, 0)
    assert work.oldest is not None
    assert work.last_taken_in is not None
    assert load.oldest == work.oldest <= work.last_taken_in <= load.now
    assert load.sources["shared"] == SourceWork()


def test_what_is_under_way_is_pending_and_not_due(journal: SqlJournal) -> None:
    journal.record(mail())
    claim_one(journal)
    load = journal.workload(BOTH)
    assert (load.sources["fapiao"].pending, load.sources["fapiao"].due) == (1, 0)
    assert load.tries[""].count == 1


def test_what_waits_for_a_person_is_told_apart(journal: SqlJournal) -> None:
    journal.record(mail())
    journal.hold(claim_one(journal), CUT_OFF)
    work = journal.workload(BOTH).sources["fapiao"]
    assert (work.pending, work.due, work.undecided) == (1, 0, 1)


def test_documents_that_were_settled_are_counted_by_outcome(journal: SqlJournal) -> None:
    journal.record(mail(document("same")))
    journal.record(file(document("same")))
    journal.record(mail())
    settle(journal, claim_one(journal), done(), ENDED)
    settle(journal, claim_one(journal), done(), ENDED)
    load = journal.workload(BOTH)
    assert load.settled == {Outcome.DONE: 2, Outcome.DUPLICATE: 1} == load.settled_in_a_day


def test_tries_are_counted_by_result_with_the_words_of_the_last(journal: SqlJournal) -> None:
    for _ in range(2):
        journal.record(mail())
        settle(journal, claim_one(journal), FAILED, REFUSED)
    (tried,) = journal.workload(BOTH).tries.values()
    assert (tried.count, tried.said) == (2, "400001 查验失败")


def test_the_sources_of_other_nodes_are_left_out(journal: SqlJournal) -> None:
    journal.record(mail())
    assert journal.workload(["shared"]).sources == {"shared": SourceWork()}


def test_where_it_is_kept_and_how_large_it_is_can_be_told(journal: SqlJournal) -> None:
    stored = journal.storage()
    assert stored.kind in ("sqlite", "postgresql")
    assert stored.where
    assert stored.size > 10_000
    assert (stored.free is None) is (stored.kind == "postgresql")


def test_a_closed_gate_tells_when_it_is_probed(journal: SqlJournal) -> None:
    close_gate(journal, "https://recognition.test/ocr", "why", timedelta(minutes=5))
    gate = journal.gates()["https://recognition.test/ocr"]
    assert gate.probe_at is not None
    assert gate.since is not None
    assert gate.probe_at - gate.since == timedelta(minutes=5)
    open_gate(journal, "https://recognition.test/ocr")
    assert journal.gates()["https://recognition.test/ocr"].probe_at is None
