"""The first question of step 1: who submits this, may they, and for whom is it booked?"""

from __future__ import annotations

from dataclasses import dataclass

from watcher.headers import MailHeader
from watcher.model import Person, Reason
from watcher.policy.mail import answerable
from watcher.policy.who import Accepted, MailboxRules, Turned, decide, named_code, person_for
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
        mailbox = self._its_mailbox()
        address = header.from_address
        if address is None:
            return decide(None, _UNCHECKED, header.from_problem or "no sender", mailbox.rules)
        named = self._named(header, address, mailbox)
        person = person_for(self._directory.by_address(address), named, mailbox.rules)
        # Nobody asks name servers for the sake of a stranger.
        proof = self._prove(parcel) if person is not None else _UNCHECKED
        return decide(person, proof, None, mailbox.rules)

    def may_be_told(self, header: MailHeader, turned: Turned) -> bool:
        """Unknown senders are told only where that is wanted, and only within the own domain."""
        mailbox = self._its_mailbox()
        if turned.reason is not Reason.UNKNOWN_SENDER or not mailbox.answer_unknown or not answerable(header):
            return False
        return _domain(header.from_address or "") == _domain(mailbox.address) != ""

    def _named(self, header: MailHeader, address: str, mailbox: MailboxAdmission) -> Person | None:
        """Whom a delegate submits for; only delegates may name anybody."""
        if not self._directory.may_submit_for_others(address):
            return None
        code = named_code(header.subject, header.recipients, mailbox.address)
        return None if code is None else self._directory.by_code(code) or Person(user_code=code)

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
