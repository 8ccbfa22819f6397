"""What the clock left ahead of itself when it was set back is drawn near, at the start and once in a while."""

from __future__ import annotations

import logging
from datetime import timedelta

from watcher.errors import Unavailable
from watcher.ports import TendingJournal

log = logging.getLogger(__name__)

# Answers, notices and claims are put off for less: of pauses that the configuration has its own are longer.
_LONGEST_FIXED_PAUSE = timedelta(hours=1)


class SetBack:
    """So nothing waits for as long as the clock was set back: only for as long as it may be put off at all."""

    every_seconds = 60.0

    def __init__(self, *, journal: TendingJournal, longest_pause: timedelta) -> None:
        """`longest_pause`: between two tries of one booking."""
        self._journal = journal
        self._longest = max(longest_pause, _LONGEST_FIXED_PAUSE)

    def round(self) -> None:
        try:
            drawn = self._journal.draw_near(self._longest)
        except Unavailable as error:
            log.info("What waits for too long is looked for later.", extra={"detail": str(error)})
            return
        if drawn:
            # Which of them it was nobody can tell from what stands in the journal.
            log.warning(
                "What was put off further than it can be is due now: "
                "the clock was set back, or retry.longest made shorter.",
                extra={"rows": drawn},
            )
