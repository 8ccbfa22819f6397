"""How often the journal is asked whether somebody was sent too many replies, and what is remembered of them."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from email.message import EmailMessage
from types import SimpleNamespace
from typing import cast

import pytest

from watcher import replying
from watcher.model import ClaimedAnswer, Spent, Submission
from watcher.policy.allowance import MOST_REPLIES
from watcher.ports import AnswerJournal, Mailer, Writer
from watcher.replying import Replies

ZHANG = "zhang@corp.example"


class Office:
    """A journal, a writer and a mailer: who was sent how many, by any node, and how often that was asked."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.seconds = 1000.0
        self.sent: Counter[str] = Counter()
        self.asked: Counter[str] = Counter()
        monkeypatch.setattr(replying, "boot_seconds", lambda: self.seconds)
        self.replies = self.another()

    def another(self) -> Replies:
        """Those of another source, or of another node."""
        return Replies(
            writer=cast("Writer", SimpleNamespace(reply=lambda *_: EmailMessage())),
            mailer=cast("Mailer", SimpleNamespace(send=lambda _: None)),
            journal=cast("AnswerJournal", self),
        )

    def sent_to(self, recipient: str, within: timedelta) -> Spent:
        assert within == timedelta(hours=1)
        self.asked[recipient] += 1
        return Spent(count=self.sent[recipient], bytes=0, ago=timedelta(minutes=20))

    def pause(self, recipient: str = ZHANG) -> timedelta | None:
        return self.replies.pause(_submission(recipient, 0))

    def reply(self, recipient: str = ZHANG) -> bool:
        """Whether it goes out."""
        if self.pause(recipient) is not None:
            return False
        submission = _submission(recipient, sum(self.sent.values()))
        self.replies.send(cast("ClaimedAnswer", SimpleNamespace(submission=submission, number=1)))
        self.sent[recipient.lower()] += 1
        return True


def _submission(recipient: str, number: int) -> Submission:
    return cast("Submission", SimpleNamespace(id=f"s{number}", reply_to=recipient))


@pytest.fixture
def office(monkeypatch: pytest.MonkeyPatch) -> Office:
    return Office(monkeypatch)


def test_one_address_is_sent_as_many_as_are_allowed_and_no_more_however_fast(office: Office) -> None:
    assert sum(office.reply() for _ in range(2 * MOST_REPLIES)) == MOST_REPLIES
    assert office.pause() == timedelta(minutes=40)


def test_far_from_the_limit_the_journal_is_asked_once_in_a_second(office: Office) -> None:
    for _ in range(10):
        assert office.reply()
    assert office.asked[ZHANG] == 1

    office.seconds += 1
    assert office.reply()
    assert office.asked[ZHANG] == 2


def test_a_quarter_of_the_way_to_the_limit_it_is_asked_before_each(office: Office) -> None:
    office.sent[ZHANG] = MOST_REPLIES // 4
    for _ in range(5):
        assert office.reply()
    assert office.asked[ZHANG] == 5


def test_what_other_nodes_send_is_known_a_second_later(office: Office) -> None:
    assert office.reply()
    office.sent[ZHANG] += MOST_REPLIES

    assert office.reply()
    office.seconds += 1
    assert not office.reply()


def test_four_who_send_to_one_address_at_once_stay_within_the_limit(office: Office) -> None:
    senders = [office.replies, *(office.another() for _ in range(3))]
    went_out = 0
    for _ in range(MOST_REPLIES):
        for office.replies in senders:
            went_out += office.reply()
    assert went_out == MOST_REPLIES


def test_what_one_was_sent_says_nothing_of_another_and_case_makes_no_other(office: Office) -> None:
    office.sent["smith@corp.example"] = MOST_REPLIES

    assert office.reply()
    assert office.reply("ZHANG@corp.example")
    assert not office.reply("smith@corp.example")
    assert office.asked == {ZHANG: 1, "smith@corp.example": 1}


def test_of_thousands_of_recipients_not_all_are_remembered(office: Office) -> None:
    for number in range(2500):
        assert office.reply(f"p{number}@corp.example")
    assert len(office.replies._lately) <= 1000


def test_what_was_sent_under_a_claim_that_is_lost_is_forgotten(office: Office) -> None:
    claimed = cast("ClaimedAnswer", SimpleNamespace(submission=_submission(ZHANG, 1), number=1))
    office.replies.send(claimed)
    assert office.replies.is_unrecorded(claimed)

    office.replies.forget(claimed)

    assert not office.replies.is_unrecorded(claimed)
