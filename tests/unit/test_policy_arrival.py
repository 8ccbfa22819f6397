"""What intake does with something that the journal may know."""

from __future__ import annotations

import pytest

from watcher.model import Kind, Known, SubmissionState
from watcher.policy.arrival import Treatment, is_left_behind, treatment


def known(state: SubmissionState, *, stays: bool = False, empty: bool = False) -> Known:
    return Known(submission="s1", state=state, stays=stays, empty=empty)


@pytest.mark.parametrize("kind", list(Kind))
def test_what_was_never_seen_is_new(kind: Kind) -> None:
    assert treatment(kind, None) is Treatment.NEW


@pytest.mark.parametrize("kind", list(Kind))
@pytest.mark.parametrize("state", [SubmissionState.OPEN, SubmissionState.HELD, SubmissionState.SETTLED])
def test_what_is_not_answered_yet_is_left_to_its_submission(kind: Kind, state: SubmissionState) -> None:
    assert treatment(kind, known(state)) is Treatment.SKIP


@pytest.mark.parametrize("kind", list(Kind))
def test_what_was_answered_where_it_lies_is_not_taken_in_again(kind: Kind) -> None:
    assert treatment(kind, known(SubmissionState.CLOSED, stays=True)) is Treatment.SKIP


def test_a_mail_that_was_moved_back_is_a_retry() -> None:
    assert treatment(Kind.MAIL, known(SubmissionState.CLOSED)) is Treatment.RETRY


def test_a_mail_of_which_nothing_was_taken_in_is_new_when_it_is_moved_back() -> None:
    assert treatment(Kind.MAIL, known(SubmissionState.CLOSED, empty=True)) is Treatment.NEW
    assert treatment(Kind.MAIL, known(SubmissionState.HELD, empty=True)) is Treatment.SKIP


def test_a_file_that_was_put_back_is_a_new_submission() -> None:
    assert treatment(Kind.FILE, known(SubmissionState.CLOSED)) is Treatment.NEW


def test_what_was_held_and_is_released_is_taken_in_where_it_lies() -> None:
    released = Known(submission="s1", state=SubmissionState.OPEN, stays=False, empty=True, released_for="903851")

    assert treatment(Kind.MAIL, released) is Treatment.NEW


@pytest.mark.parametrize(
    ("state", "source", "is_left"),
    [
        (SubmissionState.OPEN, "old", True),
        (SubmissionState.HELD, "old", True),
        (SubmissionState.SETTLED, "old", True),
        (SubmissionState.CLOSED, "old", False),
        (SubmissionState.OPEN, "fapiao", False),
        (SubmissionState.OPEN, None, False),
    ],
)
def test_what_is_not_closed_is_left_behind_where_its_source_is_none_of_the_configured_ones(
    state: SubmissionState, source: str | None, is_left: bool
) -> None:
    found = Known(submission="s1", state=state, stays=False, source=source)
    assert is_left_behind(found, ["fapiao", "shared"]) is is_left
