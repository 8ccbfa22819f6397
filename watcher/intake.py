"""Step 1: from a source into the journal.

Until `IntakeJournal.record` has committed, the mailbox or the folder is the queue: nothing there is
marked, moved or deleted, so that whatever goes wrong costs a second upload and nothing else.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress

from watcher.admission import Admission
from watcher.clock import boot_seconds
from watcher.errors import SourceUnavailable, StoreUnavailable, UsageError
from watcher.gathering import Gathering, Harvest
from watcher.headers import MailHeader
from watcher.inheritance import Inheritance
from watcher.model import (
    Kind,
    Known,
    NewSubmission,
    Person,
    Stage,
)
from watcher.policy.arrival import Treatment, treatment
from watcher.policy.drafting import belonging_to, draft, turned_away, with_header
from watcher.policy.who import Accepted, Turned
from watcher.ports import UNMEASURED, Arrival, IntakeJournal, Meter, Parcel, Source
from watcher.recording import Draft, Recording
from watcher.resting import Resting
from watcher.storing import Storing
from watcher.surplus import Surplus
from watcher.taking import Round, taking_round

log = logging.getLogger(__name__)


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
        inheritance: Inheritance | None = None,
        holds_doubt: bool = False,
        beat: Callable[[], None] = lambda: None,
        meter: Meter = UNMEASURED,
    ) -> None:
        """`inheritance` None: what was left by sources that are configured no more is none of ours.

        `holds_doubt`: what is in doubt waits for a person's decision, and a mail that comes back is none. `beat` hears
        again and again that a round goes on, from whatever thread.
        """
        self._source = source
        self._admission = admission
        self._gathering = gathering
        self._storing = storing
        self._journal = journal
        self._surplus = surplus
        self._refused = Resting()  # by the store, or unreadable where they lie, one by one
        self._came_no_further = False  # the last look, for too many of those
        self._holds_doubt = holds_doubt
        self._inheritance = inheritance
        self._beat = beat
        self._meter = meter
        self._recording = Recording(
            source=source.name, gathering=gathering, storing=storing, journal=journal, beat=beat, meter=meter
        )

    def round(self, go_on: Callable[[], bool]) -> Round:
        """Take in all that is there, until `go_on` says no.

        Raises Unavailable where the source or the store cannot be used: the rest waits. One arrival
        that cannot be judged now, or that we stumble over, does not hold up the others.
        """
        result = Round()
        self._surplus.begin()
        self._refused.begin(goes_on=self._came_no_further)
        self._came_no_further = False
        with self._noting(), taking_round(self._recording, result, self._refused.let_rest) as taking:
            for arrival in self._source.arrivals(self._known):
                self._beat()
                if not go_on():
                    break
                with taking.stumbling(arrival):
                    began = boot_seconds()
                    if (draft := self._opened(arrival)) is not None:
                        self._meter.took(Stage.OPEN, boot_seconds() - began)
                        taking.take(arrival, draft)
                taking.make_room()
        result.surplus = self._surplus.waiting
        result.waiting += self._refused.reasons
        return result

    @contextmanager
    def _noting(self) -> Iterator[None]:
        try:
            yield
        except (StoreUnavailable, SourceUnavailable) as error:
            self._came_no_further = error.of_one
            raise

    def close(self) -> None:
        """Let go of the threads, which have nothing to do between two rounds."""
        self._recording.close()

    def _known(self, keys: Sequence[str]) -> Mapping[str, Known]:
        """The journal's word, and our own on what rests."""
        self._beat()
        known = self._journal.known(keys)
        if self._inheritance is not None and self._source.kind is Kind.MAIL:
            self._inheritance.take_mails(known)
        return {**known, **self._surplus.known(keys), **self._refused.known(keys)}

    def _opened(self, arrival: Arrival) -> Draft | None:
        """What is in it and whose it is; None where it is only to be tried again, or waits."""
        if arrival.known is not None and treatment(self._source.kind, arrival.known) is Treatment.RETRY:
            self._retry(arrival.known.submission)
            return None
        if self._is_inherited(arrival):
            return None
        with self._source.open(arrival) as parcel:
            header = parcel.header
            return self._file(arrival, parcel) if header is None else self._mail(arrival, header, parcel)

    def _is_inherited(self, arrival: Arrival) -> bool:
        """Of a file; a mail has been taken over before it is yielded."""
        if self._inheritance is None or self._source.kind is not Kind.FILE or arrival.known is not None:
            return False
        return self._inheritance.takes_file(arrival)

    def _retry(self, submission: str) -> None:
        with suppress(UsageError):  # retention has deleted it just now: the next look takes it in anew
            again = self._journal.retry(submission, decided=not self._holds_doubt)
            log.info("A mail came back; it is tried again.", extra={"submission": submission, "documents": again})

    def _mail(self, arrival: Arrival, header: MailHeader, parcel: Parcel) -> Draft | None:
        bare = self._bare(arrival, Kind.MAIL, self._admission.submitter_of(header))
        bare = with_header(bare, header, parcel.size)
        decision = self._decided(arrival, header, parcel, bare)
        if decision is None:
            return None
        if isinstance(decision, Turned):
            return self._turned_away(bare, header, decision)
        # What a person has let in counts in nobody's allowance.
        counts_as = decision.counts_as if _released_for(arrival) is None else None
        submission = belonging_to(bare, decision.person, counts_as=counts_as, delegate=decision.delegate)
        return self._draft(submission, decision.person, parcel)

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
        submission = belonging_to(bare, decision.person, delegate=decision.delegate)
        self._surplus.defer(submission, decision.counts_as)
        return None

    def _turned_away(self, bare: NewSubmission, header: MailHeader, turned: Turned) -> Draft:
        told = self._admission.may_be_told(header, turned)
        submission = turned_away(bare, turned, told=told)
        return Draft(submission=submission, person=None, harvest=Harvest())

    def _file(self, arrival: Arrival, parcel: Parcel) -> Draft:
        person = self._admission.of_file(parcel)
        return self._draft(self._bare(arrival, Kind.FILE, parcel.owner, person), person, parcel)

    def _draft(self, submission: NewSubmission, person: Person | None, parcel: Parcel) -> Draft:
        return Draft(submission=submission, person=person, harvest=self._gathering.harvest(parcel))

    def _bare(self, arrival: Arrival, kind: Kind, sender: str | None, person: Person | None = None) -> NewSubmission:
        return draft(
            arrival,
            source=self._source.name,
            kind=kind,
            sender=sender,
            create_expense=self._storing.create_expense,
            person=person,
        )


def _released_for(arrival: Arrival) -> str | None:
    return arrival.known.released_for if arrival.known is not None else None
