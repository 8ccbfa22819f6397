"""Who may submit a mail, and for whom: a decision on facts that others have gathered."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from watcher.model import Person, Reason
from watcher.ports import Proof

_CODE_IN_SUBJECT = re.compile(r"#([0-9A-Za-z_-]{1,64})(?![0-9A-Za-z_-])")
_CODE_IN_ADDRESS = re.compile(r"\+([0-9A-Za-z_-]{1,64})@")


@dataclass(frozen=True, slots=True, kw_only=True)
class Accepted:
    """It is booked for this person."""

    person: Person


@dataclass(frozen=True, slots=True, kw_only=True)
class Turned:
    """Nothing is posted: it waits for the administrator (`hold`) or is moved away unanswered."""

    reason: Reason
    detail: str
    hold: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class MailboxRules:
    """What a mailbox says about its senders."""

    fixed_code: str | None
    hold_unknown: bool
    hold_unverified: bool


def person_for(known: Person | None, named: Person | None, rules: MailboxRules) -> Person | None:
    """Whose expense it becomes: of the person a delegate named, else of the mailbox's fixed code, else the sender's."""
    if named is not None:
        return named
    if rules.fixed_code is not None:
        language = known.language if known else None
        return Person(user_code=rules.fixed_code, name=known.name if known else None, language=language)
    return known


def decide(person: Person | None, proof: Proof, address_problem: str | None, rules: MailboxRules) -> Accepted | Turned:
    """Whether a mail is taken in. `proof` speaks of the From that `person` was found by."""
    if address_problem is not None:
        return Turned(reason=Reason.UNVERIFIED_SENDER, detail=address_problem, hold=rules.hold_unverified)
    if person is None:
        return Turned(
            reason=Reason.UNKNOWN_SENDER, detail="the directory does not have the sender", hold=rules.hold_unknown
        )
    if not proof.proven:
        return Turned(reason=Reason.UNVERIFIED_SENDER, detail=proof.how, hold=rules.hold_unverified)
    return Accepted(person=person)


def named_code(subject: str | None, recipients: Sequence[str], mailbox_address: str) -> str | None:
    """The employee number that a delegate wrote: ``#903851`` in the subject, or ``fapiao+903851@`` as the address."""
    if found := _CODE_IN_SUBJECT.search(subject or ""):
        return found[1]
    local, _, domain = mailbox_address.lower().partition("@")
    for recipient in recipients:
        address = recipient.lower()
        if address.startswith(f"{local}+") and address.endswith(f"@{domain}"):
            found = _CODE_IN_ADDRESS.search(recipient)
            return found[1] if found else None
    return None
