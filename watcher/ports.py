"""What the three steps need of the world, and what each promises.

Terms: a *source* is a mailbox or folder; an *arrival* is a mail or file in it that has to be looked
at; a *leaf* is a file in an arrival as it came; a *document* is what was found in the leaves and may
hold invoices; a *trail* is where something lies within an arrival: what it is in and itself, from the
outermost on, each after a slash by a name that it has there alone ("" is the arrival itself); a *store*
gives a document its attachment URL; the *journal* is the only state.

Every implementation, the fakes too, passes its port's suite in tests/contract.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from datetime import datetime, timedelta
from email.message import EmailMessage
from typing import Protocol

from msgspec import Struct

from watcher.headers import MailHeader
from watcher.model import (
    Acknowledgement,
    Activity,
    Alert,
    AnswerStep,
    Backlog,
    BookingKey,
    Claim,
    ClaimedAnswer,
    ClaimedBooking,
    ClaimedNotice,
    Counts,
    Exchange,
    Finding,
    Gate,
    GateChange,
    Kind,
    Known,
    LeftOut,
    Locator,
    News,
    NewSubmission,
    Notice,
    Outcome,
    Person,
    Reason,
    SettledTry,
    Signs,
    SourceHealth,
    Spent,
    Stage,
    Storage,
    Submission,
    SubmissionFilter,
    SubmissionPage,
    TryEnding,
    UnderWay,
    WorkLeft,
    Workload,
)
from watcher.seen import SeenInvoice
from watcher.spool import Spooled

# --------------------------------------------------------------------------------------- sources


class Arrival(Struct, frozen=True, kw_only=True):
    """A mail or file that intake has to look at.

    `key` is the same for the same mail (whatever its UID or folder) or the same state of a file, and
    for nothing else. `place` is where it lies (relative path, or ``uidvalidity:uid``), `fingerprint`
    what it is (compared again before it is moved).
    """

    key: str
    place: str
    fingerprint: str
    received_at: datetime
    path: str | None = None  # of a file: relative to the folder, with "/"
    known: Known | None = None  # what the journal knows of it: it was answered and has come back; None: never seen
    size: int | None = None  # of a mail, in octets, as the server tells


class Leaf(Protocol):
    """One file in an arrival, as it came."""

    @property
    def name(self) -> str | None:
        """Its name, decoded but not cleaned: never to be used as a path."""

    @property
    def declared_type(self) -> str | None:
        """The media type that somebody claims it has."""

    @property
    def path(self) -> str | None:
        """Where it lies in a folder, relative, when it has an address of its own."""

    @property
    def trail(self) -> str:
        """Its own: no other leaf of the arrival has it."""

    @property
    def least_bytes(self) -> int:
        """It has at least so many bytes, told before any is read: what is far too large is not fetched at all."""

    def fetch(self) -> Spooled:
        """Its bytes, decoded. Raises SourceUnavailable, or Vanished."""


class MailText(Struct, frozen=True, kw_only=True):
    """What a mail says, decoded: a text that was written, and no file."""

    text: str
    html: bool
    mail: str = ""  # the trail of the mail in the mail that says it


class Parcel(Protocol):
    """An arrival that has been opened."""

    @property
    def header(self) -> MailHeader | None:
        """Of a mail its header's fields, of a file None."""

    @property
    def user_code(self) -> str | None:
        """The employee number that the place or name of a file says, or the source's fixed one."""

    @property
    def owner(self) -> str | None:
        """The login name of a file's owner, where that decides."""

    def leaves(self) -> Iterable[Leaf]:
        """Every file in it: of a mail all leaves that are not its text, and of that what files may be written into.

        Raises SourceUnavailable, Vanished.
        """

    def texts(self) -> Iterable[MailText]:
        """What a mail and the mails forwarded in it say, in order; of a file nothing.

        At most about 1 MB of each, fetched when it is asked for. Raises SourceUnavailable, Vanished.
        """

    def pages(self) -> Iterable[MailText]:
        """Those of its texts that are HTML, but for what mails say that came as files."""

    @property
    def size(self) -> int | None:
        """A mail's bytes, as its source tells; of a file None."""

    def whole(self) -> bytes:
        """A mail's bytes, for the verification of signatures. Raises SourceUnavailable, Vanished."""


