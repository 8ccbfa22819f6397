"""Step 1: from a source into the journal.

Until `IntakeJournal.record` has committed, the mailbox or the folder is the queue: nothing there is
marked, moved or deleted, so that whatever goes wrong costs a second upload and nothing else.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass, field, replace

from watcher.errors import DirectoryUnavailable, StoreRefused, Unavailable, Vanished
from watcher.headers import MailHeader, clean, read_header
from watcher.model import Kind, Locator, NewDocument, NewSubmission, Outcome, Person, Reason, SubmissionState, Thread
from watcher.policy.arrival import Treatment, treatment
from watcher.policy.mail import answerable
from watcher.policy.who import Accepted, MailboxRules, Turned, decide, named_code, person_for
from watcher.ports import (
    Arrival,
    Directory,
    FoundDocument,
    IntakeJournal,
    Parcel,
    Proof,
    Reader,
    SenderVerification,
    Source,
    Store,
)

log = logging.getLogger(__name__)

_SUBJECT_LENGTH = 200
_UNCHECKED = Proof(proven=True, how="verify_sender is off")


@dataclass(frozen=True, slots=True, kw_only=True)
class IntakeRules:
    """What the configuration says about one source's submissions."""

    create_expense: bool
    mailbox: MailboxRules | None = None  # None for a folder
    mailbox_address: str = ""
    answer_unknown: bool = False  # tell unknown senders of our own domain


@dataclass(slots=True, kw_only=True)
class Round:
    """What one look at a source came to."""

    taken: int = 0
    waiting: list[str] = field(default_factory=list)  # why some could not be taken in yet


