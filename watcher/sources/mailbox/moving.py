"""Bringing an answered mail to its folder, so that a crash at any point is made good by doing it again."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Sequence

from msgspec import Struct

from watcher.errors import TargetTaken, Vanished
from watcher.headers import clean
from watcher.model import Submission
from watcher.sources.mailbox.connection import CommandRefused
from watcher.sources.mailbox.finding import DONE_KEYWORD
from watcher.sources.mailbox.folders import Folders
from watcher.sources.mailbox.identity import Account, Sighting, sighting, uid_at
from watcher.sources.mailbox.line import Line
from watcher.sources.mailbox.marking import LYING_ITEMS, is_deleted, mark_done, mark_seen, move_into
from watcher.sources.mailbox.reading import BULK, chunks, one, sightings
from watcher.sources.mailbox.session import Session

log = logging.getLogger(__name__)

_RECENT = 200  # a copy that a crash left behind is among the newest of the target
_MOST_SEARCHED = 20_000  # newest mails of a folder that are looked through for one that is nowhere else


class _Lying(Struct, frozen=True, kw_only=True):
    """Where a mail was found."""

    folder: str
    uid: int
    seen: Sighting
    deleted: bool  # flagged so, and not expunged yet


class Mover:
    """Moves, or marks, on a connection of its own. Nothing is ever expunged but the very mail."""

    def __init__(self, *, account: Account, line: Line, folder: str, targets: Sequence[str | None]) -> None:
        """`targets`: done and error of the configuration; None leaves a mail where it is."""
        self._account = account
        self._line = line
        self._folder = folder
        # Where an earlier answer may have moved it, before its documents were tried again.
        self._targets = [each for each in dict.fromkeys(targets) if each not in (None, folder)]

    def move(self, submission: Submission, target: str | None) -> None:
        """To the target, or, without one, mark it where it is. Raises SourceUnavailable, or Vanished."""
        session = self._line.session()
        work = _Work(self._account, session, self._line.folders, submission)
        here = work.find(self._folder, at=submission.place)
        if target is None or target == self._folder:
            self._mark(work, here)
        elif here is not None and not here.deleted:
            self._bring(work, here, target)
        elif (there := work.find(target)) is not None:
            _finish(work, here)
            log.info("A mail had been moved before.", extra={"submission": submission.id, "uid": there.uid})
        else:
            self._bring_from_elsewhere(work, target)

    def _mark(self, work: _Work, here: _Lying | None) -> None:
        found = here if here is not None and not here.deleted else self._found_elsewhere(work, None)
        if found is None:
            raise Vanished("the mail is gone from the folder")
        work.go_back_to(found.folder)
        mark_done(work.session, [found.uid])

    def _bring_from_elsewhere(self, work: _Work, target: str) -> None:
        """An answer that is given again finds the mail where the first one moved it."""
        found = self._found_elsewhere(work, target)
        if found is None:
            raise Vanished("the mail is gone from the folder, and is not where it was to be moved")
        self._bring(work, found, target)

    def _bring(self, work: _Work, lying: _Lying, target: str) -> None:
        if target not in self._targets:
            raise TargetTaken(f"{clean(target)} is no folder of the present configuration")
        _bring(work, lying, target)

    def _found_elsewhere(self, work: _Work, target: str | None) -> _Lying | None:
        """Neither in the folder nor in the target: that is where it was looked for."""
        found = (work.find(each) for each in self._targets if each != target)
        return next((each for each in found if each is not None), None)


def _bring(work: _Work, lying: _Lying, target: str) -> None:
    session = work.session
    if session.has("MOVE"):
        work.go_back_to(lying.folder)
        mark_seen(session, [lying.uid])
        if lying.uid not in move_into(session, work.folders, [lying.uid], target):
            # Not Vanished: the next try sees whether it lies here still, was moved after all, or is gone.
            raise CommandRefused("the server said OK, but has not moved the mail")
        return
    if not work.folders.exists(target):
        work.folders.make(target)
    if not work.has_copy(lying, target):
        work.folders.enter(lying.folder)
        mark_seen(session, [lying.uid])
        is_told = session.copy(lying.uid, work.folders.name(target))
        if not is_told and not work.has_copy(lying, target):
            raise CommandRefused("the server said OK, but has not copied the mail")
    work.folders.enter(lying.folder)
    _remove(session, lying.uid)


def _remove(session: Session, uid: int) -> None:
    """Without UIDPLUS nothing can be expunged but together with what others have marked: so it stays marked."""
    session.store([uid], r"\Deleted")
    if session.has("UIDPLUS"):
        session.expunge(uid)
        return
    with contextlib.suppress(CommandRefused):
        session.store([uid], DONE_KEYWORD)


def _finish(work: _Work, left: _Lying | None) -> None:
    """A move by copying that was interrupted before its last step."""
    if left is not None and left.deleted and work.session.has("UIDPLUS"):
        work.folders.enter(left.folder)
        work.session.expunge(left.uid)


class _Work:
    """One move: the session, and the mail that is meant."""

    def __init__(self, account: Account, session: Session, folders: Folders, submission: Submission) -> None:
        self.session = session
        self.folders = folders
        self._account = account
        self._submission = submission

    def go_back_to(self, folder: str) -> None:
        """Select it again if another one was selected since it was entered."""
        if self.session.selected != (self.folders.name(folder), False):
            self.folders.enter(folder)

    def find(self, folder: str, *, at: str | None = None) -> _Lying | None:
        """The mail in a folder; `at` is where it was seen. One that is marked as deleted only if there is no other."""
        if at is None and not self.folders.exists(folder):
            return None
        uidvalidity = self.folders.enter(folder)
        uid = uid_at(at, uidvalidity) if at is not None else None
        found = self._at(folder, uid) if uid is not None else None
        if found is not None and not found.deleted:
            return found
        return self._by_message_id(folder) or self._by_looking(folder, most=_MOST_SEARCHED) or found

    def has_copy(self, lying: _Lying, target: str) -> bool:
        """Whether an interrupted move has copied it already. Leaves another folder selected."""
        message_id = lying.seen.fields.message_id
        self.folders.enter(lying.folder)
        searches = message_id is not None and lying.uid in self._with_message_id(message_id)
        self.folders.enter(target)
        if message_id is not None and self._first(target, self._with_message_id(message_id)) is not None:
            return True
        # What was found here before would have been found there: else the newest are looked through.
        return not searches and self._by_looking(target, most=_RECENT) is not None

    def _at(self, folder: str, uid: int) -> _Lying | None:
        found = one(self.session, uid, LYING_ITEMS)
        seen = sighting(found) if found is not None else None
        if found is None or seen is None or not self._is_meant(seen):
            return None
        return _Lying(folder=folder, uid=uid, seen=seen, deleted=is_deleted(found))

    def _is_meant(self, seen: Sighting) -> bool:
        return self._account.fingerprint(seen) == self._submission.fingerprint

    def _by_message_id(self, folder: str) -> _Lying | None:
        thread = self._submission.thread
        if thread is None or thread.message_id is None:
            return None
        return self._first(folder, self._with_message_id(thread.message_id))

    def _with_message_id(self, message_id: str) -> list[int]:
        quoted = '"' + message_id.replace("\\", "\\\\").replace('"', '\\"') + '"'
        try:
            return self.session.search("UNDELETED", "HEADER", "Message-ID", quoted) if message_id.isascii() else []
        except CommandRefused:
            return []

    def _by_looking(self, folder: str, *, most: int) -> _Lying | None:
        """Newest first."""
        uids = self.session.search("UNDELETED")[-most:]
        for bulk in chunks(uids[::-1], BULK):
            found = self._among(folder, bulk)
            if found is not None:
                return found
        return None

    def _among(self, folder: str, uids: Sequence[int]) -> _Lying | None:
        meant = (seen for seen in sightings(self.session, uids) if self._is_meant(seen))
        return next((_Lying(folder=folder, uid=seen.uid, seen=seen, deleted=False) for seen in meant), None)

    def _first(self, folder: str, uids: Sequence[int]) -> _Lying | None:
        return self._among(folder, uids[-BULK:]) if uids else None