class Source(Protocol):
    """A mailbox or a folder.

    `arrivals`, `open` and `wait` are called by one thread, `plan` and `move` by one other; `wake` and
    `close` by any. Nothing there is marked, moved or deleted but by `move`.
    """

    @property
    def name(self) -> str: ...

    @property
    def kind(self) -> Kind: ...

    @property
    def left_alone(self) -> int:
        """How many mails or files that were seen are not for us (outside `accept`, say) and stay where they are."""

    @property
    def unfinished(self) -> int:
        """How many there are that somebody may still be writing, and that are not yielded yet."""

    def arrivals(self, known: Callable[[Sequence[str]], Mapping[str, Known]]) -> Iterator[Arrival]:
        """What is ready to be taken in, oldest first; found in place, so a second call finds it again.

        `known` is the journal's word on keys; what needs nothing (policy.arrival) is not yielded.
        Raises SourceUnavailable where the place cannot be seen: never an empty answer instead.
        """

    def open(self, arrival: Arrival) -> AbstractContextManager[Parcel]:
        """The arrival's contents. Raises SourceUnavailable, or Vanished where it is gone or has changed."""

    def plan(self, submission: Submission, *, booked: bool) -> str | None:
        """Where an answer would move it (`booked`: to done, else to error), free at this moment; None: it stays."""

    def move(self, submission: Submission, target: str | None, note: str | None, *, first: bool = False) -> None:
        """Bring it to the planned target (None: mark it where it is), with the note beside it.

        May be repeated after a crash: a source that is gone and a target that is there mean moved. `first`: this target
        was planned only now, so that no try can have been made before, and what is there is another.
        Raises TargetTaken (plan again), SourceUnavailable, or Vanished where it is gone or has changed
        (a changed one stays).
        """

    def wait(self, seconds: float) -> None:
        """Return when something may have arrived, when woken, or when the time is over."""

    def wake(self) -> None:
        """End a wait from another thread."""

    def check(self) -> list[Finding]:
        """Try everything that work will need, changing nothing that is seen."""

    def close(self) -> None:
        """Let go of connections and threads."""


class Returned(Struct, frozen=True, kw_only=True):
    """A file that was put back: its identity as `Arrival` has it, where it lies now."""

    key: str
    fingerprint: str


class Shelf(Protocol):
    """A source whose documents have their URL by where they lie: what failed has to be put back to be tried again."""

    def put_back(self, submission: Submission) -> Returned:
        """From `moved_to` to `place`; may be repeated after a crash.

        Raises TargetTaken where something else lies there now, Vanished where it is gone or has changed,
        SourceUnavailable.
        """


class Move(Protocol):
    """As `Source.move`."""

    def __call__(
        self, submission: Submission, target: str | None, note: str | None, *, first: bool = False
    ) -> None: ...


# Submissions that are about to be moved, with their targets; None: it stays where it is.
PlannedMoves = Sequence[tuple[Submission, str | None]]


class Carrier(Protocol):
    """A source that makes several moves together sooner than each by itself."""

    @property
    def is_near(self) -> bool:
        """Whether it is no use to make them side by side: they take less than handing them to threads, or turns."""

    def together(self, planned: PlannedMoves = ()) -> AbstractContextManager[Move]:
        """Moves as `Source.move` makes them, but that they are durable when it ends, and not before.

        `planned`: what will be asked of them; some of it may be done before it is asked for.
        """


# -------------------------------------------------------------------------------------- documents


