"""Who may submit a mail, and for whom: a decision on facts that others have gathered."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Collection, Sequence

from msgspec import Struct
from msgspec.structs import replace

from watcher.headers import clean
from watcher.model import Person, Reason
from watcher.ports import Proof

_CODE = r"[0-9A-Za-z_-]{1,64}"
_CODE_IN_SUBJECT = re.compile(rf"(?<!&)#({_CODE})(?![0-9A-Za-z_-])")  # &#20013; is a letter that somebody wrote so
_WRITTEN_ON = re.compile(r"[-_]+[A-Za-z]*\Z")  # words; what has figures may be another number
_CODE_IN_ADDRESS = re.compile(_CODE)
_MOST_TOLD = 5
_ENCODED = "xn--"
_SHOWN_DOMAIN = 60
_UNCOVERED = "the signature does not cover the address that names the employee"


class Accepted(Struct, frozen=True, kw_only=True):
    """It is booked for this person.

    `counts_as` is whose hourly allowance it counts in: the employee number of whoever submits (a delegate's
    own, and of all aliases of a person the same), or their address in lower case where the directory lacks it.
    `delegate` is who submits it, where that is somebody else.
    """

    person: Person
    counts_as: str
    delegate: Person | None = None


class Turned(Struct, frozen=True, kw_only=True):
    """Nothing is posted: it waits for the administrator (`hold`) or is moved away unanswered."""

    reason: Reason
    detail: str
    hold: bool
    person: Person | None = None  # whom it would have been booked for, where that is known


class NamedCode(Struct, frozen=True, kw_only=True):
    """An employee number that a mail names, and the header field that it stands in, in lower case."""

    code: str
    field: str


class MailboxRules(Struct, frozen=True, kw_only=True):
    """What a mailbox says about its senders."""

    fixed_code: str | None
    hold_unknown: bool
    hold_unverified: bool


class Sender(Struct, frozen=True, kw_only=True):
    """Who submits, by the directory alone: nothing proves it yet."""

    address: str
    known: Person | None  # whom the directory has for the address

    @property
    def counts_as(self) -> str:
        """Whose hourly allowance their mails count in: see `Accepted`."""
        return self.known.user_code if self.known is not None else self.address.lower()


def expected(sender: Sender, named: Sequence[Person], rules: MailboxRules) -> Accepted | Turned:
    """What becomes of a mail if the proof holds. `named` are those whom the sender, as a delegate, submits for."""
    if len(named) > 1:
        return _unclear(named)
    person = person_for(sender.known, named[0] if named else None, rules)
    if person is not None:
        delegate = _delegate(sender, named[0]) if named else None
        return Accepted(person=person, counts_as=sender.counts_as, delegate=delegate)
    if (shown := _foreign_letters(sender.address)) is not None:
        return unverified(f"the sender's domain may be a look-alike of another: {shown}", rules)
    return Turned(
        reason=Reason.UNKNOWN_SENDER, detail="the directory does not have the sender", hold=rules.hold_unknown
    )


def _delegate(sender: Sender, named: Person) -> Person | None:
    if named.user_code == sender.counts_as:
        return None
    return sender.known if sender.known is not None else Person(user_code=sender.counts_as)


def _foreign_letters(address: str) -> str | None:
    """A domain as people see it, where it is written in an alphabet of its own (``xn--``); else None."""
    domain = address.rpartition("@")[2].lower()
    if not any(label.startswith(_ENCODED) for label in domain.split(".")):
        return None
    return clean(".".join(_decoded(label) for label in domain.split(".")), _SHOWN_DOMAIN)


def _decoded(label: str) -> str:
    if not label.startswith(_ENCODED):
        return label
    try:
        return label.removeprefix(_ENCODED).encode("ascii").decode("punycode") or label
    except UnicodeError:
        return label


def depends_on_proof(decision: Accepted | Turned) -> bool:
    """Whether `proven` may change what `expected` decided: nobody asks name servers for the sake of a stranger."""
    return isinstance(decision, Accepted) or decision.reason is Reason.UNCLEAR_USER


def _unclear(named: Sequence[Person]) -> Turned:
    """Always held: a delegate is somebody to ask, and each of the employees may be the right one."""
    told = ", ".join(person.user_code for person in named[:_MOST_TOLD]) + (", …" if len(named) > _MOST_TOLD else "")
    detail = f"a delegate named several employees, release it with --user-code: {told}"
    return Turned(reason=Reason.UNCLEAR_USER, detail=detail, hold=True)


def person_for(known: Person | None, named: Person | None, rules: MailboxRules) -> Person | None:
    """Whose expense it becomes: of the person a delegate named, else of the mailbox's fixed code, else the sender's."""
    if named is not None:
        return named
    if rules.fixed_code is not None:
        language = known.language if known else None
        return Person(user_code=rules.fixed_code, name=known.name if known else None, language=language)
    return known


def proven(
    decision: Accepted | Turned, proof: Proof, rules: MailboxRules, *, by_covered: Accepted | Turned
) -> Accepted | Turned:
    """What `expected` decided, now that it is known whether the sender is proven, and what the proof covers.

    `by_covered` is what it decides where only the `covered` codes count. Where that is something else, somebody who
    sends a delegate's mail on may have named the employee.
    """
    if not proof.proven:
        return replace(unverified(proof.how, rules), person=decision.person)
    return decision if by_covered == decision else replace(unverified(_UNCOVERED, rules), person=decision.person)


def covered(codes: Sequence[NamedCode], proof: Proof) -> tuple[NamedCode, ...]:
    """The codes that stand where the proof says that the sender wrote them."""
    return tuple(each for each in codes if proof.covers is None or each.field in proof.covers)


def unverified(why: str, rules: MailboxRules) -> Turned:
    """Nothing proves that the sender is who the mail says, or it does not say who that is."""
    return Turned(reason=Reason.UNVERIFIED_SENDER, detail=why, hold=rules.hold_unverified)


def without_person() -> Turned:
    """A mail that an administrator vouches for, and that says nothing of whom it is for."""
    detail = "nobody is known for whom it is booked: release it with --user-code"
    return Turned(reason=Reason.UNKNOWN_SENDER, detail=detail, hold=True)


def named_codes(
    subject: str | None, recipients: Sequence[tuple[str, str]], own_addresses: Collection[str]
) -> tuple[NamedCode, ...]:
    """The employee numbers that a delegate wrote: ``#903851`` in the subject, ``fapiao+903851@`` as address.

    `recipients` are addresses behind the fields that they stand in; `own_addresses` are in lower case, for people write
    to one that need not be the login. Each number is there once for each field.
    Chinese keyboards write ``＃９０３８５１``, and what is pasted holds invisible signs.
    """
    visible = "".join(sign for sign in subject or "" if unicodedata.category(sign) != "Cf")
    found = _CODE_IN_SUBJECT.findall(unicodedata.normalize("NFKC", visible))
    written = [NamedCode(code=code, field="subject") for code in found]
    for field, recipient in recipients:
        local, _, domain = recipient.rpartition("@")
        name, _, code = local.partition("+")
        if f"{name}@{domain}".lower() in own_addresses and _CODE_IN_ADDRESS.fullmatch(code):
            written.append(NamedCode(code=code, field=field))
    return tuple(dict.fromkeys(written))


def named_persons(codes: Sequence[NamedCode], by_code: Callable[[str], Person | None]) -> tuple[Person, ...]:
    """Whom these numbers mean: those that the directory knows, where there are any; the others may be of an order.

    Numbers that differ in case only are one. What is written onto a number without a blank, as in ``#903851-taxi`` or
    ``#903851_打车``, does not belong to it.
    """
    known = {person.user_code: person for each in codes if (person := _known(each.code, by_code)) is not None}
    spellings: dict[str, str] = {}
    for each in codes:
        code = each.code.rstrip("-_") or each.code
        spellings.setdefault(code.casefold(), code)
    return tuple(known.values()) or tuple(Person(user_code=code) for code in spellings.values())


def _known(written: str, by_code: Callable[[str], Person | None]) -> Person | None:
    bare = _WRITTEN_ON.sub("", written)
    return by_code(written) or (by_code(bare) if bare not in ("", written) else None)
