"""Answers that cannot be given now: how long each waits, and whether what hinders one hinders all."""

from __future__ import annotations

import random
from datetime import timedelta

from watcher.errors import MailerUnavailable, SourceUnavailable, Unavailable
from watcher.policy.pauses import growing

_FIRST_PAUSE_SECONDS, _LONGEST_PAUSE_SECONDS = 2.0, 600.0  # of one answer that cannot be given


class AnswerFailures:
    """Of the submissions of one source, by their names. Losing it costs a few tries."""

    def __init__(self) -> None:
        self._in_a_row: dict[str, int] = {}
        self._broke_at: dict[type[Unavailable], str] = {}  # the last answer, where such a connection was lost over it

    def concern_all(self, error: Unavailable, name: str) -> bool:
        """A connection that is lost over two answers in a row is no fault of theirs."""
        if error.broke:
            way = MailerUnavailable if isinstance(error, MailerUnavailable) else SourceUnavailable
            again = self._broke_at.get(way, name) != name
            self._broke_at[way] = name
            return again or error.altogether
        return error.altogether

    def went_well(self, way: type[Unavailable]) -> None:
        """What would have raised `way` did not: that connection is sound."""
        self._broke_at.pop(way, None)

    def end(self, name: str) -> None:
        """It was given, or is to be given by nobody any more."""
        self._in_a_row.pop(name, None)
        self._broke_at.clear()

    def next_pause(self, name: str) -> timedelta:
        """It failed once more."""
        self._in_a_row[name] = self._in_a_row.get(name, 0) + 1
        return timedelta(
            seconds=growing(
                self._in_a_row[name],
                first=_FIRST_PAUSE_SECONDS,
                longest=_LONGEST_PAUSE_SECONDS,
                fraction=random.random(),  # noqa: S311 - jitter is no secret
            )
        )