class FoundDocument(Struct, frozen=True, kw_only=True):
    """A document found in the leaves.

    `reason` is set where it cannot be used (then there may be no bytes) or, with `skipped`, where it is not to be sent.
    """

    name: str  # cleaned for display
    media_type: str  # by what it is, not by what it was called
    extension: str  # ".pdf"; by what it is
    size: int
    content: Spooled | None
    path: str | None = None  # its own place in a folder; None for what came out of something else
    trail: str = ""
    in_mail: bool = False  # it came as a part of a mail itself, and not out of an archive or a folder
    reason: Reason | None = None
    message: str | None = None
    skipped: bool = False
    pages: tuple[int, int] | None = None  # of a part: its first and last page in the file `parent`
    parent: str | None = None  # of a part: the sha256 of the file as it came
    read: tuple[SeenInvoice, ...] = ()  # what was read in it, where somebody looked


class Reader(Protocol):
    """Finds the documents in leaves: sniffs, opens archives and nested messages."""

    def documents(
        self, leaves: Iterable[Leaf], *, leave_out: Callable[[LeftOut], None] | None = None
    ) -> list[FoundDocument]:
        """All accepted documents in their order, and what should have been one and cannot be used.

        Other things (text, pictures where none are accepted …) are told to `leave_out`. Raises only what
        `Leaf.fetch` raises, and SourceUnavailable where there is no room to unpack.
        """

    def linked_files(self, pages: Iterable[MailText]) -> list[LeftOut]:
        """What somebody has attached and a mail has as a link alone; the trail is the link, of what may be missed."""


class Chooser(Protocol):
    """Decides which of the documents of one submission are sent."""

    def choose(self, found: Sequence[FoundDocument]) -> list[FoundDocument]:
        """The same documents, some of them skipped or refused, and long ones cut into parts in their place.

        Takes over their contents: what is not in the answer any more is closed. Raises SourceUnavailable where
        there is no room to cut.
        """

    def choose_plainly(self, found: Sequence[FoundDocument]) -> list[FoundDocument] | None:
        """The same, where nothing has to be looked into, so that it takes no time; None, and nothing done, else."""

    def check(self) -> list[Finding]:
        """Whether this machine can open and look into all that comes."""

    def close(self) -> None: ...


class Linked(Struct, frozen=True, kw_only=True):
    """What a mail's links led to. `later` are the hosts that did not answer: what they have may be had another time.

    A link that led to no document is one without bytes, whose `reason` is a LINK_… (or TOO_LARGE, TOO_MANY) and
    whose `message` is the link: a credential, for the submitter alone. `mails` are the trails of the mails in the mail
    that have a link to one of the documents, `links` all that lead to one; `left_out` is what else came.
    """

    documents: list[FoundDocument]
    later: tuple[str, ...] = ()
    mails: frozenset[str] = frozenset()
    links: frozenset[str] = frozenset()
    left_out: tuple[LeftOut, ...] = ()


class LinkReader(Protocol):
    """Finds the documents behind the links of a mail. Called by many threads at once."""

    def linked(self, texts: Iterable[MailText]) -> Linked:
        """See `Linked`. Takes minutes at most, whatever the servers do.

        Raises what reading the texts raises, and SourceUnavailable where there is no room for a file.
        """


class Store(Protocol):
    """Gives documents their attachment URL. Called by many threads at once."""

    @property
    def name(self) -> str: ...

    @property
    def keeps(self) -> bool:
        """Whether an address leads to the same for ever, because nobody else writes there."""

    def prepare(self) -> None:
        """Load what the first `put` would have to wait for. Connects to nothing, and raises nothing: `put` does."""

    def put(self, document: FoundDocument) -> Locator:
        """Keep it, or find the URL it has; the same content twice is one key. Raises StoreUnavailable, StoreRefused.

        It is to be recorded only after `secure`, which is for many at once.
        """

    def secure(self) -> None:
        """What was put before this outlives a loss of power, once it returns. Raises StoreUnavailable."""

    def is_near(self, document: FoundDocument) -> bool:
        """Whether `put` takes less than handing it to a thread: no network is in it, or one that answers at once."""

    def attachment_url(self, locator: Locator, content: str | None = None) -> str:
        """What to post, valid for a try that begins now, for a document of this `content` (as of a BookingKey).

        Raises StoreUnavailable, also where it is known to lead to something else now.
        """

    def replaced_by(self, locator: Locator, content: str) -> str | None:
        """The sha256 of the other file to which the address leads by now; None: none is known.

        Whoever has fetched it since the address was told may have got that one.
        """

    def check(self) -> list[Finding]:
        """Write, read back and delete a probe, as far as the kind allows."""

    def close(self) -> None: ...


