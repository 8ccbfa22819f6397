"""A mail that has been opened: its parts are fetched when, and only if, somebody wants them."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from itertools import islice

from watcher.errors import SourceUnavailable, Vanished
from watcher.headers import read_header
from watcher.ports import Leaf, MailText
from watcher.sources.mailbox.grammar import Malformed, Value
from watcher.sources.mailbox.identity import HEADER_ITEMS, Sighting
from watcher.sources.mailbox.line import Line
from watcher.sources.mailbox.reading import one, section
from watcher.sources.mailbox.session import CommandRefused, Session
from watcher.sources.mailbox.structure import Part, contradiction, files, read_structure, texts
from watcher.sources.mailbox.texts import LARGEST_MESSAGE_BYTES, MOST_TEXTS, is_message, mail_text
from watcher.sources.mailbox.transfer import decoded
from watcher.sources.mailbox.whole import whole_leaves, whole_texts
from watcher.spool import Spooled

log = logging.getLogger(__name__)

_ENCODED = ("base64", "quoted-printable")
# Of what a part takes on the way: three quarters less the line ends, and a third where every byte is written as =XX.
_LEAST_SHARE = {"base64": 0.7, "quoted-printable": 0.3}


class Way(StrEnum):
    """A way to read a mail, the cheapest first."""

    BINARY = "decoded by the server"
    STRUCTURE = "part by part"
    WHOLE = "whole"


@dataclass(frozen=True, slots=True)
class Spot:
    """Where a mail lies: whatever happens to the connection, another mail is never read in its stead.

    `barred` are the ways that the server refused at this very mail, or hung up at (Dovecot does so at base64
    that it cannot decode): they are not tried again, lest one mail hold up all others for ever.
    """

    line: Line
    folder: str  # as it is configured
    uidvalidity: str
    uid: int
    barred: set[Way]

    def session(self) -> Session:
        """With the folder selected. Raises SourceUnavailable, or Vanished where it was numbered anew."""
        session = self.line.session()
        folder = self.line.folders.name(self.folder)
        if session.selected is None or session.selected[0] != folder:
            session.select(folder, readonly=True)
        if session.uidvalidity != self.uidvalidity:
            raise Vanished("the folder was numbered anew")
        return session

    def attributes(self, items: str) -> dict[str, Value]:
        found = one(self.session(), self.uid, items)
        if found is None:
            raise Vanished("the mail is gone")
        return found

    def first_look(self) -> dict[str, Value]:
        """Header, size, date and, where it can be had, the structure."""
        if Way.STRUCTURE not in self.barred:
            with contextlib.suppress(CommandRefused), self._barring(Way.STRUCTURE):
                return self.attributes(f"{HEADER_ITEMS} BODYSTRUCTURE")
        return self.attributes(HEADER_ITEMS)

    def section(self, name: str, way: Way, *, octets: int | None = None, exact: bool = False) -> Iterator[bytes]:
        session = self.session()
        with self._barring(way):
            try:
                yield from section(session, self.uid, name, octets=octets, exact=exact)
            except CommandRefused:
                self._raise_if_gone(session)
                raise

    @contextlib.contextmanager
    def _barring(self, way: Way) -> Iterator[None]:
        try:
            yield
        except SourceUnavailable:
            self.barred.add(way)
            raise

    def _raise_if_gone(self, session: Session) -> None:
        """Servers refuse to read what another connection has expunged meanwhile."""
        session.noop()
        if self.uid not in session.search("UID", str(self.uid)):
            raise Vanished("the mail is gone")


class MailParcel:
    """One mail."""

    owner = None

    def __init__(self, *, spot: Spot, seen: Sighting, structure: Value, user_code: str | None) -> None:
        self._spot = spot
        self._seen = seen
        self._structure = structure
        self._user_code = user_code
        self._spool: Spooled | None = None

    @property
    def header(self) -> bytes | None:
        return self._seen.header

    @property
    def user_code(self) -> str | None:
        return self._user_code

    def leaves(self) -> Iterable[Leaf]:
        root = self._trusted_structure()
        if root is None:
            return whole_leaves(self.whole())
        return [PartLeaf(self._spot, part) for part in files(root)]

    def texts(self) -> Iterable[MailText]:
        """Those of mails that were forwarded as files come last."""
        root = self._trusted_structure()
        if root is None:
            return whole_texts(self.whole())
        return islice(self._texts(root), MOST_TEXTS)

    def _texts(self, root: Part) -> Iterator[MailText]:
        for part in texts(root):
            raw = self._spot.section(f"BODY.PEEK[{part.section}]", Way.STRUCTURE, octets=part.octets, exact=True)
            yield mail_text(part.media_type, part.charset, decoded(part.encoding, raw))
        for part in files(root):
            if is_message(part.media_type, part.name) and part.octets <= LARGEST_MESSAGE_BYTES:
                yield from _texts_of(PartLeaf(self._spot, part))

    def whole(self) -> bytes:
        return self._in_hand().read()

    def close(self) -> None:
        if self._spool is not None:
            self._spool.close()

    def _in_hand(self) -> Spooled:
        if self._spool is None:
            self._spool = Spooled(self._spot.section("BODY.PEEK[]", Way.WHOLE, octets=self._seen.size))
        return self._spool

    def _trusted_structure(self) -> Part | None:
        """None: the mail has to be read whole."""
        if Way.STRUCTURE in self._spot.barred:
            return None
        try:
            root = read_structure(self._structure)
        except Malformed as error:
            doubt: str | None = str(error)
        else:
            header = read_header(self._seen.header)
            doubt = contradiction(root, header, len(self._seen.header), self._seen.size)
        if doubt is None:
            return root
        log.info("A mail is read whole.", extra={"uid": self._spot.uid, "reason": doubt})
        return None


def _texts_of(leaf: Leaf) -> list[MailText]:
    content = leaf.fetch()
    try:
        return whole_texts(content.read())
    finally:
        content.close()


class PartLeaf:
    """A file in a mail that lies on the server."""

    path = None

    def __init__(self, spot: Spot, part: Part) -> None:
        self.name = part.name
        self.declared_type = part.media_type
        self.least_bytes = int(part.octets * _LEAST_SHARE.get(part.encoding, 1))
        self._spot = spot
        self._part = part

    def fetch(self) -> Spooled:
        """Decoded by the server where it can, which costs neither memory nor time here."""
        # An encoded message is no such thing to the standard, and Dovecot leaves it encoded.
        is_message = self._part.media_type.startswith("message/")
        if self._part.encoding in _ENCODED and not is_message and self._spot.session().has("BINARY"):
            content = self._decoded_there()
            if content is not None:
                return content
        return self._decoded_here()

    def _decoded_there(self) -> Spooled | None:
        if Way.BINARY in self._spot.barred:
            return None
        try:
            content = Spooled(self._spot.section(f"BINARY.PEEK[{self._part.section}]", Way.BINARY))
        except SourceUnavailable:
            # It does not understand what the mailer made: UNKNOWN-CTE, or it hangs up. Were it the network,
            # the other way would tell.
            return None
        if content.size == 0 and self._part.octets:
            content.close()
            return None
        return content

    def _decoded_here(self) -> Spooled:
        name, octets = f"BODY.PEEK[{self._part.section}]", self._part.octets
        raw = self._spot.section(name, Way.STRUCTURE, octets=octets, exact=True)
        return Spooled(decoded(self._part.encoding, raw))
