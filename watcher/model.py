"""The values that the whole program speaks of, in one file because it is the vocabulary.

Everything here is frozen and does no I/O. A change is a new value (`msgspec.structs.replace`).
Times are aware `datetime`s in UTC; amounts are the decimal text that the endpoint wrote; what is
not known is ``None``.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping
from datetime import date, datetime, timedelta
from typing import Literal

from msgspec import Struct, field

from watcher.seen import SeenInvoice
from watcher.states import REPLACED as REPLACED
from watcher.states import DocumentState as DocumentState
from watcher.states import Kind as Kind
from watcher.states import Outcome as Outcome
from watcher.states import Reason as Reason
from watcher.states import Stage as Stage
from watcher.states import SubmissionState as SubmissionState

Language = Literal["zh", "en"]

# The resCode of a success.
SUCCESS = "200000"

# The name space of every bizId. It must never change: another one would book everything again.
_BIZ_ID_NAMESPACE = uuid.UUID("5f0c7b62-6a0e-5d5e-9c39-0b0f5d0c8a11")


class Person(Struct, frozen=True, kw_only=True):
    """An employee as the directory knows them."""

    user_code: str
    name: str | None = None
    language: Language | None = None


class Invoice(Struct, frozen=True, kw_only=True):
    """One invoice that the endpoint found in a document, with the expense created for it."""

    number: str | None = None
    code: str | None = None
    type: str | None = None
    name: str | None = None
    amount: str | None = None
    tax_amount: str | None = None
    currency: str | None = None
    date: date | None = None
    seller_name: str | None = None
    seller_tax_code: str | None = None
    buyer_name: str | None = None
    buyer_tax_code: str | None = None
    verified: bool | None = None  # None: the endpoint gave no check_result
    expense_id: str | None = None
    expense_status: str | None = None
    message: str | None = None
    message_code: str | None = None


class Locator(Struct, frozen=True, kw_only=True):
    """Where a store keeps a document: enough to make its attachment URL again at each try.

    `url` is the address where it is fixed, or None where `key` has to be signed anew for each try
    (a presigned URL is a secret: people are shown the key).
    """

    store: str
    key: str
    url: str | None

    @property
    def shown(self) -> str:
        """What people may see of it."""
        return self.url if self.url is not None else self.key


class BookingKey(Struct, frozen=True, kw_only=True):
    """What makes two documents one booking.

    `content` is the sha256 of the file as it came, in hex; of a part of a split file the parent's,
    ``#`` and the pages (``…#1-3``).
    """

    content: str
    user_code: str
    create_expense: bool

    @staticmethod
    def of_part(parent: str, first: int, last: int) -> str:
        """The `content` of some pages of a file whose sha256 is `parent`, counted from 1."""
        return f"{parent}#{first}-{last}"

    @staticmethod
    def part_of(content: str) -> tuple[str, tuple[int, int] | None]:
        """What `of_part` put together: the file's sha256 and the pages, which are None for a whole file."""
        parent, mark, pages = content.partition("#")
        first, _, last = pages.partition("-")
        return parent, (int(first), int(last)) if mark else None

    @property
    def parent(self) -> str | None:
        """The sha256 of the file that this is a part of; None for a whole file."""
        parent, pages = self.part_of(self.content)
        return parent if pages is not None else None

    def biz_id(self, generation: int) -> str:
        """The idempotency key of one generation: 36 characters, the same for every try."""
        wanted = "expense" if self.create_expense else "recognition"
        return str(uuid.uuid5(_BIZ_ID_NAMESPACE, f"{self.content}\n{self.user_code}\n{wanted}\n{generation}"))


class NewDocument(Struct, frozen=True, kw_only=True):
    """A document as intake found it: `locator` is set where it can be posted, `outcome` where it will not be.

    Both are where it is skipped: it can be posted later, when a person says so.
    """

    name: str  # for display: cleaned, never a path
    media_type: str
    size: int  # bytes
    sha256: str  # hex, of this very file
    content: str  # see BookingKey.content
    locator: Locator | None = None
    outcome: Outcome | None = None  # settled at intake: skipped or error
    code: str | None = None
    message: str | None = None
    read: tuple[SeenInvoice, ...] = ()  # what was read in it before it was sent