# ------------------------------------------------------------------------------------- recognition


class Token(Protocol):
    """The token that the endpoint and the platform's own store want, as a header. Called by many threads at once."""

    def header(self) -> Mapping[str, str]:
        """The header to send, fetched where none is valid. Raises TokenUnavailable, TokenRefused."""

    def refresh(self, old: Mapping[str, str]) -> Mapping[str, str]:
        """Another header than `old`, which was refused; fetched once for all who ask. Raises as `header`."""


class Recogniser(Protocol):
    """The recognition endpoint. Called by many threads at once."""

    @property
    def endpoint(self) -> str:
        """Its URL: what a gate belongs to."""

    def recognise(
        self, attachment_url: str, biz_id: str, user_code: str | None, *, begun_at: float | None = None
    ) -> Exchange:
        """Post once (once more only after a refused token). `user_code` None: no expense is wanted.

        Never raises for what the network or the endpoint does, and ends within `connect_timeout` + `timeout`
        of `begun_at` (in `clock.boot_seconds`; None: of now): nothing leaves later, or is delivered later.
        """

    def check(self) -> list[Finding]:
        """Whether the token and the endpoint can be reached, posting no document."""

    def close(self) -> None: ...


# ------------------------------------------------------------------------------------------ people


class Directory(Protocol):
    """Who may submit. Raises DirectoryUnavailable where it cannot be told now."""

    def by_address(self, address: str) -> Person | None:
        """Whose mail address it is, whatever its case; None: nobody's."""

    def by_code(self, user_code: str) -> Person | None:
        """Who has the employee number, in whatever case where that says who, and how it is written.

        None where names and languages of employees are not known.
        """

    def by_login(self, login: str) -> Person | None:
        """Who logs in under this name, of a file's owner."""

    def may_submit_for_others(self, address: str) -> bool:
        """Whether the address is one of `delegates`."""

    def check(self) -> list[Finding]: ...


class Proof(Struct, frozen=True, kw_only=True):
    """Whether a mail's From is proven, and by what or why not (one short line for `show`).

    `covers` has the header fields, in lower case, that are proven to be as the sender wrote them; None: all that
    stands there. Whoever sends a signed mail on may write others above it.
    """

    proven: bool
    how: str
    covers: frozenset[str] | None = None


class SenderVerification(Protocol):
    """Proves that a mail's From domain stands behind it, or where it was forwarded, the forwarder's."""

    def verify(self, header: MailHeader, whole: Callable[[], bytes], *, forwarder: str | None = None) -> Proof:
        """`forwarder` is the address that forwarded it automatically: its domain may stand for the mail, too.

        Raises DirectoryUnavailable where name servers cannot be asked now, and SourceUnavailable from `whole`.
        """


# ----------------------------------------------------------------------------------------- answers


class Writer(Protocol):
    """Puts an outcome into words for the submitter."""

    def prepare(self) -> None:
        """Load what the first text would have to wait for. Raises nothing: writing does."""

    def reply(self, submission: Submission, number: int) -> EmailMessage:
        """The reply mail; the same submission and number give the same Message-ID, always."""

    def note(self, submission: Submission) -> str:
        """What stands in NAME.txt beside a file."""

    def notice(self, notice: Notice | Acknowledgement, name: str) -> EmailMessage:
        """The mail that tells of it; the same name gives the same Message-ID, always."""


