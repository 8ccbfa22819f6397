"""Reading mails of a selected folder: their identity in bulk, their sections piece by piece."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping, Sequence

from msgspec import Struct

from watcher.errors import SourceUnavailable, Vanished
from watcher.sources.mailbox.connection import CommandRefused
from watcher.sources.mailbox.grammar import Value
from watcher.sources.mailbox.identity import HEADER_ITEMS, Sighting, sighting
from watcher.sources.mailbox.session import Session

log = logging.getLogger(__name__)

BULK = 500  # mails per command: servers refuse longer ones
CHUNK_BYTES = 1024 * 1024
_ENOUGH = 0.8  # of what was told, because some servers only estimate sizes
_FEWER = 20  # a bulk that is refused is asked for in this many parts


class Seen(Struct, frozen=True):
    """Mails as a session has seen them since it opened the folder.

    To this session their UIDs are nobody else's (RFC 9051, 2.3.1.1), so that their headers need not be read again.
    """

    session: Session
    sightings: Mapping[int, Sighting]  # by UID

    def by(self, session: Session) -> Mapping[int, Sighting]:
        return self.sightings if session is self.session else {}


def chunks(uids: Sequence[int], size: int = BULK) -> Iterator[Sequence[int]]:
    for start in range(0, len(uids), size):
        yield uids[start : start + size]


def sightings(session: Session, uids: Sequence[int]) -> list[Sighting]:
    """Header, size and date of each of these (at most BULK) that can be had, by UID.

    One mail that the server cannot read does not hide the others.
    """
    found = [sighting(each) for each in _fetched(session, uids, HEADER_ITEMS)]
    return sorted((each for each in found if each is not None), key=lambda each: each.uid)


def _fetched(session: Session, uids: Sequence[int], items: str) -> list[dict[str, Value]]:
    try:
        return session.fetch(uids, items)
    except CommandRefused:
        if len(uids) == 1:
            log.warning("The server cannot read a mail; it is left.", extra={"uid": uids[0]})
            return []
    size = max(1, len(uids) // _FEWER)
    found = [each for part in chunks(uids, size) for each in _fetched(session, part, items)]
    if not found and len(uids) > 1:
        raise SourceUnavailable("the server gives no mail of those that it says are there")
    return found


def one(session: Session, uid: int, items: str) -> dict[str, Value] | None:
    """The attributes of one mail; None: it is not there."""
    merged: dict[str, Value] = {}
    for found in session.fetch([uid], items):
        merged |= found
    return merged or None


def section(
    session: Session, uid: int, name: str, *, octets: int | None = None, exact: bool = False
) -> Iterator[bytes]:
    """The bytes of a section (``BODY.PEEK[1.2]``, ``BINARY.PEEK[2]``), in pieces of at most 1 MiB.

    `octets` is how many there should be, where that is known: a server may give less than was asked for
    without being at the end; `exact` makes far fewer than that a refusal. Raises Vanished where the mail is
    gone, CommandRefused where the server will not.
    """
    offset = 0
    while True:
        piece, is_partial = _piece(session, uid, name, offset)
        if piece:
            yield piece
        offset += len(piece)
        if not is_partial or not piece or (len(piece) < CHUNK_BYTES and offset >= (octets or 0)):
            break
    if exact and offset < _ENOUGH * (octets or 0):
        raise CommandRefused("the server gives less than it says is there")


def _piece(session: Session, uid: int, name: str, offset: int) -> tuple[bytes, bool]:
    """And whether it is the part that was asked for, and not all of it."""
    found = one(session, uid, f"{name}<{offset}.{CHUNK_BYTES}>")
    if found is None:
        raise Vanished("the mail is gone")
    piece = piece_of(found, name, offset)
    if piece is None:
        raise CommandRefused("the server's answer lacks what was asked for")
    return piece[0], piece[1] and len(piece[0]) <= CHUNK_BYTES  # some give all of it, whatever was asked for


def piece_of(attributes: Mapping[str, Value], name: str, offset: int) -> tuple[bytes, bool] | None:
    """A section's bytes from an offset on, and whether they are said to be a part of it; None where they lack."""
    answered = name.replace(".PEEK", "").upper()
    for attribute, is_partial in ((f"{answered}<{offset}>", True), (answered, False)):
        if attribute in attributes and (is_partial or offset == 0):
            value = attributes[attribute]
            return value if isinstance(value, bytes) else b"", is_partial
    return None
