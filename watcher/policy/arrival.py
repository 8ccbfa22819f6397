"""What follows from the journal's word on something that a source has found."""

from __future__ import annotations

from collections.abc import Collection
from enum import StrEnum

from watcher.model import Kind, Known, SubmissionState


class Treatment(StrEnum):
    """What intake does with an arrival."""

    NEW = "new"  # take it in
    SKIP = "skip"  # nothing: it is being worked on, or it was answered where it lies
    RETRY = "retry"  # it was answered and somebody has moved it back: try its documents again


def treatment(kind: Kind, known: Known | None) -> Treatment:
    """A mail is known for ever, so one that came back is tried again; a file that came back is a new submission.

    So is a mail of which nothing was taken in: by now its sender may be known, or more accepted; and one that retention
    has forgotten, whose documents are duplicates of what was booked. What was answered without being moved still lies
    where it was, and says nothing by doing so. What was held and is released is taken in where it lies.
    """
    if known is None or known.released_for is not None:
        return Treatment.NEW
    if known.state is not SubmissionState.CLOSED or known.stays:
        return Treatment.SKIP
    return Treatment.RETRY if kind is Kind.MAIL and not known.empty else Treatment.NEW


def is_left_behind(known: Known, sources: Collection[str]) -> bool:
    """Whether it is still to be worked on, by a source that is none of the configured ones."""
    return known.state is not SubmissionState.CLOSED and known.source is not None and known.source not in sources
