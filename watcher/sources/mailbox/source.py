"""A mailbox as a source."""

from __future__ import annotations

import contextlib
import logging
import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence

from watcher.config.sections import Mailbox
from watcher.errors import LoginRefused, SourceUnavailable, Vanished
from watcher.model import Finding, Kind, Known, Submission
from watcher.ports import Arrival, Move, Parcel, PlannedMoves
from watcher.secrecy import KnownSecrets
from watcher.sources.mailbox.ahead import ReadAhead
from watcher.sources.mailbox.carrying import Carrier
from watcher.sources.mailbox.connection import CommandRefused
from watcher.sources.mailbox.entrance import Entrance
from watcher.sources.mailbox.finding import Finder
from watcher.sources.mailbox.identity import Account, uid_at
from watcher.sources.mailbox.line import Line
from watcher.sources.mailbox.look import Look
from watcher.sources.mailbox.moving import Mover
from watcher.sources.mailbox.parcel import MailParcel, Spot
from watcher.sources.mailbox.probe import probe
from watcher.sources.mailbox.rests import Rests
from watcher.sources.mailbox.session import Session
from watcher.sources.mailbox.wakeup import Wakeup
from watcher.sources.mailbox.wanted import wanted_by
from watcher.sources.mailbox.way import Way
from watcher.spool import Spooled

log = logging.getLogger(__name__)

_TIMEOUT_SECONDS = 60.0
_CHECK_SECONDS = 10.0  # less than a whole check may take, so that it can say what did not answer
_LEAST_DISTANCE_SECONDS = 1.0  # between looks, after one that found nothing: some servers have always something to tell
_LONGEST_IDLE_SECONDS = 28 * 60.0  # servers log out who idles for 30 minutes


