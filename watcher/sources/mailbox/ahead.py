"""Reading a few mails together, because a command for each and one for each of its files cost more than the bytes.

Read ahead is what will be wanted next: only while what was read ahead before was wanted, only little at
a time, and never for long, so that a mail that is gone is missed as soon as it would be otherwise.
"""

from __future__ import annotations

import itertools
import logging
import time
from collections.abc import Callable, Iterator, Mapping, Sequence

from msgspec import Struct, field

from watcher.errors import SourceUnavailable
from watcher.mime.transfer import decoded_at_once
from watcher.ports import Arrival
from watcher.sources.mailbox.connection import CommandRefused
from watcher.sources.mailbox.grammar import Value, number
from watcher.sources.mailbox.identity import Account, Sighting, uid_at
from watcher.sources.mailbox.look import LOOK_ITEMS, SECOND_LOOK_ITEMS, Look, look, second_look
from watcher.sources.mailbox.reading import Seen, piece_of
from watcher.sources.mailbox.session import Session
from watcher.sources.mailbox.structure import Part
from watcher.sources.mailbox.way import Way, way_to
from watcher.spool import IN_MEMORY_BYTES, Spooled

log = logging.getLogger(__name__)

_MOST_MAILS = 20
_MOST_OCTETS = 3_000_000  # of the files of all of them, as they are transferred
_LARGEST_FILE = IN_MEMORY_BYTES  # as it is transferred; so much is not read ahead any more
_MOST_LOOKED_AT = 20_000_000  # octets of mails, because what is told of a mail's parts may be longer than the mail
_MOST_FILES = 10  # of one mail: servers limit the length of a command
_MOST_PAGES = 4
_FRESH_SECONDS = 5.0


class Ahead(Struct, frozen=True, kw_only=True):
    """A mail that was read ahead. Whoever takes it closes the files."""

    look: Look
    read_at: float  # on the monotonic clock
    in_hand: dict[str, Spooled] = field(default_factory=dict)  # by section; not all files need be there

    def close(self) -> None:
        for content in self.in_hand.values():
            content.close()
        self.in_hand.clear()


class ReadAhead:
    """Used by the one thread that goes through the arrivals and opens them.

    What fails here is left to the reading of the single mail, which knows what to make of it.
    """

    def __init__(
        self,
        *,
        account: Account,
        reach: Callable[[], Session],
        barred: Mapping[str, set[Way]],
    ) -> None:
        """`reach` gives the session with the folder selected; `barred` mails (by fingerprint) are left out."""
        self._account = account
        self._reach = reach
        self._barred = barred
        self._held: dict[str, Ahead] = {}  # by the arrival's place
        self._window = 1
        self._broke = False

    def begin(self) -> None:
        """A new look at the folder."""
        self._broke = False

    def through(self, arrivals: Sequence[Arrival], seen: Seen) -> Iterator[Arrival]:
        """The same arrivals. What was read ahead of one is there until the next one is asked for.

        `seen` has the headers from which they were found, of those that were read for it.
        """
        held = self._held = {}
        position = 0
        try:
            while position < len(arrivals):
                batch = _together(arrivals[position : position + self._window])
                position += len(batch)
                if len(batch) > 1 and not self._broke:
                    self._read(batch, seen, held)
                for arrival in batch:
                    yield arrival
                    _drop(held, arrival.place)
        finally:
            for where in [*held]:
                _drop(held, where)

    def take(self, arrival: Arrival) -> Ahead | None:
        """What was read ahead of it, if anything was, and lately."""
        found = self._held.pop(arrival.place, None)
        if found is None or time.monotonic() - found.read_at <= _FRESH_SECONDS:
            return found
        found.close()
        self._window = 1
        return None

    def heed(self, *, wanted: bool) -> None:
        """Whether the files of a mail were wanted: then those of the next ones probably are, too."""
        self._window = min(self._window * 2, _MOST_MAILS) if wanted else 1

    # ----------------------------------------------------------------------------------------- reading

    def _read(self, batch: Sequence[Arrival], seen: Seen, held: dict[str, Ahead]) -> None:
        try:
            session = self._reach()
            readable = [each for each in batch if not self._barred.get(each.fingerprint)]
            looked = self._look(session, readable, seen.by(session))
            held.update((arrival.place, ahead) for arrival, ahead in looked.values())
            self._fetch(session, {uid: ahead for uid, (_, ahead) in looked.items()})
        except CommandRefused as error:
            log.debug("Mails are not read ahead.", extra={"detail": str(error)})
        except SourceUnavailable as error:
            # It may have been one of these mails that the server hung up at: that one is found by reading singly.
            log.info("Reading ahead was cut off.", extra={"detail": str(error)})
            self._broke = True

    def _look(
        self, session: Session, arrivals: Sequence[Arrival], seen: Mapping[int, Sighting]
    ) -> dict[int, tuple[Arrival, Ahead]]:
        """By UID, those that are there and are what they were."""
        by_uid = {uid: each for each in arrivals if (uid := uid_at(each.place, session.uidvalidity)) is not None}
        again = _told(session, [uid for uid in by_uid if uid in seen], SECOND_LOOK_ITEMS)
        anew = _told(session, [uid for uid in by_uid if uid not in seen], LOOK_ITEMS)
        read_at, looked = time.monotonic(), {}
        for uid, arrival in by_uid.items():
            found = second_look(seen[uid], again.get(uid, {})) if uid in seen else look(anew.get(uid, {}))
            if found is not None and (uid in seen or self._account.fingerprint(found.seen) == arrival.fingerprint):
                looked[uid] = arrival, Ahead(look=found, read_at=read_at)
        return looked

    def _fetch(self, session: Session, looked: Mapping[int, Ahead]) -> None:
        """Their small files, those at the same sections together."""
        by_parts: dict[tuple[str, ...], list[int]] = {}
        chosen = _chosen(looked)
        for uid, parts in chosen.items():
            by_parts.setdefault(tuple(_item(session, part) for part in parts), []).append(uid)
        for items, uids in by_parts.items():
            wanted = " ".join(f"{item}<0.{_LARGEST_FILE}>" for item in items)
            for attributes in session.fetch(uids, wanted):
                whose = number(attributes.get("UID"))
                if whose in chosen:
                    _keep(attributes, chosen[whose], session, looked[whose].in_hand)


