"""Step 1: from a source into the journal.

Until `IntakeJournal.record` has committed, the mailbox or the folder is the queue: nothing there is
marked, moved or deleted, so that whatever goes wrong costs a second upload and nothing else.
"""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace

from watcher.admission import Admission
from watcher.errors import DirectoryUnavailable, LinkUnavailable, Unavailable, UsageError, Vanished
from watcher.gathering import Gathering, Harvest
from watcher.headers import MailHeader, clean, read_header
from watcher.model import (
    Kind,
    Known,
    NewDocument,
    NewSubmission,
    Person,
    Reason,
)
from watcher.policy.arrival import Treatment, treatment
from watcher.policy.drafting import belonging_to, draft, turned_away, with_header
from watcher.policy.mail import answerable
from watcher.policy.who import Accepted, Turned
from watcher.ports import Arrival, FoundDocument, IntakeJournal, Parcel, Source
from watcher.storing import Storing
from watcher.surplus import Surplus

log = logging.getLogger(__name__)

_AT_ONCE = 8  # submissions of one source that are being stored; their documents are in memory or on the disk


@dataclass(slots=True, kw_only=True)
class Round:
    """What one look at a source came to."""

    taken: int = 0
    waiting: list[str] = field(default_factory=list)  # why some could not be taken in yet
    surplus: int = 0  # mails that wait because their senders have submitted too much of late


@dataclass(frozen=True, slots=True, kw_only=True)
class _Draft:
    """A submission whose documents are in hand, and nowhere else yet."""

    submission: NewSubmission
    person: Person | None
    harvest: Harvest


@dataclass(frozen=True, slots=True, kw_only=True)
class _UnderWay:
    """A submission that is being stored; `contents` are the hashes of what it holds."""

    arrival: Arrival
    future: Future[None]
    contents: frozenset[str]