class LeftOut(Struct, frozen=True, kw_only=True):
    """Something in a submission that is no document of it, and why, for whoever asks what became of it."""

    name: str  # cleaned
    why: str
    missed: bool = False  # it may be an invoice to whoever sent it, and the answer names it
    count: int = 1  # what it stands for: of very many only the first are kept by themselves
    is_mail: bool = False  # a mail in the mail without a document, by its subject
    is_link: bool = False  # a file that a mail has as a link alone
    trail: str = ""  # of such a mail, or the link, until it is known what came of what is in it (see `watcher.ports`)
    mail: str = ""  # the trail of the mail that has such a link, as long


class Thread(Struct, frozen=True, kw_only=True):
    """What a reply needs to know of the mail that it answers; all of it comes from outside."""

    message_id: str | None = None
    references: tuple[str, ...] = ()
    reply_to: str | None = None  # the one address that an answer may go to; None: never answered
    by_delegate: bool = False  # who is answered has submitted it for somebody else
    delegate_name: str | None = None  # theirs, where it is known


class NewSubmission(Struct, frozen=True, kw_only=True):
    """A submission as intake hands it to the journal."""

    key: str  # identity within all sources: the same mail or file state has the same key, always
    source: str
    kind: Kind
    place: str  # where the source finds it again: relative path, or uidvalidity:uid
    fingerprint: str  # what it was: the moving of an answer compares it first
    sender: str | None  # address, or login name of the file's owner
    subject: str | None
    path: str | None  # of a file: relative to the folder; of a mail None
    user_code: str | None
    person_name: str | None
    language: Language | None
    received_at: datetime
    state: SubmissionState  # OPEN (becomes SETTLED where nothing is pending) or HELD
    reason: str | None = None
    remark: str | None = None  # the reason in words, for whoever has to decide
    answer: bool = True  # whether the submitter is told at all
    thread: Thread | None = None
    create_expense: bool = True
    documents: tuple[NewDocument, ...] = ()
    left_out: tuple[LeftOut, ...] = ()
    succeeds: str | None = None  # the submission that had the key when the source was looked at; None: none had
    size: int | None = None  # of a mail, in bytes
    counts_as: str | None = None  # whose hourly allowance it is counted in; None: nobody's


class Try(Struct, frozen=True, kw_only=True):
    """One request that was, or was about to be, sent for a booking."""

    number: int
    biz_id: str
    started_at: datetime
    ended_at: datetime | None
    result: str | None  # one of policy.outcome's words; None: the program died during it
    in_doubt: bool
    code: str | None
    message: str | None


class Document(Struct, frozen=True, kw_only=True):
    """A document as the journal knows it, joined with its booking. JSON names are contract.md's."""

    id: int
    name: str
    booking: int | None
    media_type: str
    size: int
    sha256: str
    attachment_url: str | None  # as shown to people: the key where the URL is signed
    biz_id: str | None
    user_code: str | None
    state: DocumentState
    outcome: Outcome | None
    code: str | None
    message: str | None
    attempts: int
    due_at: datetime | None
    settled_at: datetime | None
    duplicate_of: int | None  # a document id
    invoices: tuple[Invoice, ...] = ()
    tries: tuple[Try, ...] = ()
    read: tuple[SeenInvoice, ...] = ()  # what was read in it before it was sent

    @property
    def not_returned(self) -> tuple[str, ...]:
        """Invoice numbers that were read in it before it was sent and are not in the endpoint's answer, which wins."""
        returned = {invoice.number for invoice in self.invoices}
        if self.outcome not in (Outcome.DONE, Outcome.ATTENTION) or not any(returned):
            return ()
        read = dict.fromkeys(each.number for each in self.read if each.number is not None)
        return tuple(number for number in read if number not in returned)

    @property
    def counted(self) -> tuple[bool, ...]:
        """Of each of its invoices, whether a sum has it: booked for this document, or recognised where nothing books.

        What was booked before (a duplicate's) or not at all is not, nor is an invoice again that has several expenses.
        """
        booked = any(invoice.expense_id for invoice in self.invoices)
        if self.outcome is not Outcome.DONE and not (self.outcome is Outcome.ATTENTION and booked):
            return (False,) * len(self.invoices)
        found, seen = [], set[tuple[str | None, ...]]()
        for invoice in self.invoices:
            facts = (invoice.code, invoice.number, invoice.amount)
            known = invoice.number is not None and facts in seen
            found.append(not known and (invoice.expense_id is not None or not booked))
            if found[-1]:
                seen.add(facts)
        return tuple(found)


