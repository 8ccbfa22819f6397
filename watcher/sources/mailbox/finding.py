"""What in the folder has to be looked at, remembering what need not be looked at again."""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from datetime import UTC, datetime

from msgspec import Struct

from watcher.errors import SourceUnavailable
from watcher.model import Kind, Known
from watcher.policy.arrival import Treatment, treatment
from watcher.ports import Arrival
from watcher.sources.mailbox.connection import CommandRefused
from watcher.sources.mailbox.grammar import number
from watcher.sources.mailbox.identity import KEY_PREFIX, Account, Sighting, internal_date, place
from watcher.sources.mailbox.reading import BULK, Seen, chunks, sightings
from watcher.sources.mailbox.rests import Rests
from watcher.sources.mailbox.session import Session
from watcher.sources.mailbox.wanted import Wanted

log = logging.getLogger(__name__)

DONE_KEYWORD = "$InvoiceDone"
_FEWER = 20

KnownKeys = Callable[[Sequence[str]], Mapping[str, Known]]


class _Candidate(Struct, frozen=True):
    """A mail that is not settled yet: small, because there may be many."""

    uid: int
    digest: bytes
    received_at: float  # POSIX time
    size: int  # in octets

    @property
    def fingerprint(self) -> str:
        return self.digest.hex()

    @property
    def key(self) -> str:
        return KEY_PREFIX + self.fingerprint


