"""What a source finds that was left by one that is configured no more: the same mailbox or folder, by another name."""

from __future__ import annotations

import logging
from collections.abc import Collection, Mapping

from watcher.model import Known
from watcher.policy.arrival import is_left_behind
from watcher.ports import Arrival, IntakeJournal

log = logging.getLogger(__name__)


class Inheritance:
    """Lets what is left go on under the name of the source that finds it, instead of waiting for one that is gone."""

    def __init__(self, *, source: str, configured: Collection[str], journal: IntakeJournal) -> None:
        """`configured` are the sources of this node."""
        self._source = source
        self._configured = frozenset(configured)
        self._journal = journal
        self._files: Mapping[tuple[str, str], str] | None = None  # what was left when the first new file was found

    def take_mails(self, known: Mapping[str, Known]) -> None:
        """Those of the mails with these keys that were left: a mail's key is of its account, whatever the source."""
        left = {each.submission: key for key, each in known.items() if is_left_behind(each, self._configured)}
        if left:
            self._take(left)

    def takes_file(self, arrival: Arrival) -> bool:
        """Whether this new file is one that was left: in this very state, at this place."""
        if self._files is None:
            self._files = self._journal.left_files(self._configured)
        submission = self._files.get((arrival.place, arrival.fingerprint))
        return submission is not None and self._take({submission: arrival.key})

    def _take(self, found: Mapping[str, str]) -> bool:
        taken = self._journal.take_over(found, self._source, sources=self._configured)
        for submission in taken:
            log.info(
                "A submission of a source that is configured no more goes on under the one that found it.",
                extra={"submission": submission, "source": self._source},
            )
        return bool(taken)