class Submission(Struct, frozen=True, kw_only=True):
    """A submission whole, as the journal knows it."""

    id: str
    key: str
    source: str
    kind: Kind
    place: str
    fingerprint: str
    sender: str | None
    subject: str | None
    path: str | None
    user_code: str | None
    person_name: str | None
    language: Language | None
    received_at: datetime
    state: SubmissionState
    reason: str | None
    answer: bool
    thread: Thread | None
    answered_at: datetime | None
    answer_number: int  # of the last answer, or of one that was under way when it was to be tried again
    moved_to: str | None = None  # the target that the last answer moved it to; None: never moved
    remark: str | None = None  # what was said of the last answer, or of why it waits
    documents: tuple[Document, ...] = ()
    left_out: tuple[LeftOut, ...] = ()
    held_at: datetime | None = None  # since when it waits for a decision
    released: bool = False  # it was held, and waits to be taken in after all
    let_in_at: datetime | None = None  # when a person has released it
    let_in_despite: str | None = None  # why it was held then

    @property
    def reply_to(self) -> str | None:
        """The address that an answer by mail goes to; None: there is none."""
        return self.thread.reply_to if self.thread is not None else None


class Claim(Struct, frozen=True, kw_only=True):
    """A row that is this node's to work on until its hold is over; `number` fences late results."""

    row: str
    number: int


class ClaimedBooking(Struct, frozen=True, kw_only=True):
    """A booking whose next try is this node's, already recorded as begun."""

    claim: Claim
    booking: int
    key: BookingKey
    biz_id: str
    locator: Locator
    source: str
    attempt: int  # 1 for the first counted try
    try_number: int
    first_failed_at: datetime | None  # of the first counted failure, None before it
    in_doubt: bool  # an earlier try may have been carried out
    interrupted: bool = False  # the try before this one never came to its end
    probe_of: str | None = None  # the endpoint whose closed gate it tries
    submissions: tuple[str, ...] = ()  # the ids of those that wait for it, the first ones; for the log
    others: tuple[Locator, ...] = ()  # where else the same content is, by the documents that wait for it

    @property
    def named(self) -> dict[str, object]:
        """As the log calls it: by the submissions that wait for it, and by its own number."""
        return {"submission": ", ".join(self.submissions) or None, "booking": self.booking}


class UnderWay(Struct, frozen=True, kw_only=True):
    """A booking that is claimed by somebody, and what is posted from where."""

    booking: int
    content: str
    locator: Locator


class ClaimedAnswer(Struct, frozen=True, kw_only=True):
    """A settled submission whose answer is this node's to give."""

    claim: Claim
    submission: Submission
    number: int  # of this answer: 1 for the first
    target: str | None  # where an interrupted answer was about to move it; None: not planned yet
    replied: bool  # the reply of this answer was handed over before


class Planned(Struct, frozen=True, kw_only=True):
    """A step of an answer: it is about to be moved there; None: it is not, or nobody knows where it is.

    `replied`: its reply has just been handed over, and counts for its recipient.
    """

    target: str | None
    replied: bool = False


