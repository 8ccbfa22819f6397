"""The first question of step 1: who submits this, may they, and for whom is it booked?"""

from __future__ import annotations

from collections.abc import Collection, Sequence

from msgspec import Struct

from watcher.headers import MailHeader
from watcher.model import Person, Reason
from watcher.policy.mail import answerable
from watcher.policy.submitter import NoSubmitter, Submitter, submitter
from watcher.policy.who import (
    Accepted,
    MailboxRules,
    NamedCode,
    Sender,
    Turned,
    covered,
    depends_on_proof,
    expected,
    named_codes,
    named_persons,
    proven,
    unverified,
    without_person,
)
from watcher.ports import Directory, Parcel, Proof, SenderVerification

_UNCHECKED = Proof(proven=True, how="verify_sender is off")


class MailboxAdmission(Struct, frozen=True, kw_only=True):
    """What a mailbox's configuration says about its senders."""

    rules: MailboxRules
    address: str  # the mailbox's own
    answer_unknown: bool  # tell unknown senders of our own domain
    forwarded_for: bool = False  # headers of automatic forwarding say who submits
    own_addresses: Collection[str] = ()  # of all mailboxes and replies, in lower case: they forward nothing


class Admission:
    """Gathers what `policy.who` decides on. Raises DirectoryUnavailable where it cannot be told now."""

    def __init__(
        self, *, directory: Directory, verification: SenderVerification | None, mailbox: MailboxAdmission | None
    ) -> None:
        """`verification` None: every From is believed; `mailbox` None: it is a folder."""
        self._directory = directory
        self._verification = verification
        self._mailbox = mailbox

    def of_file(self, parcel: Parcel) -> Person | None:
        """Whose file it is, by the place or by its owner."""
        if parcel.user_code is not None:
            return self._directory.by_code(parcel.user_code) or Person(user_code=parcel.user_code)
        return self._directory.by_login(parcel.owner) if parcel.owner is not None else None

    def of_mail(self, header: MailHeader, parcel: Parcel) -> Accepted | Turned:
        """Whether a mail is taken in, and for whom."""
        rules = self._its_mailbox().rules
        found = self._submitter(header)
        if isinstance(found, NoSubmitter):
            return unverified(found.problem, rules)
        codes = self._codes(header, found)
        decision = self._expected(found, codes)
        if not depends_on_proof(decision):
            return decision
        proof = self._prove(header, parcel, found)
        kept = covered(codes, proof)
        by_covered = decision if kept == codes else self._expected(found, kept)
        return proven(decision, proof, rules, by_covered=by_covered)

    def of_released(self, header: MailHeader, user_code: str | None) -> Accepted | Turned:
        """For whom a mail is booked that an administrator vouches for, so that it needs no proof.

        With `user_code` it is for that employee, else for whom it would have been; where that is nobody it is held.
        """
        found = self._submitter(header)
        if user_code is not None:
            person = self._directory.by_code(user_code) or Person(user_code=user_code)
            if isinstance(found, NoSubmitter):
                return Accepted(person=person, counts_as=user_code)
            sender = self._sender(found)
            is_another = sender.known is not None and sender.known.user_code != person.user_code
            return Accepted(person=person, counts_as=sender.counts_as, delegate=sender.known if is_another else None)
        decision = None if isinstance(found, NoSubmitter) else self._expected(found, self._codes(header, found))
        return decision if decision is not None and depends_on_proof(decision) else without_person()

    def submitter_of(self, header: MailHeader) -> str | None:
        """The address of whoever submits, which nothing proves; None where the mail does not say who that is.

        It is From's, or where the mailbox believes that, the one that forwarded the mail.
        """
        found = self._submitter(header)
        return None if isinstance(found, NoSubmitter) else found.address

    def counts_as(self, header: MailHeader) -> str | None:
        """What `Accepted.counts_as` would be, by the directory alone; None where nobody is known to book it for."""
        found = self._submitter(header)
        if isinstance(found, NoSubmitter):
            return None
        if not depends_on_proof(self._expected(found, self._codes(header, found))):
            return None
        return self._sender(found).counts_as

    def may_be_told(self, header: MailHeader, turned: Turned) -> bool:
        """Unknown senders are told only where that is wanted, and only within the own domain."""
        mailbox, address = self._its_mailbox(), self.submitter_of(header)
        if turned.reason is not Reason.UNKNOWN_SENDER or not mailbox.answer_unknown or not answerable(header, address):
            return False
        return _domain(address or "") == _domain(mailbox.address) != ""

    def _submitter(self, header: MailHeader) -> Submitter | NoSubmitter:
        mailbox = self._its_mailbox()
        return submitter(header, forwarded_for=mailbox.forwarded_for, own_addresses=mailbox.own_addresses)

    def _sender(self, found: Submitter) -> Sender:
        return Sender(address=found.address, known=self._directory.by_address(found.address))

    def _expected(self, found: Submitter, codes: Sequence[NamedCode]) -> Accepted | Turned:
        named = named_persons(codes, self._directory.by_code)
        return expected(self._sender(found), named, self._its_mailbox().rules)

    def _codes(self, header: MailHeader, found: Submitter) -> tuple[NamedCode, ...]:
        """Whom a delegate submits for; only delegates may name anybody, and in what they wrote themselves."""
        if found.forwarded or not self._directory.may_submit_for_others(found.address):
            return ()
        return named_codes(header.subject, header.recipients, self._its_mailbox().own_addresses)

    def _prove(self, header: MailHeader, parcel: Parcel, found: Submitter) -> Proof:
        if self._verification is None:
            return _UNCHECKED
        forwarder = found.address if found.forwarded else None
        return self._verification.verify(header, parcel.whole, forwarder=forwarder)

    def _its_mailbox(self) -> MailboxAdmission:
        if self._mailbox is None:
            raise AssertionError("a mail came from something that is no mailbox")
        return self._mailbox


def _domain(address: str) -> str:
    return address.rpartition("@")[2].lower()