class Mailer(Protocol):
    """Hands mails to the SMTP server."""

    def send(self, message: EmailMessage) -> None:
        """To the one address in To, with an empty envelope sender, or our own where the server takes no other.

        Raises MailerUnavailable, MailRefused.
        """

    def check(self) -> list[Finding]: ...

    def close(self) -> None: ...


class AlertChannel(Protocol):
    """One way to those who look after this program: a chat robot, a mail address."""

    @property
    def name(self) -> str:
        """What the log calls it: where it stands in the configuration, and no secret."""

    def tell(self, subject: str, text: str, *, good: bool) -> None:
        """Hand over plain text; `good`: it says only that something is over. Called by one thread at a time.

        Ends within a minute, whatever the other side does. Raises Unavailable, or Refused.
        """

    def check(self) -> list[Finding]:
        """Whether it could tell, telling nothing."""


# ----------------------------------------------------------------------------------------- journal


class IntakeJournal(Protocol):
    """What step 1 needs."""

    def known(self, keys: Sequence[str]) -> Mapping[str, Known]:
        """Those of the keys that were taken in before."""

    def record(self, submission: NewSubmission) -> str:
        """Write it with its documents and their bookings in one transaction; its id.

        A key that is known with an unclosed submission, or one that stays, is not written again: the
        id it has is returned. A key whose submission is closed and moved becomes a new one, for a FILE
        always, for a MAIL where it had no documents; but only where that is the one which it `succeeds`:
        else another node has taken it in since this one looked.
        A document whose booking is pending waits for it; whose booking is booked is its duplicate;
        whose latest booking failed opens the next generation.
        """

    def record_all(self, submissions: Sequence[NewSubmission]) -> list[str]:
        """The same of several, in their order and in one transaction; their ids."""

    def retry(self, submission: str, *, new: bool = False, in_place: Collection[str] = (), decided: bool = True) -> int:
        """Make its documents that ended in error, or in doubt, pending again, and it open; how many are posted.

        With their old bizId where a try of theirs is in doubt (unless `new`), else as the next
        generation. A file that was moved is put back first where its store is one of `in_place`.
        Where none is to be repeated, a closed submission is settled again, to be moved again. What is
        held because it is in doubt is posted again: this is the decision that it waited for.
        Where it is not `decided`, nothing that is in doubt is posted: what has ended so stays as it is, and what waits
        for a person, by whichever submission, has this one wait with it, held.
        """

    def release(self, submission: str, *, in_place: Collection[str] = ()) -> int:
        """Post what was skipped in it after all, and answer it again; how many documents are pending for that.

        0 where nothing was, where what was has been booked meanwhile, or where it is held.
        """

    def let_in(self, submission: str, user_code: str | None) -> str:
        """Decide that what is held for its sender is taken in all the same; the employee number that it is for.

        Its source yields it again, with `Known.released_for`, and `record` then writes into this very submission.
        `user_code` None: for whom it was held. Raises UsageError where it is not held so, or nobody is known.
        """

    def refuse(self, submission: str) -> None:
        """Decide that what is held is not posted: it is answered. Raises UsageError where it is not held.

        So is what was released and has not been taken in yet.
        """

    def left_files(self, sources: Collection[str]) -> Mapping[tuple[str, str], str]:
        """By place and fingerprint, the files that are not closed of sources that `ReadingJournal.strays` has."""

    def take_over(self, found: Mapping[str, str], source: str, *, sources: Collection[str]) -> list[str]:
        """Let those of these submissions that are left of strays (as `ReadingJournal.strays`) be the source's; which.

        `found` has under what key each was found there: by that it is known from now on. What they wait for and what
        their senders are to be told goes with them. `sources` are all that the configuration has.
        """

    def spent(self, source: str, counts_as: str, within: timedelta) -> Spent:
        """What was taken in of this source, by the database's clock, that counts so."""

    def tell(self, notice: Notice, *, once_in: timedelta) -> bool:
        """Let it be sent, unless whom it concerns was told by this source within that time; whether it is."""