def _told(session: Session, uids: Sequence[int], items: str) -> dict[int | None, dict[str, Value]]:
    """By UID; a server may tell of one mail in several responses."""
    merged: dict[int | None, dict[str, Value]] = {}
    for each in session.fetch(uids, items) if uids else ():
        merged.setdefault(number(each.get("UID")), {}).update(each)
    return merged


def _together(arrivals: Sequence[Arrival]) -> Sequence[Arrival]:
    """The first, and those after it that may be looked at with it."""
    octets = itertools.accumulate(each.size or 0 for each in arrivals)
    return arrivals[: max(1, sum(told <= _MOST_LOOKED_AT for told in octets))]


def _chosen(looked: Mapping[int, Ahead]) -> dict[int, list[Part]]:
    """Small files, as many as fit, and what is said beside them in HTML, which is asked for by and by."""
    left = _MOST_OCTETS
    chosen = {}
    for uid, ahead in looked.items():
        small = [part for part in ahead.look.files if 0 < part.octets < _LARGEST_FILE]
        pages = [part for part in ahead.look.pages if 0 < part.octets < _LARGEST_FILE][:_MOST_PAGES]
        octets = sum(part.octets for part in (*small, *pages))
        if 0 < len(small) <= _MOST_FILES and octets <= left:
            chosen[uid] = [*small, *pages]
            left -= octets
    return chosen


def _item(session: Session, part: Part) -> str:
    return way_to(part, binary=session.has("BINARY"))[1]


def _keep(
    attributes: Mapping[str, Value], parts: Sequence[Part], session: Session, in_hand: dict[str, Spooled]
) -> None:
    """What has come whole without any doubt: less than was asked for, however much the server said that there is."""
    for part in parts:
        way, item = way_to(part, binary=session.has("BINARY"))
        piece = piece_of(attributes, item, 0)
        if piece is None or part.section in in_hand or len(piece[0]) >= _LARGEST_FILE:
            continue
        if way is Way.BINARY and piece[0]:
            in_hand[part.section] = Spooled([piece[0]])
        elif way is Way.STRUCTURE and len(piece[0]) >= part.octets:
            in_hand[part.section] = Spooled([decoded_at_once(part.encoding, piece[0])])


def _drop(held: dict[str, Ahead], where: str) -> None:
    ahead = held.pop(where, None)
    if ahead is not None:
        ahead.close()
