"""A mail that has been opened: its parts are fetched when, and only if, somebody wants them."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice

from msgspec import Struct

from watcher.errors import SourceUnavailable, Vanished
from watcher.headers import MailHeader
from watcher.mime.transfer import decoded
from watcher.ports import Leaf, MailText
from watcher.sources.mailbox.connection import CommandRefused
from watcher.sources.mailbox.grammar import Value
from watcher.sources.mailbox.identity import HEADER_ITEMS
from watcher.sources.mailbox.line import Line
from watcher.sources.mailbox.look import LOOK_ITEMS, Look, look
from watcher.sources.mailbox.naming import doubtful, named, named_by, naming_items
from watcher.sources.mailbox.reading import one, section
from watcher.sources.mailbox.session import Session
from watcher.sources.mailbox.structure import Part, files, pages, texts
from watcher.sources.mailbox.texts import LARGEST_MESSAGE_BYTES, MOST_TEXTS, is_message, mail_text
from watcher.sources.mailbox.way import Way, way_to
from watcher.sources.mailbox.whole import whole_leaves, whole_texts
from watcher.spool import Spooled

log = logging.getLogger(__name__)

# Of what a part takes on the way: three quarters less the line ends, and a third where every byte is written as =XX.
_LEAST_SHARE = {"base64": 0.7, "quoted-printable": 0.3}


class Spot(Struct, frozen=True):
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

    def first_look(self) -> Look | None:
        """With the structure where that can be had; None: the answer does not even tell which mail it is."""
        if Way.STRUCTURE not in self.barred:
            with contextlib.suppress(CommandRefused), self._barring(Way.STRUCTURE):
                return look(self.attributes(LOOK_ITEMS))
        return look(self.attributes(HEADER_ITEMS))

    def names(self, parts: Sequence[Part]) -> Mapping[str, Value]:
        """What the headers of these parts are; nothing where the server will not say."""
        with contextlib.suppress(CommandRefused), self._barring(Way.STRUCTURE, but=CommandRefused):
            return self.attributes(naming_items(parts))
        return {}

    def section(self, name: str, way: Way, *, octets: int | None = None, exact: bool = False) -> Iterator[bytes]:
        session = self.session()
        with self._barring(way):
            try:
                yield from section(session, self.uid, name, octets=octets, exact=exact)
            except CommandRefused:
                self._raise_if_gone(session)
                raise

    @contextlib.contextmanager
    def _barring(self, way: Way, *, but: type[SourceUnavailable] | tuple[()] = ()) -> Iterator[None]:
        try:
            yield
        except but:
            raise
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

    def __init__(self, *, spot: Spot, first_look: Look, in_hand: dict[str, Spooled], user_code: str | None) -> None:
        """`in_hand` has the files that were fetched already, by section."""
        self.wanted = False  # somebody has asked for its files
        self._spot = spot
        self._look = first_look
        self._in_hand = in_hand
        self._user_code = user_code
        self._spool: Spooled | None = None

    @property
    def header(self) -> MailHeader | None:
        return self._look.seen.fields

    @property
    def user_code(self) -> str | None:
        return self._user_code

    @property
    def size(self) -> int:
        return self._look.seen.size

    def leaves(self) -> Iterable[Leaf]:
        self.wanted = True
        root = self._trusted_structure()
        if root is None:
            return whole_leaves(self._whole())
        return [PartLeaf(self._spot, part, self._in_hand) for part in self._named(root)]

    def texts(self) -> Iterable[MailText]:
        """Those of mails that were forwarded as files come last."""
        root = self._trusted_structure()
        if root is None:
            return whole_texts(self._whole())
        return islice(self._texts(root), MOST_TEXTS)

    def pages(self) -> Iterable[MailText]:
        root = self._trusted_structure()
        if root is None:
            return [each for each in whole_texts(self._whole(), 0) if each.html]
        return (self._said(mail, part, exact=False) for mail, part in islice(pages(root), MOST_TEXTS))

    def _said(self, mail: str, part: Part, *, exact: bool = True) -> MailText:
        """Nobody's invoice hangs on a page, of which some servers tell a wrong size: `exact` False takes what comes."""
        content = self._in_hand.pop(part.section, None)
        if content is not None:
            with contextlib.closing(content):
                return mail_text(part.media_type, part.charset, [content.read()], mail)
        raw = self._spot.section(f"BODY.PEEK[{part.section}]", Way.STRUCTURE, octets=part.octets, exact=exact)
        return mail_text(part.media_type, part.charset, decoded(part.encoding, raw), mail)

    def _texts(self, root: Part) -> Iterator[MailText]:
        for mail, part in texts(root):
            yield self._said(mail, part)
        for part in files(root):
            if not part.children and is_message(part.media_type, part.name) and part.octets <= LARGEST_MESSAGE_BYTES:
                yield from _texts_of(PartLeaf(self._spot, part, {}))

    def whole(self) -> bytes:
        return self._whole().read()

    def _whole(self) -> Spooled:
        if self._spool is None:
            self._spool = Spooled(self._spot.section("BODY.PEEK[]", Way.WHOLE, octets=self._look.seen.size))
        return self._spool

    def close(self) -> None:
        if self._spool is not None:
            self._spool.close()
        while self._in_hand:
            self._in_hand.popitem()[1].close()

    def _named(self, root: Part) -> list[Part]:
        parts = [*self._look.files]
        if not (asked := doubtful(parts)):
            return parts
        if parts == [root]:
            return [named_by(root, self._look.seen.fields)]
        told = self._spot.names(asked)
        return [named(part, told) for part in parts]

    def _trusted_structure(self) -> Part | None:
        """None: the mail has to be read whole."""
        if Way.STRUCTURE in self._spot.barred:
            return None
        if self._look.doubt is not None:
            log.info("A mail is read whole.", extra={"uid": self._spot.uid, "reason": self._look.doubt})
        return self._look.root


def _texts_of(leaf: Leaf) -> list[MailText]:
    content = leaf.fetch()
    try:
        return whole_texts(content, mail=leaf.trail)
    finally:
        content.close()


class PartLeaf:
    """A file in a mail that lies on the server."""

    path = None

    def __init__(self, spot: Spot, part: Part, in_hand: dict[str, Spooled]) -> None:
        self.name = part.name
        self.declared_type = part.media_type
        self.trail = part.trail
        self.least_bytes = int(part.octets * _LEAST_SHARE.get(part.encoding, 1))
        self._spot = spot
        self._part = part
        self._in_hand = in_hand

    def fetch(self) -> Spooled:
        """Decoded by the server where it can, which costs neither memory nor time here."""
        content = self._in_hand.pop(self._part.section, None)
        if content is not None:
            return content
        way, item = way_to(self._part, binary=self._spot.session().has("BINARY"))
        if way is Way.BINARY and Way.BINARY not in self._spot.barred:
            content = self._decoded_there(item)
        return content or self._decoded_here()

    def _decoded_there(self, item: str) -> Spooled | None:
        try:
            content = Spooled(self._spot.section(item, Way.BINARY))
        except SourceUnavailable:
            # It does not understand what the mailer made: UNKNOWN-CTE, or it hangs up. Were it the network,
            # the other way would tell.
            return None
        if content.size == 0 and self._part.octets:
            content.close()
            return None
        return content

    def _decoded_here(self) -> Spooled:
        name, octets = way_to(self._part, binary=False)[1], self._part.octets
        raw = self._spot.section(name, Way.STRUCTURE, octets=octets, exact=True)
        return Spooled(decoded(self._part.encoding, raw))
