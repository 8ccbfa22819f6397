"""Which submissions are acknowledged, and whether that may promise an answer."""

from __future__ import annotations

from typing import Any

import pytest

from tests.support.reply_kinds import DONE, pending
from tests.support.submissions import submission
from watcher.config.sections import ReplyChoice
from watcher.model import Kind, SubmissionState, Thread
from watcher.policy.answer import acknowledged, answered_anyway

WAITING = pending(2, "b.pdf")


@pytest.mark.parametrize(
    "changes",
    [{}, {"state": SubmissionState.HELD, "reason": "IN_DOUBT"}],
    ids=["open", "waits for a person because it is in doubt"],
)
def test_whoever_waits_for_documents_is_told(changes: dict[str, Any]) -> None:
    assert acknowledged(submission(DONE, WAITING, **{"state": SubmissionState.OPEN, **changes}))


@pytest.mark.parametrize(
    "changes",
    [
        {"state": SubmissionState.SETTLED},
        {"state": SubmissionState.CLOSED},
        {"state": SubmissionState.HELD, "reason": "UNVERIFIED_SENDER"},
        {"documents": (DONE,)},
        {"documents": ()},
        {"answer": False},
        {"kind": Kind.FILE},
        {"thread": None},
        {"thread": Thread(message_id="<1@corp.example>")},
    ],
    ids=str,
)
def test_nobody_is_told_where_the_answer_is_about_to_leave_or_none_will(changes: dict[str, Any]) -> None:
    documents = changes.pop("documents", (DONE, WAITING))
    assert not acknowledged(submission(*documents, **{"state": SubmissionState.OPEN, **changes}))


@pytest.mark.parametrize(
    ("choice", "anyway"),
    [
        ({}, True),
        ({"unknown": True, "acknowledge_after": None}, True),
        ({"done": False}, False),
        ({"attention": False}, False),
        ({"duplicate": False}, False),
        ({"error": False}, False),
    ],
)
def test_an_answer_is_promised_only_where_one_follows_whatever_happens(choice: dict[str, Any], anyway: bool) -> None:
    assert answered_anyway(ReplyChoice(**choice)) is anyway
