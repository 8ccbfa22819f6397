"""What is written down of a mail that is turned away."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from watcher.model import Kind, Person, Reason, SubmissionState
from watcher.policy.drafting import draft, turned_away
from watcher.policy.who import Turned
from watcher.ports import Arrival

ARRIVAL = Arrival(key="k", place="INBOX", fingerprint="f", received_at=datetime(2026, 11, 26, tzinfo=UTC))
BARE = draft(ARRIVAL, source="fapiao", kind=Kind.MAIL, sender="li@corp.example", create_expense=True)


@pytest.mark.parametrize(("length", "kept"), [(240, "x" * 240), (241, "x" * 239 + "…")])
def test_why_a_mail_is_turned_away_is_kept_as_far_as_a_proof_may_say_it(length: int, kept: str) -> None:
    turned = Turned(reason=Reason.UNVERIFIED_SENDER, detail="x" * length, hold=True)

    assert turned_away(BARE, turned, told=False).remark == kept


def test_what_is_held_says_for_whom_it_was_and_what_is_refused_is_nobody_s() -> None:
    def written(*, hold: bool) -> tuple[SubmissionState, str | None]:
        turned = Turned(reason=Reason.UNVERIFIED_SENDER, detail="x", hold=hold, person=Person(user_code="903851"))
        submission = turned_away(BARE, turned, told=False)
        return submission.state, submission.user_code

    assert written(hold=True) == (SubmissionState.HELD, "903851")
    assert written(hold=False) == (SubmissionState.OPEN, None)
