"""What may be decided about a submission, whoever asks."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from tests.support.submissions import document, submission
from watcher.decisions import LONGEST_CODE, Release, is_code, require_releasable
from watcher.errors import UsageError
from watcher.model import Outcome, Reason, Submission, SubmissionState

KNOWN = replace(submission(), state=SubmissionState.HELD, reason=Reason.UNVERIFIED_SENDER.value, user_code="903851")
UNKNOWN = replace(KNOWN, reason=Reason.UNKNOWN_SENDER.value, user_code=None)
SKIPPED = submission(document(outcome=Outcome.SKIPPED))
NO_CODES = ["", " ", "a b", " 903852", "a\nb", "a\0b", "\udcff", "a\u202eb", "\u200b", "x" * (LONGEST_CODE + 1)]


@pytest.mark.parametrize(
    ("text", "good"),
    [("903851", True), ("张三-1", True), ("x" * LONGEST_CODE, True), *((no, False) for no in NO_CODES)],
)
def test_an_employee_number_is_one_visible_word(text: str, good: bool) -> None:
    assert is_code(text) is good


@pytest.mark.parametrize("held", [KNOWN, UNKNOWN], ids=["known", "unknown"])
@pytest.mark.parametrize("code", NO_CODES)
def test_nothing_is_released_for_what_cannot_be_an_employee_number(held: Submission, code: str) -> None:
    with pytest.raises(UsageError, match="cannot be an employee number: write one word") as caught:
        require_releasable(held, code)
    assert str(caught.value).isprintable()  # what was given is not repeated


def test_who_is_known_needs_no_employee_number_and_who_is_not_does() -> None:
    assert require_releasable(KNOWN, None) is require_releasable(UNKNOWN, "903852") is Release.SENDER
    with pytest.raises(UsageError, match="with --user-code CODE"):
        require_releasable(UNKNOWN, None)


def test_an_employee_number_has_no_meaning_where_nothing_is_held_for_its_sender() -> None:
    assert require_releasable(SKIPPED, None) is Release.SKIPPED
    with pytest.raises(UsageError, match="has no meaning"):
        require_releasable(SKIPPED, "903852")
