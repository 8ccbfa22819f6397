"""Whose mail it is: its author's, or where a mailbox believes that, whoever forwarded it automatically.

Mail that is forwarded by a rule keeps its author, a vendor, in From. Who forwarded it says Resent-From, or
X-Forwarded-For as Gmail writes it: ``li@corp.example fapiao@corp.example``, from whom and to whom.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator

from msgspec import Struct

from watcher.headers import MailHeader, mailbox

_SEPARATOR = re.compile(rb"[\s,;]+")


class Submitter(Struct, frozen=True, kw_only=True):
    """Whoever submits a mail, by its headers alone: nothing proves it yet."""

    address: str
    forwarded: bool = False  # they passed it on, and wrote nothing of it


class NoSubmitter(Struct, frozen=True, kw_only=True):
    """The mail does not say who submits it, or says it in several ways."""

    problem: str


def submitter(header: MailHeader, *, forwarded_for: bool, own_addresses: Collection[str]) -> Submitter | NoSubmitter:
    """`forwarded_for`: headers of forwarding are believed. Our `own_addresses`, in lower case, forward nothing.

    From has to be one plain address in any case: it is what the proof speaks of, and what people see.
    """
    author = header.from_address
    if author is None:
        return NoSubmitter(problem=header.from_problem or "no sender")
    if not forwarded_for:
        return Submitter(address=author)
    return _forwarder(header, own_addresses) or Submitter(address=author)


def _forwarder(header: MailHeader, own_addresses: Collection[str]) -> Submitter | NoSubmitter | None:
    """None: nobody forwarded it."""
    resent, problem = next(_resent(header, own_addresses), (None, None))
    if problem is not None:
        return NoSubmitter(problem=f"Resent-From: {problem}")
    forwarded = next(_forwarded(header, own_addresses), None)
    if resent and forwarded and resent.lower() != forwarded.lower():
        return NoSubmitter(problem="Resent-From and X-Forwarded-For name two people")
    address = resent or forwarded
    return None if address is None else Submitter(address=address, forwarded=True)


def _resent(header: MailHeader, own_addresses: Collection[str]) -> Iterator[tuple[str | None, str | None]]:
    """Each address in Resent-From, or what is wrong with it, from the top."""
    for value in header.all("resent-from"):
        address, problem = mailbox(value)
        if address is None or address.lower() not in own_addresses:
            yield address, problem


def _forwarded(header: MailHeader, own_addresses: Collection[str]) -> Iterator[str]:
    """Whom each X-Forwarded-For names first, from the top; webmail servers write the user's IP address there."""
    for value in header.all("x-forwarded-for"):
        address, _ = mailbox(_SEPARATOR.split(value.strip(), maxsplit=1)[0])
        if address is not None and address.lower() not in own_addresses:
            yield address
