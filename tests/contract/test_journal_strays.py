"""What is left of sources that are not configured any more, in every journal."""

from __future__ import annotations

from tests.support.journals import ENDED, HOLD, OVER, answer, claim_one, document, done, file, mail, settle
from watcher.journal.checking import check_journal
from watcher.model import Kind, Reason, SubmissionState
from watcher.ports import Journal

OURS = ["fapiao"]


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
