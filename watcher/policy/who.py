"""Who may submit a mail, and for whom: a decision on facts that others have gathered."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from watcher.model import Person, Reason
from watcher.ports import Proof

_CODE_IN_SUBJECT = re.compile(r"#([0-9A-Za-z_-]{1,64})(?![0-9A-Za-z_-])")
_CODE_IN_ADDRESS = re.compile(r"\+([0-9A-Za-z_-]{1,64})@")


@dataclass(frozen=True, slots=True, kw_only=True)
class Accepted:
    """It is booked for this person.

    `counts_as` is whose hourly allowance it counts in: the employee number of whoever submits (a delegate's
    own, and of all aliases of a person the same), or their address in lower case where the directory lacks it.
    """

    person: Person
    counts_as: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Turned:
    """Nothing is posted: it waits for the administrator (`hold`) or is moved away unanswered."""

    reason: Reason
    detail: str
    hold: bool
    person: Person | None = None  # whom it would have been booked for, where that is known


@dataclass(frozen=True, slots=True, kw_only=True)
class MailboxRules:
    """What a mailbox says about its senders."""

    fixed_code: str | None
    hold_unknown: bool
    hold_unverified: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Sender:
    """Who submits, by the directory alone: nothing proves it yet."""

    address: str
    known: Person | None  # whom the directory has for the address

    @property
    def counts_as(self) -> str:
        """Whose hourly allowance their mails count in: see `Accepted`."""
        return self.known.user_code if self.known is not None else self.address.lower()


def expected(sender: Sender, named: Person | None, rules: MailboxRules) -> Accepted | Turned:
    """What becomes of a mail if the proof holds. `named` is whom the sender, as a delegate, submits for."""
    person = person_for(sender.known, named, rules)
    if person is None:
        return Turned(
            reason=Reason.UNKNOWN_SENDER, detail="the directory does not have the sender", hold=rules.hold_unknown
        )
    return Accepted(person=person, counts_as=sender.counts_as)


def depends_on_proof(decision: Accepted | Turned) -> bool:
    """Whether `proven` may change what `expected` decided: nobody asks name servers for the sake of a stranger."""
    return isinstance(decision, Accepted)


def person_for(known: Person | None, named: Person | None, rules: MailboxRules) -> Person | None:
    """Whose expense it becomes: of the person a delegate named, else of the mailbox's fixed code, else the sender's."""
    if named is not None:
        return named
    if rules.fixed_code is not None:
        language = known.language if known else None
        return Person(user_code=rules.fixed_code, name=known.name if known else None, language=language)
    return known


def proven(decision: Accepted | Turned, proof: Proof, rules: MailboxRules) -> Accepted | Turned:
    """What `expected` decided, now that it is known whether the sender is proven."""
    return decision if proof.proven else replace(unverified(proof.how, rules), person=decision.person)


def unverified(why: str, rules: MailboxRules) -> Turned:
    """Nothing proves that the sender is who the mail says, or it does not say who that is."""
    return Turned(reason=Reason.UNVERIFIED_SENDER, detail=why, hold=rules.hold_unverified)


def without_person() -> Turned:
    """A mail that an administrator vouches for, and that says nothing of whom it is for."""
    detail = "nobody is known for whom it is booked: release it with --user-code"
    return Turned(reason=Reason.UNKNOWN_SENDER, detail=detail, hold=True)


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
