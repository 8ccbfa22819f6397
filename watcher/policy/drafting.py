"""A submission as it is written down before anybody has looked inside."""

from __future__ import annotations

from msgspec.structs import replace

from watcher.headers import MailHeader, clean
from watcher.model import Kind, NewSubmission, Person, SubmissionState, Thread
from watcher.policy.mail import answerable
from watcher.policy.who import Turned
from watcher.ports import Arrival

_SUBJECT_LENGTH = 200
_DETAIL_LENGTH = 240  # all that a proof says of why it is none


def draft(
    arrival: Arrival,
    *,
    source: str,
    kind: Kind,
    sender: str | None,
    create_expense: bool,
    person: Person | None = None,
) -> NewSubmission:
    """What is known of it by where it lies; `sender` is the submitter's address, or the login of a file's owner.

    `person`: whom it belongs to, where that is known already (see `belonging_to`).
    """
    return NewSubmission(
        key=arrival.key,
        source=source,
        kind=kind,
        place=arrival.place,
        fingerprint=arrival.fingerprint,
        sender=sender,
        subject=None,
        path=arrival.path,
        user_code=person.user_code if person else None,
        person_name=person.name if person else None,
        language=person.language if person else None,
        received_at=arrival.received_at,
        state=SubmissionState.OPEN,
        create_expense=create_expense,
        succeeds=arrival.known.submission if arrival.known is not None else None,
    )


def with_header(bare: NewSubmission, header: MailHeader, size: int | None) -> NewSubmission:
    """And by what a mail's header says; whoever submits is who may be answered, if it seems to be a person."""
    thread = Thread(message_id=header.message_id, references=header.references, reply_to=bare.sender)
    return replace(
        bare,
        subject=clean(header.subject, _SUBJECT_LENGTH) or None,
        thread=thread,
        size=size,
        answer=answerable(header, bare.sender),
    )


def belonging_to(
    bare: NewSubmission, person: Person | None, *, counts_as: str | None = None, delegate: Person | None = None
) -> NewSubmission:
    """It is booked for this person, or would be, and `counts_as` is in whose allowance; `delegate` is answered."""
    reader = delegate or person
    thread = bare.thread
    if thread is not None and delegate is not None:
        thread = replace(thread, by_delegate=True, delegate_name=delegate.name)
    return replace(
        bare,
        user_code=person.user_code if person else None,
        person_name=person.name if person else None,
        language=reader.language if reader else None,
        thread=thread,
        counts_as=counts_as,
    )


def turned_away(bare: NewSubmission, turned: Turned, *, told: bool) -> NewSubmission:
    """Without its documents: nothing of it is stored or posted before somebody has decided."""
    state = SubmissionState.HELD if turned.hold else SubmissionState.OPEN
    supposed = belonging_to(bare, turned.person if turned.hold else None)
    return replace(
        supposed, state=state, reason=turned.reason, remark=clean(turned.detail, _DETAIL_LENGTH), answer=told
    )