class Closed(Struct, frozen=True, kw_only=True):
    """The last step of an answer: it is given.

    `moved`: it does not lie any more where it was found, but at the planned target (None: nobody knows where); else
    it stays, and what is found there again is known.
    """

    moved: bool
    remark: str | None = None


AnswerStep = Planned | Closed


class Notice(Struct, frozen=True, kw_only=True):
    """What a submitter is told before there is an answer: that their mails wait, because there are too many."""

    source: str
    concerns: str  # whom, as `NewSubmission.counts_as`: told once, and not for each mail
    thread: Thread
    subject: str | None
    person_name: str | None
    language: Language | None
    received_at: datetime
    submissions: int  # the most in an hour
    bytes: int  # the most in an hour
    resumes_at: datetime


class Acknowledgement(Struct, frozen=True, kw_only=True):
    """What a submitter is told whose documents take long: that they have arrived, and are at work."""

    submission: Submission
    answered_anyway: bool = True  # whatever becomes of it; False: perhaps only what wants something of them

    @property
    def thread(self) -> Thread:
        return self.submission.thread or Thread()


class ClaimedNotice(Struct, frozen=True, kw_only=True):
    """A notice that is this node's to send; `name` is its own, always the same."""

    claim: Claim
    name: str
    notice: Notice | Acknowledgement


class Spent(Struct, frozen=True, kw_only=True):
    """How much of an allowance was used of late."""

    count: int
    bytes: int = 0
    ago: timedelta | None = None  # how long ago the oldest was that still counts; None: there is none


class Gate(Struct, frozen=True, kw_only=True):
    """Whether the endpoint may be posted to. Closed: nothing is posted but one probe now and then."""

    open: bool
    reason: str | None = None
    since: datetime | None = None
    resumes_at: datetime | None = None  # open, but everything waits until then (429, Retry-After)
    probe_at: datetime | None = None  # closed: when the next probe is due


class Shut(Struct, frozen=True, kw_only=True):
    """An endpoint's gate is closed, or stays so: nothing is posted but a probe each `probe`."""

    endpoint: str
    reason: str
    probe: timedelta


class Paused(Struct, frozen=True, kw_only=True):
    """Everything for an endpoint waits so long (429, 503 with Retry-After), then goes on."""

    endpoint: str
    length: timedelta


GateChange = Shut | Paused


class SourceHealth(Struct, frozen=True, kw_only=True):
    """How a source fares."""

    name: str
    up: bool | None  # None: not tried yet
    since: datetime | None = None
    message: str | None = None
    left_alone: int = 0  # files outside `accept` that stay where they are
    surplus: int = 0  # mails that wait because their senders have submitted too much of late


class Trouble(Struct, frozen=True, kw_only=True):
    """What went wrong, and when."""

    at: datetime
    said: str


class ClockStep(Struct, frozen=True, kw_only=True):
    """The clock was set, by so much that it is told."""

    was: datetime  # what it would have shown
    now: datetime


class Backlog(Struct, frozen=True, kw_only=True):
    """Work of one source that waits: how much, and since when the oldest of it does."""

    count: int
    oldest: datetime


class BookedTwice(Struct, frozen=True, kw_only=True):
    """A booking that ended so."""

    booking: int
    at: datetime
    submission: str | None  # one that has it; None: all have been deleted


class Signs(Struct, frozen=True, kw_only=True):
    """What the journal shows, at one moment, of all that may be wrong; by source, and of gates by endpoint."""

    now: datetime  # by the database's clock
    sources: tuple[SourceHealth, ...] = ()
    gates: Mapping[str, Gate] = field(default_factory=dict)
    held: Mapping[str, Backlog] = field(default_factory=dict)
    overdue: Mapping[str, Backlog] = field(default_factory=dict)  # bookings long due, or failing for long
    unanswered: Mapping[str, Backlog] = field(default_factory=dict)  # settled submissions, since they were settled
    strays: Mapping[str, Backlog] = field(default_factory=dict)  # unclosed ones of sources that nobody has any more
    booked_twice: tuple[BookedTwice, ...] = ()  # the latest

    def gate(self, endpoint: str) -> Gate:
        """Open, where the journal has none of it yet."""
        return self.gates.get(endpoint, Gate(open=True))