# Between the end of the longest possible request and the moment its claim may pass to another node.
# Long enough for the way to the database and back where a line is dead, and for a database's clock that is set right.
HOLD_MARGIN = timedelta(seconds=30)
LONGEST_RETRY_AFTER = timedelta(days=1)  # however much longer an endpoint asks to wait


class RecognitionJournal(Protocol):
    """What step 2 needs. `hold` is longer than the work can take, by HOLD_MARGIN."""

    def claim_bookings(
        self, *, sources: Sequence[str], endpoint: str, limit: int, hold: timedelta
    ) -> list[ClaimedBooking]:
        """Bookings that are due, sources in turn, fresh ones before retries; each with its next try recorded as begun.

        While the gate is closed: none, but one probe where one is due, of what has been due for longest.
        """

    def under_way(self, keys: Collection[str]) -> list[UnderWay]:
        """What anybody is posting now, or was when its process ended, from an address with one of these keys.

        Of two who have claimed before they ask, at least one sees the other.
        """

    def settle(self, tried: Sequence[SettledTry]) -> list[bool]:
        """Write the outcomes of several bookings in one transaction; of each whether it stands.

        It is written to the booking and every document that points to it (the first gets it, further ones become its
        duplicates where it is booked), and submissions are settled that have nothing pending. The gate that a probe
        opens is opened along with it. It does not stand where
        the claim is gone and another outcome is there; the ending is kept all the same. Raises JournalRefused where
        the database will never take one of them; none is written then.
        """

    def postpone(
        self,
        claimed: ClaimedBooking,
        *,
        due_in: timedelta,
        counted: bool,
        ending: TryEnding,
        gate: GateChange | None = None,
    ) -> None:
        """Let it be tried again; only a counted try adds to `attempts`. Raises ClaimLost.

        What its answer makes of the `gate` is written along with it: all of it is, or nothing. Where the claim is lost
        the gate is changed all the same, because that is of the endpoint.
        """

    def set_aside(self, claimed: ClaimedBooking, *, due_in: timedelta, ending: TryEnding) -> None:
        """Its request never left: as `postpone`, uncounted, and it is not claimed before it is due.

        A probe that it was says nothing of the endpoint: another one is due at once.
        """

    def hold(self, claimed: ClaimedBooking, ending: TryEnding | None) -> None:
        """It is in doubt, and waits for a person; so do the submissions that wait for it. Raises ClaimLost.

        Without an ending the claimed try was never sent, and is forgotten.
        """

    def hold_content(self, key: BookingKey, *, source: str, locator: Locator, why: str) -> bool:
        """Another booking may have booked this content: it is posted when a person says so, now or when it comes.

        One that has its outcome is left alone, but for one that failed. False: it is claimed, and nothing is written.
        """

    def give_back(self, claimed: ClaimedBooking) -> None:
        """Its request never left: due at once, the try forgotten. Lost claims are none of our business."""

    def gate(self, endpoint: str) -> Gate: ...

    def change_gate(self, change: GateChange) -> None:
        """By itself, whatever becomes of a booking."""

    def leave_other_gates(self, endpoint: str) -> None:
        """From now on this is the endpoint: the time in which the gates of others were closed counts no more.

        They are open then; a node that still posts to one closes it again.
        """

    def next_try_in(self, sources: Sequence[str], endpoint: str) -> float | None:
        """Seconds until a booking (or the probe of a closed gate) is due; None: nothing waits."""


