"""The first question of step 1: who submits this, may they, and for whom is it booked?"""

from __future__ import annotations

from dataclasses import dataclass

from watcher.headers import MailHeader
from watcher.model import Person, Reason
from watcher.policy.mail import answerable
from watcher.policy.who import (
    Accepted,
    MailboxRules,
    Sender,
    Turned,
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


@dataclass(frozen=True, slots=True, kw_only=True)
class MailboxAdmission:
    """What a mailbox's configuration says about its senders."""

    rules: MailboxRules
    address: str  # the mailbox's own
    answer_unknown: bool  # tell unknown senders of our own domain


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
        sender = self._sender(header)
        if sender is None:
            return unverified(header.from_problem or "no sender", rules)
        decision = self._expected(header, sender)
        return proven(decision, self._prove(parcel), rules) if depends_on_proof(decision) else decision

    def of_released(
        self,
        header: MailHeader,
        parcel: Parcel,  # noqa: ARG002 - asked for as `of_mail` is; what an administrator vouches for needs no proof
        user_code: str | None,
    ) -> Accepted | Turned:
        """For whom a mail is booked that an administrator vouches for.

        With `user_code` it is for that employee, else for whom it would have been; where that is nobody it is held.
        """
        sender = self._sender(header)
        if user_code is not None:
            person = self._directory.by_code(user_code) or Person(user_code=user_code)
            return Accepted(person=person, counts_as=sender.counts_as if sender is not None else user_code)
        decision = self._expected(header, sender) if sender is not None else None
        return decision if decision is not None and depends_on_proof(decision) else without_person()

    def submitter_of(self, header: MailHeader) -> str | None:
        """The address of whoever submits, which nothing proves; None where the mail does not say who that is."""
        return header.from_address

    def counts_as(self, header: MailHeader) -> str | None:
        """What `Accepted.counts_as` would be, by the directory alone; None where nobody is known to book it for."""
        sender = self._sender(header)
        known = sender is not None and depends_on_proof(self._expected(header, sender))
        return sender.counts_as if sender is not None and known else None

    def may_be_told(self, header: MailHeader, turned: Turned) -> bool:
        """Unknown senders are told only where that is wanted, and only within the own domain."""
        mailbox = self._its_mailbox()
        if turned.reason is not Reason.UNKNOWN_SENDER or not mailbox.answer_unknown or not answerable(header):
            return False
        return _domain(header.from_address or "") == _domain(mailbox.address) != ""

    def _sender(self, header: MailHeader) -> Sender | None:
        address = self.submitter_of(header)
        return None if address is None else Sender(address=address, known=self._directory.by_address(address))

    def _expected(self, header: MailHeader, sender: Sender) -> Accepted | Turned:
        mailbox = self._its_mailbox()
        return expected(sender, self._named(header, sender.address, mailbox), mailbox.rules)

    def _named(self, header: MailHeader, address: str, mailbox: MailboxAdmission) -> tuple[Person, ...]:
        """Whom a delegate submits for; only delegates may name anybody."""
        if not self._directory.may_submit_for_others(address):
            return ()
        codes = named_codes(header.subject, header.recipients, mailbox.address)
        return named_persons(codes, self._directory.by_code)

    def _prove(self, parcel: Parcel) -> Proof:
        if self._verification is None:
            return _UNCHECKED
        return self._verification.verify(parcel.header or b"", parcel.whole)

    def _its_mailbox(self) -> MailboxAdmission:
        if self._mailbox is None:
            raise AssertionError("a mail came from something that is no mailbox")
        return self._mailbox


def _domain(address: str) -> str:
    return address.rpartition("@")[2].lower()