class SourceWork(Struct, frozen=True, kw_only=True):
    """What of one source is still to be recognised, counted in bookings: what waits for the same one is one."""

    pending: int = 0
    due: int = 0  # of these, what is to be posted now, and is not yet
    retried: int = 0  # of these, what has failed and is tried again
    undecided: int = 0  # of these, what waits for a person
    oldest: datetime | None = None  # when the oldest submission was taken in that has something pending
    last_taken_in: datetime | None = None  # the newest submission


class Tried(Struct, frozen=True, kw_only=True):
    """Tries of late that came to the same."""

    count: int
    last_at: datetime
    said: str | None  # of the last one


class Workload(Struct, frozen=True, kw_only=True):
    """How the work goes, at one moment: what waits, and what was done of late."""

    now: datetime  # by the database's clock
    sources: Mapping[str, SourceWork] = field(default_factory=dict)
    settled: Mapping[Outcome, int] = field(default_factory=dict)  # documents, within an hour
    settled_in_a_day: Mapping[Outcome, int] = field(default_factory=dict)
    tries: Mapping[str, Tried] = field(default_factory=dict)  # that began within an hour, by result; "": not ended

    @property
    def oldest(self) -> datetime | None:
        """When the oldest submission was taken in that has something pending."""
        return min((each.oldest for each in self.sources.values() if each.oldest is not None), default=None)


class Storage(Struct, frozen=True, kw_only=True):
    """Where the journal is kept, and how large it is."""

    kind: str  # "sqlite" or "postgresql"
    where: str  # a path, or host and database
    schema: str  # the version of its tables
    size: int  # bytes
    free: int | None  # bytes that its disk still has for it; None: it is not a disk of ours


class Alert(Struct, frozen=True, kw_only=True):
    """Something that is wrong, or was a while ago, as it is remembered between two looks."""

    key: str  # "source fapiao", "gate https://…"
    since: datetime  # when it was first seen
    said: str  # what was told, or is to be
    told_at: datetime | None = None  # None: nobody has been told of it, or it has been told to be over
    gone_at: datetime | None = None  # when it was first seen to be gone; None: it is there
    times: int = 0  # how often it has been told to be over, while it is remembered

    @property
    def stands(self) -> bool:
        """Whether somebody has been told of it, and it is not over."""
        return self.told_at is not None and self.gone_at is None


class SubmissionFilter(Struct, frozen=True, kw_only=True):
    """Which submissions a list wants, newest first."""

    state: SubmissionState | None = None
    outcome: Outcome | None = None
    source: str | None = None
    sender: str | None = None
    since: datetime | None = None
    search: str | None = None
    limit: int | None = 50


class SubmissionPage(Struct, frozen=True, kw_only=True):
    """Some submissions of a list, and where it goes on."""

    submissions: tuple[Submission, ...]
    below: int | None  # hand it in for the next page; None: there is no more


class Activity(Struct, frozen=True, kw_only=True):
    """How many documents came and went, in steps of equal length since a moment."""

    before: int  # recorded before it, and not settled by then
    recorded: tuple[int, ...]
    settled: tuple[Mapping[Outcome, int], ...]

    @property
    def waiting(self) -> tuple[int, ...]:
        """How many were pending at the end of each step."""
        left, found = self.before, []
        for recorded, settled in zip(self.recorded, self.settled, strict=True):
            left += recorded - sum(settled.values())
            found.append(left)
        return tuple(found)


class Counts(Struct, frozen=True, kw_only=True):
    """What stands in the journal, for `status`."""

    submissions: dict[SubmissionState, int] = field(default_factory=dict)
    documents: dict[str, int] = field(default_factory=dict)  # by outcome, and "pending"
    oldest_pending: datetime | None = None