class AnswerJournal(Protocol):
    """What step 3 needs."""

    def claim_answers(self, source: str, *, limit: int, hold: timedelta) -> list[ClaimedAnswer]:
        """Settled submissions of a source whose answer is due, oldest first."""

    def note_answers(self, steps: Sequence[tuple[ClaimedAnswer, AnswerStep]]) -> list[bool]:
        """Record the steps of several answers in one transaction; of each whether its claim held, else nothing of it.

        What is closed has one more as its `answer_number`.
        """

    def sent_to(self, recipient: str, within: timedelta) -> Spent:
        """The mails that the address was sent, from whatever source."""

    def claim_notices(
        self, source: str, *, limit: int, hold: timedelta, acknowledge_after: timedelta | None = None
    ) -> list[ClaimedNotice]:
        """Notices of a source that are to be sent.

        A mail that may be answered, was taken in so long ago and is not settled becomes an Acknowledgement, once.
        """

    def end_notice(self, claimed: ClaimedNotice, *, sent: bool) -> None:
        """It was handed over, or never will be. A lost claim is none of our business."""

    def postpone_notice(self, claimed: ClaimedNotice, due_in: timedelta) -> None: ...

    def postpone_answer(self, claimed: ClaimedAnswer, due_in: timedelta, remark: str) -> None: ...

    def hasten_answers(self, source: str) -> None:
        """Those of a source that were postponed are due now; those that somebody is giving are left alone."""

    def next_answer_in(self, source: str, *, acknowledge_after: timedelta | None = None) -> float | None:
        """Seconds until an answer, a notice or a return of this source is due; None: nothing waits."""

    def claim_returns(self, source: str, *, limit: int, hold: timedelta) -> list[ClaimedAnswer]:
        """Submissions whose file has to be put back to `place`, from `moved_to`, before it is posted again."""

    def note_return(self, claimed: ClaimedAnswer, key: str, fingerprint: str) -> None:
        """It lies at its place again, in this state: its documents are posted. Raises ClaimLost."""

    def give_up_return(self, claimed: ClaimedAnswer, remark: str) -> None:
        """It cannot be put back: its documents end in error for want of a URL. Raises ClaimLost."""


class TendingJournal(Protocol):
    """Who looks after which source, and how it fares."""

    def register_sources(self, sources: Mapping[str, Kind]) -> None:
        """Make the rows of these sources; those of other nodes are left alone."""

    def claim_source(self, name: str, hold: timedelta) -> Claim | None:
        """The right to look after a source until the hold is over; None: another node has it."""

    def release_source(self, claim: Claim) -> None: ...

    def report_source(
        self, name: str, *, up: bool, message: str | None = None, left_alone: int = 0, surplus: int = 0
    ) -> None: ...

    def take_over_bookings(self, sources: Collection[str]) -> int:
        """Let bookings that our documents wait for, and that went through strays, go through our sources; how many.

        A booking goes through the source that wanted it last, which may have been another one than ours. `sources` and
        strays are as `ReadingJournal.strays` has them.
        """

    def draw_near(self, longest: timedelta) -> int:
        """Let be due now what is due further ahead than `longest`, because the clock was set back; how many rows.

        Nothing is ever put off for longer, but for a gate's probe and what an endpoint asks for. What somebody may be
        at work on is another's after `longest`. Cheap where there is nothing.
        """

    def released(self) -> Mapping[str, str]:
        """The submissions that wait to be taken in after all, and their sources."""

    def forget(self, closed_for: timedelta) -> int:
        """Delete submissions that were closed longer ago (`retention`), some at a time; how many.

        Call it again until it is 0. Their bookings, tries, invoices and identities stay for ever.
        """


class AlertJournal(Protocol):
    """What tells the operators of what is wrong."""

    def signs(self, sources: Collection[str], *, long: timedelta, recent: timedelta) -> Signs:
        """What may be wrong with these sources, the gates, and bookings that ended BOOKED_TWICE within `recent`.

        Of other sources only what `ReadingJournal.strays` has.

        `long` is how long a booking must have been due, or failing, to count as overdue. Cheap, however much
        the journal holds.
        """

    def alerts(self) -> list[Alert]:
        """All that is remembered, by whatever node."""

    def remember(self, alerts: Iterable[Alert], *, forget: Collection[str] = ()) -> None:
        """Write these in place of what had their keys, and delete those of the keys of `forget`; all or nothing."""

    def claim_duty(self, name: str, hold: timedelta) -> Claim | None:
        """The right to do what one node does for all, until the hold is over; None: another node has it."""

    def release_duty(self, claim: Claim) -> None: ...


