"""Mails that wait in their mailbox, because their senders have submitted as much as `per_sender` allows in an hour."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta

from msgspec.structs import replace

from watcher.config.sections import PerSender
from watcher.headers import clean
from watcher.model import Known, NewSubmission, Notice, Spent, Thread
from watcher.policy.allowance import WINDOW, is_used_up
from watcher.ports import IntakeJournal
from watcher.resting import Resting

log = logging.getLogger(__name__)

_TOLD_AGAIN_AFTER = timedelta(days=1)  # a surplus of many hours is one surplus


class Surplus:
    """Counts what the senders of one mailbox submit, and lets the surplus rest.

    The journal is asked once for each sender and look; which mails rest is kept in memory alone, because losing it
    costs a second reading of their headers.
    """

    def __init__(
        self, *, source: str, limit: PerSender | None, journal: IntakeJournal, now: Callable[[], datetime]
    ) -> None:
        """`limit` None: everybody may submit anything. `now` is the journal's clock."""
        self._source = source
        self._limit = limit
        self._journal = journal
        self._now = now
        self._resting = Resting()
        self._spent: dict[str, Spent] = {}
        self._exceeded: set[str] = set()  # who has sent a proven mail too much, in this look

    @property
    def waiting(self) -> int:
        """How many mails of the present look rest."""
        return self._resting.seen

    def begin(self) -> None:
        """Another look begins: what the one before took in stands in the journal."""
        self._resting.begin()
        self._spent.clear()
        self._exceeded.clear()

    def known(self, keys: Sequence[str]) -> Mapping[str, Known]:
        """Those of the keys that are not to be looked at yet."""
        return self._resting.known(keys)

    @property
    def has_exceeded(self) -> bool:
        """Whether this look has met anybody who has: else nobody need be looked up."""
        return bool(self._exceeded)

    def is_exceeded(self, counts_as: str) -> bool:
        """Whether this look has found so by a mail that was proven: further ones have to wait anyway, unproven."""
        spent = self._spent.get(counts_as) if counts_as in self._exceeded else None
        return spent is not None and self._limit is not None and is_used_up(spent, 0, self._limit)

    def take(self, counts_as: str, size: int) -> bool:
        """Count one mail more, or say that it has to wait."""
        if self._limit is None:
            return True
        spent = self._spent_by(counts_as)
        if is_used_up(spent, size, self._limit):
            return False
        ago = timedelta(0) if spent.ago is None else spent.ago
        self._spent[counts_as] = replace(spent, count=spent.count + 1, bytes=spent.bytes + size, ago=ago)
        return True

    def defer(self, bare: NewSubmission, counts_as: str) -> None:
        """Let a proven mail rest, and have its sender told so, once."""
        resumes_at = self.let_rest(bare.key, counts_as)
        self._exceeded.add(counts_as)
        log.warning(
            "A sender has submitted as much as is allowed in an hour; the surplus waits.",
            extra={"source": self._source, "sender": clean(bare.sender), "until": resumes_at.isoformat()},
        )
        if bare.answer and self._limit is not None:
            self._journal.tell(_notice(bare, counts_as, self._limit, resumes_at), once_in=_TOLD_AGAIN_AFTER)

    def let_rest(self, key: str, counts_as: str) -> datetime:
        """Leave a mail where it is until some of the allowance is free again; when that is."""
        pause = WINDOW - (self._spent_by(counts_as).ago or timedelta(0))
        self._resting.let_rest(key, pause.total_seconds())
        return self._now() + pause

    def _spent_by(self, counts_as: str) -> Spent:
        if counts_as not in self._spent:
            self._spent[counts_as] = self._journal.spent(self._source, counts_as, WINDOW)
        return self._spent[counts_as]


def _notice(bare: NewSubmission, counts_as: str, limit: PerSender, resumes_at: datetime) -> Notice:
    return Notice(
        source=bare.source,
        concerns=counts_as,
        thread=bare.thread or Thread(),
        subject=bare.subject,
        person_name=bare.person_name,
        language=bare.language,
        received_at=bare.received_at,
        submissions=limit.submissions,
        bytes=limit.bytes,
        resumes_at=resumes_at,
    )
