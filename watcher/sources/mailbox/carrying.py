"""Bringing many answered mails to their folders at once: by one command for each folder, and not for each mail.

What a set of mails is refused, or loses its connection over, is left to `moving`, which moves each by itself and finds
what was moved already. So one mail that the server cannot bear does not hold the others.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence

from msgspec import Struct

from watcher.errors import SourceUnavailable
from watcher.model import Submission
from watcher.ports import PlannedMoves
from watcher.sources.mailbox.identity import Account, sighting, uid_at
from watcher.sources.mailbox.line import Line
from watcher.sources.mailbox.marking import LYING_ITEMS, is_deleted, mark_done, mark_seen, move_into
from watcher.sources.mailbox.session import Session

log = logging.getLogger(__name__)


class _Set(Struct, frozen=True, kw_only=True):
    """Mails that lie where they were seen, and go to one target."""

    target: str | None
    submissions: dict[int, str]  # by UID

    @property
    def uids(self) -> list[int]:
        return list(self.submissions)


class Carrier:
    """Moves, or marks, those that lie in the folder under the UIDs that they were seen with."""

    def __init__(self, *, account: Account, line: Line, folder: str) -> None:
        self._account = account
        self._line = line
        self._folder = folder
        self._apart: set[str] = set()  # submissions that go by themselves, because a set with them has failed

    def carry(self, planned: PlannedMoves) -> frozenset[str]:
        """The ids of those that are moved now. Raises SourceUnavailable where nothing can be done at all."""
        together = [(submission, target) for submission, target in planned if submission.id not in self._apart]
        carried: set[str] = set()
        if len(together) < 2:  # noqa: PLR2004 - one is no set
            return frozenset()
        try:
            for each in self._carried(together):
                carried |= each
        except SourceUnavailable as error:
            if error.altogether:
                raise
            self._apart |= {submission.id for submission, _ in together} - carried
            log.info("Mails that could not be moved together are moved one by one.", extra={"detail": str(error)})
        return frozenset(carried)

    def ended(self, submission: Submission) -> None:
        """It was moved by itself, or is gone."""
        self._apart.discard(submission.id)

    def _carried(self, planned: PlannedMoves) -> Iterator[set[str]]:
        session, folders = self._line.session(), self._line.folders
        planned = [each for each in planned if session.has("MOVE") or self._stays(each[1])]
        if not planned:
            return
        uidvalidity = folders.enter(self._folder)
        lying = self._lying(session, uidvalidity, [submission for submission, _ in planned])
        for each in _sets(planned, lying):
            if self._stays(each.target):
                mark_done(session, each.uids)
                moved: Sequence[int] = each.uids
            else:
                mark_seen(session, each.uids)
                moved = move_into(session, folders, each.uids, str(each.target))
            yield {each.submissions[uid] for uid in moved}

    def _stays(self, target: str | None) -> bool:
        return target in (None, self._folder)

    def _lying(self, session: Session, uidvalidity: str, submissions: Sequence[Submission]) -> dict[str, int]:
        """The UIDs of those that are there, are the mails that are meant, and are not about to be expunged."""
        places = {uid: each for each in submissions if (uid := uid_at(each.place, uidvalidity)) is not None}
        found = session.fetch(list(places), LYING_ITEMS) if places else []
        seen = [(each, sighting(each)) for each in found]
        return {
            places[sight.uid].id: sight.uid
            for each, sight in seen
            if sight is not None
            and not is_deleted(each)
            and self._account.fingerprint(sight) == places[sight.uid].fingerprint
        }


def _sets(planned: PlannedMoves, lying: dict[str, int]) -> list[_Set]:
    sets: dict[str | None, _Set] = {}
    for submission, target in planned:
        if submission.id in lying:
            each = sets.setdefault(target, _Set(target=target, submissions={}))
            each.submissions[lying[submission.id]] = submission.id
    return list(sets.values())