class Intake:
    """Takes in what arrives at one source."""

    def __init__(
        self,
        *,
        source: Source,
        reader: Reader,
        store: Store,
        directory: Directory,
        verification: SenderVerification | None,
        journal: IntakeJournal,
        rules: IntakeRules,
    ) -> None:
        self._source = source
        self._reader = reader
        self._store = store
        self._directory = directory
        self._verification = verification
        self._journal = journal
        self._rules = rules

    def round(self, go_on: Callable[[], bool]) -> Round:
        """Take in all that is there, until `go_on` says no.

        Raises Unavailable where the source or the store cannot be used: the rest waits. One arrival
        that cannot be judged now, or that we stumble over, does not hold up the others.
        """
        result = Round()
        for arrival in self._source.arrivals(self._journal.known):
            if not go_on():
                break
            self._try_one(arrival, result)
        return result

    def _try_one(self, arrival: Arrival, result: Round) -> None:
        try:
            self._take_in(arrival)
            result.taken += 1
        except Vanished:
            log.info("An arrival was gone before it could be taken in.", extra={"source": self._source.name})
        except DirectoryUnavailable as error:
            result.waiting.append(str(error))
        except Unavailable:
            raise
        except Exception as error:  # the reason is logged, the arrival stays where it is
            log.exception("An arrival could not be taken in.", extra={"source": self._source.name})
            result.waiting.append(f"{clean(arrival.path or arrival.place)}: {type(error).__name__}")

    def _take_in(self, arrival: Arrival) -> None:
        if arrival.known is not None and treatment(self._source.kind, arrival.known) is Treatment.RETRY:
            self._journal.retry(arrival.known.submission)
            return
        with self._source.open(arrival) as parcel:
            submission = self._mail(arrival, parcel) if parcel.header is not None else self._file(arrival, parcel)
        identifier = self._journal.record(submission)
        log.info(
            "A submission was taken in.",
            extra={"source": self._source.name, "submission": identifier, "documents": len(submission.documents)},
        )

    # ----------------------------------------------------------------------------------- a mail

    def _mail(self, arrival: Arrival, parcel: Parcel) -> NewSubmission:
        header = read_header(parcel.header or b"")
        decision = self._who(header, parcel)
        if isinstance(decision, Turned):
            return self._turned_away(arrival, header, decision)
        documents = self._documents(parcel, decision.person)
        return self._submission(
            arrival,
            kind=Kind.MAIL,
            sender=header.from_address,
            subject=clean(header.subject, _SUBJECT_LENGTH) or None,
            person=decision.person,
            answer=answerable(header),
            thread=_thread(header),
            documents=documents,
            reason=None if documents else Reason.NO_DOCUMENT,
        )

    def _who(self, header: MailHeader, parcel: Parcel) -> Accepted | Turned:
        rules = self._rules.mailbox
        if rules is None:
            raise AssertionError("a mail came from something that is no mailbox")
        address = header.from_address
        if address is None:
            return decide(None, _UNCHECKED, header.from_problem or "no sender", rules)
        person = person_for(self._directory.by_address(address), self._named(header, address), rules)
        proof = self._prove(parcel) if person is not None else _UNCHECKED
        return decide(person, proof, None, rules)

    def _named(self, header: MailHeader, address: str) -> Person | None:
        if not self._directory.may_submit_for_others(address):
            return None
        code = named_code(header.subject, header.recipients, self._rules.mailbox_address)
        if code is None:
            return None
        return self._directory.by_code(code) or Person(user_code=code)

    def _prove(self, parcel: Parcel) -> Proof:
        if self._verification is None:
            return _UNCHECKED
        return self._verification.verify(parcel.header or b"", parcel.whole)

    def _turned_away(self, arrival: Arrival, header: MailHeader, turned: Turned) -> NewSubmission:
        log.warning(
            "A mail is held." if turned.hold else "A mail is refused.",
            extra={"source": self._source.name, "reason": turned.reason, "detail": clean(turned.detail)},
        )
        return self._submission(
            arrival,
            kind=Kind.MAIL,
            sender=header.from_address,
            subject=clean(header.subject, _SUBJECT_LENGTH) or None,
            person=None,
            state=SubmissionState.HELD if turned.hold else SubmissionState.OPEN,
            answer=self._may_be_told(header, turned),
            thread=_thread(header),
            reason=turned.reason,
        )

    def _may_be_told(self, header: MailHeader, turned: Turned) -> bool:
        """Unknown senders are told only where that is wanted, and only within the own domain."""
        if turned.reason is not Reason.UNKNOWN_SENDER or not self._rules.answer_unknown or not answerable(header):
            return False
        own = self._rules.mailbox_address.rpartition("@")[2].lower()
        return bool(own) and (header.from_address or "").rpartition("@")[2].lower() == own

    # ----------------------------------------------------------------------------------- a file

    def _file(self, arrival: Arrival, parcel: Parcel) -> NewSubmission:
        person = self._person_of(parcel)
        documents = self._documents(parcel, person)
        return self._submission(
            arrival,
            kind=Kind.FILE,
            sender=parcel.owner,
            subject=None,
            person=person,
            documents=documents,
            reason=None if documents else Reason.NO_DOCUMENT,
        )

    def _person_of(self, parcel: Parcel) -> Person | None:
        if parcel.user_code is not None:
            return self._directory.by_code(parcel.user_code) or Person(user_code=parcel.user_code)
        return self._directory.by_login(parcel.owner) if parcel.owner is not None else None

    # ---------------------------------------------------------------------------------- documents

    def _documents(self, parcel: Parcel, person: Person | None) -> tuple[NewDocument, ...]:
        found = self._reader.documents(parcel.leaves())
        try:
            return tuple(self._new_document(document, person) for document in found)
        finally:
            for document in found:
                if document.content is not None:
                    document.content.close()

    def _new_document(self, found: FoundDocument, person: Person | None) -> NewDocument:
        if found.reason is not None:
            return _settled(found, Reason(found.reason), found.message)
        if person is None and self._rules.create_expense:
            return _settled(found, Reason.NO_USER, None)
        try:
            locator = self._store.put(found)
        except StoreRefused as error:
            return _settled(found, Reason.NO_URL, str(error))
        return _document(found, locator=locator)

    def _submission(
        self,
        arrival: Arrival,
        *,
        kind: Kind,
        sender: str | None,
        subject: str | None,
        person: Person | None,
        state: SubmissionState = SubmissionState.OPEN,
        answer: bool = True,
        thread: Thread | None = None,
        documents: tuple[NewDocument, ...] = (),
        reason: str | None = None,
    ) -> NewSubmission:
        return NewSubmission(
            key=arrival.key,
            source=self._source.name,
            kind=kind,
            place=arrival.place,
            fingerprint=arrival.fingerprint,
            sender=sender,
            subject=subject,
            path=arrival.path,
            user_code=person.user_code if person else None,
            person_name=person.name if person else None,
            language=person.language if person else None,
            received_at=arrival.received_at,
            state=state,
            reason=reason,
            answer=answer,
            thread=thread,
            create_expense=self._rules.create_expense,
            documents=documents,
        )


def _thread(header: MailHeader) -> Thread:
    return Thread(message_id=header.message_id, references=header.references, reply_to=header.from_address)


def _settled(found: FoundDocument, reason: Reason, message: str | None) -> NewDocument:
    return replace(_document(found, locator=None), outcome=Outcome.ERROR, code=reason, message=message)


def _document(found: FoundDocument, *, locator: Locator | None) -> NewDocument:
    sha256 = found.content.sha256 if found.content is not None else ""
    return NewDocument(
        name=found.name,
        media_type=found.media_type,
        size=found.size,
        sha256=sha256,
        content=sha256,
        locator=locator,
    )
