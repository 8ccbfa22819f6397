"""Which mails of a folder are to be taken in at all, by their header and age."""

from __future__ import annotations

from collections.abc import Collection
from datetime import date, datetime

from msgspec import Struct

from watcher.config.sections import Mailbox
from watcher.headers import MailHeader
from watcher.policy.mail import ignored
from watcher.policy.submitter import Submitter, submitter


class Wanted(Struct, frozen=True, kw_only=True):
    """Which mails the configuration wants at all."""

    since: date | None
    senders: Collection[str] | None  # addresses and *@domain of submitters, in lower case; None: everybody's
    own_addresses: Collection[str]
    forwarded_for: bool = False

    def left_alone(self, header: MailHeader) -> str | None:
        """Why a mail that is new is left where it is; None: it is taken in."""
        reason = ignored(header, self.own_addresses)
        if reason is None and self.senders is not None and not self._is_configured(header, self.senders):
            return "its sender is none of the configured ones"
        return reason

    def _is_configured(self, header: MailHeader, senders: Collection[str]) -> bool:
        found = submitter(header, forwarded_for=self.forwarded_for, own_addresses=self.own_addresses)
        return isinstance(found, Submitter) and _matches(found.address, senders)

    def is_older(self, received_at: datetime | None) -> bool:
        """By the date that the server wrote, in its own zone, as SEARCH SINCE has it. Unknown is not old."""
        return self.since is not None and received_at is not None and received_at.date() < self.since


def wanted_by(mailbox: Mailbox, own_addresses: Collection[str]) -> Wanted:
    """What a mailbox's section wants. Mail of its own address is none."""
    own = {address.lower() for address in own_addresses}
    if "@" in mailbox.username:
        own.add(mailbox.username.lower())
    senders = None if mailbox.senders is None else frozenset(sender.strip().lower() for sender in mailbox.senders)
    return Wanted(
        since=mailbox.since,
        senders=senders,
        own_addresses=frozenset(own),
        forwarded_for=mailbox.forwarded_for,
    )


def _matches(address: str, senders: Collection[str]) -> bool:
    lowered = address.lower()
    return lowered in senders or f"*@{lowered.rpartition('@')[2]}" in senders