class MailboxSource:
    """Implements `watcher.ports.Source` and `watcher.ports.Carrier` for one IMAP folder.

    Two connections: one watches and reads, one moves; each is opened when it is first needed, and kept.
    `own_addresses` are those that this program sends from. `timeout_seconds` bounds each wait for the server.
    """

    kind = Kind.MAIL
    unfinished = 0
    is_near = True  # all moves go over one connection, and would only take turns there

    def __init__(
        self,
        mailbox: Mailbox,
        *,
        own_addresses: Collection[str],
        timeout_seconds: float = _TIMEOUT_SECONDS,
        known: KnownSecrets | None = None,
        beat: Callable[[], None] = lambda: None,
    ) -> None:
        """`known` is kept out of what the server says; `beat` hears again and again that a look goes on."""
        self.name = mailbox.name
        self._settings = mailbox
        self._account = Account(mailbox.host, mailbox.username)
        self._entrance = Entrance(mailbox, timeout_seconds, known or KnownSecrets())
        self._wanted = wanted_by(mailbox, own_addresses)
        self._finder = Finder(
            account=self._account,
            wanted=self._wanted,
            search_keyword=mailbox.done is None or mailbox.error is None,
        )
        self._watching = Line(self._entrance.session, beat)
        self._moving = Line(self._entrance.session)
        self._mover = Mover(
            account=self._account,
            line=self._moving,
            folder=mailbox.folder,
            targets=(mailbox.error, mailbox.done),
        )
        self._carrier = Carrier(account=self._account, line=self._moving, folder=mailbox.folder)
        self._wakeup = Wakeup()
        self._looked_in_vain_at = float("-inf")  # by the monotonic clock: when the last look began, if it found nothing
        self._barred: dict[str, set[Way]] = {}  # by fingerprint
        self._rests: Rests[str] = Rests()  # by fingerprint
        self._ahead = ReadAhead(account=self._account, reach=self._selected, barred=self._barred)

    @property
    def left_alone(self) -> int:
        """Mails that are not taken in: auto-replies, reports, old ones, and those of other senders."""
        return self._finder.left_alone

    # --------------------------------------------------------------------------------------- taking in

    def arrivals(self, known: Callable[[Sequence[str]], Mapping[str, Known]]) -> Iterator[Arrival]:
        self._select(self._watching.session())
        self._ahead.begin()
        self._looked_in_vain_at = time.monotonic()
        hopeless: list[Arrival] = []
        for bulk, seen in self._finder.bulks(self._selected, known):
            if bulk:
                self._looked_in_vain_at = float("-inf")
            hopeless += filter(self._is_hopeless, bulk)
            yield from self._ahead.through([each for each in bulk if not self._is_hopeless(each)], seen)
        # What the server itself cannot read comes last, and seldom, so that it holds up no other.
        yield from filter(self._may_be_tried, hopeless)

    def _is_hopeless(self, arrival: Arrival) -> bool:
        return Way.WHOLE in self._barred.get(arrival.fingerprint, ())

    def _may_be_tried(self, arrival: Arrival) -> bool:
        if self._rests.is_resting(arrival.fingerprint):
            return False
        log.warning("The server could not read a mail; it is tried again now and then.", extra={"place": arrival.place})
        self._rests.begin(arrival.fingerprint)
        self._barred.pop(arrival.fingerprint, None)
        return True

    @contextlib.contextmanager
    def open(self, arrival: Arrival) -> Iterator[Parcel]:
        parcel = self._opened(arrival)
        try:
            yield parcel
        finally:
            parcel.close()
            self._ahead.heed(wanted=parcel.wanted)
            if not self._barred.get(arrival.fingerprint):
                self._barred.pop(arrival.fingerprint, None)
                self._rests.end(arrival.fingerprint)

    def _opened(self, arrival: Arrival) -> MailParcel:
        uidvalidity = self._selected().uidvalidity
        uid = uid_at(arrival.place, uidvalidity)
        if uid is None:
            raise Vanished("the folder was numbered anew")
        barred = self._barred.setdefault(arrival.fingerprint, set())
        spot = Spot(self._watching, self._settings.folder, uidvalidity, uid, barred)
        ahead = self._ahead.take(arrival)
        if ahead is not None:  # compared when it was read
            return self._parcel(spot, ahead.look, ahead.in_hand)
        first_look = spot.first_look()
        if first_look is None or self._account.fingerprint(first_look.seen) != arrival.fingerprint:
            self._finder.look_again(uid)
            raise Vanished("another mail lies there now")
        return self._parcel(spot, first_look, {})

    def _parcel(self, spot: Spot, first_look: Look, in_hand: dict[str, Spooled]) -> MailParcel:
        return MailParcel(spot=spot, first_look=first_look, in_hand=in_hand, user_code=self._settings.user_code)

    # ------------------------------------------------------------------------------------- answering

    def plan(self, submission: Submission, *, booked: bool) -> str | None:  # noqa: ARG002 - one folder for all
        return self._settings.done if booked else self._settings.error

    def move(
        self,
        submission: Submission,
        target: str | None,
        note: str | None,  # noqa: ARG002 - a reply says it
        *,
        first: bool = False,  # noqa: ARG002 - a mail is found by what it is, and not by its name
    ) -> None:
        try:
            self._mover.move(submission, target)
        except Vanished:
            self._carrier.ended(submission)
            raise
        except CommandRefused:
            raise
        except SourceUnavailable as error:
            error.broke = True
            raise
        self._carrier.ended(submission)

    @contextlib.contextmanager
    def together(self, planned: PlannedMoves = ()) -> Iterator[Move]:
        """As Carrier has it: what can be moved at once is moved when it begins."""
        carried: frozenset[str] = frozenset()
        failure: SourceUnavailable | None = None
        try:
            carried = self._carrier.carry(planned)
        except SourceUnavailable as error:  # it is the first move's, as if that had met it
            failure = error

        def move(submission: Submission, target: str | None, note: str | None, *, first: bool = False) -> None:
            nonlocal failure
            if failure is not None:
                error, failure = failure, None
                raise error
            if submission.id not in carried:
                self.move(submission, target, note, first=first)

        yield move

    # --------------------------------------------------------------------------------------- waiting

    def wait(self, seconds: float) -> None:
        """At most for `poll`, IDLE or not: some servers promise to tell and never do."""
        until = time.monotonic() + min(seconds, self._settings.poll.total_seconds(), _LONGEST_IDLE_SECONDS)
        session = self._watching.open_session()
        if self._settings.idle and session is not None and session.has("IDLE") and session.selected is not None:
            try:
                session.idle(until - time.monotonic(), self._wakeup.fileno())
                least = self._looked_in_vain_at + _LEAST_DISTANCE_SECONDS
                self._wakeup.wait(min(least, until) - time.monotonic())
                return
            except SourceUnavailable as error:
                # The rest of the time is waited for all the same, lest a server be stormed that hangs up each time.
                log.info("Waiting for mail was cut off.", extra={"source": self.name, "detail": str(error)})
        self._wakeup.wait(until - time.monotonic())

    def wake(self) -> None:
        self._wakeup.give()

    # ----------------------------------------------------------------------------------------- others

    def check(self) -> list[Finding]:
        return probe(self._settings, lambda: self._entrance.new_session(_CHECK_SECONDS), self._wanted)

    def close(self) -> None:
        self._wakeup.give()
        self._watching.close()
        self._moving.close()
        self._wakeup.close()

    def _selected(self) -> Session:
        """The session that watches, with the folder selected."""
        session = self._watching.session()
        if session.selected is None:
            self._select(session)
        return session

    def _select(self, session: Session) -> None:
        name = self._watching.folders.name(self._settings.folder)
        try:
            session.select(name, readonly=True)
        except CommandRefused as error:
            session.logout()  # what was refused once is refused to this connection for ever
            if "unsafe login" in str(error).lower():
                raise LoginRefused(f"{error}; see the mailbox's security settings: is IMAP switched on?") from error
            raise SourceUnavailable(f"the folder {self._settings.folder} cannot be opened: {error}") from error