class Response(Struct, frozen=True, kw_only=True):
    """The endpoint's JSON answer, decoded. `code` is resCode as text."""

    code: str
    message: str | None
    invoices: tuple[Invoice, ...] = ()


class Exchange(Struct, frozen=True, kw_only=True):
    """What came of one request to the endpoint; failures are values here, never exceptions.

    `sent` is whether the request may have reached the endpoint. `response` is None where the answer
    was no answer in the documented form. `raw` is the answer's text (shortened), `detail` what went
    wrong in one line of our own words.
    """

    sent: bool
    status: int | None = None  # HTTP status; None: no answer at all
    retry_after: float | None = None  # seconds, from the Retry-After header
    response: Response | None = None
    token_refused: bool = False  # refused even after a fresh token, or no token can be had for good
    detail: str | None = None
    raw: str | None = None


class Settlement(Struct, frozen=True, kw_only=True):
    """The outcome of a booking."""

    outcome: Outcome
    code: str | None = None
    message: str | None = None
    invoices: tuple[Invoice, ...] = ()


class TryEnding(Struct, frozen=True, kw_only=True):
    """How a try ended, to be kept with it."""

    result: str  # one word of policy.outcome
    in_doubt: bool = False
    code: str | None = None
    message: str | None = None
    raw: str | None = None
    invoices: tuple[Invoice, ...] = ()  # of an answer that is no success, where one of them has an expense all the same


class SettledTry(Struct, frozen=True, kw_only=True):
    """A try that gave its booking an outcome."""

    claimed: ClaimedBooking
    settlement: Settlement
    ending: TryEnding
    opens_gate: bool = False  # it was a probe, and the endpoint answered as it should


class Known(Struct, frozen=True, kw_only=True):
    """What the journal knows of an arrival's key."""

    submission: str
    state: SubmissionState
    stays: bool  # it was answered without being moved
    empty: bool = False  # of a closed mail no documents are there: nothing was taken in, or it is forgotten
    released_for: str | None = None  # it was held, and a person lets it be taken in for this employee
    source: str | None = None  # whose it is; None where it is forgotten


class News(Struct, frozen=True, kw_only=True):
    """For whom a change of the journal may have made work due."""

    posting: bool = False  # a booking, or the gate
    answering: frozenset[str] | None = frozenset()  # an answer or a notice of one of these sources; None: of any
    decided: bool = False  # a person has decided something

    def __bool__(self) -> bool:
        return self != NOTHING_NEW


NOTHING_NEW = News()
POSTING = News(posting=True)
ANYTHING = News(posting=True, answering=None, decided=True)  # nobody knows what has changed, or much has


def joined(news: Iterable[News]) -> News:
    """All of it as one."""
    all_of_it = list(news)
    sources = [each.answering for each in all_of_it]
    named = [each for each in sources if each is not None]
    return News(
        posting=any(each.posting for each in all_of_it),
        answering=frozenset().union(*named) if len(named) == len(sources) else None,
        decided=any(each.decided for each in all_of_it),
    )


def answering(source: str) -> News:
    """Of an answer, or what else is sent, of one source."""
    return News(answering=frozenset((source,)))


class WorkLeft(Struct, frozen=True, kw_only=True):
    """What `run --once` still has before it."""

    pending: int  # documents
    next_due_in: float | None  # seconds until the next try; 0 for one due or under way; None: no pending document
    unanswered: int  # submissions that are settled and not closed
    next_answer_in: float | None = (
        None  # seconds until the next answer or return of a file; 0 for one due or under way; None: none waits
    )


class Finding(Struct, frozen=True, kw_only=True):
    """What `check` found out about one thing."""

    subject: str  # "mailbox fapiao", "store default"
    ok: bool
    message: str
    mend: str | None = None  # what to do, where it is not ok
    warning: bool = False  # ok, and worth reading all the same