class Intake:
    """Takes in what arrives at one source."""

    def __init__(
        self,
        *,
        source: Source,
        admission: Admission,
        gathering: Gathering,
        storing: Storing,
        journal: IntakeJournal,
        surplus: Surplus,
        beat: Callable[[], None] = lambda: None,
    ) -> None:
        """`beat` hears again and again that a round goes on, from whatever thread."""
        self._source = source
        self._admission = admission
        self._gathering = gathering
        self._storing = storing
        self._journal = journal
        self._surplus = surplus
        self._beat = beat
        self._uploads = ThreadPoolExecutor(max_workers=_AT_ONCE, thread_name_prefix=f"store-{source.name}")

    def round(self, go_on: Callable[[], bool]) -> Round:
        """Take in all that is there, until `go_on` says no.

        Raises Unavailable where the source or the store cannot be used: the rest waits. One arrival
        that cannot be judged now, or that we stumble over, does not hold up the others.
        """
        result = Round()
        under_way: deque[_UnderWay] = deque()
        self._surplus.begin()
        try:
            for arrival in self._source.arrivals(self._known):
                self._beat()
                if not go_on():
                    break
                with self._stumbling(arrival, result):
                    if (draft := self._opened(arrival)) is not None:
                        under_way.append(self._begun(arrival, draft, under_way))
                while len(under_way) >= _AT_ONCE:
                    self._finish(under_way.popleft(), result)
            while under_way:
                self._finish(under_way.popleft(), result)
        finally:
            wait(each.future for each in under_way)
        result.surplus = self._surplus.waiting
        return result

    def close(self) -> None:
        """Let go of the threads, which have nothing to do between two rounds."""
        self._uploads.shutdown()

    def _known(self, keys: Sequence[str]) -> Mapping[str, Known]:
        """The journal's word, and our own on what rests."""
        self._beat()
        return {**self._journal.known(keys), **self._surplus.known(keys)}

    def _begun(self, arrival: Arrival, draft: _Draft, before: Iterable[_UnderWay]) -> _UnderWay:
        """Of two that hold the same document the one that came first is booked, and the other its duplicate."""
        contents = draft.harvest.contents
        twins = [each.future for each in before if contents & each.contents]
        future = self._uploads.submit(self._store_and_record, draft, twins)
        return _UnderWay(arrival=arrival, future=future, contents=contents)

    def _finish(self, under_way: _UnderWay, result: Round) -> None:
        with self._stumbling(under_way.arrival, result):
            under_way.future.result()
            self._beat()
            result.taken += 1

    @contextmanager
    def _stumbling(self, arrival: Arrival, result: Round) -> Iterator[None]:
        """What goes wrong with one arrival alone is noted, and leaves it where it is."""
        try:
            yield
        except Vanished:
            log.info("An arrival was gone before it could be taken in.", extra={"source": self._source.name})
        except (DirectoryUnavailable, LinkUnavailable) as error:
            result.waiting.append(str(error))
        except Unavailable:
            raise
        except Exception as error:
            log.exception("An arrival could not be taken in.", extra={"source": self._source.name})
            result.waiting.append(f"{clean(arrival.path or arrival.place)}: {type(error).__name__}")

    def _opened(self, arrival: Arrival) -> _Draft | None:
        """What is in it and whose it is; None where it is only to be tried again, or waits."""
        if arrival.known is not None and treatment(self._source.kind, arrival.known) is Treatment.RETRY:
            with suppress(UsageError):  # retention has deleted it: nothing is left to be tried
                self._journal.retry(arrival.known.submission)
            return None
        with self._source.open(arrival) as parcel:
            return self._mail(arrival, parcel) if parcel.header is not None else self._file(arrival, parcel)

    def _store_and_record(self, draft: _Draft, twins: Sequence[Future[None]]) -> None:
        """In a thread of its own, because links and stores may be slow, and several are asked at once."""
        gathered = self._gathering.gather(draft.harvest, draft.submission.received_at)
        try:
            documents = tuple(self._stored(each, draft.person) for each in gathered.documents)
        finally:
            gathered.close()
        bare = draft.submission
        if bare.reason is None and gathered.holds_nothing:
            bare = replace(bare, reason=Reason.NO_DOCUMENT)
        wait(twins)  # they began before, and wait for none that came after
        identifier = self._journal.record(replace(bare, documents=documents, left_out=gathered.left_out))
        log.info(
            "A submission was taken in.",
            extra={"source": self._source.name, "submission": identifier, "documents": len(documents)},
        )

    def _stored(self, found: FoundDocument, person: Person | None) -> NewDocument:
        self._beat()
        return self._storing.new_document(found, person)

    def _mail(self, arrival: Arrival, parcel: Parcel) -> _Draft | None:
        header = read_header(parcel.header or b"")
        bare = self._bare(arrival, Kind.MAIL, self._admission.submitter_of(header))
        bare = replace(with_header(bare, header, parcel.size), answer=answerable(header, bare.sender))
        decision = self._decided(arrival, header, parcel, bare)
        if decision is None:
            return None
        if isinstance(decision, Turned):
            return self._turned_away(bare, header, decision)
        # What a person has let in counts in nobody's allowance.
        counts_as = decision.counts_as if _released_for(arrival) is None else None
        return self._draft(replace(bare, counts_as=counts_as), decision.person, parcel)

    def _decided(
        self, arrival: Arrival, header: MailHeader, parcel: Parcel, bare: NewSubmission
    ) -> Accepted | Turned | None:
        """None: it waits, because its sender has submitted too much of late."""
        if (released_for := _released_for(arrival)) is not None:
            return self._admission.of_released(header, released_for)
        supposed = self._admission.counts_as(header) if self._surplus.has_exceeded else None
        if supposed is not None and self._surplus.is_exceeded(supposed):
            self._surplus.let_rest(arrival.key, supposed)
            return None
        decision = self._admission.of_mail(header, parcel)
        if isinstance(decision, Turned) or self._surplus.take(decision.counts_as, parcel.size or 0):
            return decision
        self._surplus.defer(belonging_to(bare, decision.person), decision.counts_as)
        return None

    def _turned_away(self, bare: NewSubmission, header: MailHeader, turned: Turned) -> _Draft:
        told = self._admission.may_be_told(header, turned)
        submission = turned_away(bare, turned, told=told)
        log.warning(
            "A mail is held." if turned.hold else "A mail is refused.",
            extra={
                "source": self._source.name,
                "sender": clean(submission.sender) or None,
                "reason": turned.reason,
                "detail": submission.remark,
            },
        )
        return _Draft(submission=submission, person=None, harvest=Harvest())

    def _file(self, arrival: Arrival, parcel: Parcel) -> _Draft:
        person = self._admission.of_file(parcel)
        return self._draft(self._bare(arrival, Kind.FILE, parcel.owner), person, parcel)

    def _draft(self, bare: NewSubmission, person: Person | None, parcel: Parcel) -> _Draft:
        return _Draft(submission=belonging_to(bare, person), person=person, harvest=self._gathering.harvest(parcel))

    def _bare(self, arrival: Arrival, kind: Kind, sender: str | None) -> NewSubmission:
        create_expense = self._storing.create_expense
        return draft(arrival, source=self._source.name, kind=kind, sender=sender, create_expense=create_expense)


def _released_for(arrival: Arrival) -> str | None:
    return arrival.known.released_for if arrival.known is not None else None