class Finder:
    """Goes through the folder. UIDs are remembered in memory, so that each poll reads only what is new.

    Losing the memory costs time and nothing else.
    """

    def __init__(self, *, account: Account, wanted: Wanted, search_keyword: bool) -> None:
        self._account = account
        self._wanted = wanted
        self._search_keyword = search_keyword
        self._uidvalidity: str | None = None
        self._settled: set[int] = set()  # known, and nothing will follow while they lie there
        self._left_alone: set[int] = set()  # not ours to take in
        self._candidates: dict[int, _Candidate] = {}  # the journal is asked about these each time
        self._unreadable: Rests[int] = Rests()  # the server hung up at them
        self._bulk = BULK
        self._stumbled_at: int | None = None

    @property
    def left_alone(self) -> int:
        return len(self._left_alone) + len(self._unreadable)

    def look_again(self, uid: int) -> None:
        """What was told of this mail is not so any more, or never was: servers estimate sizes until a mail is read."""
        self._candidates.pop(uid, None)

    def bulks(self, reach: Callable[[], Session], known: KnownKeys) -> Iterator[tuple[list[Arrival], Seen]]:
        """The arrivals in the folder that `reach` has selected, oldest first; mails are read in between.

        With the headers that were read for it.
        """
        session = reach()
        uidvalidity = session.uidvalidity
        present = present_uids(session, done_too=not self._search_keyword)
        self._forget(uidvalidity, present)
        for bulk in self._bulks(present):
            session = reach()
            if session.uidvalidity != uidvalidity:
                return
            candidates, seen = self._candidates_of(session, bulk)
            told = known([candidate.key for candidate in candidates]) if candidates else {}
            yield self._judged(session, candidates, told, seen), Seen(session, seen)
        self._bulk = BULK

    def _bulks(self, present: Sequence[int]) -> Iterator[Sequence[int]]:
        """Those at which the server hung up come last, each by itself, so that they hold up no other."""
        passed_over = self._settled | self._left_alone
        wanted = [uid for uid in present if uid not in passed_over]
        yield from chunks([uid for uid in wanted if uid not in self._unreadable], self._bulk)
        yield from ([uid] for uid in wanted if uid in self._unreadable and not self._unreadable.is_resting(uid))

    def _forget(self, uidvalidity: str, present: Sequence[int]) -> None:
        there = set(present) if uidvalidity == self._uidvalidity else set()
        self._uidvalidity = uidvalidity
        self._settled &= there
        self._left_alone &= there
        self._unreadable.keep(there)
        for uid in self._candidates.keys() - there:
            del self._candidates[uid]

    # -------------------------------------------------------------------------------- candidates

    def _candidates_of(self, session: Session, uids: Sequence[int]) -> tuple[list[_Candidate], dict[int, Sighting]]:
        """Those of the bulk that are wanted, and the headers of those that are seen for the first time."""
        unseen = [uid for uid in uids if uid not in self._candidates]
        try:
            seen = {each.uid: each for each in self._read(session, unseen)}
        except CommandRefused:
            raise
        except SourceUnavailable:
            self._stumble(unseen)
            raise
        for uid in seen:
            self._unreadable.end(uid)
        candidates = self._candidates | {uid: self._candidate(each) for uid, each in seen.items()}
        return [candidates[uid] for uid in uids if uid in candidates], seen

    def _stumble(self, uids: Sequence[int]) -> None:
        """Servers hang up at a mail that they cannot read: fewer are asked for next time, until it is known which."""
        if len(uids) > 1:
            self._bulk = max(1, len(uids) // _FEWER)
        elif uids and (uids[0] == self._stumbled_at or uids[0] in self._unreadable):
            self._unreadable.begin(uids[0])
            log.warning("The server hangs up at a mail; it is tried again now and then.", extra={"uid": uids[0]})
        else:
            self._stumbled_at = uids[0]

    def _read(self, session: Session, uids: Sequence[int]) -> list[Sighting]:
        wanted = self._recent(session, uids)
        found = sightings(session, wanted) if wanted else []
        if self._wanted.since is None:
            return found
        old = {each.uid for each in found if self._wanted.is_older(each.received_at)}
        self._left_alone |= old
        return [each for each in found if each.uid not in old]

    def _recent(self, session: Session, uids: Sequence[int]) -> Sequence[int]:
        """Without the old ones: dates come far faster than headers."""
        if self._wanted.since is None or not uids:
            return uids
        try:
            dates = session.fetch(uids, "INTERNALDATE")
        except CommandRefused:
            return uids
        dated = {number(each.get("UID")): each.get("INTERNALDATE") for each in dates}
        old = {uid for uid, told in dated.items() if uid is not None and self._wanted.is_older(internal_date(told))}
        self._left_alone |= old
        return [uid for uid in uids if uid not in old]

    def _candidate(self, seen: Sighting) -> _Candidate:
        received_at = seen.received_at or datetime.now(UTC)
        return _Candidate(seen.uid, bytes.fromhex(self._account.fingerprint(seen)), received_at.timestamp(), seen.size)

    # ----------------------------------------------------------------------------------- verdicts

    def _judged(
        self,
        session: Session,
        candidates: Sequence[_Candidate],
        told: Mapping[str, Known],
        unjudged: Mapping[int, Sighting],
    ) -> list[Arrival]:
        ready = []
        for candidate in candidates:
            known = told.get(candidate.key)
            what = treatment(Kind.MAIL, known)
            if what is Treatment.SKIP:
                self._skip(candidate, known)
            elif _is_decided(what, known) or self._is_wanted(candidate, unjudged.get(candidate.uid)):
                self._candidates[candidate.uid] = candidate
                ready.append((candidate, known))
        still_there = self._still_there(session, [one.uid for one, known in ready if known is not None])
        uidvalidity = session.uidvalidity
        return [
            self._arrival(uidvalidity, candidate, known)
            for candidate, known in ready
            if known is None or candidate.uid in still_there
        ]

    def _skip(self, candidate: _Candidate, known: Known | None) -> None:
        self._candidates[candidate.uid] = candidate
        if known is not None and known.stays:
            del self._candidates[candidate.uid]
            self._settled.add(candidate.uid)

    def _is_wanted(self, candidate: _Candidate, seen: Sighting | None) -> bool:
        """Judged once, when it is first seen; a candidate from before has passed."""
        reason = self._wanted.left_alone(seen.fields) if seen is not None else None
        if reason is None:
            return True
        log.debug("A mail is left alone.", extra={"uid": candidate.uid, "reason": reason})
        self._left_alone.add(candidate.uid)
        return False

    def _still_there(self, session: Session, uids: Sequence[int]) -> Collection[int]:
        """Answered mails that lie there now: a moment ago they may not have been moved yet."""
        if not uids:
            return ()
        session.noop()
        return set(session.search("UNDELETED"))

    def _arrival(self, uidvalidity: str, candidate: _Candidate, known: Known | None) -> Arrival:
        return Arrival(
            key=candidate.key,
            place=place(uidvalidity, candidate.uid),
            fingerprint=candidate.fingerprint,
            received_at=datetime.fromtimestamp(candidate.received_at, UTC),
            known=known,
            size=candidate.size,
        )


def _is_decided(what: Treatment, known: Known | None) -> bool:
    """Whether a person has said that it is to be looked at, whatever it seems to be."""
    return what is Treatment.RETRY or (known is not None and known.released_for is not None)


def present_uids(session: Session, *, done_too: bool) -> list[int]:
    """All mails that nobody has marked as deleted.

    Two simple searches and not one: QQ answers what it does not understand with nothing at all, and
    nothing must then mean that nothing is done yet.
    """
    present = session.search("UNDELETED")
    if done_too:
        return present
    try:
        done = set(session.search("KEYWORD", DONE_KEYWORD))
    except CommandRefused:
        done = set()
    return [uid for uid in present if uid not in done]