class ReadingJournal(Protocol):
    """What people ask for."""

    def submissions(self, wanted: SubmissionFilter) -> Iterator[Submission]:
        """Newest first, whole."""

    def page(self, wanted: SubmissionFilter, *, below: int | None = None) -> SubmissionPage:
        """The newest `wanted.limit`, or those below where another page ended.

        What is searched for words is searched some way down at a time: then a page may have less than its limit,
        or nothing, and go on all the same. Cheap, however much the journal holds.
        """

    def ledger(self, since: datetime | None = None) -> Iterator[Submission]:
        """All that were received since then, in the order of receipt, with their invoices and without their tries.

        However many they are, few are in memory at a time.
        """

    def submission(self, prefix: str) -> Submission:
        """The one whose id begins so. Raises UsageError where none or several do."""

    def holder(self, document: int) -> str | None:
        """The submission that has the document of this id; None: it has been deleted."""

    def counts(self) -> Counts: ...

    def workload(self, sources: Collection[str]) -> Workload:
        """How the work on these sources goes; what was settled and tried of late is that of all.

        Costs what is pending and what was done within a day, however much the journal holds.
        """

    def storage(self) -> Storage: ...

    def source_health(self) -> list[SourceHealth]: ...

    def gates(self) -> Mapping[str, Gate]: ...

    def work_left(self, sources: Sequence[str]) -> WorkLeft: ...

    def strays(self, sources: Collection[str]) -> Mapping[str, Backlog]:
        """The submissions that are not closed, of each source that is none of these and that no node looks after.

        It was renamed in the configuration, or taken out of it; or it is of another node, which does not run. Cheap,
        however much the journal holds.
        """

    def outcomes_since(self, since: datetime) -> Mapping[Outcome, int]:
        """How many documents were settled since then."""

    def pending(self) -> Backlog | None:
        """The documents that are to be recognised, since the oldest of them was recorded; None: there is none.

        What is held is not among them: it waits for a person.
        """

    def activity(self, since: datetime, *, step: timedelta, steps: int) -> Activity:
        """What came and went since then, but for what is held; one that is tried again was never settled.

        Costs as much as there are documents in that time.
        """

    def now(self) -> datetime:
        """The database's clock."""


class Journal(IntakeJournal, RecognitionJournal, AnswerJournal, TendingJournal, AlertJournal, ReadingJournal, Protocol):
    """The durable record, and the only state. Safe to call from many threads."""

    def subscribe(self, listener: Callable[[News], None]) -> None:
        """`listener` is called, from any thread, after a change (of any process) that may have made work due."""

    def close(self) -> None: ...


# ---------------------------------------------------------------------------------------- measuring


class Meter(Protocol):
    """Hears what happens, for whoever counts it. Called by many threads; it is quick, and raises nothing."""

    def took(self, stage: Stage, seconds: float) -> None: ...

    def taken_in(self, source: str) -> None:
        """A submission is in the journal."""

    def tried(self, kind: str, result: str) -> None:
        """A request has ended: `kind` is ``first``, ``again`` or ``probe``, `result` one of policy.outcome's words."""

    def settled(self, source: str, outcome: Outcome) -> None:
        """A booking has its outcome."""

    def answered(self, submission: Submission) -> None: ...

    def store_failed(self, store: str, *, refused: bool) -> None:
        """It could not take or sign a document now, or never will (`refused`)."""


class Unmeasured:
    """A Meter of which nobody asks anything."""

    def took(self, stage: Stage, seconds: float) -> None: ...

    def taken_in(self, source: str) -> None: ...

    def tried(self, kind: str, result: str) -> None: ...

    def settled(self, source: str, outcome: Outcome) -> None: ...

    def answered(self, submission: Submission) -> None: ...

    def store_failed(self, store: str, *, refused: bool) -> None: ...


UNMEASURED = Unmeasured()
